"""A few rows in every table, as an application would insert them: parents first, triggers and constraints on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from itertools import islice
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import rows_of
from pgcontract.errors import ContractError
from pgcontract.model.identifiers import read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Origin, Schema
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.dataset_planner import DatasetPlanner
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.row_maker import FEW, RowMaker
from pgcontract.probes.row_generation.row_variety import insert_variety
from pgcontract.probes.row_generation.selected_values import Selection
from pgcontract.probes.row_generation.table_order import parents_first
from pgcontract.probes.row_generation.target_tables import (
    PARTITION_BOUNDS,
    FilledTable,
    TableCheck,
    named_in,
    read_tables,
)
from pgcontract.values import dataclass

# Rows in more tables than these take minutes, and show nothing of a script that does not name them.
MAX_TABLES: Final = 300
_WORD: Final = re.compile(r"[\w$]+")
_NUMBERS_APART: Final = 20
_HASH_BOUNDS: Final = "satisfies_hash_partition("
# The first partitions that hold rows themselves, each with its bounds.
_PARTITIONS: Final = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), pg_catalog.pg_get_partition_constraintdef(c.oid)
  FROM pg_catalog.pg_partition_tree(%s::pg_catalog.oid) AS p
  JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE p.isleaf AND c.relkind = 'r' AND pg_catalog.pg_get_partition_constraintdef(c.oid) IS NOT NULL
 ORDER BY c.oid LIMIT 16
"""
# Sequences of no column, of whoever migrates.
_LONE_SEQUENCES: Final = """
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND pg_catalog.pg_get_userbyid(c.relowner) = session_user
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i'))
 ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class FewRows:
    """The rows that went into each table, by name; of the tables that took none why, in the server's words; and the
    sequences of no column that handed out numbers."""

    inserted: Mapping[str, int] = field(default_factory=dict)
    numbered: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


def insert_few_rows(
    promise: Promise,
    connection: psycopg.Connection,
    names: Sequence[str],
    *,
    first: int = 1,
    without: Collection[str] = (),
    later: Mapping[str, FilledTable] | None = None,
    entering: Mapping[str, Mapping[str, str]] | None = None,
    selected: Selection | None = None,
    varied: bool = False,
) -> FewRows:
    """Insert a few rows into these tables and into those that they refer to: what `RowMaker` makes, and `row_variety`.

    `first` is the number that values are counted from: rows inserted later need others. Tables `without` rows are
    left alone. `later` are the tables after the migration: values are such that their constraints take them, too.
    `entering` are the partitions that it brings to a table, by name with their bounds: a row of each goes into another.
    `selected` are values of columns, of which there is a row each. With `varied` there are all labels and
    extremes, too.
    """
    tables = read_tables(connection, [name for name in names if name not in without])
    inserted: dict[str, int] = {}
    refused: dict[str, str] = {}
    texts = example_texts(promise)
    for table in parents_first(tables):
        if table.name in without:
            continue
        maker = RowMaker(
            promise=promise,
            connection=connection,
            tables=tables,
            table=table,
            into=table.name,
            first=first,
            texts=texts,
            later=(later or {}).get(table.name),
        )
        number = maker.insert()
        if number and table.partitioned:
            number += _fill_partitions(connection, maker, (entering or {}).get(table.name, {}))
        if number:
            number += insert_variety(maker) if varied else 0
            number += maker.insert_selected(selected) if selected else 0
        if number:
            inserted[table.name] = number
        elif table.name in names:
            refused[table.name] = maker.reason
    waiting = [table for table in tables if table.name in refused]
    if len(waiting) > 1:
        for name, number in _insert_together(promise, connection, waiting, tables, texts).items():
            inserted[name] = number
            del refused[name]
    return FewRows(inserted=inserted, refused=refused, numbered=tuple(_hand_out_numbers(connection)))


def migrated_tables(context: Context, schema: Schema) -> tuple[str, ...]:
    """The tables of the schema that the migrations or a setup made, not the platform; partitions under the table at
    their top."""
    sandbox = context.sandbox
    of_platform = {table.name for table in sandbox.starting_catalog.tables if sandbox.platform.owns_table(table.name)}
    return tuple(
        table.name
        for table in schema.tables
        if table.form != "foreign table"
        and not table.partition_of
        and table.owner == MIGRATOR
        and table.name not in of_platform
    )


def nearest_tables(promise: Promise, names: tuple[str, ...]) -> tuple[str, ...]:
    """The tables that the scripts name, where there are too many to fill them all; what they refer to comes along."""
    return names if len(names) <= MAX_TABLES else tuple(islice(named_tables(promise, names), MAX_TABLES))


def named_tables(promise: Promise, names: Iterable[str]) -> Iterator[str]:
    """Those that the scripts name, in whatever schema."""
    scripts = (promise.script, promise.rollback)
    words = {word.lower() for script in scripts if script for word in _WORD.findall(script.text)}
    return (name for name in names if read_identifier(split_name(name)[0][-1]).lower() in words)


def read_later_tables(connection: psycopg.Connection, names: Collection[str]) -> Mapping[str, FilledTable]:
    """The tables of these names as they are on the connection, by name."""
    return {table.name: table for table in read_tables(connection, names)}


def _fill_partitions(connection: psycopg.Connection, maker: RowMaker, entering: Mapping[str, str]) -> int:
    """Insert a row into each partition that holds none yet: a script may be about one of them alone. And a row within
    the bounds of each that is yet to come, which goes where there is room for it."""
    inserted = 0
    partitions = connection.execute(_PARTITIONS, [maker.table.oid]).fetchall()
    for place, (name, bounds) in enumerate([*partitions, *entering.items()], start=1):
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.SQL(name))
        if name not in entering and connection.execute(query).fetchone() == (True,):
            continue
        columns = {column.name for column in maker.table.columns}
        inside = TableCheck(name=name, expression=bounds, columns=tuple(sorted(named_in(bounds) & columns)))
        others = tuple(check for check in maker.table.checks if check.name != PARTITION_BOUNDS)
        narrowed = replace(maker.table, checks=(*others, inside))
        first = maker.first + place * _NUMBERS_APART
        # Of hash partitions the bounds name no value that could be tried: numbers are, until one falls there.
        is_hash = _HASH_BOUNDS in bounds
        table = maker.table if is_hash else narrowed
        into = maker.into if name in entering else name
        own = replace(maker, table=table, into=into, first=first, is_empty=False, planned=[])
        # Of bounds that are narrow the first numbers alone may be inside.
        numbers = range(first, first + _NUMBERS_APART) if is_hash else (first, *range(1, FEW + 1))
        inserted += any(own.insert_one(number) for number in numbers)
    return inserted


def _insert_together(
    promise: Promise,
    connection: psycopg.Connection,
    waiting: Sequence[FilledTable],
    tables: Sequence[FilledTable],
    texts: Mapping[tuple[str, str], tuple[str, ...]],
) -> dict[str, int]:
    """The rows of tables that refer to each other, in one transaction whose deferrable constraints wait for its end."""
    names = {table.name for table in waiting}
    planner = DatasetPlanner(
        connection,
        tables,
        rows_of(sorted(names), FEW),
        size=FEW,
        seed=promise.seed,
        texts=texts,
        declared_at=Origin(file=promise.migration.up.path, line=1),
        stored={table.name for table in tables} - names,
        nulls=False,
    )
    order = sorted(names)
    # Where only one of the keys waits, one order works and the other does not.
    for ordered in (order, order[::-1]):
        with suppress(psycopg.Error, ContractError), connection.transaction():
            connection.execute("SET CONSTRAINTS ALL DEFERRED")
            for name in ordered:
                connection.execute(planner.table_plan(name).insert(1, FEW))
            return dict.fromkeys(names, FEW)
    return {}


def _hand_out_numbers(connection: psycopg.Connection) -> Iterator[str]:
    """Take numbers of the sequences that no column's rows have taken any of, as an application does."""
    for (name,) in connection.execute(_LONE_SEQUENCES).fetchall():
        with suppress(psycopg.Error), connection.transaction():
            query = "SELECT pg_catalog.nextval(%s::pg_catalog.regclass) FROM pg_catalog.generate_series(1, %s)"
            connection.execute(query, [name, FEW])
            yield name
