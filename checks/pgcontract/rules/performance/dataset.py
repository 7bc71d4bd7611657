"""Data sets: the rows that queries and writes are measured on can be loaded, and loading changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgcontract.contract import Dataset
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.loading import Load

WHOLE_DATASET = "dataset"


def _tables(promise: Promise) -> tuple[str, ...]:
    """The tables that this contract's own data set declares."""
    for dataset in promise.of(Dataset):
        return tuple(table.name for table in dataset.tables) or (WHOLE_DATASET,)
    return ()


@check("dataset.loads", subjects=_tables, head=True, measures=[MeasurementKind.LOADED_ROWS])
def dataset_loads(context: Context) -> Iterator[Answer]:
    """Rows of every size satisfy all constraints, and loading them leaves the catalog as the migrations made it.

    Why it matters: a figure measured on a table that differs from production's says nothing about production.
    How it is measured: the chain is applied on a separate server and the rows are loaded at every size, as a restore does
    it: triggers are disabled, indexes are built afterwards, then both are as they were. CHECKs, NOT NULL, unique and
    foreign keys are checked for all rows; a row that violates one stops the run and is reported with its values and its
    position. Then the catalog is compared, part by part, with the one read while the tables were empty.
    What to do: find what changed the catalog while rows were loaded, such as a function that a CHECK calls.
    """

    from pgcontract.performance.loading import get_loaded_server

    loaded = get_loaded_server(context)
    counts = Evidence(
        title="Rows",
        columns=("size", "table", "rows"),
        rows=tuple(row for load in loaded.loads for row in _row_counts(load)),
    )
    changed = tuple((f"{load.size:,}", difference) for load in loaded.loads for difference in load.differences)
    where = Evidence(title="Conditions", text=loaded.conditions)
    origins = [table for dataset in context.promise.of(Dataset) for table in dataset.tables]
    for name in _tables(context.promise):
        origin = next((table.origin for table in origins if table.name == name), None)
        if changed:
            yield Answer(
                Status.BROKEN,
                name,
                "Loading rows changed the catalog.",
                expected="the catalog that the migrations made",
                actual=changed[0][1],
                evidence=[Evidence(title="What changed", columns=("size", "difference"), rows=changed), counts, where],
                origin=origin,
            )
            continue
        row_counts = ", ".join(f"{_row_count(load, name):,}" for load in loaded.loads)
        yield Answer(
            Status.KEPT,
            name,
            f"{row_counts} rows were loaded at {len(loaded.loads)} sizes, and the catalog did not change.",
            evidence=[counts, where],
            origin=origin,
        )


def _row_counts(load: Load) -> Iterator[tuple[str, str, str]]:
    for table, rows in load.rows.items():
        yield f"{load.size:,}", table, f"{rows:,}"


def _row_count(load: Load, name: str) -> int:
    return load.rows.get(name, 0) if name != WHOLE_DATASET else sum(load.rows.values())
