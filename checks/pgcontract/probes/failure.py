"""Why a migration of the chain could not be applied: a cause of its own, or what follows from another's."""

from __future__ import annotations

from enum import Enum

from pgcontract.postgres.script_execution import Refusal
from pgcontract.values import dataclass


class FailureKind(Enum):
    """OWN: the script is at fault. OUTSIDE: it needs what no migration of the folder makes. SERVER: this server cannot
    run it, or may not be asked to. CONSEQUENCE: it needs what another migration, that failed, would have done."""

    OWN = "own"
    OUTSIDE = "outside"
    SERVER = "server"
    CONSEQUENCE = "consequence"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One migration that was not applied. `summary` is a sentence, `remedy` what to type; `missing` is what it lacked, as
    "table people". A consequence `follows` from the migration that has the cause, by its key; so does a script that lacks
    what an earlier one lacked already. `refusal` is None where nothing was sent, or refused;
    then `line` says where, if anywhere."""

    key: str
    kind: FailureKind
    summary: str
    remedy: str
    refusal: Refusal | None = None
    missing: str = ""
    follows: str = ""
    line: int | None = None
