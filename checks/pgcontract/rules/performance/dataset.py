"""Data sets: whether the rows that queries and writes are measured on go in, and leave everything else as it was."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.performance.loading import Load, bench
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check

WHOLE = "dataset"


def _tables(promise: Promise) -> tuple[str, ...]:
    """The tables whose rows this contract's own data set says something of."""
    dataset = promise.contract.dataset if promise.contract else None
    if dataset is None:
        return ()
    return tuple(each.name for each in dataset.tables) or (WHOLE,)


@check("dataset.loads", subjects=_tables, head=True)
def dataset_loads(trial: Trial) -> Iterator[Finding]:
    """Rows of every size go in past all constraints, and the catalog is then what the migrations made.

    Why it matters: a figure that was measured on a table which is not production's says nothing of production's.
    How it is measured: on a server of its own the chain is applied and the rows are put in at every size, as a restore
    does it: triggers off, indexes built afterwards, each then as it was. CHECKs, NOT NULL, unique and foreign keys
    hold for all of them; a row that breaks one stops the run with its values and its place. Then the catalog is read
    and compared, part by part, with that of the tables while they were empty.
    What to do: find what made or changed a part of the catalog while rows went in, such as a function of a CHECK.
    """
    found = bench(trial)
    counts = Evidence(
        title="Rows", columns=("size", "table", "rows"), rows=tuple(row for load in found.loads for row in _rows(load))
    )
    changed = tuple((f"{load.size:,}", difference) for load in found.loads for difference in load.differences)
    where = Evidence(title="Conditions", text=found.conditions)
    origins = trial.promise.contract.dataset.tables if trial.promise.contract and trial.promise.contract.dataset else ()
    for name in _tables(trial.promise):
        origin = next((each.origin for each in origins if each.name == name), None)
        if changed:
            yield answer(
                Status.BROKEN,
                name,
                "Loading rows changed the catalog.",
                expected="the catalog that the migrations made",
                actual=changed[0][1],
                evidence=[Evidence(title="What changed", columns=("size", "difference"), rows=changed), counts, where],
                origin=origin,
            )
            continue
        told = ", ".join(f"{_count(load, name):,}" for load in found.loads)
        yield answer(
            Status.KEPT,
            name,
            f"{told} rows went in at {len(found.loads)} sizes, and the catalog is what it was.",
            evidence=[counts, where],
            origin=origin,
        )


def _rows(load: Load) -> Iterator[tuple[str, str, str]]:
    for table, rows in load.rows.items():
        yield f"{load.size:,}", table, f"{rows:,}"


def _count(load: Load, name: str) -> int:
    return load.rows.get(name, 0) if name != WHOLE else sum(load.rows.values())
