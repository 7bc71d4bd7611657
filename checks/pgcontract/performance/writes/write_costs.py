"""What each step of a flow costs on the loaded table, at every size: log, buffers, index entries, HOT, triggers, time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from statistics import median_low
from typing import Final, Literal

import psycopg

from pgcontract.contract import Flow, Step
from pgcontract.errors import CouldNotAsk
from pgcontract.performance.growth import p95
from pgcontract.performance.loading import Load, get_loaded_server
from pgcontract.performance.machine_lock import measurement_lock
from pgcontract.performance.queries.query_costs import indexes_of
from pgcontract.performance.writes.ablation import (
    StepAblation,
    StepCost,
    TableIndex,
    cost_of,
    measure_ablation,
    table_indexes,
)
from pgcontract.performance.writes.actor_lives import ACTORS_OF_A_FLOW, FIRST_ACTOR, NotExecuted, run_lives
from pgcontract.performance.writes.step_functions import PreparedStep, StepExecution, create_procedure, prepare_steps
from pgcontract.performance.writes.wal_records import RelationWal, WalReader, open_wal
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

Kind = Literal["insert", "update", "delete", "none"]
_DESCENTS_PER_WRITE: Final = (
    3  # descents of one index in one write: to find the row, to look for a conflict, to enter the key
)


_LEAVES_ROOM: Final = """
SELECT FROM pg_catalog.pg_class AS c, pg_catalog.pg_options_to_table(c.reloptions) AS o
 WHERE c.oid = %s::pg_catalog.regclass AND o.option_name = 'fillfactor' AND o.option_value::int < 100"""


@dataclass(frozen=True, kw_only=True)
class WalShare:
    """One relation's share of the WAL of one write: medians over the executions. `entries` only of an index."""

    relation: str
    is_index: bool
    wal_bytes: int
    entries: int


@dataclass(frozen=True, kw_only=True)
class SizeFigures:
    """One step at one size of the data set, over `n` executions; counts are medians, `us` every execution's time, sorted.

    `rows_changed` are the distinct numbers of rows that one execution changed or gave. `hot_share` is None where nothing
    is updated. `shares` and `index_entries` are None where the log cannot be read (no superuser, no pg_walinspect).
    `height` is the sum of the heights of the B-trees on the tables that the step touches.
    """

    size: int
    rows: int
    n: int
    rows_changed: tuple[int, ...]
    buffers: int
    wal_records: int
    wal_bytes: int
    images: int
    hot_share: float | None
    us: tuple[float, ...]
    ablation: StepAblation
    height: int
    shares: tuple[WalShare, ...] | None

    @property
    def index_entries(self) -> int | None:
        return None if self.shares is None else sum(share.entries for share in self.shares)

    @property
    def p50_us(self) -> float:
        return median_low(self.us)

    @property
    def p95_us(self) -> float:
        return p95(self.us)

    @property
    def trigger_wal_bytes(self) -> int | None:
        """What the log holds more because of the triggers; None where without them the step is refused, or where no two
        plays are alike enough to be compared."""
        without = self.ablation.without_triggers
        if without is None:
            return 0
        return self.ablation.as_is.extra_wal_bytes(without) if isinstance(without, StepCost) else None

    @property
    def trigger_us(self) -> float:
        """The time in triggers, foreign keys included, by the server's own count."""
        return sum(trigger.us for trigger in self.ablation.fired)

    def descents(self) -> int:
        """The most pages that descents of B-trees may touch in one write."""
        return _DESCENTS_PER_WRITE * self.height


@dataclass(frozen=True, kw_only=True)
class StepWrites:
    """One step; `table` is what it writes, `indexes` are its. `packed`: it updates rows of the load, which left no room
    on their pages. Where it could not be measured `why_not` says so."""

    flow: Flow
    step: Step
    table: str = ""
    kind: Kind = "none"
    sizes: tuple[SizeFigures, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    packed: bool = False
    why_not: str | None = None

    @property
    def subject(self) -> str:
        return f"{self.flow.name}.{self.step.name}"

    @property
    def prevented_by(self) -> tuple[TableIndex, ...]:
        """The indexes that hold a column which the update changes: each alone keeps it from being HOT."""
        changed = set(self.sizes[-1].ablation.changed) if self.sizes else set()
        return tuple(index for index in self.indexes if changed.intersection(index.columns))

    @property
    def size_without_indexes(self) -> SizeFigures | None:
        """The size at which the step was also executed without each index."""
        return next((size for size in self.sizes if size.ablation.without_index), None)


@dataclass(frozen=True, kw_only=True)
class Writes:
    """Every step of the promise's own flows, and under what conditions they were measured."""

    steps: tuple[StepWrites, ...]
    conditions: str


def measured_writes(context: Context) -> Writes:
    """The promise's flows in the context's state, measured once. CouldNotAsk where there is no server to load."""
    return _measure_writes(context)[context.promise.migration.key]


@cached_state_fact
def _measure_writes(head: Context) -> Mapping[str, Writes]:
    """The flows of every contract up to the head, by migration: one copy of each load serves all of them."""
    loaded_server = get_loaded_server(head)
    chain = head.promise.project.chain
    until = chain[: chain.index(head.promise.migration) + 1]
    flows = [(migration.key, flow) for migration in until if migration.contract for flow in migration.contract.of(Flow)]
    by_step: dict[tuple[str, str, str], list[_AtSize | NotExecuted]] = {}
    # Where a sequential scan is still cheap, and a B-tree already has more than its root page.
    middle = loaded_server.loads[(len(loaded_server.loads) - 1) // 2]
    with measurement_lock() as quietness:
        for load in loaded_server.loads if flows else ():
            with ExitStack() as stack:
                copy = stack.enter_context(loaded_server.clone(load))
                connection = stack.enter_context(loaded_server.connect(copy))
                wal = None
                if loaded_server.superuser:
                    wal = open_wal(stack.enter_context(loaded_server.connect(copy, user=loaded_server.superuser)))
                create_procedure(connection)
                measurement = _StepMeasurement(
                    connection,
                    wal,
                    load,
                    _heights_by_table(head, load),
                    every_index=load is middle,
                    columns=load is loaded_server.loads[-1],
                )
                for number, (key, flow) in enumerate(flows):
                    for step, figures in measurement.flow(flow, number).items():
                        by_step.setdefault((key, flow.name, step), []).append(figures)
    conditions = f"{loaded_server.conditions}; {quietness}"
    return {
        migration.key: Writes(
            steps=tuple(
                _join_sizes(flow, step, by_step[key, flow.name, step.name])
                for key, flow in flows
                if key == migration.key
                for step in flow.steps
            ),
            conditions=conditions,
        )
        for migration in until
    }


@dataclass(frozen=True, kw_only=True)
class _AtSize:
    table: str
    kind: Kind
    figures: SizeFigures
    indexes: tuple[TableIndex, ...]
    packed: bool


def _join_sizes(flow: Flow, step: Step, at_sizes: Sequence[_AtSize | NotExecuted]) -> StepWrites:
    sizes = []
    for measured in at_sizes:
        if isinstance(measured, NotExecuted):
            return StepWrites(flow=flow, step=step, why_not=measured.reason)
        sizes.append(measured)
    last = sizes[-1]
    figures = tuple(size.figures for size in sizes)
    return StepWrites(
        flow=flow, step=step, table=last.table, kind=last.kind, indexes=last.indexes, packed=last.packed, sizes=figures
    )


def _heights_by_table(head: Context, load: Load) -> Mapping[str, int]:
    """The sum of the heights of each table's B-trees."""
    heights: dict[str, int] = {}
    for index in indexes_of(head, load).values():
        heights[index.table] = heights.get(index.table, 0) + (index.height or 0)
    return heights


class _StepMeasurement:
    """All steps at one size, in a copy of the loaded database."""

    def __init__(
        self,
        connection: psycopg.Connection,
        wal: WalReader | None,
        load: Load,
        heights: Mapping[str, int],
        *,
        every_index: bool,
        columns: bool,
    ) -> None:
        self.connection = connection
        self.wal = wal
        self.load = load
        self.heights = heights
        self.every_index = every_index
        self.columns = columns

    def flow(self, flow: Flow, number: int) -> Mapping[str, _AtSize | NotExecuted]:
        """Each step by its name; `number` counts the flows."""
        first_actor = FIRST_ACTOR + number * ACTORS_OF_A_FLOW
        try:
            prepared_steps = prepare_steps(self.connection, flow, number)
        except CouldNotAsk as error:
            return {step.name: NotExecuted(reason=str(error)) for step in flow.steps}
        lives = run_lives(self.connection, flow, prepared_steps, first_actor)
        others = first_actor + ACTORS_OF_A_FLOW // 2
        return {
            step.name: self._measure_step(
                flow,
                step,
                prepared_steps,
                lives[step.name],
                others,
                own_rows=_own_rows(flow, step, prepared_steps, lives),
            )
            for step in flow.steps
        }

    def _measure_step(
        self,
        flow: Flow,
        step: Step,
        prepared_steps: Mapping[str, PreparedStep],
        executions: tuple[StepExecution, ...] | NotExecuted,
        first_actor: int,
        *,
        own_rows: bool,
    ) -> _AtSize | NotExecuted:
        if isinstance(executions, NotExecuted):
            return executions
        table = prepared_steps[step.name].table
        try:
            indexes = table_indexes(self.connection, table)
            own = indexes if self.every_index else ()
            ablation = measure_ablation(
                self.connection, flow, prepared_steps, step, own, first_actor, self.wal, columns=self.columns
            )
        except psycopg.Error as error:
            return NotExecuted(reason=f"the server refused it: {read_refusal(error)}")
        cost = cost_of(executions)
        figures = SizeFigures(
            size=self.load.size,
            rows=self.load.rows.get(table, 0),
            n=len(executions),
            rows_changed=tuple(sorted({execution.rows for execution in executions})),
            buffers=cost.buffers,
            wal_records=cost.wal_records,
            wal_bytes=cost.wal_bytes,
            images=median_low(execution.images for execution in executions),
            hot_share=cost.hot,
            us=tuple(sorted(execution.us for execution in executions)),
            ablation=ablation,
            height=sum(self.heights.get(index, 0) for index in ablation.touched),
            shares=_wal_shares(self.wal.records_of(executions)) if self.wal else None,
        )
        packed = not own_rows and not self.connection.execute(_LEAVES_ROOM, [table]).rowcount
        return _AtSize(packed=packed, table=table, kind=_write_kind(executions), figures=figures, indexes=indexes)


def _own_rows(
    flow: Flow,
    step: Step,
    prepared_steps: Mapping[str, PreparedStep],
    lives: Mapping[str, tuple[StepExecution, ...] | NotExecuted],
) -> bool:
    """Whether an earlier step of the flow made the rows of the step's table."""
    for earlier in flow.before(step):
        executions = lives[earlier.name]
        if prepared_steps[earlier.name].table != prepared_steps[step.name].table or isinstance(executions, NotExecuted):
            continue
        if any(execution.inserted for execution in executions):
            return True
    return False


def _write_kind(executions: Iterable[StepExecution]) -> Kind:
    """What most of its executions do to the table."""
    done: dict[Kind, int] = {
        "insert": sum(execution.inserted for execution in executions),
        "update": sum(execution.updated for execution in executions),
        "delete": sum(execution.deleted for execution in executions),
    }
    most = max(done, key=lambda kind: done[kind])
    return most if done[most] else "none"


def _wal_shares(executions: Sequence[Sequence[RelationWal]]) -> tuple[WalShare, ...]:
    """The median of each relation over all executions; one in which it wrote nothing counts as zero."""
    relations = {(record.relation, record.is_index) for execution in executions for record in execution}
    shares = []
    for name, is_index in sorted(relations):
        records_by_play = [[record for record in execution if record.relation == name] for execution in executions]
        shares.append(
            WalShare(
                relation=name,
                is_index=is_index,
                wal_bytes=median_low(sum(record.wal_bytes for record in execution) for execution in records_by_play),
                entries=median_low(sum(record.entries for record in execution) for execution in records_by_play),
            )
        )
    return tuple(share for share in shares if share.wal_bytes)
