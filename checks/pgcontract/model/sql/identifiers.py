"""Names as the catalog spells them: folded, cut to 63 bytes, quoted where needed, invented where none is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count

from pgcontract.model.sql.lexer import Token, TokenKind

MAX_NAME_BYTES = 63

# pg_get_keywords() of PostgreSQL 18, all but the unreserved ones: quote_ident quotes these.
_QUOTED = """
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
"""
_QUOTED_WORDS = frozenset(_QUOTED.split())
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_UNICODE = re.compile(r"\\(?:\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4})|(\\))")
_UPPER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def fold_case(token: Token) -> str:
    """The name a word or quoted name stands for: only A to Z fold to lower case, as in every multi-byte encoding."""
    text = token.text
    if token.kind is not TokenKind.QUOTED:
        return truncate_name(text.translate(_UPPER))
    name = text[text.index('"') + 1 :].removesuffix('"').replace('""', '"')
    if text[0] in "uU":
        name = _UNICODE.sub(lambda code: code[3] or chr(int(code[1] or code[2], 16)), name)
    return truncate_name(name)


def truncate_name(name: str, most: int = MAX_NAME_BYTES) -> str:
    """The name in at most so many bytes, never through the middle of a character."""
    return name.encode()[:most].decode(errors="ignore")


def quoted(name: str) -> str:
    """The name as quote_ident spells it."""
    if _PLAIN.fullmatch(name) and name not in _QUOTED_WORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def dotted(*names: str) -> str:
    """Names joined with dots, each as quote_ident spells it."""
    return ".".join(map(quoted, names))


def free_generated_name(table: str, name_addition: str, label: str, taken: Callable[[str], bool]) -> str:
    """The first free name of `<table>_<addition>_<label>`, `…_<label>1`, … as ChooseRelationName makes it."""
    for turn in count():
        name = _joined(table, name_addition, f"{label}{turn or ''}")
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


def _joined(table: str, name_addition: str, label: str) -> str:
    """makeObjectName of indexcmds.c: the longer of table and addition gives way until all fits into 63 bytes."""
    room = MAX_NAME_BYTES - len(label.encode()) - 1 - bool(name_addition)
    first, second = len(table.encode()), len(name_addition.encode())
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    return "_".join(part for part in (truncate_name(table, first), truncate_name(name_addition, second), label) if part)
