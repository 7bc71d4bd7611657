"""The finding that each claim yields. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from pgcontract.contract import Project
from pgcontract.result import CheckInfo, ClaimResult, Finding, Outcome, Severity, Status
from pgcontract.runner.untestable_claims import unjudged_objects

CLAIM_DECIDED: Final = CheckInfo(
    id="claim.decided",
    title="No claim of the document is refuted by its checks",
    why="people rely on a document long after it was written; a false sentence misleads everyone who plans with it.",
    how="the findings of every check that the claim names: one that is broken refutes the claim; one that is unknown, "
    "missing or only noted leaves it not shown; then it is mended, waived or upheld, whichever comes first. A claim that "
    "is called untestable and yet names checks, or objects that no other claim judges, is a warning.",
    remedy="mend it in a later migration, or correct or waive the claim with its reason.",
    restates_claims=True,
)
_CLAIM_STATUS: Final = {
    Outcome.REFUTED: Status.BROKEN,
    Outcome.UPHELD: Status.KEPT,
    Outcome.MENDED: Status.KEPT,
    Outcome.WAIVED: Status.WAIVED,
    Outcome.CORRECTED: Status.NOTED,
    Outcome.NOT_SHOWN: Status.NOTED,
    Outcome.UNTESTABLE: Status.NOTED,
}


def claim_findings(project: Project, claims: Sequence[ClaimResult], *, complete: bool) -> Iterator[Finding]:
    """Every claim yields one finding; where a selection left something out, nothing is said of what no claim judges."""
    unjudged = unjudged_objects(project, claims) if complete else {}
    for claim in claims:
        yield claim_finding(claim, unjudged.get((claim.migration, claim.id), ()))


def claim_finding(claim: ClaimResult, unjudged: Collection[str] = ()) -> Finding:
    """A refuted claim is an error however lightly its check weighs; an untestable one that could be tested a warning."""
    status, severity = _CLAIM_STATUS[claim.outcome], None
    summary = f"{claim.id} is {claim.outcome.value}: {claim.reason.rstrip('.')}."
    expected = actual = remedy = None
    if claim.outcome is Outcome.REFUTED:
        severity = CLAIM_DECIDED.severity
        expected, actual = claim.description, claim.reason
        remedy = "Fix it in a later migration; or correct the claim, or waive the check with a reason and a date."
    elif claim.outcome is Outcome.UNTESTABLE and claim.asked and (doubt := _doubt(claim, unjudged)):
        status, severity = Status.BROKEN, Severity.WARNING
        actual, remedy = doubt
        summary = f"{summary} But it {actual}."
    return Finding(
        check=CLAIM_DECIDED.id,
        subject=claim.id,
        status=status,
        severity=severity,
        summary=summary,
        expected=expected,
        actual=actual,
        remedy=remedy,
        claims=(claim.id,),
        origin=claim.origin,
        migration=claim.migration,
        resolution="as its check is" if claim.outcome is Outcome.WAIVED else None,
    )


def _doubt(claim: ClaimResult, unjudged: Collection[str]) -> tuple[str, str] | None:
    """Why a claim that is called untestable may be testable, and what to do."""
    if claim.checks:
        what = f"names {claim.checks[0]}, which can be asked"
        return what, "Remove `untestable`, so that its checks decide it; or the checks, if they decide nothing of it."
    if unjudged:
        return (
            f"speaks of {', '.join(unjudged)}, which no claim judges",
            "Name the checks that decide it in place of `untestable`, or let another claim name a check of what it "
            "speaks of.",
        )
    return None
