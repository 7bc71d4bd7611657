"""What became of a claim."""

from __future__ import annotations

from enum import Enum

from pgcontract.model.schema import Origin
from pgcontract.values import dataclass


class Outcome(Enum):
    """What became of a claim."""

    UPHELD = "upheld"
    REFUTED = "refuted"
    MENDED = "mended"
    CORRECTED = "corrected"
    WAIVED = "waived"
    NOT_SHOWN = "not shown"
    UNTESTABLE = "untestable"


@dataclass(frozen=True, kw_only=True)
class ClaimResult:
    """What became of one claim. `reason` is one sentence; `checks` are the references that decide it;
    `decided_by` are the items that did, worst first; `section` is the one of the report that it names; `asked` is False
    where a selection left out what would decide it."""

    id: str
    description: str
    outcome: Outcome
    reason: str
    asked: bool = True
    checks: tuple[str, ...] = ()
    decided_by: tuple[str, ...] = ()
    corrected: str | None = None
    migration: str
    section: str | None = None
    origin: Origin | None = None
