"""From findings and claims to a verdict: may it be deployed, and why. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pgcontract.result import Acceptance, ClaimResult, Decision, Finding, Outcome, Severity, Status, Verdict
from pgcontract.result.claim_ranges import shorten_ids
from pgcontract.runner.claim_findings import CLAIM_DECIDED

_COUNTED = {
    Outcome.NOT_SHOWN: "not shown",
    Outcome.CORRECTED: "corrected",
    Outcome.WAIVED: "waived",
    Outcome.UNTESTABLE: "untestable",
}
_ACCEPTED = {
    Acceptance.WAIVER: ("promise is waived", "promises are waived"),
    Acceptance.COMMENT: ("finding that would block is ignored", "findings that would block are ignored"),
    Acceptance.BASELINE: ("critical finding is in the baseline", "critical findings are in the baseline"),
}


def conclude_verdict(
    findings: Sequence[Finding],
    claims: Sequence[ClaimResult],
    *,
    complete: bool,
    production: int | None,
    major: int | None,
    waived_before: Collection[str] = (),
) -> Verdict:
    """The first decision that matches, with every reason for it; a fault of ours is told beside whatever blocks. Items
    that are `waived_before`, by contracts of applied migrations, are counted."""
    unanswered = [finding for finding in findings if finding.unanswered]
    # What only follows from a script that was not applied is no reason beside it.
    unanswered = [finding for finding in unanswered if not finding.follows] or unanswered
    if blocking := [finding for finding in findings if finding.blocks]:
        failed = [finding for finding in unanswered if finding.status is Status.ERROR]
        reasons = (*map(_reason, blocking), *_reasons(failed))
        return Verdict(decision=Decision.BLOCKED, reasons=reasons)
    if unanswered:
        return Verdict(decision=Decision.INCOMPLETE, reasons=_reasons(unanswered))
    caution = [
        *_caution(findings, claims, waived_before),
        *filter(None, [major_mismatch(major, production)]),
        *(() if complete else ("only a selection of the checks was run",)),
    ]
    decision = Decision.CAUTION if caution else Decision.CLEAR
    return Verdict(decision=decision, reasons=tuple(caution))


def _caution(findings: Sequence[Finding], claims: Sequence[ClaimResult], waived_before: Collection[str]) -> Iterator[str]:
    for finding in findings:
        if finding.status is Status.BROKEN and finding.severity is Severity.WARNING and finding.resolution is None:
            yield _reason(finding)
    for outcome, description in _COUNTED.items():
        # What a selection did not ask it does not judge: that there was one is a reason of its own.
        ids = [claim.id for claim in claims if claim.outcome is outcome and claim.asked]
        if ids:
            are = "claim is" if len(ids) == 1 else "claims are"
            yield f"{len(ids)} {are} {description}: {', '.join(shorten_ids(ids))}"
    for acceptance, words in _ACCEPTED.items():
        held = [finding for finding in findings if _accepted_by(finding) is acceptance and _counts(finding)]
        items = [one.item for one in held if one.item not in waived_before or one.accepted_though_critical]
        items += [f"{len(held) - len(items)} of earlier migrations"] if len(items) < len(held) else []
        if held:
            yield f"{len(held)} {words[len(held) > 1]}: {', '.join(items)}"


def _accepted_by(finding: Finding) -> Acceptance | None:
    return finding.accepted or (Acceptance.WAIVER if finding.status is Status.WAIVED else None)


def _counts(finding: Finding) -> bool:
    return finding.check != CLAIM_DECIDED.id and not finding.decides_nothing


def major_mismatch(major: int | None, production: int | None) -> str | None:
    """The reason that a verdict reached on another major than production's has; None where it is the same."""
    if major is None or production is None or major == production:
        return None
    return f"judged on PostgreSQL {major}; production runs {production}"


def _reasons(findings: Sequence[Finding]) -> tuple[str, ...]:
    """A reason each; findings with the same summary (no server was reachable) share one."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(finding.summary, []).append(finding)
    return tuple(
        _reason(group[0]) if len(group) == 1 else f"{group[0].item} and {len(group) - 1} more: {group[0].summary}"
        for group in alike.values()
    )


def _reason(finding: Finding) -> str:
    place = f"{finding.origin}: " if finding.origin else ""
    return f"{finding.item}: {place}{finding.summary}"
