"""May it be deployed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Decision(Enum):
    """May it be deployed?"""

    CLEAR = "CLEAR"
    CAUTION = "CAUTION"
    INCOMPLETE = "INCOMPLETE"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    decision: Decision
    reasons: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return {Decision.BLOCKED: 1, Decision.INCOMPLETE: 3}.get(self.decision, 0)
