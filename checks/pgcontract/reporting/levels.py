"""What other tools call what was found: the one place that maps statuses to their levels."""

from __future__ import annotations

from enum import Enum
from hashlib import sha256

from pgcontract.result import Finding, Severity, Status
from pgcontract.values import dataclass


class JUnit(Enum):
    """How a test case ended."""

    PASSED = "passed"
    SAID = "passed, its text in system-out"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Levels:
    """One finding at every door; None is what a tool is not told."""

    junit: JUnit
    sarif: str | None = None
    suppressed: bool = False
    gitlab: str | None = None
    github: str | None = None


def levels_of(finding: Finding) -> Levels:
    """The levels of one finding. A BROKEN one that is mended or corrected, and an UNKNOWN that was answered later, are
    settled: nothing has to be done about them."""
    match finding.status:
        case Status.NOTED if finding.not_asked:
            return Levels(junit=JUnit.SKIPPED)
        case Status.KEPT | Status.NOTED:
            return Levels(junit=JUnit.PASSED)
        case Status.WAIVED:
            level = _BROKEN[finding.severity].sarif if finding.severity else "error"
            if finding.accepted_though_critical:  # it may be put up with, and must be seen
                return Levels(junit=JUnit.SKIPPED, sarif=level, suppressed=True, gitlab="critical", github="warning")
            on_github = None if finding.decides_nothing else "notice"
            return Levels(junit=JUnit.SKIPPED, sarif=level, suppressed=True, github=on_github)
        case Status.ERROR:
            return Levels(junit=JUnit.ERROR, sarif="error", gitlab="blocker", github="error")
        case _ if finding.resolution is not None:
            return Levels(junit=JUnit.SAID, github="notice")
        case Status.UNKNOWN:
            return Levels(junit=JUnit.ERROR, sarif="error", gitlab="major", github="error")
        case Status.BROKEN:
            return _BROKEN[finding.severity or Severity.ERROR]


_BROKEN = {
    Severity.CRITICAL: Levels(junit=JUnit.FAILURE, sarif="error", gitlab="blocker", github="error"),
    Severity.ERROR: Levels(junit=JUnit.FAILURE, sarif="error", gitlab="major", github="error"),
    Severity.WARNING: Levels(junit=JUnit.SAID, sarif="warning", gitlab="minor", github="warning"),
    Severity.INFO: Levels(junit=JUnit.SAID, sarif="note", gitlab="info", github="notice"),
}


def fingerprint(finding: Finding) -> str:
    """By which another run's finding of the same is known: of check, subject and the migration's key, of no line."""
    return sha256(
        "\0".join((finding.check, finding.subject, finding.migration)).encode(errors="surrogatepass")
    ).hexdigest()
