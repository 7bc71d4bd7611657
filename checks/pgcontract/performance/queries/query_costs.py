"""What each declared query costs at each size: its samples, the plan that the server settles on, and every figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import psycopg

from pgcontract.contract import Query
from pgcontract.performance.growth import Cost, SizeCost, median
from pgcontract.performance.index_heights import IndexFacts, read_indexes
from pgcontract.performance.loading import Bench, Load, bench
from pgcontract.performance.queries.parameter_samples import NoValue, Sample, draw
from pgcontract.performance.queries.prepared_query import Mode, Refused, Statement, Values, prepared
from pgcontract.performance.queries.query_plan import Call
from pgcontract.postgres.script_execution import Refusal, refusal_of
from pgcontract.probes.context import Trial

WRITES: Final = "25006"  # read_only_sql_transaction
TIMED_OUT: Final = "57014"  # query_canceled
_TIMEOUT_MS: Final = 20_000  # for one call at up to 100,000 rows; in proportion above
_TIMEOUT_ROWS: Final = 100_000
FEW: Final = 5
_MANY_BUFFERS: Final = 10_000  # of five calls together: thirty that scan 100,000 rows would take seconds


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a query could not be measured at a size: the server's words, or a parameter without a value."""

    size: int
    refusal: Refusal | None = None
    no_value: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One query at one size: all samples planned in both ways, and called in `mode`, which the server settles on by
    itself after five calls. `generic` is its generic plan, `custom` the custom one for each sample.

    `calls` are those of the first samples: of all, unless the first five touch so many pages that the others would take
    seconds. `few` are the places of some calls, the median by rows found first, then the least and the most;
    `otherwise` has their calls in the other mode, where that plans them otherwise.
    """

    size: int
    samples: tuple[Sample, ...]
    mode: Mode
    calls: tuple[Call, ...]
    generic: Call
    custom: tuple[Call, ...]
    few: tuple[int, ...]
    otherwise: Mapping[int, Call]
    indexes: Mapping[str, IndexFacts]

    @property
    def few_values(self) -> tuple[Values, ...]:
        return tuple(self.samples[at].values for at in self.few)

    @property
    def few_calls(self) -> tuple[Call, ...]:
        return tuple(self.calls[at] for at in self.few)

    @cached_property
    def cost(self) -> SizeCost:
        """What all calls at this size touched."""
        return SizeCost(
            size=self.size,
            costs=tuple(
                self.cost_of(call, miss=sample.miss) for call, sample in zip(self.calls, self.samples, strict=False)
            ),
        )

    @property
    def told(self) -> str:
        """The plan that most calls had."""
        return Counter(each.told for each in self.calls).most_common(1)[0][0]

    @property
    def height(self) -> int | None:
        """The greatest height of the B-trees that were searched."""
        heights = [each.height for call in self.calls for each in self.searched(call) if each.height]
        return max(heights, default=None)

    def searched(self, call: Call) -> tuple[IndexFacts, ...]:
        return tuple(each for each in self.indexes.values() for scan in call.scans if each.is_in(scan))

    def cost_of(self, call: Call, *, miss: bool = False) -> Cost:
        """What one call at this size touched, with the heights of the indexes it descended."""
        trees = [(scan, each) for scan in call.scans for each in self.indexes.values() if each.is_in(scan)]
        tables = {scan.table for scan in call.scans}
        return Cost(
            buffers=call.buffers,
            found=call.found,
            handled=call.handled,
            descent=sum(scan.searches * (each.height or 0) for scan, each in trees),
            searches=call.searches,
            per_row=max((each.per_row for each in self.indexes.values() if each.bare_table in tables), default=2.0),
            miss=miss,
        )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One query: its readings, smallest size first, up to the size where there was trouble."""

    query: Query
    readings: tuple[Reading, ...]
    trouble: Trouble | None = None

    @property
    def returns_rows(self) -> bool:
        return any(call.returned for reading in self.readings for call in reading.calls)


def measured(trial: Trial) -> tuple[Measured, ...]:
    """Every query of this migration's contract, in the order declared; asked once. Raises CouldNotAsk without a bench."""
    return trial.once("measure/queries", _measured)


def indexes_of(trial: Trial, load: Load) -> Mapping[str, IndexFacts]:
    """The indexes at one size, read once."""
    return trial.state.once(f"measure/indexes/{load.size}", lambda head: read_indexes(bench(head), load))


def _measured(trial: Trial) -> tuple[Measured, ...]:
    contract, workplace = trial.promise.contract, bench(trial)
    return tuple(measure(trial, workplace, query) for query in (contract.queries if contract else ()))


def measure(trial: Trial, workplace: Bench, query: Query) -> Measured:
    """One query at every size, or up to the one where there was trouble."""
    readings: list[Reading] = []
    for load in workplace.loads:
        indexes = indexes_of(trial, load)
        try:
            readings.append(_read(workplace, load, query, indexes, seed=f"{trial.promise.seed}/{query.name}"))
        except Refused as error:
            return _stopped(query, readings, Trouble(size=load.size, refusal=error.refusal))
        except NoValue as error:
            return _stopped(query, readings, Trouble(size=load.size, no_value=str(error)))
    return Measured(query=query, readings=tuple(readings))


def _stopped(query: Query, readings: list[Reading], trouble: Trouble) -> Measured:
    return Measured(query=query, readings=tuple(readings), trouble=trouble)


def _read(workplace: Bench, load: Load, query: Query, indexes: Mapping[str, IndexFacts], *, seed: str) -> Reading:
    with workplace.rolled_back(load) as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        limit_time(connection, load)
        try:
            samples = draw(connection, query, rows=load.size, seed=f"{seed}/{load.size}")
        except psycopg.Error as error:
            raise Refused(refusal_of(error)) from None
        values = tuple(each.values for each in samples)
        with prepared(connection, query) as statement:
            return _readings(statement, load, samples, values, indexes)


def _readings(
    statement: Statement,
    load: Load,
    samples: tuple[Sample, ...],
    values: tuple[Values, ...],
    indexes: Mapping[str, IndexFacts],
) -> Reading:
    mode = statement.settled(values)
    statement.plan_with("force_generic_plan")
    [generic] = statement.plans(values[:1])
    statement.plan_with("force_custom_plan")
    custom = statement.plans(values)
    statement.plan_with(mode)
    # The first call loads pages of the catalog too, which are no part of the query's cost; next to many they are nothing.
    calls = statement.calls(values[:1])
    if statement.wrote:
        raise Refused(Refusal(sqlstate=WRITES, message="it made or wrote something in a read-only transaction"))
    if calls[0].buffers <= _MANY_BUFFERS / FEW:
        calls = statement.calls(values[:1])
    calls += statement.calls(values[1:FEW])
    if sum(each.buffers for each in calls) <= _MANY_BUFFERS:
        calls += statement.calls(values[FEW:])
    few = spread(calls)
    other: Mode = "force_custom_plan" if mode == "force_generic_plan" else "force_generic_plan"
    differing = tuple(at for at in few if custom[at].shape != generic.shape)
    statement.plan_with(other)
    otherwise = statement.calls([values[at] for at in differing])
    return Reading(
        size=load.size,
        samples=samples,
        mode=mode,
        calls=calls,
        generic=generic,
        custom=custom,
        few=few,
        otherwise=dict(zip(differing, otherwise, strict=True)),
        indexes=indexes,
    )


def limit_time(connection: psycopg.Connection, load: Load) -> None:
    """Gives each statement of the transaction 20 s, more in proportion above 100,000 rows."""
    limit = _TIMEOUT_MS * max(load.size / _TIMEOUT_ROWS, 1)
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{limit:.0f}ms"])


def spread(calls: tuple[Call, ...]) -> tuple[int, ...]:
    """The places of up to five calls by the rows they found: the median, the least, the most, and the quarters."""
    ordered = sorted(range(len(calls)), key=lambda at: (calls[at].found, at))
    last = len(ordered) - 1
    return tuple(dict.fromkeys(ordered[last * quarter // 4] for quarter in (2, 0, 4, 1, 3)))


def told_sizes(measured: Measured) -> list[dict[str, object]]:
    """Each size's figures as plain JSON, for the report's tables and pictures."""
    return [
        {
            "rows": each.size,
            "samples": len(each.samples),
            "calls": len(each.calls),
            "found_median": each.cost.found,
            "buffers_median": median([call.buffers for call in each.calls]),
            "buffers_p95": each.cost.buffers,
            "buffers_max": max(call.buffers for call in each.calls),
            "height": each.height,
            "plan": each.told,
        }
        for each in measured.readings
    ]
