"""A value as a person can read it, count it and paste it: escaped, by code point, and as one line of SQL."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.identifiers import quote_identifier
from pgcontract.probes.fuzzing.target_column import TargetColumn
from pgcontract.probes.sample_rows import as_text

_MAX_SHOWN: Final = 72  # characters of a value before it is shortened
_MAX_CODE_POINTS: Final = 12
_REPEATED: Final = re.compile(r"(.)\1{19,}", re.DOTALL)


def escaped(value: str) -> str:
    r"""`'a\u200b@b.co'`: everything that is not printable ASCII as an escape; the middle of a long value left out."""
    whole = ascii(value)
    if len(whole) <= _MAX_SHOWN:
        return whole
    return f"{whole[: _MAX_SHOWN // 2]} … {whole[-_MAX_SHOWN // 4 :]} ({len(value):,} characters)"


def short_text(value: str) -> str:
    """`repeat('a', 101)` for a long value that SQL spells shorter; else as `escaped`."""
    literal = text_literal(value)
    return literal if len(ascii(value)) > _MAX_SHOWN >= len(literal) else escaped(value)


def code_points(value: str) -> str:
    """`U+0061 U+200B`: all of a short value's, else those that are no printable ASCII, each once."""
    points = list(value)
    if len(points) > _MAX_CODE_POINTS:
        points = list(dict.fromkeys(character for character in value if not " " <= character <= "~"))
    listed = " ".join(f"U+{ord(character):04X}" for character in points[:_MAX_CODE_POINTS])
    more = f" and {len(points) - _MAX_CODE_POINTS} more" if len(points) > _MAX_CODE_POINTS else ""
    return listed + more or ("printable ASCII only" if value else "empty")


def insert_line(target: TargetColumn, value: str) -> str:
    """One line of SQL that tries the value: pasteable, whatever is in it."""
    row = {**target.row, target.column: value}
    columns = ", ".join(map(quote_identifier, row))
    values = ", ".join(
        _target_literal(target, value) if name == target.column else _literal(cell) for name, cell in row.items()
    )
    return f"INSERT INTO {target.table} ({columns}) VALUES ({values});"  # noqa: S608 - shown, never sent


def _target_literal(target: TargetColumn, value: str) -> str:
    text = text_literal(value)
    return f"({text})::{target.type}" if "repeat(" in text and target.category != "S" else text


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return str(value).lower()
        case _:
            return text_literal(str(as_text(value)))


def text_literal(value: str) -> str:
    r"""`'a'`, `E'a\u200b'` where it would not survive a copy, `repeat('a', 64) || '@b.co'` where it is long."""
    pieces: list[str] = []
    at = 0
    for run in _REPEATED.finditer(value):
        pieces += [_piece(value[at : run.start()])] if run.start() > at else []
        pieces.append(f"repeat({_piece(run[1])}, {len(run[0])})")
        at = run.end()
    if at < len(value) or not pieces:
        pieces.append(_piece(value[at:]))
    return " || ".join(pieces)


def _piece(value: str) -> str:
    plain = value.replace("'", "''")
    if all(" " <= character <= "~" for character in value):
        return f"'{plain}'"
    return "E'" + "".join(map(_character, value)) + "'"


def _character(character: str) -> str:
    match character:
        case "'":
            return "''"
        case "\\":
            return "\\\\"
        case _ if " " <= character <= "~":
            return character
        case "\n" | "\r" | "\t":
            return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    number = ord(character)
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"
