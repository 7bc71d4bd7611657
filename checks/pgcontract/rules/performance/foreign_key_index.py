"""Foreign keys: whether an index finds the rows that refer to another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from pgcontract.model.schema import Constraint, Index, Schema
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check

CATALOG = "catalog"

_WORD = r'(?:"(?:[^"]|"")*"|[^"(),])+'
_FOREIGN_KEY = re.compile(rf"FOREIGN KEY \(({_WORD}(?:, {_WORD})*)\) REFERENCES ({_WORD})\(")
_MANNER = re.compile(r"( DESC)?( NULLS (FIRST|LAST))?$")
# Methods that find rows by equality without reading the whole index, where its first keys are given.
_FINDS = ("btree", "hash")


def _foreign_keys(promise: Promise) -> Iterator[str]:
    """The foreign keys that this contract declares and the head still does; the catalog where nothing is declared."""
    if promise.contract is not None:
        yield from (each.name for each in promise.still("constraints") if _asked(each))
    elif promise.migration == promise.project.head:
        yield CATALOG


def _asked(constraint: Constraint) -> bool:
    """A partition's copy goes with its parent's, and one that is not enforced looks nothing up."""
    return constraint.form == "foreign key" and constraint.enforced and not constraint.inherited


@check("index.foreign_key", subjects=_foreign_keys, severity=Severity.WARNING, head=True)
def index_foreign_key(trial: Trial) -> Iterator[Finding]:
    """An index finds the rows that refer by each foreign key.

    Why it matters: PostgreSQL makes no index for the side that refers. Without one, each DELETE of a row referred to,
    and each UPDATE of its key, reads the whole table that refers, and holds its locks meanwhile; so does each join.
    How it is measured: the foreign keys of pg_constraint at the head of the chain against the indexes of their own
    table. One serves whose first keys are the key's columns, in any order, or that is unique over some of them; it may
    leave out NULLs, which refer to nothing. The server is asked for its plan of the query that it runs itself on such
    a DELETE, with reading the whole table made as dear as can be.
    What to do: CREATE INDEX on the columns of the foreign key; waive it where rows that are referred to are never
    deleted and nobody joins that way.
    """
    after = trial.after
    live = {each.name: each for each in after.constraints if _asked(each)}
    declared = trial.promise.contract is not None
    broken = False
    for name in _foreign_keys(trial.promise) if declared else live:
        constraint = live.get(name)
        key = _key(constraint) if constraint else None
        origin = trial.promise.place_of("constraint", name)
        if key is None:
            yield answer(Status.UNKNOWN, name, f"The foreign key {name} is not there, so this cannot be asked of it.")
            continue
        serving = _serving(after, key.table, key)
        columns = ", ".join(key.columns)
        if serving is None:
            broken = True
            yield answer(
                Status.BROKEN,
                name,
                f"No index finds the rows of {key.table} by {columns}: each DELETE in {key.referred} reads all of them.",
                expected=f"an index on {key.table} whose first keys are {columns}",
                actual=_indexes(after, key.table),
                remedy=f"CREATE INDEX ON {key.table} ({columns}), and declare it.",
                evidence=[_plan(trial, key)],
                origin=origin,
            )
        elif declared:
            yield answer(Status.KEPT, name, f"{serving} finds the rows of {key.table} by {columns}.", origin=origin)
    if not declared and not broken:
        yield answer(Status.KEPT, CATALOG, "An index finds the rows that refer by each foreign key.")


@dataclass(frozen=True, kw_only=True)
class _Key:
    """Who refers to whom: names as the server spells them."""

    table: str
    columns: tuple[str, ...]
    referred: str


def _key(constraint: Constraint) -> _Key | None:
    found = _FOREIGN_KEY.match(constraint.definition or "")
    if found is None:
        return None
    columns = tuple(each.removeprefix("PERIOD ") for each in re.findall(rf"{_WORD}(?=, |$)", found[1]))
    return _Key(table=constraint.table, columns=tuple(map(str.strip, columns)), referred=found[2])


def keys_served(after: Schema, index: Index) -> tuple[str, ...]:
    """The foreign keys of its table whose rows the index finds, by name."""
    asked = ((each.name, _key(each)) for each in after.constraints if each.table == index.table and _asked(each))
    return tuple(name for name, key in asked if key and _serves(index, key.columns))


def _serving(after: Schema, table: str, key: _Key) -> str | None:
    """The index that serves, by name; for a partitioned table without one, those of all its partitions."""
    for index in after.indexes:
        if index.table == table and _serves(index, key.columns):
            return f"The index {index.name}"
    partitions = [each.name for each in after.tables if each.partition_of == table]
    if partitions and all(_serving(after, each, key) for each in partitions):
        return f"An index of each of {len(partitions)} partitions"
    return None


def _serves(index: Index, columns: tuple[str, ...]) -> bool:
    keys = [_MANNER.sub("", each) for each in index.keys]
    first = set(keys[: len(columns)]) == set(columns)
    alone = index.unique and set(keys) <= set(columns)
    absent = "".join(f"({each} IS NOT NULL)" for each in columns)
    whole = index.predicate is None or index.predicate in (f"({each} IS NOT NULL)" for each in columns)
    whole = whole or (index.predicate or "").replace(" AND ", "") == f"({absent})"
    return index.valid and index.method in _FINDS and whole and (first or alone)


def _indexes(after: Schema, table: str) -> str:
    held = [f"{each.name} ({', '.join(each.keys)})" for each in after.indexes if each.table == table]
    return ", ".join(held) or "no index"


def _plan(trial: Trial, key: _Key) -> Evidence:
    """How the server finds the rows that refer, where it would rather use an index if there were one."""
    query = sql.SQL("SELECT 1 FROM ONLY {} x WHERE {} FOR KEY SHARE OF x").format(
        sql.SQL(key.table),
        sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.SQL(each), sql.SQL(f"${number}")) for number, each in enumerate(key.columns, 1)
        ),
    )
    with trial.workbench.rolled_back(trial.after_state) as connection:
        connection.execute(sql.SQL("PREPARE pgcontract_refers AS {}").format(query))
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute("SET LOCAL enable_seqscan = off")
        nulls = sql.SQL(", ").join([sql.NULL] * len(key.columns))
        plan = connection.execute(sql.SQL("EXPLAIN (COSTS OFF) EXECUTE pgcontract_refers ({})").format(nulls)).fetchall()
        connection.execute("DEALLOCATE pgcontract_refers")
        asked = query.as_string(connection)
    return Evidence(title=f"The server's plan of its own {asked}", text="\n".join(line for (line,) in plan))
