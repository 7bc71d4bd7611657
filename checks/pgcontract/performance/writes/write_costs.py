"""What each step of a flow costs on the loaded table, at every size: log, buffers, index entries, HOT, triggers, time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median_low
from typing import Final, Literal

import psycopg

from pgcontract.contract import Flow, Step
from pgcontract.errors import CouldNotAsk
from pgcontract.performance.growth import p95
from pgcontract.performance.loading import Load, bench
from pgcontract.performance.machine_lock import quiet
from pgcontract.performance.queries.query_costs import indexes_of
from pgcontract.performance.writes.ablation import Arms, Cost, OwnIndex, ask_arms, cost_of, own_indexes
from pgcontract.performance.writes.actor_lives import ACTORS_OF_A_FLOW, FIRST_ACTOR, NotPlayed, live
from pgcontract.performance.writes.step_functions import Play, Playable, make_playable, prepare_stage
from pgcontract.performance.writes.wal_records import Log, Written, open_log
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import Trial

Kind = Literal["insert", "update", "delete", "none"]
_MOST: Final = 3  # descents of one index in one write: to find the row, to look for a conflict, to enter the key


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one relation is of the log that one write makes: medians over the plays. `entries` only of an index."""

    relation: str
    is_index: bool
    wal_bytes: int
    entries: int


@dataclass(frozen=True, kw_only=True)
class SizeFigures:
    """One step at one size of the data set, over `n` plays; counts are medians, `us` every play's time, sorted.

    `rows_changed` are the distinct numbers of rows that one play changed or gave. `hot_share` is None where nothing is
    updated. `shares` and `index_entries` are None where the log cannot be read (no superuser, no pg_walinspect).
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
    arms: Arms
    height: int
    shares: tuple[Share, ...] | None

    @property
    def index_entries(self) -> int | None:
        return None if self.shares is None else sum(each.entries for each in self.shares)

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
        without = self.arms.without_triggers
        if without is None:
            return 0
        return self.arms.as_is.more_than(without) if isinstance(without, Cost) else None

    @property
    def trigger_us(self) -> float:
        """The time in triggers, foreign keys included, by the server's own count."""
        return sum(each.us for each in self.arms.fired)

    def descents(self) -> int:
        """The most pages that descents of B-trees may touch in one write."""
        return _MOST * self.height


@dataclass(frozen=True, kw_only=True)
class StepWrites:
    """One step; `indexes` are those of the flow's table. Where it could not be measured `why_not` says so."""

    flow: Flow
    step: Step
    kind: Kind = "none"
    sizes: tuple[SizeFigures, ...] = ()
    indexes: tuple[OwnIndex, ...] = ()
    why_not: str | None = None

    @property
    def subject(self) -> str:
        return f"{self.flow.name}.{self.step.name}"

    @property
    def prevented_by(self) -> tuple[OwnIndex, ...]:
        """The indexes that hold a column which the update changes: each alone keeps it from being HOT."""
        changed = set(self.sizes[-1].arms.changed) if self.sizes else set()
        return tuple(each for each in self.indexes if changed.intersection(each.columns))

    @property
    def by_index(self) -> SizeFigures | None:
        """The size at which the step was also played without each index."""
        return next((each for each in self.sizes if each.arms.without_index), None)


@dataclass(frozen=True, kw_only=True)
class Writes:
    """Every step of the promise's own flows, and under what conditions they were measured."""

    steps: tuple[StepWrites, ...]
    conditions: str


def writes(trial: Trial) -> Writes:
    """The promise's flows in the trial's state, measured once. CouldNotAsk where there is no server to load."""
    return trial.state.once("measure/writes", _measure)[trial.promise.migration.stem]


def _measure(head: Trial) -> Mapping[str, Writes]:
    """The flows of every contract up to the head, by migration: one copy of each load serves all of them."""
    there = bench(head)
    chain = head.promise.project.chain
    until = chain[: chain.index(head.promise.migration) + 1]
    flows = [(each.stem, flow) for each in until if each.contract for flow in each.contract.flows]
    found: dict[tuple[str, str, str], list[_AtSize | NotPlayed]] = {}
    # Where a full scan still costs little, and a tree is already more than its root.
    middle = there.loads[(len(there.loads) - 1) // 2]
    with quiet() as told:
        for load in there.loads if flows else ():
            with ExitStack() as stack:
                copy = stack.enter_context(there.clone(load))
                connection = stack.enter_context(there.connect(copy))
                log = None
                if there.superuser:
                    log = open_log(stack.enter_context(there.connect(copy, user=there.superuser)))
                prepare_stage(connection)
                asking = _Asking(
                    connection,
                    log,
                    load,
                    _heights(head, load),
                    every_index=load is middle,
                    columns=load is there.loads[-1],
                )
                for number, (stem, flow) in enumerate(flows):
                    for step, each in asking.flow(flow, number).items():
                        found.setdefault((stem, flow.name, step), []).append(each)
    conditions = f"{there.conditions}; {told}"
    return {
        each.stem: Writes(
            steps=tuple(
                _joined(flow, step, found[stem, flow.name, step.name])
                for stem, flow in flows
                if stem == each.stem
                for step in flow.steps
            ),
            conditions=conditions,
        )
        for each in until
    }


@dataclass(frozen=True, kw_only=True)
class _AtSize:
    kind: Kind
    figures: SizeFigures
    indexes: tuple[OwnIndex, ...]


def _joined(flow: Flow, step: Step, found: Sequence[_AtSize | NotPlayed]) -> StepWrites:
    sizes = []
    for each in found:
        if isinstance(each, NotPlayed):
            return StepWrites(flow=flow, step=step, why_not=each.reason)
        sizes.append(each)
    last = sizes[-1]
    figures = tuple(each.figures for each in sizes)
    return StepWrites(flow=flow, step=step, kind=last.kind, indexes=last.indexes, sizes=figures)


def _heights(head: Trial, load: Load) -> Mapping[str, int]:
    """The sum of the heights of each table's B-trees."""
    heights: dict[str, int] = {}
    for index in indexes_of(head, load).values():
        heights[index.table] = heights.get(index.table, 0) + (index.height or 0)
    return heights


class _Asking:
    """All steps at one size, in a copy of the loaded database."""

    def __init__(
        self,
        connection: psycopg.Connection,
        log: Log | None,
        load: Load,
        heights: Mapping[str, int],
        *,
        every_index: bool,
        columns: bool,
    ) -> None:
        self.connection = connection
        self.log = log
        self.load = load
        self.heights = heights
        self.every_index = every_index
        self.columns = columns

    def flow(self, flow: Flow, number: int) -> Mapping[str, _AtSize | NotPlayed]:
        """Each step by its name; `number` counts the flows."""
        first_actor = FIRST_ACTOR + number * ACTORS_OF_A_FLOW
        try:
            playables = make_playable(self.connection, flow, number)
        except CouldNotAsk as error:
            return {step.name: NotPlayed(reason=str(error)) for step in flow.steps}
        indexes = own_indexes(self.connection, flow.table)
        lives = live(self.connection, flow, playables, first_actor)
        others = first_actor + ACTORS_OF_A_FLOW // 2
        return {step.name: self._step(flow, step, playables, lives[step.name], indexes, others) for step in flow.steps}

    def _step(
        self,
        flow: Flow,
        step: Step,
        playables: Mapping[str, Playable],
        plays: tuple[Play, ...] | NotPlayed,
        indexes: tuple[OwnIndex, ...],
        first_actor: int,
    ) -> _AtSize | NotPlayed:
        if isinstance(plays, NotPlayed):
            return plays
        try:
            own = indexes if self.every_index else ()
            arms = ask_arms(self.connection, flow, playables, step, own, first_actor, self.log, columns=self.columns)
        except psycopg.Error as error:
            return NotPlayed(reason=f"the server refused it: {refusal_of(error)}")
        cost = cost_of(plays)
        figures = SizeFigures(
            size=self.load.size,
            rows=self.load.rows.get(flow.table, 0),
            n=len(plays),
            rows_changed=tuple(sorted({each.rows for each in plays})),
            buffers=cost.buffers,
            wal_records=cost.wal_records,
            wal_bytes=cost.wal_bytes,
            images=median_low(each.images for each in plays),
            hot_share=cost.hot,
            us=tuple(sorted(each.us for each in plays)),
            arms=arms,
            height=sum(self.heights.get(each, 0) for each in arms.touched),
            shares=_shares(self.log.of(plays)) if self.log else None,
        )
        return _AtSize(kind=_kind(plays), figures=figures, indexes=indexes)


def _kind(plays: Iterable[Play]) -> Kind:
    """What most of its plays do to the table."""
    done: dict[Kind, int] = {
        "insert": sum(each.inserted for each in plays),
        "update": sum(each.updated for each in plays),
        "delete": sum(each.deleted for each in plays),
    }
    most = max(done, key=lambda kind: done[kind])
    return most if done[most] else "none"


def _shares(plays: Sequence[Sequence[Written]]) -> tuple[Share, ...]:
    """The median of each relation over all plays; a play in which it wrote nothing counts as none."""
    relations = {(each.relation, each.is_index) for play in plays for each in play}
    shares = []
    for name, is_index in sorted(relations):
        mine = [[each for each in play if each.relation == name] for play in plays]
        shares.append(
            Share(
                relation=name,
                is_index=is_index,
                wal_bytes=median_low(sum(each.wal_bytes for each in play) for play in mine),
                entries=median_low(sum(each.entries for each in play) for play in mine),
            )
        )
    return tuple(each for each in shares if each.wal_bytes)
