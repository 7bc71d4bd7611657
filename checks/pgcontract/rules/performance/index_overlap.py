"""Indexes that another index makes superfluous: the same once more, the beginning of another, a constraint's double."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import split_name
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Index
from pgcontract.performance.index_heights import IndexFacts
from pgcontract.performance.loading import bench
from pgcontract.performance.queries.query_costs import indexes_of
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check

CATALOG = "catalog"

_KEY = re.compile(r"(?P<term>.*?)(?P<descending> DESC)?(?: NULLS (?P<nulls>FIRST|LAST))?", re.DOTALL)
_OPPOSITE = {"FIRST": " NULLS LAST", "LAST": " NULLS FIRST", None: ""}


@dataclass(frozen=True, kw_only=True)
class _Words:
    """How one kind of overlap is told; `{it}` is the index that could go, `{other}` the one that makes it so."""

    broken: str
    kept: str
    expected: str
    remedy: str


def _indexes(promise: Promise) -> Iterator[str]:
    """The indexes that this contract declares and the head still does; the whole catalog where nothing is declared."""
    if promise.contract is not None:
        yield from (each.name for each in promise.still("indexes"))
    elif promise.migration == promise.project.head:
        yield CATALOG


@check("index.duplicate", subjects=_indexes, severity=Severity.WARNING, head=True)
def index_duplicate(trial: Trial) -> Iterator[Finding]:
    """No index is another one once more.

    Why it matters: each write fills both, each keeps its own pages in memory and on disk, and no query gains anything.
    How it is measured: method, keys with their operator classes, collations and order, predicate, included columns and
    uniqueness of every index in pg_index at the head of the chain, against those of the others on its table. A B-tree
    whose keys all run the other way is the same one: it is read in both directions. A unique index may be what a plain
    one repeats, never the other way round.
    What to do: drop the one that nothing else rests on.
    """
    words = _Words(
        broken="{it} is {other} once more",
        kept="{it} is no other index once more",
        expected="one index of this definition",
        remedy="Drop {it}: whatever it serves {other} serves too, and each write fills both.",
    )
    yield from _judged(trial, _repeats, words)


@check("index.prefix", subjects=_indexes, severity=Severity.WARNING, head=True)
def index_prefix(trial: Trial) -> Iterator[Finding]:
    """No index only has the first keys of another.

    Why it matters: the longer index finds and orders the same rows, so the shorter one costs every write for nothing
    but the pages it saves a long scan.
    How it is measured: B-trees of one table and one predicate, key by key; one that runs the other way as a whole
    counts as the same. An index that is unique or serves a constraint enforces something and is never accused; one that
    a declared query names, and that has at most half the other's pages over the largest loaded tables, is told and not
    accused. The server is asked for its plan with the shorter index dropped in a transaction that is rolled back.
    What to do: drop the shorter one, or declare the query that needs the smaller one.
    """
    words = _Words(
        broken="The keys of {it} are only the first of {other}",
        kept="The keys of {it} are not merely the first of another index",
        expected="no index that another serves for",
        remedy="Drop {it}: {other} finds the same rows in the same order. Or declare the query that needs the smaller.",
    )
    yield from _judged(trial, _begins, words, proof=_plan_without, excuse=_meant_and_small)


@check("index.doubled", subjects=_indexes, severity=Severity.WARNING, head=True)
def index_doubled(trial: Trial) -> Iterator[Finding]:
    """No index doubles the one that a constraint brings with it.

    Why it matters: PRIMARY KEY, UNIQUE and EXCLUDE make an index of their own; a second one over the same keys costs
    each write again and finds nothing faster.
    How it is measured: every index against those of the constraints on its table, as for index.duplicate. A unique
    index beside a deferrable constraint refuses at once, and one that takes NULLs for equal refuses more: neither is
    a double.
    What to do: drop the index and keep the constraint; of two constraints the one that no foreign key refers to.
    """
    words = _Words(
        broken="{it} doubles {other}, which a constraint already has",
        kept="{it} doubles no constraint's index",
        expected="only the constraint's own index",
        remedy="Drop {it}; where it is a constraint of its own, drop that, unless a foreign key refers to it.",
    )
    yield from _judged(trial, _doubles, words)


Overlap = Callable[[Trial, Index, Index], bool]
Proof = Callable[[Trial, Index, Index], Iterable[Evidence]]
Excuse = Callable[[Trial, Index, Index], str | None]


def _judged(
    trial: Trial, overlap: Overlap, words: _Words, *, proof: Proof | None = None, excuse: Excuse | None = None
) -> Iterator[Finding]:
    """An answer for each index of the promise, or, where nothing is declared, for the catalog and each wrong one."""
    live = {each.name: each for each in trial.after.indexes}
    age = _ages(trial)
    if trial.promise.contract is None:
        asked = [name for name in live if name not in age]
    else:
        asked = list(_indexes(trial.promise))
    found = False
    for name in asked:
        it = live.get(name)
        origin = trial.promise.place_of("index", name)
        if it is None:
            yield answer(Status.UNKNOWN, name, f"The index {name} is not there, so this cannot be asked of it.")
            continue
        others = [
            each
            for each in live.values()
            if each.name != name
            and overlap(trial, it, each)
            and not (overlap(trial, each, it) and _rank(it, age) < _rank(each, age))
        ]
        if others:
            found = True
            other = min(others, key=lambda each: _rank(each, age))
            excused = excuse(trial, it, other) if excuse else None
            yield answer(
                Status.NOTED if excused else Status.BROKEN,
                name,
                f"{words.broken.format(it=it.name, other=other.name)}{excused or ''}.",
                expected=None if excused else words.expected,
                actual=f"{_definition(it)} beside {_definition(other)}",
                remedy=None if excused else words.remedy.format(it=it.name, other=other.name),
                evidence=[*_sizes(trial, it, other), *(proof(trial, it, other) if proof else ())],
                origin=origin,
            )
        elif trial.promise.contract is not None:
            yield answer(Status.KEPT, name, f"{words.kept.format(it=name)}.", origin=origin)
    if trial.promise.contract is None and not found:
        yield answer(Status.KEPT, CATALOG, f"{words.kept.format(it='Each index')}.")


def _ages(trial: Trial) -> dict[str, tuple[int, int]]:
    """Where in the chain each declared index is declared: of two that are alike the later one could go."""
    project = trial.promise.project
    files = {each.contract.path: number for number, each in enumerate(project.chain) if each.contract}
    return {
        each.name: (files.get(each.origin.file, 0), each.origin.line or 0) if each.origin else (0, 0)
        for each in project.declared(project.head.stem).indexes
    }


def _rank(index: Index, age: dict[str, tuple[int, int]]) -> tuple[object, ...]:
    """What rests on an index, most first: a key, a constraint, uniqueness, replication; then the older one."""
    constraint = index.constraint or ""
    return (
        not constraint.startswith("primary key "),
        not constraint,
        not index.unique,
        not index.replica_identity,
        age.get(index.name, (len(age) + 1, 0)),
        index.name,
    )


def _repeats(trial: Trial, it: Index, other: Index) -> bool:
    alike = set(it.include) == set(other.include) or it.unique
    return not it.constraint and not other.constraint and alike and _serves(it, other) and _enforces(it, other)


def _doubles(trial: Trial, it: Index, other: Index) -> bool:
    return bool(other.constraint) and _serves(it, other) and _enforces(it, other) and not _defers(trial, it, other)


def _begins(trial: Trial, it: Index, other: Index) -> bool:
    if it.unique or it.constraint or it.method != "btree" or other.method != "btree":
        return False
    longer = len(it.keys) < len(other.keys) or (it.keys and set(it.include) < set(other.include) and not other.constraint)
    there = {*other.include, *other.keys}
    return bool(longer) and _beside(it, other) and _leads(it.keys, other.keys) and there.issuperset(it.include)


def _serves(it: Index, other: Index) -> bool:
    """Whether the other has the same keys and all of its included columns, for the same rows."""
    if it.method != other.method or len(it.keys) != len(other.keys) or not set(it.include) <= set(other.include):
        return False
    return _beside(it, other) and (_leads(it.keys, other.keys) if it.method == "btree" else it.keys == other.keys)


def _beside(it: Index, other: Index) -> bool:
    """Whether both hold the same rows. A partition's index goes with its parent's; an invalid one serves nothing."""
    return it.table == other.table and it.predicate == other.predicate and other.valid and it.partition_of is None


def _enforces(it: Index, other: Index) -> bool:
    """Whether the other refuses all that it does, and tells replication as much."""
    refuses = not it.unique or (other.unique and (other.nulls_not_distinct or not it.nulls_not_distinct or _key(other)))
    return refuses and (not it.replica_identity or other.replica_identity)


def _key(index: Index) -> bool:
    """Whether it is a primary key's: its columns hold no NULL."""
    return (index.constraint or "").startswith("primary key ")


def _defers(trial: Trial, it: Index, other: Index) -> bool:
    """Whether it refuses at once what the other's constraint lets stand until the end of the transaction."""
    name = (other.constraint or "").removeprefix("primary key ").removeprefix("unique ").removeprefix("exclude ")
    deferrable = any(each.name == name and each.deferrable for each in trial.after.constraints)
    own = any(it.constraint == f"{each.form} {each.name}" and each.deferrable for each in trial.after.constraints)
    return it.unique and deferrable and not own


def _leads(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether the keys are the first of the others, as they stand or all of them the other way round."""
    return long[: len(short)] in (short, tuple(map(_turned, short)))


def _turned(key: str) -> str:
    """The key of the same index read backwards: `a` for `a DESC`, `b DESC NULLS LAST` for `b NULLS FIRST`."""
    found = _KEY.fullmatch(key)
    assert found
    return f"{found['term']}{'' if found['descending'] else ' DESC'}{_OPPOSITE[found['nulls']]}"


def _definition(index: Index) -> str:
    include = f" include ({', '.join(index.include)})" if index.include else ""
    where = f" where {index.predicate}" if index.predicate else ""
    unique = "unique " if index.unique else ""
    return f"{index.name}: {unique}{index.method} ({', '.join(index.keys)}){include}{where}"


def _loaded(trial: Trial) -> tuple[int, Mapping[str, IndexFacts]] | None:
    """The largest size and the indexes there, where queries are declared and so rows are loaded anyway."""
    if not any(each.contract and each.contract.queries for each in trial.promise.project.chain):
        return None
    try:
        load = bench(trial).loads[-1]
        return load.size, indexes_of(trial, load)
    except CouldNotAsk:
        return None


def _sizes(trial: Trial, it: Index, other: Index) -> Iterator[Evidence]:
    if loaded := _loaded(trial):
        size, there = loaded
        rows = tuple((each.name, f"{there[each.name].pages:,}") for each in (it, other) if each.name in there)
        yield Evidence(title=f"Pages at {size:,} rows", columns=("index", "pages"), rows=rows)


def _meant_and_small(trial: Trial, it: Index, other: Index) -> str | None:
    """Why the shorter one may stay: a declared query names it, and it has at most half the pages."""
    queries = [query for each in trial.promise.project.chain if each.contract for query in each.contract.queries]
    meant = next((query.name for query in queries if query.index == it.name), None)
    loaded = _loaded(trial) if meant else None
    if loaded is None or not {it.name, other.name} <= loaded[1].keys():
        return None
    mine, others = (loaded[1][each.name].pages for each in (it, other))
    return f", of {others:,} pages; with {mine:,} it is meant for the query {meant}" if mine * 2 <= others else None


def _plan_without(trial: Trial, it: Index, other: Index) -> Iterator[Evidence]:
    """The server's plan for rows in the order of its keys, once it is gone; nothing where the server will not say."""
    query = sql.SQL("SELECT * FROM {}{} ORDER BY {}").format(
        sql.SQL(it.table),
        sql.SQL(" WHERE {}").format(sql.SQL(it.predicate)) if it.predicate else sql.SQL(""),
        sql.SQL(", ").join(map(sql.SQL, it.keys)),
    )
    try:
        with trial.workbench.rolled_back(trial.after_state) as connection:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(it.name)))
            for way in ("seqscan", "sort", "bitmapscan"):
                connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(f"enable_{way}")))
            plan = connection.execute(sql.SQL("EXPLAIN (COSTS OFF) {}").format(query)).fetchall()
            asked = query.as_string(connection)
    except psycopg.Error:  # an operator class whose order ORDER BY does not name
        return
    text = "\n".join(line for (line,) in plan)
    if split_name(other.name)[1] in text:
        yield Evidence(title=f"The plan of {asked}, once {it.name} is dropped", text=text)
