"""How names are spelled: as quote_ident spells them, so that one thing has one name whoever wrote it down."""

from __future__ import annotations

import re
from typing import Final

_IDENT: Final = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_PIECE: Final = re.compile(_IDENT)
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")
_DOTTED: Final = re.compile(rf"{_IDENT}(?:\.{_IDENT})*")
_MAX_NAME_BYTES: Final = 63

# Every word of PostgreSQL 15 to 18 whose pg_get_keywords().catcode is not U: quote_ident puts these in quotes.
_KEYWORDS: Final = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both
    case cast char character check coalesce collate collation column concurrently constraint create cross
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect
    interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on
    only or order out outer overlaps overlay placing position precision primary real references returning right
    row select session_user setof similar smallint some substring symmetric system_user table tablesample then
    time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when
    where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi
    xmlroot xmlserialize xmltable
    """.split()  # noqa: SIM905
)


def quote(name: str) -> str:
    """One identifier as quote_ident spells it: quotes only where SQL would read another name without them."""
    if _PLAIN.fullmatch(name) and name not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def split(name: str) -> tuple[str, ...]:
    """The bare identifiers of a dotted name, quotes removed: `public."Order"` is ("public", "Order")."""
    return tuple(bare(piece) for piece in _PIECE.findall(name))


def bare(name: str) -> str:
    """One identifier without its quotes, if it has any."""
    return name[1:-1].replace('""', '"') if name[:1] == name[-1:] == '"' else name


def join(*names: str) -> str:
    """A dotted name from bare identifiers; the inverse of `split`."""
    return ".".join(quote(name) for name in names)


def spell(name: str, *, parts: tuple[int, int], example: str) -> str:
    """A name an owner wrote, as the server spells it, of at least and at most so many `parts`.

    A function's argument types stay as they are written. Raises ValueError that says what to write instead: for a
    capital letter without quotes (SQL would fold it), for blanks and other marks, for a missing schema.
    """
    dotted, bracket, arguments = name.partition("(")
    if not _DOTTED.fullmatch(dotted):
        raise ValueError(
            f"{name!r} is no name in SQL; in double quotes it is one: '{_quoted(dotted)}{bracket}{arguments}'"
        )
    for piece in _PIECE.findall(dotted):
        if not piece.startswith('"') and piece != piece.lower():
            raise ValueError(
                f"{name!r} has capital letters, which SQL reads as {piece.lower()!r} unless quoted; "
                f"write '{_quoted(dotted)}{bracket}{arguments}', or all in lower case"
            )
    pieces = split(dotted)
    least, most = parts
    if len(pieces) < least:
        hint = f"public.{name}" if least == len(pieces) + 1 == 2 else f"it in full, as in {example}"
        raise ValueError(f"{name!r} has no schema; write {hint}")
    if len(pieces) > most:
        raise ValueError(f"{name!r} has {len(pieces)} parts; write it as in {example}")
    return join(*pieces) + bracket + arguments


def _quoted(dotted: str) -> str:
    """The name with quotes around each piece that needs them, cut at the dots outside quotes."""
    return ".".join(quote(piece.strip('"')) for piece in re.findall(r'"(?:[^"]|"")*"|[^.]+', dotted))


def schema_of(name: str) -> str:
    """The schema of a qualified name, as spelled."""
    return join(*split(name.partition("(")[0])[:1])


def arguments_of(function: str) -> str:
    """The argument types in a function's name."""
    return function.partition("(")[2].removesuffix(")")


def generated_name(relation: str, column: str, label: str) -> str:
    """The bare name PostgreSQL makes for something that belongs to a relation and perhaps a column.

    `t_id_seq`, `t_pkey`; where it is over 63 bytes the longer of the two is cut, as makeObjectName does
    (src/backend/commands/indexcmds.c). Takes and gives bare names, not quoted ones.
    """
    kept = [relation.encode(), column.encode()]
    room = _MAX_NAME_BYTES - len(label.encode()) - (2 if column else 1)
    sizes = [len(part) for part in kept]
    while sum(sizes) > room:
        sizes[0 if sizes[0] > sizes[1] else 1] -= 1
    cut = [part[:size].decode(errors="ignore") for part, size in zip(kept, sizes, strict=True)]
    return "_".join(part for part in (*cut, label) if part)
