"""What each step of a flow costs on the loaded table, at every size: log, buffers, index entries, HOT, triggers, time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from statistics import median_low
from typing import Final

import psycopg

from pgcontract.contract import Flow, Step
from pgcontract.errors import CouldNotAsk
from pgcontract.performance.loading import Load, get_loaded_server
from pgcontract.performance.machine_lock import measurement_lock
from pgcontract.performance.queries.query_costs import indexes_of
from pgcontract.performance.writes.ablation import (
    TableIndex,
    cost_of,
    measure_ablation,
    table_indexes,
)
from pgcontract.performance.writes.actor_lives import ACTORS_OF_A_FLOW, FIRST_ACTOR, NotExecuted, run_lives
from pgcontract.performance.writes.step_functions import PreparedStep, StepExecution, create_procedure, prepare_steps
from pgcontract.performance.writes.wal_records import RelationWal, WalReader, open_wal
from pgcontract.performance.writes.write_figures import Kind, SizeFigures, StepWrites, WalShare, Writes
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_LEAVES_ROOM: Final = """
SELECT FROM pg_catalog.pg_class AS c, pg_catalog.pg_options_to_table(c.reloptions) AS o
 WHERE c.oid = %s::pg_catalog.regclass AND o.option_name = 'fillfactor' AND o.option_value::int < 100"""


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
