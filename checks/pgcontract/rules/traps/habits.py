"""Habits of a schema that surprise later: a line for each, with how many there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pgcontract.model.schema import Column, Index
from pgcontract.model.wording import first_of
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts

_FIRST: Final = 3
_TEXTS: Final = lazy_pattern(r"(text|character varying(\(\d+\))?|character\(\d+\))$")
# What machines write, and compare letter by letter.
_MACHINE: Final = lazy_pattern(
    r"(?:^|_)(?i:u?id|uuid|token|hash|key|sha\d*|md5|digest|checksum|secret|nonce|etag)$|[a-z]Id$"
)
_DIRECTION: Final = lazy_pattern(r"( DESC)?( NULLS (FIRST|LAST))?$")


@check("unique.equal_nulls", subjects=catalog_of_head, severity=Severity.INFO, head=True)
def unique_equal_nulls(context: Context) -> Iterator[Answer]:
    """No unique key is over columns that may be NULL.

    Why it matters: NULL equals nothing, so a unique key lets in any number of rows that are equal but for a NULL in it,
    and ON CONFLICT finds none of them.
    How it is measured: the unique indexes at the head of the chain that have a column which may be NULL among their keys.
    One with NULLS NOT DISTINCT is left out, and a column that IS NOT NULL in its WHERE, or
    IS NULL in the WHERE of another.
    What to do: NOT NULL on the columns, or NULLS NOT DISTINCT on the key.
    """
    nullable = {column.name for column in context.after.columns if column.null}
    found = []
    for index in _unique(context):
        predicates = [one.predicate or "" for one in context.after.indexes_by_table.get(index.table, ()) if one.unique]
        keys = [
            key
            for key in _keys(index)
            if f"{index.table}.{key}" in nullable
            and f"({key} IS NOT NULL)" not in (index.predicate or "")
            and not any(f"({key} IS NULL)" in predicate for predicate in predicates)
        ]
        if keys and not index.nulls_not_distinct:
            found.append(f"{index.name} ({', '.join(keys)})")
    yield _answer(
        found, "unique key", "lets in equal rows with a NULL", "No unique key is over columns that may be NULL."
    )


@check("unique.equal_case", subjects=catalog_of_head, severity=Severity.INFO, head=True)
def unique_equal_case(context: Context) -> Iterator[Answer]:
    """No unique key tells texts apart by their case alone.

    Why it matters: 'Ann@example.org' and 'ann@example.org' are two rows, and one person.
    How it is measured: the unique indexes at the head of the chain, but primary keys, with a text among their keys as it
    is. Left out are columns of citext or of a collation of their own, those that another unique index has in lower() or
    upper(), and what machines write, by name: an id, a token, a hash, a key.
    What to do: a unique index over lower(column), or citext, where case means nothing; nothing where it does.
    """
    columns = _columns(context)
    folded = {
        f"{index.table}.{name}"
        for index in context.after.indexes
        if index.unique
        for key in index.keys
        if re.match(r"(lower|upper)\(", key)
        for name in re.findall(r'"(?:[^"]|"")*"|[\w$]+', key)
    }
    found = []
    for index in _unique(context):
        if (index.constraint or "").startswith("primary key "):
            continue
        texts = [
            key
            for key in index.keys
            if (column := columns.get(f"{index.table}.{_DIRECTION.sub('', key)}"))
            and _TEXTS.match(column.type)
            and column.collation is None
            and column.name not in folded
            and not _MACHINE.search(column.bare_name)
        ]
        if texts:
            found.append(f"{index.name} ({', '.join(texts)})")
    yield _answer(found, "unique key", "tells texts apart by case", "No unique key tells texts apart by case alone.")


@check("column.key_width", subjects=catalog_of_head, severity=Severity.INFO, head=True)
def column_key_width(context: Context) -> Iterator[Answer]:
    """No primary key is an integer of four bytes.

    Why it matters: it ends at 2,147,483,647, counted numbers that no row kept (refused inserts, ON CONFLICT) too; then
    every INSERT is refused, and the change to bigint rewrites the table and all that refer to it.
    How it is measured: the primary keys of one column at the head that are an integer; or a smallint, where a sequence
    numbers it.
    What to do: bigint from the beginning, unless the table stays small.
    """
    columns = _columns(context)
    keys = [index for index in _unique(context) if (index.constraint or "").startswith("primary key ")]
    of_one = [columns.get(f"{index.table}.{_keys(index)[0]}") for index in keys if len(index.keys) == 1]
    found = [f"{column.name} ({column.type})" for column in of_one if column and _ends_early(column)]
    yield _answer(found, "primary key", "ends at 2,147,483,647 or before", "No primary key is of four bytes.")


@check("column.time_zone", subjects=catalog_of_head, severity=Severity.INFO, head=True)
def column_time_zone(context: Context) -> Iterator[Answer]:
    """No column holds timestamps without a time zone.

    Why it matters: what is stored is the clock on the wall of whoever wrote it; sessions of other time zones read another
    moment, and an hour comes twice in autumn.
    How it is measured: the columns of type timestamp without time zone of the tables that the chain made.
    What to do: timestamp with time zone, which takes no more room; nothing where a wall's clock is meant.
    """
    found = [column.name for column in _made(context) if re.match(r"timestamp(\(\d\))? without time zone", column.type)]
    yield _answer(found, "column", "holds timestamps without a time zone", "Each timestamp has its time zone.")


@check("column.padded", subjects=catalog_of_head, severity=Severity.INFO, head=True)
def column_padded(context: Context) -> Iterator[Answer]:
    """No column is padded with blanks, as char(n) is.

    Why it matters: char(n) stores n characters always, and its trailing blanks count in LIKE and in no other comparison.
    How it is measured: the columns of type character(n), n above 1, of the tables that the chain made.
    What to do: text, or varchar(n) where a length is meant; a CHECK for an exact one.
    """
    found = [
        column.name
        for column in _made(context)
        if re.match(r"character\(\d+\)", column.type) and column.type != "character(1)"
    ]
    yield _answer(found, "column", "is padded with blanks (char(n))", "No column is padded with blanks.")


def _ends_early(column: Column) -> bool:
    is_numbered = column.identity or (column.default or "").startswith("nextval(")
    return column.type == "integer" or bool(column.type == "smallint" and is_numbered)


def _columns(context: Context) -> dict[str, Column]:
    return {column.name: column for column in context.after.columns}


def _made(context: Context) -> Iterator[Column]:
    """The columns that the chain made, of tables that are no partitions, by table and place."""
    tables = {table.name for table in context.after.tables if not table.partition_of}
    columns = (column for column in made_parts(context, "columns") if column.table in tables)
    yield from sorted(columns, key=lambda column: (column.table, column.position))


def _unique(context: Context) -> tuple[Index, ...]:
    """The unique indexes that the chain made, those of partitions with their partitioned table's."""
    return tuple(index for index in made_parts(context, "indexes") if index.unique and not index.partition_of)


def _keys(index: Index) -> list[str]:
    return [_DIRECTION.sub("", key) for key in index.keys]


def _answer(found: Sequence[str], noun: str, does: str, kept: str) -> Answer:
    if not found:
        return Answer(Status.KEPT, CATALOG, kept)
    if len(found) == 1:
        return Answer(Status.NOTED, CATALOG, f"1 {noun} {does}: {found[0]}.")
    plural = {"lets": "let", "tells": "tell", "ends": "end", "holds": "hold", "is": "are"}
    verb, _, rest = does.partition(" ")
    return Answer(
        Status.NOTED,
        CATALOG,
        f"{len(found)} {noun}s {plural[verb]} {rest}: {first_of(found, _FIRST)}.",
        evidence=[Evidence(title=f"All {len(found)}", text="\n".join(found))] if len(found) > _FIRST else [],
    )
