"""What a rule knows of one subject; the runner makes the Finding of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from pgcontract.model.schema import Origin
from pgcontract.result import Evidence, Severity, Status


@dataclass(frozen=True)
class Answer:
    """A check's answer about one subject, without what the runner knows: check, migration, claims and time.

    `severity` is what breaking it weighs here, where that is not the check's own. `follows` is the key of the migration
    whose failure it follows from. `required` is what is UNKNOWN though nobody promised it: what was left out may be
    wrong.
    """

    status: Status
    subject: str
    summary: str
    _: KW_ONLY
    expected: str | None = None
    actual: str | None = None
    remedy: str | None = None
    evidence: Sequence[Evidence] = ()
    origin: Origin | None = None
    severity: Severity | None = None
    follows: str = ""
    required: bool = False
