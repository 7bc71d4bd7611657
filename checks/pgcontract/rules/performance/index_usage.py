"""Indexes that no declared statement has a use for."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.catalog.server_spelling import split_name
from pgcontract.contract.identifiers import bare
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Index
from pgcontract.performance.queries.index_usage import Uses, uses
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.performance.foreign_key_index import keys_served
from pgcontract.rules.registry import answer, check


def _indexes(promise: Promise) -> Iterator[str]:
    """The indexes that this contract declares and the head still does, where the chain declares any query."""
    if any(each.contract and each.contract.queries for each in promise.project.chain):
        yield from (each.name for each in promise.still("indexes"))


@check("index.unused", subjects=_indexes, severity=Severity.WARNING, head=True)
def index_unused(trial: Trial) -> Iterator[Finding]:
    """Each index is of use: to a declared query, to a step of a flow, or to a rule of its table.

    Why it matters: an index that nothing reads is written at every INSERT, keeps UPDATEs from being HOT, and takes memory
    from those that are read.
    How it is measured: the server plans every declared query, with its drawn values and without, and every step of every
    flow, over the largest loaded tables; what their plans read is of use, and so is what a query names as its index. An
    index that is unique, serves a constraint, tells replication its rows, or finds the rows of a foreign key is of use
    by itself. Asked only where queries are declared; of a table that no declared statement reads nothing is said.
    What to do: drop the index, or declare the query that it is for.
    """
    names = list(_indexes(trial.promise))
    if not names:
        return
    live = {each.name: each for each in trial.after.indexes}
    meant = {
        query.index: query.name
        for each in trial.promise.project.chain
        if each.contract
        for query in each.contract.queries
        if query.index
    }
    for name in names:
        it = live.get(name)
        origin = trial.promise.place_of("index", name)
        if it is None:
            yield answer(Status.UNKNOWN, name, f"The index {name} is not there, so this cannot be asked of it.")
        elif of_use := _by_itself(trial, it):
            yield answer(Status.KEPT, name, f"{name} {of_use}.", origin=origin)
        elif name in meant:
            yield answer(Status.KEPT, name, f"{name} is meant for the query {meant[name]}.", origin=origin)
        else:
            yield _judged(trial, it)


def _by_itself(trial: Trial, index: Index) -> str | None:
    """What an index is for that no query has to read."""
    if index.constraint:
        return f"belongs to a constraint ({index.constraint})"
    if index.unique:
        return "lets no key be there twice"
    if index.replica_identity:
        return "tells replication which row is meant"
    if served := keys_served(trial.after, index):
        return f"finds the rows that refer by {served[0]}"
    if index.partition_of:
        return f"is a part of {index.partition_of}"
    return None


def _judged(trial: Trial, index: Index) -> Finding:
    origin = trial.promise.place_of("index", index.name)
    try:
        found = uses(trial)
    except CouldNotAsk as error:
        told = f"Whether anything reads {index.name} cannot be asked: {error}."
        return answer(Status.UNKNOWN, index.name, told, origin=origin)
    if users := found.of(index.name):
        more = f" and {len(users) - 1} more" if len(users) > 1 else ""
        return answer(Status.KEPT, index.name, f"{index.name} is read by {users[0]}{more}.", origin=origin)
    if bare(split_name(index.table)[1]) not in found.tables:
        told = f"No declared query and no step reads {index.table}, so nothing is said of {index.name}."
        return answer(Status.NOTED, index.name, told, origin=origin)
    return answer(
        Status.BROKEN,
        index.name,
        f"No declared query and no step of a flow reads {index.name}.",
        expected="a declared statement that reads it",
        actual=f"none of {len(found.indexes)} does, at {found.size:,} rows",
        remedy=f"Drop {index.name}: its {found.pages.get(index.name, 0):,} pages are written and never read. Or declare "
        "the query that it is for.",
        evidence=[_evidence(found)],
        origin=origin,
    )


def _evidence(found: Uses) -> Evidence:
    rows = tuple((name, ", ".join(sorted(read)) or "no index") for name, read in found.indexes.items())
    return Evidence(title=f"What is planned to be read at {found.size:,} rows", columns=("statement", "reads"), rows=rows)
