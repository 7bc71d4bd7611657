"""Whether a value is still there in the new type of its column: it reads as before, or is told from those beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.populated.loss_words import falls_through
from pgcontract.values import dataclass

# A value of each type right beside another: what does not tell these two apart loses something.
_BESIDE: Final = (
    (re.compile(r".*\[\]"), ("SELECT array_append(v, NULL)",)),
    (re.compile(r"numeric"), ("SELECT v + power(10::numeric, -scale(v))", "SELECT v - power(10::numeric, -scale(v))")),
    (re.compile(r"smallint|integer|bigint|inet|date"), ("SELECT v + 1", "SELECT v - 1")),
    (re.compile(r"real|double precision"), ("SELECT v + 0.01",)),  # whose last digits nobody meant
    (re.compile(r"timestamp|time|interval"), ("SELECT v + interval '1 microsecond'",)),
    (re.compile(r"boolean"), ("SELECT NOT v",)),
    (
        re.compile(r"text|character|citext"),
        ("SELECT v || 'x'", "SELECT left(v, -1) || CASE right(v, 1) WHEN 'x' THEN 'y' ELSE 'x' END"),
    ),
    (re.compile(r"bytea"), (r"SELECT v || '\x01'::bytea",)),
    (
        re.compile(r"jsonb?"),
        (
            """SELECT CASE jsonb_typeof(v::jsonb) WHEN 'object' THEN v::jsonb || '{"x": 1}'
                WHEN 'array' THEN v::jsonb || '["x"]' ELSE '"x"' END""",
        ),
    ),
    (re.compile(r""), ("SELECT unnest(enum_range(v))",)),
)


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What stands behind USING for one column; `chooses` where it takes values one by one, in a CASE or to a boolean, and
    so says itself which; `empties` where that CASE lists them and has no ELSE, so that all others become NULL."""

    expression: str
    chooses: bool
    empties: bool = False


def conversion_of(statement: Statement, column: str) -> Conversion | None:
    """The USING of that column's new type; None where there is none, or it is a mere cast."""
    read = tokens(statement.text)
    for place, token in enumerate(read):
        if token.upper != "TYPE" or not place or read[place - 1].upper == "ALTER":
            continue
        named = read[place - 3] if read[place - 1].upper == "DATA" else read[place - 1]
        if named.kind not in (TokenKind.WORD, TokenKind.QUOTED) or named.name != column:
            continue
        clause = _clause(read[place + 1 :])
        using = next((at for at, each in enumerate(clause) if each.upper == "USING"), None)
        if using is None or using + 1 >= len(clause):
            return None
        written = clause[using + 1 :]
        if _is_cast(written, column):
            return None
        text = statement.text[written[0].offset : written[-1].offset + len(written[-1].text)]
        words = {each.upper for each in written}
        to_boolean = any(each.upper in ("BOOLEAN", "BOOL") for each in clause[:using])
        empties = falls_through(written)
        chooses = "WHEN" in words and not empties
        return Conversion(expression=text, chooses=chooses or to_boolean, empties=empties)
    return None


def _clause(read: Sequence[Token]) -> Sequence[Token]:
    """The tokens up to the comma behind which the next action begins."""
    depth = 0
    for place, token in enumerate(read):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if depth == 0 and token.text in (",", ";"):
            return read[:place]
    return read


def _is_cast(written: Sequence[Token], column: str) -> bool:
    """Whether it is the column, with nothing but casts: c::integer, CAST(c AS date)."""
    words = [token for token in written if token.text not in ("(", ")")]
    if words and words[0].upper == "CAST":
        words = words[1:]
    if not words or words[0].name != column:
        return False
    rest = words[1:]
    return not rest or rest[0].text == "::" or rest[0].upper == "AS"


def keeps_apart(
    connection: psycopg.Connection,
    conversion: Conversion,
    *,
    table: str,
    column: str,
    types: Mapping[str, str],
    row: Mapping[str, str | None],
) -> bool | None:
    """Whether the value of the row comes out as another one than what stands beside it; None where that cannot be asked:
    there is no such value, or the server refuses it."""
    value, type_name = row[column], types[column]
    if value is None:
        return None
    outcomes = [
        _converted(connection, conversion, table=table, types=types, row={**row, column: each})
        for each in (value, *_neighbours(connection, type_name, value))
    ]
    known = [outcome for outcome in outcomes[1:] if outcome is not None]
    if outcomes[0] is None or not known:
        return None
    return len({text for (text,) in (outcomes[0], *known)}) == len(known) + 1


def _neighbours(connection: psycopg.Connection, type_name: str, value: str) -> Iterator[str]:
    for select in next(selects for names, selects in _BESIDE if names.match(type_name)):
        query = sql.SQL(
            "SELECT DISTINCT CAST(b AS {type})::text FROM (SELECT CAST({value} AS {type})) AS one (v), "
            "LATERAL ({select}) AS two (b) WHERE CAST(b AS {type})::text <> v::text"
        ).format(select=sql.SQL(select), type=sql.SQL(type_name), value=sql.Literal(value))
        yield from (text for (text,) in _rows(connection, query) or () if text is not None)


def _converted(
    connection: psycopg.Connection,
    conversion: Conversion,
    *,
    table: str,
    types: Mapping[str, str],
    row: Mapping[str, str | None],
) -> tuple[str | None] | None:
    """What comes of it, as text; None where it is refused."""
    values = sql.SQL(", ").join(
        sql.SQL("CAST({} AS {}) AS {}").format(sql.Literal(row.get(name)), sql.SQL(each), sql.Identifier(name))
        for name, each in types.items()
    )
    query = sql.SQL("SELECT ({})::text FROM (SELECT {}) AS {}").format(
        sql.SQL(conversion.expression), values, sql.Identifier(QualifiedName.parse(table).name)
    )
    found = _rows(connection, query)
    return found[0] if found else None


def _rows(connection: psycopg.Connection, query: sql.Composed) -> list[tuple[str | None]] | None:
    try:
        with connection.transaction(force_rollback=True):
            return connection.execute(query).fetchall()
    except psycopg.Error:
        return None


def says_the_same(connection: psycopg.Connection, old: str | None, new: str | None, old_type: str, new_type: str) -> bool:
    """Whether the new value can be read back as the old one; a text that is no text any more: whether it reads as it."""
    if old is None or {old_type, new_type} <= {"json", "jsonb"}:
        return True
    if new is None:
        return False
    texts = ("text", "character", "citext", "name")
    if old_type.startswith(texts) and new_type.startswith(texts):
        return old.rstrip() == new.rstrip()
    if {_kind(old_type), _kind(new_type)} == {"timestamp"} and new_type != "date":
        return True
    query = "SELECT CAST({new} AS {new_type})::text::{old_type} = CAST({old} AS {old_type})"
    if old_type.startswith(texts):
        query = "SELECT CAST({old} AS {new_type})::text = CAST({new} AS {new_type})::text"
    written = sql.SQL(query).format(
        old=sql.Literal(old), new=sql.Literal(new), old_type=sql.SQL(old_type), new_type=sql.SQL(new_type)
    )
    try:
        with connection.transaction(force_rollback=True):
            row = connection.execute(written).fetchone()
    except psycopg.Error:
        return False
    return row is not None and row[0] is True


def _kind(type_name: str) -> str:
    return "timestamp" if type_name.startswith("timestamp") else type_name
