"""One identifier: as SQL reads it, as quote_ident spells it, cut to 63 bytes, and invented where none is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

MAX_NAME_BYTES: Final = 63

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")
_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

# Every word of PostgreSQL 15 to 18 whose pg_get_keywords().catcode is not U: quote_ident puts these in quotes.
KEYWORDS: Final = frozenset(
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


def quote_identifier(name: str) -> str:
    """One bare identifier as quote_ident spells it: quotes only where SQL would read another name without them."""
    if _PLAIN.fullmatch(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def read_identifier(text: str) -> str:
    """The bare identifier that one word or quoted name of SQL stands for.

    Outside of quotes only A to Z fold to lower case, as PostgreSQL does in every multi-byte encoding.
    """
    return unquote_identifier(text) if text.startswith('"') else text.translate(_LOWER)


def unquote_identifier(name: str) -> str:
    """One identifier without its quotes, if it has any; what has none is bare already, capitals and all."""
    return name[1:].removesuffix('"').replace('""', '"') if name.startswith('"') else name


def truncate_name(name: str, most: int = MAX_NAME_BYTES) -> str:
    """The name in at most so many bytes, never through the middle of a character."""
    return name.encode()[:most].decode(errors="ignore")


def generated_name(relation: str, addition: str, label: str) -> str:
    """The name PostgreSQL makes for what belongs to a relation: `t_id_seq`; `t_pkey` where the addition is empty.

    The longer of relation and addition gives way until all fits into 63 bytes, as in makeObjectName
    (src/backend/commands/indexcmds.c). Takes and gives bare names.
    """
    room = MAX_NAME_BYTES - len(label.encode()) - 1 - bool(addition)
    first, second = len(relation.encode()), len(addition.encode())
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return "_".join(part for part in (truncate_name(relation, first), truncate_name(addition, second), label) if part)


def free_generated_name(relation: str, addition: str, label: str, taken: Callable[[str], bool]) -> str:
    """The first free name of `<relation>_<addition>_<label>`, `…_<label>1`, … as ChooseRelationName makes it."""
    for turn in count():
        name = generated_name(relation, addition, f"{label}{turn or ''}")
        if not taken(name):
            return name
    raise AssertionError("count() never ends")


def name_addition(columns: Sequence[str]) -> str:
    """What the columns add to the name of an index or foreign key, as ChooseIndexNameAddition makes it."""
    text = ""
    for column in columns:
        text += ("_" if text else "") + column
        if len(text.encode()) >= MAX_NAME_BYTES:
            break
    return text
