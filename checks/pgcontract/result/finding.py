"""What was found and what it decides: Finding, ClaimResult, Verdict, and the Run that every report is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pgcontract.model.schema import Origin


class Status(Enum):
    """How a check ended. UNKNOWN should have worked and did not: it is never a pass."""

    KEPT = "kept"
    NOTED = "noted"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    BROKEN = "broken"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Worse is greater: a subject with several findings has the status of the worst."""
        return list(Status).index(self)


class Severity(Enum):
    """How much a broken promise matters; `critical` is data lost or exposed."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Outcome(Enum):
    """What became of a claim."""

    UPHELD = "upheld"
    REFUTED = "refuted"
    MENDED = "mended"
    CORRECTED = "corrected"
    WAIVED = "waived"
    NOT_SHOWN = "not shown"
    UNTESTABLE = "untestable"


class Decision(Enum):
    """May it be deployed?"""

    CLEAR = "CLEAR"
    CAUTION = "CAUTION"
    INCOMPLETE = "INCOMPLETE"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One piece of evidence: `text` (SQL, a message) or a table of `columns` and `rows`. Cells are already text."""

    title: str
    text: str | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    language: str = "text"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found of one subject.

    `summary` is a sentence about this subject, with no file name and no time in it; `expected` before `actual`;
    `remedy` says what to do where something is wrong. `migration` is the stem of the file that made the promise;
    `at` that of the later one in whose state it was judged, empty where it is the same. `resolution` is why a BROKEN
    does not block: "corrected: ...", "mended by ...".
    """

    check: str
    subject: str
    status: Status
    severity: Severity | None = None
    summary: str
    expected: str | None = None
    actual: str | None = None
    remedy: str | None = None
    evidence: tuple[Evidence, ...] = ()
    claims: tuple[str, ...] = ()
    origin: Origin | None = None
    migration: str = ""
    at: str = ""
    resolution: str | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def item(self) -> str:
        """`check[subject]`, as pytest and --only name it."""
        return f"{self.check}[{self.subject}]"

    @property
    def blocks(self) -> bool:
        return (
            self.status is Status.BROKEN
            and self.severity in (Severity.CRITICAL, Severity.ERROR)
            and self.resolution is None
        )


@dataclass(frozen=True, kw_only=True)
class ClaimResult:
    """What became of one claim. `reason` is one sentence; `checks` are the references that decide it;
    `decided_by` are the items that did, worst first."""

    id: str
    description: str
    outcome: Outcome
    reason: str
    checks: tuple[str, ...] = ()
    decided_by: tuple[str, ...] = ()
    corrected: str | None = None
    migration: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    decision: Decision
    reasons: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return {Decision.BLOCKED: 1, Decision.INCOMPLETE: 3}.get(self.decision, 0)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Where the time went: CPU of the tool and of the server, and the wall, each in milliseconds."""

    name: str
    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verification, whole: the only input of every report; `run.json` gives it back unchanged.

    `facts` are what a report prints about the things judged (tables, columns, script, queries ...), as plain
    JSON values keyed by topic; `server`, `document` and `options` likewise. `started` is ISO 8601 in UTC.
    """

    pgcontract: str
    started: str
    migration: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    claims: tuple[ClaimResult, ...]
    chain: tuple[str, ...] = ()
    server: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()


def worst(findings: Iterable[Finding]) -> Status:
    """The worst status among them; KEPT where there are none."""
    return max((finding.status for finding in findings), key=lambda status: status.rank, default=Status.KEPT)
