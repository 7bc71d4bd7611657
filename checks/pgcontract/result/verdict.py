"""May it be deployed, and why."""

from __future__ import annotations

from enum import Enum

from pgcontract.values import dataclass


class Decision(Enum):
    """May it be deployed?"""

    CLEAR = "CLEAR"
    CAUTION = "CAUTION"
    INCOMPLETE = "INCOMPLETE"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The decision and every reason for it, as sentences."""

    decision: Decision
    reasons: tuple[str, ...] = ()
