"""Steps of a flow: each of the application's own writes does what its contract says, once and again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from pgcontract.contract import Flow, Step
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.histories import histories_beside_others
from pgcontract.probes.scenarios.history_sql import history_as_sql
from pgcontract.probes.scenarios.moves import first_move
from pgcontract.probes.scenarios.player import (
    InvalidStepSql,
    MoveResult,
    ScenarioRunner,
    describe_row_count,
    exists_expression,
)
from pgcontract.result import Correctable, Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.values import dataclass


def _steps(promise: Promise) -> Iterator[str]:
    return (f"{flow.name}.{step.name}" for flow in promise.of(Flow) for step in flow.steps)


@check("flow.steps", subjects=_steps, behaviour=True, correctable=Correctable.STATEMENT)
def flow_steps(context: Context) -> Iterator[Answer]:
    """Each step of the application changes the table as its contract declares, when run once and when run again.

    Why it matters: SQL in a document is a promise too. An UPDATE that matches no row, or two, raises no error.
    How it is measured: the step is run after the steps it follows, in a transaction that is rolled back. It must change
    the declared number of rows and leave nothing that its `violations` query finds. Where `replay` is declared, it is run
    once more with the same values. A repeated event must not fail then, because its sender would retry it forever.
    With several `actors` it is also run once the others have played, up to each of their steps: it must reach no row
    beyond the declared number then, whatever lets it.
    What to do: fix the step's SQL; where the step is right, fix the table.
    """
    for flow in context.promise.of(Flow):
        with context.sandbox.rolled_back(context.after_state) as connection:
            runner = ScenarioRunner(connection, flow)
            for step in flow.steps:
                yield _step_answer(runner, flow, step)


def _step_answer(runner: ScenarioRunner, flow: Flow, step: Step) -> Answer:
    subject = f"{flow.name}.{step.name}"
    try:
        outcomes, deviation = _run_step(runner, flow, step)
    except InvalidStepSql as error:
        return Answer(
            Status.BROKEN if error.step == step.name else Status.UNKNOWN,
            subject,
            f"{str(error)[0].upper()}{str(error)[1:]}.",
            remedy="Fix the step's SQL in the contract, or the migration where the SQL is right.",
            origin=step.origin,
        )
    except CouldNotAsk as error:
        return Answer(Status.UNKNOWN, subject, f"{str(error)[0].upper()}{str(error)[1:]}.", origin=step.origin)
    script = history_as_sql(outcomes, flow.step, None, runner.connection)
    evidence = [Evidence(title="The step, after those that must run before it", text=script, language="sql")]
    if deviation is None:
        summary = f"The step {step.name} of {flow.name} {step.verb} {describe_row_count(step.rows)}"
        if step.replay is not None:
            summary += f", and {describe_row_count(step.replay)} when it is run again"
        if flow.actors > 1:
            summary += ", whatever the other actors have done"
        return Answer(Status.KEPT, subject, f"{summary}.", evidence=evidence, origin=step.origin)
    return Answer(
        deviation.status,
        subject,
        deviation.summary,
        expected=deviation.expected,
        actual=deviation.actual,
        remedy=deviation.remedy
        or f"Fix the step's SQL or the table; or, where the effect is fine, change `rows` or `replay` of the step "
        f"{step.name} under [flow.{flow.name}].",
        evidence=evidence,
        origin=step.origin,
    )


@dataclass(frozen=True, kw_only=True)
class StepDeviation:
    status: Status
    summary: str
    expected: str
    actual: str
    remedy: str | None = None


def _run_step(runner: ScenarioRunner, flow: Flow, step: Step) -> tuple[tuple[MoveResult, ...], StepDeviation | None]:
    """The step's outcomes after those it follows, and the first deviation from the contract."""
    history = (*map(first_move, flow.before(step)), first_move(step))
    outcomes = runner.run(history)
    stopped = next((outcome for outcome in outcomes[:-1] if _is_without_effect(flow, outcome)), None)
    if stopped is not None:
        return outcomes, StepDeviation(
            status=Status.UNKNOWN,
            summary=f"The step {step.name} cannot be run: {stopped.move.step}, which must run before it, changes no row.",
            expected="every step before it changes its rows",
            actual=f"{stopped.move.step}: {stopped.description}",
        )
    once = outcomes[-1]
    if once.refusal is not None or once.rows != step.rows:
        should = describe_row_count(step.rows)
        summary = f"The step {step.name} {_effect_text(step, once)}; it should {step.verb[:-1]} {should}."
        return outcomes, _deviation(summary, describe_row_count(step.rows), once)
    if step.violations is not None and _leaves_violation(runner, flow, step, outcomes):
        summary = f"The step {step.name} leaves rows that its `violations` query finds."
        expected = f"no row from: {step.violations.strip()}"
        return outcomes, StepDeviation(status=Status.BROKEN, summary=summary, expected=expected, actual="a row")
    if (reached := _beside_others(runner, flow, step)) is not None:
        return reached
    if step.replay is None:
        return outcomes, None
    outcomes = runner.run((*history, first_move(step)))
    again = outcomes[-1]
    refused = again.refusal is not None and bool(step.events or step.replay)
    if not refused and again.rows == step.replay:
        return outcomes, None
    should = describe_row_count(step.replay)
    summary = f"The step {step.name}, run again with the same values, "
    summary += f"{_effect_text(step, again)}; it should {step.verb[:-1]} {should}."
    return outcomes, _deviation(summary, should, again)


def _is_without_effect(flow: Flow, outcome: MoveResult) -> bool:
    """Whether a step that comes before another did not do what that builds on."""
    return outcome.refusal is not None or (not outcome.rows and flow.step(outcome.move.step).rows > 0)


def _beside_others(runner: ScenarioRunner, flow: Flow, step: Step) -> tuple[tuple[MoveResult, ...], StepDeviation] | None:
    """The shortest of the histories in which the step reaches more rows than declared, once the others have played up to
    one of their steps. Fewer rows, or a refusal, is what a step that contends for the same row must give."""
    for history in sorted(histories_beside_others(flow, step), key=lambda history: (len(history), history)):
        outcomes = runner.run(history)
        last = outcomes[-1]
        if last.refusal is None and last.rows > step.rows:
            others = f"actor {'2' if flow.actors == 2 else f'2 to {flow.actors}'}"
            should = describe_row_count(step.rows)
            stage = next(move.step for move in reversed(history[:-1]) if move.actor != 1)
            return outcomes, StepDeviation(
                status=Status.BROKEN,
                summary=f"The step {step.name} of actor 1 {step.verb} {describe_row_count(last.rows)} once {others} has "
                f"played up to {stage}; it should {step.verb[:-1]} {should}.",
                expected=f"{should}, whatever the other actors have done",
                actual=last.description,
                remedy=f"Let row security, or the WHERE of the step {step.name}, keep each actor to his own rows; or, "
                f"where it is meant to reach those of the others, say `actors = 1` under [flow.{flow.name}].",
            )
    return None


def _deviation(summary: str, expected: str, outcome: MoveResult) -> StepDeviation:
    return StepDeviation(
        status=Status.BROKEN, summary=summary, expected=expected, actual=str(outcome.refusal or outcome.description)
    )


def _effect_text(step: Step, outcome: MoveResult) -> str:
    return f"is rejected ({outcome.refusal})" if outcome.refusal else f"{step.verb} {describe_row_count(outcome.rows)}"


def _leaves_violation(runner: ScenarioRunner, flow: Flow, step: Step, outcomes: tuple[MoveResult, ...]) -> bool:
    """Whether the step's `violations` finds a row."""
    assert step.violations is not None
    values = {
        name: as_text(value)
        for outcome in outcomes
        for name, value in (*outcome.parameters.items(), *outcome.kept_values.items())
    }
    query = sql.SQL("SELECT {}").format(exists_expression(step.violations))
    try:
        row = runner.connection.execute(query, values).fetchone()
    except psycopg.Error as error:
        runner.undo_to_last_move()
        raise InvalidStepSql(flow, step, f"its `violations`: {read_refusal(error)}") from None
    return bool(row and row[0])
