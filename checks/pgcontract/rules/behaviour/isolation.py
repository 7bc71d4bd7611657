"""Isolation: the effects of concurrent transactions on each other, at each isolation level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgcontract.contract import Level, Race
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.scenarios.player import describe_row_count
from pgcontract.probes.scenarios.race_execution import RaceResult, run_races
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check


def _races(promise: Promise) -> Iterator[str]:
    return (race.name for race in promise.of(Race))


@check("acid.isolation", subjects=_races, behaviour=True)
def acid_isolation(context: Context) -> Iterator[Answer]:
    """Transactions that run concurrently leave only allowed results, at every isolation level named.

    Why it matters: two transactions that read before they write can refund one payment twice, or overwrite each other's
    change. Run one after the other, they show nothing of it.
    How it is measured: several sessions run the declared steps concurrently: each step in all sessions before the next
    step in any, and what is deferred to the COMMIT before any commits. A session that waits for a lock, as the server
    reports it, is skipped meanwhile. Then the race's query must return no row: at each level, without and with retries
    of transactions that failed with 40001 or 40P01. A session must come to its end at one of the levels named.
    What to do: use an isolation level that passed, with retries; or write SQL that names the expected state, which is
    safe at each level.
    """
    contract = context.promise.contract
    if contract is None or not contract.of(Race):
        return
    for race, results in run_races(context, contract.of(Race)):
        if isinstance(results, CouldNotAsk):
            summary = f"The race {race.name} cannot be run: {results}."
            remedy = "Fix the race's SQL in the contract, or the migration where the SQL is right."
            yield Answer(Status.UNKNOWN, race.name, summary, remedy=remedy, origin=race.origin)
        else:
            yield _answer(race, results)


def _answer(race: Race, results: tuple[RaceResult, ...]) -> Answer:
    table = Evidence(
        title=f"{race.sessions} concurrent sessions",
        columns=("isolation level", "retries", "committed", "rows changed", "waited", "rejected", "holds"),
        rows=tuple(map(_result_row, results)),
    )
    description = race.description.rstrip(".")
    named = [result for result in results if result.level in race.isolation_levels]
    broken = [result for result in named if not result.holds]
    if broken:
        first = broken[0]
        return Answer(
            Status.BROKEN,
            race.name,
            f"{description}: does not hold at {_level_names(dict.fromkeys(result.level for result in broken))}, where "
            f"{_result_text(first)}.",
            expected=race.description,
            actual=f"at {first.level}: {_result_text(first)}",
            remedy="Name the expected state in the UPDATE's WHERE, lock the row first with SELECT … FOR UPDATE, "
            "or run it "
            "at SERIALIZABLE and retry after 40001.",
            evidence=[table],
            origin=race.origin,
        )
    if not any(result.finished for result in named):
        refused = next((code for result in named for code in result.refused), None)
        why = f"every session is rejected ({refused})" if refused else "a step before the last finds no row"
        return Answer(
            Status.UNKNOWN,
            race.name,
            f"{description}: no session came to commit all its steps, so nothing was shown: {why}.",
            remedy="Let the race's `setup` put the rows there on which its steps succeed.",
            evidence=[table],
            origin=race.origin,
        )
    elsewhere = dict.fromkeys(result.level for result in results if not result.holds)
    exception = f"; does not hold at {_level_names(elsewhere)}" if elsewhere else ""
    return Answer(
        Status.KEPT,
        race.name,
        f"{description}: holds at {_level_names(race.isolation_levels)}{exception}.",
        evidence=[table],
        origin=race.origin,
    )


def _result_row(result: RaceResult) -> tuple[str, ...]:
    return (
        result.level,
        f"up to {result.retries}, {result.restarts} needed" if result.retries else "none",
        str(result.committed),
        str(result.changed),
        str(result.waited),
        ", ".join(result.refused) or "-",
        "yes" if result.holds else "no",
    )


def _result_text(result: RaceResult) -> str:
    refused = f", rejected with {', '.join(result.refused)}" if result.refused else ""
    sessions = "1 session" if result.committed == 1 else f"{result.committed} sessions"
    return f"{sessions} committed and changed {describe_row_count(result.changed)}{refused}"


def _level_names(levels: Iterable[Level]) -> str:
    return " and ".join(level.upper() for level in levels)
