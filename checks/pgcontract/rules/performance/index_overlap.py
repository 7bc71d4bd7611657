"""Indexes that another index makes superfluous: duplicates, prefixes of another, and copies of a constraint's index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from pgcontract.contract import Query
from pgcontract.errors import CouldNotAsk
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Index
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from pgcontract.performance.index_heights import IndexFacts

CATALOG = "catalog"

_KEY = re.compile(r"(?P<term>.*?)(?P<descending> DESC)?(?: NULLS (?P<nulls>FIRST|LAST))?", re.DOTALL)
_OPPOSITE = {"FIRST": " NULLS LAST", "LAST": " NULLS FIRST", None: ""}


@dataclass(frozen=True, kw_only=True)
class _Messages:
    """The messages of one kind of overlap; `{index}` is the index that could go, `{other}` the one that makes it so."""

    broken: str
    kept: str
    expected: str
    remedy: str


def _indexes(promise: Promise) -> Iterator[str]:
    """The indexes that this contract declares and the head still does; the whole catalog where nothing is declared."""
    if promise.contract is not None:
        yield from (index.name for index in promise.still_declared("indexes"))
    elif promise.migration == promise.project.head:
        yield CATALOG


@check("index.not_duplicated", subjects=_indexes, severity=Severity.WARNING, head=True)
def index_not_duplicated(context: Context) -> Iterator[Answer]:
    """No index is the same as another one.

    Why it matters: each write updates both, both take memory and disk, and no query gains anything.
    How it is measured: method, keys with their operator classes, collations and order, predicate, included columns and
    uniqueness of every index in pg_index at the head of the chain are compared with those of the other indexes on its
    table. A B-tree whose keys all run in the opposite direction is the same: it can be read both ways. A plain index may
    duplicate a unique one, never the other way round.
    What to do: DROP INDEX the one that no constraint depends on.
    """
    messages = _Messages(
        broken="{index} duplicates {other}",
        kept="{index} duplicates no other index",
        expected="one index of this definition",
        remedy="Drop {index}: {other} serves the same queries, and each write maintains both.",
    )
    yield from _overlap_answers(context, _is_duplicate, messages)


@check("index.not_prefix", subjects=_indexes, severity=Severity.WARNING, head=True)
def index_not_prefix(context: Context) -> Iterator[Answer]:
    """No index has only the first keys of another one.

    Why it matters: the longer index finds and orders the same rows. The shorter one costs every write and only saves
    pages in long scans.
    How it is measured: B-trees of one table and one predicate are compared key by key; one that runs wholly in the
    opposite direction counts as the same. An index that is unique or backs a constraint is never reported as redundant.
    One that a declared query names, and that has at most half the other's pages on the largest loaded tables, is
    mentioned and passes. The server is asked for its plan with the shorter index dropped, in a transaction that is rolled
    back.
    What to do: DROP INDEX the shorter one, or declare the query that needs the smaller index.
    """
    messages = _Messages(
        broken="{index} only has the first keys of {other}",
        kept="{index} has other keys than the first ones of another index",
        expected="no index that a longer one replaces",
        remedy="Drop {index}: {other} finds the same rows in the same order. "
        "Or declare the query that needs the smaller one.",
    )
    yield from _overlap_answers(context, _is_prefix, messages, proof=_plan_without, excuse=_declared_and_smaller)


@check("index.not_redundant", subjects=_indexes, severity=Severity.WARNING, head=True)
def index_not_redundant(context: Context) -> Iterator[Answer]:
    """No index repeats the one that a constraint creates.

    Why it matters: PRIMARY KEY, UNIQUE and EXCLUDE create an index of their own. A second one over the same keys makes
    each write more expensive and finds nothing faster.
    How it is measured: every index is compared with those of the constraints on its table, as for index.not_duplicated. A
    unique index next to a deferrable constraint rejects duplicates at once, and one that treats NULLs as equal rejects
    more: neither is redundant.
    What to do: drop the index and leave the constraint; of two constraints, drop the one that no foreign key references.
    """
    messages = _Messages(
        broken="{index} repeats {other}, the index of a constraint",
        kept="{index} does not repeat the index of a constraint",
        expected="only the constraint's own index",
        remedy="Drop {index}; where it is a constraint of its own, drop that, unless a foreign key refers to it.",
    )
    yield from _overlap_answers(context, _is_redundant, messages)


Overlap = Callable[[Context, Index, Index], bool]
Proof = Callable[[Context, Index, Index], Iterable[Evidence]]
Excuse = Callable[[Context, Index, Index], str | None]


def _overlap_answers(
    context: Context, overlap: Overlap, messages: _Messages, *, proof: Proof | None = None, excuse: Excuse | None = None
) -> Iterator[Answer]:
    """An answer for each declared index; where nothing is declared, for each redundant index, or one for the catalog."""
    live = {index.name: index for index in context.after.indexes}
    order = _declaration_order(context)
    if context.promise.contract is None:
        names = [index.name for index in context.migrated.indexes if index.name not in order]
    else:
        names = list(_indexes(context.promise))
    any_rival = False
    for name in names:
        index = live.get(name)
        origin = context.promise.origin_of("index", name)
        if index is None:
            yield Answer(Status.UNKNOWN, name, f"The index {name} does not exist, so this was not checked.")
            continue
        others = [
            rival
            for rival in context.after.indexes_by_table.get(index.table, ())
            if rival.name != name
            and overlap(context, index, rival)
            and not (overlap(context, rival, index) and _rank(index, order) < _rank(rival, order))
        ]
        if others:
            any_rival = True
            other = min(others, key=lambda rival: _rank(rival, order))
            excused = excuse(context, index, other) if excuse else None
            yield Answer(
                Status.NOTED if excused else Status.BROKEN,
                name,
                f"{messages.broken.format(index=index.name, other=other.name)}{excused or ''}.",
                expected=None if excused else messages.expected,
                actual=f"{_definition(index)} next to {_definition(other)}",
                remedy=None if excused else messages.remedy.format(index=index.name, other=other.name),
                evidence=[*_sizes_evidence(context, index, other), *(proof(context, index, other) if proof else ())],
                origin=origin,
            )
        elif context.promise.contract is not None:
            yield Answer(Status.KEPT, name, f"{messages.kept.format(index=name)}.", origin=origin)
    if context.promise.contract is None and not any_rival:
        yield Answer(Status.KEPT, CATALOG, f"{messages.kept.format(index='Each index')}.")


def _declaration_order(context: Context) -> dict[str, tuple[int, int]]:
    """Where in the chain each declared index is declared: of two equal ones the later is redundant."""
    project = context.promise.project
    files = {migration.contract.path: number for number, migration in enumerate(project.chain) if migration.contract}
    there_before = {index.name: (-1, 0) for index in context.sandbox.starting_catalog.indexes}
    return there_before | {
        index.name: (files.get(index.origin.file, 0), index.origin.line or 0) if index.origin else (0, 0)
        for index in project.declared(project.head.key).indexes
    }


def _rank(index: Index, order: dict[str, tuple[int, int]]) -> tuple[object, ...]:
    """Sort key by what depends on an index: a key, a constraint, uniqueness, replication; then the older one."""
    constraint = index.constraint or ""
    return (
        not constraint.startswith("primary key "),
        not constraint,
        not index.unique,
        not index.replica_identity,
        order.get(index.name, (len(order) + 1, 0)),
        index.name,
    )


def _is_duplicate(context: Context, index: Index, other: Index) -> bool:
    alike = set(index.include) == set(other.include) or index.unique
    return not index.constraint and not other.constraint and alike and _covers(index, other) and _enforces(index, other)


def _is_redundant(context: Context, index: Index, other: Index) -> bool:
    return (
        bool(other.constraint)
        and _covers(index, other)
        and _enforces(index, other)
        and not _refuses_earlier(context, index, other)
    )


def _is_prefix(context: Context, index: Index, other: Index) -> bool:
    if index.unique or index.constraint or index.method != "btree" or other.method != "btree":
        return False
    longer = len(index.keys) < len(other.keys) or (
        index.keys and set(index.include) < set(other.include) and not other.constraint
    )
    other_columns = {*other.include, *other.keys}
    return (
        bool(longer)
        and _hold_same_rows(index, other)
        and _is_leading(index.keys, other.keys)
        and other_columns.issuperset(index.include)
    )


def _covers(index: Index, other: Index) -> bool:
    """Whether the other has the same keys and all of its included columns, for the same rows."""
    if index.method != other.method or len(index.keys) != len(other.keys) or not set(index.include) <= set(other.include):
        return False
    return _hold_same_rows(index, other) and (
        _is_leading(index.keys, other.keys) if index.method == "btree" else index.keys == other.keys
    )


def _hold_same_rows(index: Index, other: Index) -> bool:
    """Whether both hold the same rows. A partition's index is judged with its parent's; an invalid one serves nothing."""
    return (
        index.table == other.table and index.predicate == other.predicate and other.valid and index.partition_of is None
    )


def _enforces(index: Index, other: Index) -> bool:
    """Whether the other refuses all that it does, and tells replication as much."""
    refuses = not index.unique or (
        other.unique and (other.nulls_not_distinct or not index.nulls_not_distinct or _is_primary_key(other))
    )
    return refuses and (not index.replica_identity or other.replica_identity)


def _is_primary_key(index: Index) -> bool:
    """Whether it is a primary key's: its columns hold no NULL."""
    return (index.constraint or "").startswith("primary key ")


def _refuses_earlier(context: Context, index: Index, other: Index) -> bool:
    """Whether it refuses at once what the other's deferrable constraint refuses only at the end of the transaction."""
    deferrable = {
        f"{constraint.form} {constraint.name}" for constraint in context.after.constraints if constraint.deferrable
    }
    return index.unique and other.constraint in deferrable and index.constraint not in deferrable


def _is_leading(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether the keys are the leading ones of the others, in the same or in the reverse direction."""
    return long[: len(short)] in (short, tuple(map(_reversed_key, short)))


def _reversed_key(key: str) -> str:
    """The key of the same index read backwards: `a` for `a DESC`, `b DESC NULLS LAST` for `b NULLS FIRST`."""
    match = _KEY.fullmatch(key)
    assert match
    return f"{match['term']}{'' if match['descending'] else ' DESC'}{_OPPOSITE[match['nulls']]}"


def _definition(index: Index) -> str:
    include = f" include ({', '.join(index.include)})" if index.include else ""
    where = f" where {index.predicate}" if index.predicate else ""
    unique = "unique " if index.unique else ""
    return f"{index.name}: {unique}{index.method} ({', '.join(index.keys)}){include}{where}"


def _largest_load(context: Context) -> tuple[int, Mapping[str, IndexFacts]] | None:
    """The largest size and the indexes there, where queries are declared and so rows are loaded anyway."""

    from pgcontract.performance.loading import get_loaded_server
    from pgcontract.performance.queries.query_costs import indexes_of

    if not any(migration.contract and migration.contract.of(Query) for migration in context.promise.project.chain):
        return None
    try:
        load = get_loaded_server(context).loads[-1]
        return load.size, indexes_of(context, load)
    except CouldNotAsk:
        return None


def _sizes_evidence(context: Context, index: Index, other: Index) -> Iterator[Evidence]:
    if loaded := _largest_load(context):
        size, facts = loaded
        rows = tuple(
            (candidate.name, f"{facts[candidate.name].pages:,}")
            for candidate in (index, other)
            if candidate.name in facts
        )
        yield Evidence(title=f"Pages at {size:,} rows", columns=("index", "pages"), rows=rows)


def _declared_and_smaller(context: Context, index: Index, other: Index) -> str | None:
    """Why the shorter one may be kept: a declared query names it, and it has at most half the pages."""
    queries = [
        query
        for migration in context.promise.project.chain
        if migration.contract
        for query in migration.contract.of(Query)
    ]
    query_name = next((query.name for query in queries if query.index == index.name), None)
    loaded = _largest_load(context) if query_name else None
    if loaded is None or not {index.name, other.name} <= loaded[1].keys():
        return None
    own_pages, others = (loaded[1][candidate.name].pages for candidate in (index, other))
    return (
        f", of {others:,} pages; with {own_pages:,} it is meant for the query {query_name}"
        if own_pages * 2 <= others
        else None
    )


def _plan_without(context: Context, index: Index, other: Index) -> Iterator[Evidence]:
    """The server's plan for rows in the order of its keys, after it is dropped; nothing where the server refuses."""
    query = sql.SQL("SELECT * FROM {}{} ORDER BY {}").format(
        sql.SQL(index.table),
        sql.SQL(" WHERE {}").format(sql.SQL(index.predicate)) if index.predicate else sql.SQL(""),
        sql.SQL(", ").join(map(sql.SQL, index.keys)),
    )
    try:
        with context.sandbox.rolled_back(context.after_state) as connection:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(index.name)))
            for way in ("seqscan", "sort", "bitmapscan"):
                connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(f"enable_{way}")))
            plan = connection.execute(sql.SQL("EXPLAIN (COSTS OFF) {}").format(query)).fetchall()
            query_text = query.as_string(connection)
    except psycopg.Error:  # an operator class whose order ORDER BY does not name
        return
    text = "\n".join(line for (line,) in plan)
    if QualifiedName.parse(other.name).quoted_name in text:
        yield Evidence(title=f"The plan of {query_text}, once {index.name} is dropped", text=text)
