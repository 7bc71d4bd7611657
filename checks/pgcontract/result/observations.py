"""What a server showed of a migration, in addition to the findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from pgcontract.model.schema import Schema
from pgcontract.result.effect import Effect
from pgcontract.result.measurements import Measurements
from pgcontract.result.role_access import RoleAccess
from pgcontract.result.row_effects import RowLoss, RowStop
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class ServerInfo:
    """The server that answered: `version` as it spells it; `storage` and `started_from` where it is our own.

    `roles` says whether the platform's roles were made or found there, `missing_privileges` what production's have and
    these have not.
    """

    provider: str
    version: str
    major: int
    storage: str | None = None
    started_from: str | None = None
    roles: str | None = None
    missing_privileges: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Where the time went: CPU of the tool and of the server, and the wall, each in milliseconds."""

    name: str
    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """What one check answered in an earlier run at a migration's own place, and was not asked again."""

    migration: str
    check: str


@dataclass(frozen=True, kw_only=True)
class Observations:
    """What was seen while the checks ran; each is empty where no server was there to show it.

    `spelled` is what the head declares, as the server spells it; `live` what the head's script made or changed, `effect`
    the same by name, with what it dropped; `stops` and `losses` what pending migrations do over rows; `access` what
    roles reached at the head; `kept` how many
    answers at its own place are an earlier run's, by migration.
    """

    server: ServerInfo | None = None
    spelled: Schema | None = None
    live: Schema | None = None
    effect: Effect | None = None
    measurements: Measurements = field(default_factory=Measurements)
    stops: tuple[RowStop, ...] = ()
    losses: tuple[RowLoss, ...] = ()
    access: tuple[RoleAccess, ...] = ()
    phases: tuple[Phase, ...] = ()
    kept: tuple[KeptAnswer, ...] = ()


def sum_phases(phases: Iterable[Phase]) -> tuple[Phase, ...]:
    """One Phase a name, in the order they first came."""
    summed: dict[str, Phase] = {}
    for phase in phases:
        known = summed.get(phase.name, Phase(name=phase.name, wall_ms=0.0, cpu_ms=0.0))
        summed[phase.name] = replace(known, wall_ms=known.wall_ms + phase.wall_ms, cpu_ms=known.cpu_ms + phase.cpu_ms)
    return tuple(summed.values())
