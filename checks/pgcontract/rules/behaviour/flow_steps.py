"""Steps of a flow: each of the application's own writes does what its contract says, once and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pgcontract.contract import Flow, Step
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import Promise, Trial
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.history_sql import tell_history
from pgcontract.probes.scenarios.moves import first_move
from pgcontract.probes.scenarios.player import NoSuchSql, Outcome, Player, exists, tell_rows
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check


def _flows(promise: Promise) -> tuple[Flow, ...]:
    return promise.contract.flows if promise.contract else ()


def _steps(promise: Promise) -> Iterator[str]:
    return (f"{flow.name}.{step.name}" for flow in _flows(promise) for step in flow.steps)


@check("flow.steps", subjects=_steps, behaviour=True)
def flow_steps(trial: Trial) -> Iterator[Finding]:
    """Each step of the application does to the table what its contract says, once and again.

    Why it matters: SQL in a document is a promise too. An UPDATE that matches no row, or two, ends without an error.
    How it is measured: the step is played after those it follows, in a transaction that is undone: it must change the
    declared number of rows and leave nothing that its `never` finds. Where `replay` is declared it is played once more
    with the same values; an event must then not be refused, because its sender would send it again and again.
    What to do: mend the step's SQL, or the table where the step is right.
    """
    for flow in _flows(trial.promise):
        with trial.workbench.rolled_back(trial.after_state) as connection:
            player = Player(connection, flow)
            for step in flow.steps:
                yield _step_finding(player, flow, step)


def _step_finding(player: Player, flow: Flow, step: Step) -> Finding:
    subject = f"{flow.name}.{step.name}"
    try:
        outcomes, wrong = _played(player, flow, step)
    except NoSuchSql as error:
        return answer(
            Status.BROKEN if error.step == step.name else Status.UNKNOWN,
            subject,
            f"{str(error)[0].upper()}{str(error)[1:]}.",
            remedy="Mend the step's SQL in the contract, or the migration where the SQL is right.",
            origin=step.origin,
        )
    script = tell_history(outcomes, flow.step, None, player.connection)
    evidence = [Evidence(title="The step, after those it follows", text=script, language="sql")]
    if wrong is None:
        summary = f"The step {step.name} of {flow.name} changes {tell_rows(step.rows)}"
        if step.replay is not None:
            summary += f", and {tell_rows(step.replay)} when it is played again"
        return answer(Status.KEPT, subject, f"{summary}.", evidence=evidence, origin=step.origin)
    return answer(
        wrong.status,
        subject,
        wrong.summary,
        expected=wrong.expected,
        actual=wrong.actual,
        remedy="Mend the step's SQL, or the table where the step is right.",
        evidence=evidence,
        origin=step.origin,
    )


@dataclass(frozen=True, kw_only=True)
class Wrong:
    status: Status
    summary: str
    expected: str
    actual: str


def _played(player: Player, flow: Flow, step: Step) -> tuple[tuple[Outcome, ...], Wrong | None]:
    """What the step did after those it follows, and what of it is not as declared."""
    life = (*map(first_move, flow.before(step)), first_move(step))
    outcomes = player.play(life)
    stopped = next((each for each in outcomes[:-1] if each.refusal or not each.rows), None)
    if stopped is not None:
        return outcomes, Wrong(
            status=Status.UNKNOWN,
            summary=f"The step {step.name} cannot be played: {stopped.move.step}, which it follows, changes no row.",
            expected="every step before it changes its rows",
            actual=f"{stopped.move.step}: {stopped.told}",
        )
    once = outcomes[-1]
    if once.refusal is not None or once.rows != step.rows:
        summary = f"The step {step.name} {_does(once)}, where it should change {tell_rows(step.rows)}."
        return outcomes, _broken(summary, tell_rows(step.rows), once)
    if step.never is not None and _there(player, flow, step, outcomes):
        summary = f"The step {step.name} leaves what its `never` finds."
        expected = f"no row of: {step.never.strip()}"
        return outcomes, Wrong(status=Status.BROKEN, summary=summary, expected=expected, actual="a row")
    if step.replay is None:
        return outcomes, None
    outcomes = player.play((*life, first_move(step)))
    again = outcomes[-1]
    refused = again.refusal is not None and bool(step.events or step.replay)
    if not refused and again.rows == step.replay:
        return outcomes, None
    should = tell_rows(step.replay)
    summary = f"The step {step.name}, played again with the same values, {_does(again)}, where it should change {should}."
    return outcomes, _broken(summary, should, again)


def _broken(summary: str, expected: str, outcome: Outcome) -> Wrong:
    return Wrong(status=Status.BROKEN, summary=summary, expected=expected, actual=str(outcome.refusal or outcome.told))


def _does(outcome: Outcome) -> str:
    return "is refused" if outcome.refusal else f"changes {tell_rows(outcome.rows)}"


def _there(player: Player, flow: Flow, step: Step, outcomes: tuple[Outcome, ...]) -> bool:
    """Whether the step's `never` finds a row."""
    assert step.never is not None
    values = {name: as_text(value) for each in outcomes for name, value in (*each.parameters.items(), *each.kept.items())}
    asked = sql.SQL("SELECT {}").format(exists(step.never))
    try:
        found = player.connection.execute(asked, values).fetchone()
    except psycopg.Error as error:
        player.undo()
        raise NoSuchSql(flow, step, f"its `never`: {refusal_of(error)}") from None
    return bool(found and found[0])
