"""Isolation: what transactions that are played side by side do to each other, at each level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgcontract.contract import Level, Race
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.scenarios.player import tell_rows
from pgcontract.probes.scenarios.race_execution import Result, run_races
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check


def _races(promise: Promise) -> Iterator[str]:
    return (race.name for race in promise.contract.races) if promise.contract else iter(())


@check("acid.isolation", subjects=_races, behaviour=True)
def acid_isolation(trial: Trial) -> Iterator[Finding]:
    """Transactions played side by side leave what they may, at every isolation level that is named for it.

    Why it matters: two that each read before they write can refund one payment twice, or lose what the other wrote;
    nothing of it shows when they are played one after the other.
    How it is measured: real sessions play the declared steps side by side, each step by all before the next by any;
    one that waits for a lock, by the server's own word, is passed by. Then the race's query must give no row: at each
    level, without and with a new try of what was refused with 40001 or 40P01.
    What to do: the level that holds, with new tries; or SQL that names the state it comes from, which holds at each.
    """
    contract = trial.promise.contract
    if contract is None or not contract.races:
        return
    for race, results in run_races(trial, contract.races):
        if isinstance(results, CouldNotAsk):
            told = f"The race {race.name} cannot be played: {results}."
            remedy = "Mend the race's SQL in the contract, or the migration where the SQL is right."
            yield answer(Status.UNKNOWN, race.name, told, remedy=remedy, origin=race.origin)
        else:
            yield _finding(race, results)


def _finding(race: Race, results: tuple[Result, ...]) -> Finding:
    table = Evidence(
        title=f"{race.sessions} sessions side by side",
        columns=("level", "new tries", "committed", "rows changed", "waited", "refused", "holds"),
        rows=tuple(map(_row, results)),
    )
    says = race.says.rstrip(".")
    broken = [each for each in results if each.level in race.holds_at and not each.holds]
    if broken:
        first = broken[0]
        return answer(
            Status.BROKEN,
            race.name,
            f"{says}: it does not hold at {_levels(dict.fromkeys(each.level for each in broken))}.",
            expected=race.says,
            actual=f"at {first.level}: {_told(first)}",
            remedy="Name in the UPDATE's WHERE the state it comes from, lock the row before it is read, or play it at "
            "a level that holds, with new tries.",
            evidence=[table],
            origin=race.origin,
        )
    elsewhere = dict.fromkeys(each.level for each in results if not each.holds)
    told = f"; it does not at {_levels(elsewhere)}" if elsewhere else ""
    return answer(
        Status.KEPT,
        race.name,
        f"{says}: it holds at {_levels(race.holds_at)}{told}.",
        evidence=[table],
        origin=race.origin,
    )


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.level,
        f"up to {result.retries}, {result.again} needed" if result.retries else "none",
        str(result.committed),
        str(result.changed),
        str(result.waited),
        ", ".join(result.refused) or "-",
        "yes" if result.holds else "no",
    )


def _told(result: Result) -> str:
    refused = f", refused with {', '.join(result.refused)}" if result.refused else ""
    sessions = "1 session" if result.committed == 1 else f"{result.committed} sessions"
    return f"{sessions} committed and changed {tell_rows(result.changed)}{refused}"


def _levels(levels: Iterable[Level]) -> str:
    return " and ".join(each.upper() for each in levels)
