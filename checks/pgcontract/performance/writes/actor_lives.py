"""The lives that are measured: every life of a flow played by many actors, step after step, each write committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeAlias

import psycopg

from pgcontract.contract import Flow, Step
from pgcontract.performance.writes.step_functions import Play, Playable, begin_lives, play, play_unmeasured
from pgcontract.postgres.script_execution import refusal_of

LIVES: Final = 30
# A prepared statement is planned anew five times before its generic plan is considered; the next one reads it in.
WARM_UP: Final = 6
# Beyond the numbers that loaded rows are likely to hold, and an integer even with a digit before it; each flow has its
# own from there.
FIRST_ACTOR: Final = 50_000_000
ACTORS_OF_A_FLOW: Final = 10_000
_APART: Final = 100

Path: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class NotPlayed:
    """Why a step was not played: the server's words, or the step before it that was not played either."""

    reason: str


def paths(flow: Flow) -> tuple[Path, ...]:
    """Lives that together play every step: each ends with a step that none follows."""
    before = {step.name: flow.before(step) for step in flow.steps}
    followed = {each.name for steps in before.values() for each in steps}
    return tuple((*before[step.name], step) for step in flow.steps if step.name not in followed)


def live(
    connection: psycopg.Connection, flow: Flow, playables: Mapping[str, Playable], first_actor: int
) -> Mapping[str, tuple[Play, ...] | NotPlayed]:
    """Each step's plays by its name, those that warm up left out.

    All actors play a step before any plays the next, as the many users of an application do; so an update finds its
    page as others left it, and what may be pruned there is. For that nothing else has a transaction open.
    """
    lives = [
        (path, range(first, first + LIVES + WARM_UP))
        for first, path in zip(count(first_actor, _APART), paths(flow), strict=False)
    ]
    for _, actors in lives:
        begin_lives(connection, flow, actors)
    found: dict[str, tuple[Play, ...] | NotPlayed] = {}
    for step in flow.steps:
        failed = next((each.name for each in flow.before(step) if isinstance(found[each.name], NotPlayed)), None)
        if failed is not None:
            found[step.name] = NotPlayed(reason=f"it follows {failed}, which could not be played")
            continue
        measured, *others = [actors for path, actors in lives if step in path]
        try:
            plays = play(connection, playables[step.name], flow.table, measured, committed=True)
            for actors in others:
                play_unmeasured(connection, playables[step.name], actors, committed=True)
        except psycopg.Error as error:
            connection.execute("TRUNCATE pgcontract_plays")
            found[step.name] = NotPlayed(reason=f"the server refused it: {refusal_of(error)}")
        else:
            found[step.name] = plays[WARM_UP:]
    return found
