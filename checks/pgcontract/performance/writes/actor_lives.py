"""The measured executions: every path through a flow by many actors, step after step, each write committed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Final, TypeAlias

import psycopg

from pgcontract.contract import Flow, Step
from pgcontract.performance.writes.step_functions import (
    PreparedStep,
    StepExecution,
    begin_lives,
    execute_step,
    execute_unmeasured,
)
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.values import dataclass

LIVES: Final = 30
# A prepared statement is planned anew five times before its generic plan is considered; the next one reads it in.
WARM_UP: Final = 6
# Beyond the numbers that loaded rows are likely to hold, and an integer even with a digit before it; each flow has its
# own from there.
FIRST_ACTOR: Final = 50_000_000
ACTORS_OF_A_FLOW: Final = 10_000
_ACTOR_SPACING: Final = 100

StepPath: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class NotExecuted:
    """Why a step was not executed: the server's message, or the step before it that was not executed either."""

    reason: str


def step_paths(flow: Flow) -> tuple[StepPath, ...]:
    """Paths that together contain every step: each ends with a step that none follows."""
    before = {step.name: flow.before(step) for step in flow.steps}
    followed = {step.name for steps in before.values() for step in steps}
    return tuple((*before[step.name], step) for step in flow.steps if step.name not in followed)


def run_lives(
    connection: psycopg.Connection, flow: Flow, prepared_steps: Mapping[str, PreparedStep], first_actor: int
) -> Mapping[str, tuple[StepExecution, ...] | NotExecuted]:
    """Each step's executions by its name, those that warm up left out.

    All actors execute a step before any executes the next, as the many users of an application do; so an update finds its
    page as others left it, and what may be pruned there is. For that nothing else has a transaction open.
    """
    lives = [
        (path, range(first, first + LIVES + WARM_UP))
        for first, path in zip(count(first_actor, _ACTOR_SPACING), step_paths(flow), strict=False)
    ]
    for _, actors in lives:
        begin_lives(connection, flow, actors)
    outcomes: dict[str, tuple[StepExecution, ...] | NotExecuted] = {}
    for step in flow.steps:
        failed = next(
            (
                earlier_step.name
                for earlier_step in flow.before(step)
                if isinstance(outcomes[earlier_step.name], NotExecuted)
            ),
            None,
        )
        if failed is not None:
            outcomes[step.name] = NotExecuted(reason=f"it follows {failed}, which could not be played")
            continue
        measured, *others = [actors for path, actors in lives if step in path]
        try:
            executions = execute_step(connection, prepared_steps[step.name], measured, committed=True)
            for actors in others:
                execute_unmeasured(connection, prepared_steps[step.name], actors, committed=True)
        except psycopg.Error as error:
            connection.execute("TRUNCATE pgcontract_plays")
            outcomes[step.name] = NotExecuted(reason=f"the server refused it: {read_refusal(error)}")
        else:
            outcomes[step.name] = executions[WARM_UP:]
    return outcomes
