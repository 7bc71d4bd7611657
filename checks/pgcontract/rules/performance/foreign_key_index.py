"""Foreign keys: whether an index finds the rows that refer to another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from psycopg import sql

from pgcontract.model.foreign_key import ForeignKey, read_foreign_key
from pgcontract.model.schema import Constraint, Index, Schema
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

CATALOG = "catalog"

_ORDERING = re.compile(r"( DESC)?( NULLS (FIRST|LAST))?$")
# Methods that find rows by equality without reading the whole index, where its first keys are given.
_MAX_PLANS = 50  # the first of many show it
_EQUALITY_METHODS = ("btree", "hash")


def _foreign_keys(promise: Promise) -> Iterator[str]:
    """The foreign keys that this contract declares and the head still does; the catalog where nothing is declared."""
    if promise.contract is not None:
        yield from (constraint.name for constraint in promise.still_declared("constraints") if _needs_index(constraint))
    elif promise.migration == promise.project.head:
        yield CATALOG


def _needs_index(constraint: Constraint) -> bool:
    """Whether it needs an index: a partition's copy is judged with its parent's; NOT ENFORCED looks nothing up."""
    return constraint.form == "foreign key" and constraint.enforced and not constraint.inherited


@check("foreign_key.indexed", subjects=_foreign_keys, severity=Severity.WARNING, head=True)
def foreign_key_indexed(context: Context) -> Iterator[Answer]:
    """Each foreign key has an index that finds the referencing rows.

    Why it matters: PostgreSQL makes no index on the referencing side. Without one, each DELETE of a referenced row, and
    each UPDATE of its key, reads the whole referencing table and holds its locks meanwhile; each join reads it too.
    How it is measured: the foreign keys that the chain made are read from pg_constraint at its head, and compared with
    the indexes of their own table. An index counts if its first keys are the foreign key's columns, in any order, or if
    it is unique over some of them; it may leave out NULLs, which reference nothing. The server is asked for its plan of
    the query that it runs itself on such a DELETE, with sequential scans made as expensive as possible.
    What to do: CREATE INDEX on the columns of the foreign key; add a waiver where referenced rows are never deleted and
    nobody joins that way.
    """
    after = context.after
    live = {live_key.name: live_key for live_key in after.constraints if _needs_index(live_key)}
    declared = context.promise.contract is not None
    broken, planned = False, 0
    migrated = (live_key.name for live_key in context.migrated.constraints if live_key.name in live)
    for name in _foreign_keys(context.promise) if declared else migrated:
        constraint = live.get(name)
        key = read_foreign_key(constraint.definition) if constraint else None
        origin = context.promise.origin_of("constraint", name)
        if constraint is None or key is None:
            yield Answer(Status.UNKNOWN, name, f"The foreign key {name} does not exist, so this was not checked.")
            continue
        table = constraint.table
        serving = _serving_index(after, table, key)
        columns = ", ".join(key.columns)
        if serving is None:
            broken, planned = True, planned + 1
            yield Answer(
                Status.BROKEN,
                name,
                f"{table} has no index on ({columns}): each DELETE in {key.parent} reads all rows of {table}.",
                expected=f"an index on {table} whose first keys are {columns}",
                actual=_index_list(after, table),
                remedy=f"CREATE INDEX ON {table} ({columns});" + (" and declare it in the contract." if declared else ""),
                evidence=[_lookup_plan(context, table, key)] if planned <= _MAX_PLANS else [],
                origin=origin,
            )
        elif declared:
            yield Answer(Status.KEPT, name, f"{serving} finds the rows of {table} by {columns}.", origin=origin)
    if not declared and not broken:
        yield Answer(Status.KEPT, CATALOG, "Each foreign key has an index on its own columns.")


def foreign_keys_served(after: Schema, index: Index) -> tuple[str, ...]:
    """The foreign keys of its table whose rows the index finds, by name."""
    foreign_keys = (
        (constraint.name, read_foreign_key(constraint.definition))
        for constraint in after.constraints
        if constraint.table == index.table and _needs_index(constraint)
    )
    return tuple(name for name, key in foreign_keys if key and _serves(index, key.columns))


def _serving_index(after: Schema, table: str, key: ForeignKey) -> str | None:
    """The index that serves, by name; for a partitioned table without one, those of all its partitions."""
    for index in after.indexes_by_table.get(table, ()):
        if _serves(index, key.columns):
            return f"The index {index.name}"
    partitions = [partition.name for partition in after.partitions_by_parent.get(table, ())]
    if partitions and all(_serving_index(after, partition, key) for partition in partitions):
        return f"An index of each of {len(partitions)} partitions"
    return None


def _serves(index: Index, columns: tuple[str, ...]) -> bool:
    keys = [_ORDERING.sub("", key) for key in index.keys]
    first = set(keys[: len(columns)]) == set(columns)
    alone = index.unique and set(keys) <= set(columns)
    absent = "".join(f"({column} IS NOT NULL)" for column in columns)
    whole = index.predicate is None or index.predicate in (f"({column} IS NOT NULL)" for column in columns)
    whole = whole or (index.predicate or "").replace(" AND ", "") == f"({absent})"
    return index.valid and index.method in _EQUALITY_METHODS and whole and (first or alone)


def _index_list(after: Schema, table: str) -> str:
    held = [f"{index.name} ({', '.join(index.keys)})" for index in after.indexes_by_table.get(table, ())]
    return ", ".join(held) or "no index"


def _lookup_plan(context: Context, table: str, key: ForeignKey) -> Evidence:
    """How the server finds the rows that refer, where it would rather use an index if there were one."""
    query = sql.SQL("SELECT 1 FROM ONLY {} x WHERE {} FOR KEY SHARE OF x").format(
        sql.SQL(table),
        sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.SQL(column), sql.SQL(f"${number}"))
            for number, column in enumerate(key.columns, 1)
        ),
    )
    with context.sandbox.rolled_back(context.after_state) as connection:
        connection.execute(sql.SQL("PREPARE pgcontract_refers AS {}").format(query))
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute("SET LOCAL enable_seqscan = off")
        nulls = sql.SQL(", ").join([sql.NULL] * len(key.columns))
        plan = connection.execute(sql.SQL("EXPLAIN (COSTS OFF) EXECUTE pgcontract_refers ({})").format(nulls)).fetchall()
        connection.execute("DEALLOCATE pgcontract_refers")
        query_text = query.as_string(connection)
    return Evidence(title=f"The server's plan of its own {query_text}", text="\n".join(line for (line,) in plan))
