"""Indexes that no declared statement uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.contract import Query
from pgcontract.errors import CouldNotAsk
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Index
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.performance.foreign_key_index import foreign_keys_served
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.queries.index_usage import IndexUsage


def _indexes(promise: Promise) -> Iterator[str]:
    """The indexes that this contract declares and the head still does, where the chain declares any query."""
    if any(migration.contract and migration.contract.of(Query) for migration in promise.project.chain):
        yield from (index.name for index in promise.still_declared("indexes"))


@check("index.used", subjects=_indexes, severity=Severity.WARNING, head=True, measures=[MeasurementKind.INDEX_PLANS])
def index_used(context: Context) -> Iterator[Answer]:
    """Each index is used: by a declared query, by a step of a flow, or to enforce a rule of its table.

    Why it matters: an index that nothing reads is written at every INSERT, prevents HOT updates, and takes memory from
    indexes that are read.
    How it is measured: the server plans every declared query, with its sample values and without, and every step of every
    flow, on the largest loaded tables. An index counts as used if a plan reads it or a query names it; also if it is
    unique, backs a constraint, is the replica identity, or finds the rows of a foreign key. The check applies only where
    queries are declared, and only to tables that a declared statement reads.
    What to do: DROP INDEX, or declare the query that it is for.
    """
    names = list(_indexes(context.promise))
    if not names:
        return
    live = {index.name: index for index in context.after.indexes}
    named_by = {
        query.index: query.name
        for migration in context.promise.project.chain
        if migration.contract
        for query in migration.contract.of(Query)
        if query.index
    }
    for name in names:
        index = live.get(name)
        origin = context.promise.origin_of("index", name)
        if index is None:
            yield Answer(Status.UNKNOWN, name, f"The index {name} does not exist, so this was not checked.")
        elif purpose := _purpose_without_queries(context, index):
            yield Answer(Status.KEPT, name, f"{name} {purpose}.", origin=origin)
        elif name in named_by:
            yield Answer(Status.KEPT, name, f"{name} is declared for the query {named_by[name]}.", origin=origin)
        else:
            yield _usage_answer(context, index)


def _purpose_without_queries(context: Context, index: Index) -> str | None:
    """The purpose of an index that no query needs to read; None where it has none."""
    if index.constraint:
        return f"belongs to a constraint ({index.constraint})"
    if index.unique:
        return "enforces uniqueness"
    if index.replica_identity:
        return "is the replica identity"
    if served := foreign_keys_served(context.after, index):
        return f"serves the foreign key {served[0]}"
    if index.partition_of:
        return f"is a part of {index.partition_of}"
    return None


def _usage_answer(context: Context, index: Index) -> Answer:
    from pgcontract.performance.queries.index_usage import index_usage

    origin = context.promise.origin_of("index", index.name)
    try:
        used = index_usage(context)
    except CouldNotAsk as error:
        summary = f"Whether anything reads {index.name} could not be checked: {error}."
        return Answer(Status.UNKNOWN, index.name, summary, origin=origin)
    if users := used.statements_reading(index.name):
        more = f" and {len(users) - 1} more" if len(users) > 1 else ""
        return Answer(Status.KEPT, index.name, f"{index.name} is read by {users[0]}{more}.", origin=origin)
    if QualifiedName.parse(index.table).name not in used.tables:
        summary = f"No declared query and no step reads {index.table}, so whether {index.name} is used is not known."
        return Answer(Status.NOTED, index.name, summary, origin=origin)
    return Answer(
        Status.BROKEN,
        index.name,
        f"No declared query and no step of a flow reads {index.name}.",
        expected="a declared statement that reads it",
        actual=f"none of {len(used.indexes)} does, at {used.size:,} rows",
        remedy=f"DROP INDEX {index.name}; its {used.pages.get(index.name, 0):,} pages are maintained and never read. Or "
        "declare the query that it is for under [query].",
        evidence=[_usage_evidence(used)],
        origin=origin,
    )


def _usage_evidence(used: IndexUsage) -> Evidence:
    rows = tuple((name, ", ".join(sorted(read)) or "no index") for name, read in used.indexes.items())
    return Evidence(title=f"Indexes that the plans read at {used.size:,} rows", columns=("statement", "reads"), rows=rows)
