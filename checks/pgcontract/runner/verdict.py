"""From findings to claims to a verdict: which are refuted, mended, corrected or waived, and may it be deployed. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from pgcontract.contract import CheckRef, Claim, Migration, Project, Waiver
from pgcontract.result import (
    CheckInfo,
    ClaimResult,
    Correctable,
    Decision,
    Evidence,
    Finding,
    Outcome,
    Severity,
    Status,
    Verdict,
)
from pgcontract.result.claim_ranges import shorten_ids


def matches(reference: CheckRef, finding: Finding) -> bool:
    """Whether the finding is one that the reference names; both parts of a reference are globs."""
    return fnmatchcase(finding.check, reference.check) and (
        reference.subject is None or fnmatchcase(finding.subject, _escape_glob(reference.subject))
    )


def _escape_glob(subject: str) -> str:
    """A subject as a glob in which brackets are plain characters: types and arrays hold them."""
    return subject.replace("[", "[[]")


def resolve_findings(
    findings: Iterable[Finding], project: Project, checks: Mapping[str, CheckInfo], today: dt.date
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings with their resolution (waived, corrected), and a finding for each waiver."""
    waivers = [(migration, waiver) for migration in project.chain for waiver in _waivers(migration)]
    used: set[int] = set()
    resolved_findings: list[Finding] = []
    for finding in findings:
        for number, (migration, waiver) in enumerate(waivers):
            if finding.status is Status.BROKEN and _waives(waiver, finding) and finding.migration == migration.key:
                used.add(number)
                if waiver.until >= today:
                    resolution = f"waived until {waiver.until.isoformat()} by {waiver.owner}: {waiver.reason}"
                    finding = replace(finding, status=Status.WAIVED, resolution=resolution)
        resolved_findings.append(_with_correction(finding, project, checks[finding.check].correctable))
    return tuple(resolved_findings), tuple(
        _waiver_finding(migration, waiver, used=number in used, expired=waiver.until < today)
        for number, (migration, waiver) in enumerate(waivers)
    )


def merge_with_head(own: Sequence[Finding], later: Sequence[Finding], head: Migration) -> tuple[Finding, ...]:
    """A promise judged after its migration (`own`) and again at the head of the chain (`later`), as one answer.

    What is broken at first and kept at the head is mended by then; what is kept at first must be kept at the head;
    what is broken at both is reported once.
    """
    by_subject = {finding.subject: finding for finding in later}
    joined: list[Finding] = []
    for finding in own:
        now = by_subject.get(finding.subject)
        if finding.status is Status.BROKEN and now is not None and now.status in (Status.KEPT, Status.NOTED):
            joined.append(replace(finding, resolution=f"mended by {head.display_name}"))
        else:
            joined.append(finding)
        if now is not None and not (finding.status is now.status is Status.BROKEN):
            joined.append(replace(now, at=head.key))
    return tuple(joined)


def _waivers(migration: Migration) -> tuple[Waiver, ...]:
    return migration.contract.of(Waiver) if migration.contract else ()


def _waives(waiver: Waiver, finding: Finding) -> bool:
    return fnmatchcase(finding.check, waiver.check) and fnmatchcase(finding.subject, _escape_glob(waiver.subject))


WAIVER_LIVE: Final = CheckInfo(
    id="waiver.live",
    title="Each waiver is in force and excuses something that is broken",
    why="an expired waiver hides a fault that its owner promised to fix by then; one that excuses nothing would hide the "
    "next fault.",
    how="the waiver's last day is compared with today, and its check and subject with what is broken at its migration.",
    remedy="fix what it waives and remove it from the contract, or ask its owner to renew it.",
)


def _waiver_finding(migration: Migration, waiver: Waiver, *, used: bool, expired: bool) -> Finding:
    subject = f"{waiver.check}[{waiver.subject}]"
    problem = f"expired on {waiver.until.isoformat()}" if expired else None if used else "waives nothing"
    return Finding(
        check=WAIVER_LIVE.id,
        subject=subject,
        status=Status.BROKEN if problem else Status.KEPT,
        severity=WAIVER_LIVE.severity if problem else None,
        summary=f"The waiver of {subject} {problem or f'holds until {waiver.until.isoformat()}'}.",
        expected="a waiver that is in force and excuses something" if problem else None,
        actual=problem,
        remedy="Fix what it waived and remove the [[waiver]] from the contract, or have its owner set a later `until`."
        if problem
        else None,
        evidence=(Evidence(title="Reason", text=f"{waiver.owner}: {waiver.reason}"),),
        origin=waiver.origin,
        migration=migration.key,
    )


def _with_correction(finding: Finding, project: Project, correctable: Correctable) -> Finding:
    """A broken finding that only corrected claims name is resolved, where its check can be corrected.

    Where only a statement may stand in the place of another, a later migration must have restated the claim.
    """
    if finding.status is not Status.BROKEN or finding.resolution is not None or correctable is Correctable.NEVER:
        return finding
    restated = restated_claims(project, finding.migration)
    claims = [
        claim
        for migration in project.chain
        if migration.contract and migration.key == finding.migration
        for claim in migration.contract.claims
        if any(matches(reference, finding) for reference in claim.checks)
    ]
    if claims and all(claim.id in restated or (claim.corrected and correctable is Correctable.WORDS) for claim in claims):
        return replace(finding, resolution=f"corrected: {', '.join(claim.id for claim in claims)}")
    return finding


def restated_claims(project: Project, key: str) -> Mapping[str, tuple[str, Claim]]:
    """The claims that later migrations make under ids that this one uses too, each with its migration's key."""
    keys = [migration.key for migration in project.chain]
    return {
        claim.id: (migration.key, claim)
        for migration in project.chain[keys.index(key) + 1 :]
        if migration.contract
        for claim in migration.contract.claims
    }


def decide_claims(
    project: Project, findings: Sequence[Finding], checks: Mapping[str, CheckInfo], *, selected: bool
) -> tuple[ClaimResult, ...]:
    """What became of each claim of the chain, in the order they are written.

    A refuted claim that a later migration restates under its id is corrected once the later statement is upheld.
    """
    by_key: dict[str, list[Finding]] = {}
    for finding in findings:
        by_key.setdefault(finding.migration, []).append(finding)
    results: list[ClaimResult] = []
    for migration in project.chain:
        restated = restated_claims(project, migration.key)
        for claim in migration.contract.claims if migration.contract else ():
            result = decide_claim(claim, migration.key, by_key.get(migration.key, []), checks, selected)
            if result.outcome is Outcome.REFUTED and claim.id in restated:
                key, later = restated[claim.id]
                now = decide_claim(later, key, by_key.get(key, []), checks, selected)
                if now.outcome in (Outcome.UPHELD, Outcome.MENDED):
                    result = replace(result, outcome=Outcome.CORRECTED, corrected=f"{later.description} ({key})")
            results.append(result)
    return tuple(results)


def decide_claim(
    claim: Claim, migration: str, findings: Sequence[Finding], checks: Mapping[str, CheckInfo], selected: bool
) -> ClaimResult:
    """One claim by the findings of its migration.

    Refuted if any of its checks is BROKEN; else not shown if one is UNKNOWN, missing or pending; else upheld. A
    corrected claim that is refuted counts as corrected once its true statement is upheld.
    """
    own = _deciding_findings(claim.checks, findings)
    outcome, reason = _claim_outcome(claim.checks, own, selected)
    corrected = claim.corrected.description if claim.corrected else None
    if claim.untestable and outcome is not Outcome.REFUTED:
        outcome, reason = Outcome.UNTESTABLE, claim.untestable
    elif claim.corrected and outcome is not Outcome.NOT_SHOWN:
        true = _deciding_findings(claim.corrected.checks, findings)
        held, why = _claim_outcome(claim.corrected.checks, true, selected)
        timed = any(checks[finding.check].timed for finding in own)
        own = (*own, *true)
        if held is Outcome.UPHELD and outcome is Outcome.REFUTED:
            outcome, reason = Outcome.CORRECTED, reason
        elif held is Outcome.UPHELD and timed:  # so it stays, whichever way the day falls
            outcome, reason = Outcome.CORRECTED, "it depends on a time, which was measured on this machine only"
        elif held is Outcome.UPHELD:
            outcome, reason = (
                Outcome.REFUTED,
                "it is corrected, and its own checks hold: the correction is not needed",
            )
        else:
            outcome, reason = held, f"its correction does not hold: {why}"
    if claim.pending and outcome in (Outcome.UPHELD, Outcome.MENDED):
        besides = f" Besides, {reason}" if outcome is Outcome.MENDED else ""
        outcome, reason = Outcome.NOT_SHOWN, f"pending: {claim.pending}{besides}"
    return ClaimResult(
        id=claim.id,
        description=claim.description,
        outcome=outcome,
        reason=reason,
        checks=tuple(map(str, claim.checks)),
        decided_by=tuple(
            own_finding.item for own_finding in sorted(own, key=lambda own_finding: -own_finding.status.rank)
        ),
        corrected=corrected,
        migration=migration,
        section=claim.section,
        origin=claim.origin,
    )


def _is_mended(finding: Finding) -> bool:
    return (finding.resolution or "").startswith("mended")


def _deciding_findings(references: Sequence[CheckRef], findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if any(matches(reference, finding) for reference in references))


def _claim_outcome(references: Sequence[CheckRef], findings: Sequence[Finding], selected: bool) -> tuple[Outcome, str]:
    broken = [finding for finding in findings if finding.status is Status.BROKEN and not _is_mended(finding)]
    if broken:
        return Outcome.REFUTED, broken[0].summary
    mended = [finding for finding in findings if _is_mended(finding)]
    if mended:
        return Outcome.MENDED, f"{mended[0].resolution}: {mended[0].summary}"
    waived = [finding for finding in findings if finding.status is Status.WAIVED]
    if waived:
        return Outcome.WAIVED, waived[0].resolution or waived[0].summary
    unknown = [finding for finding in findings if finding.status in (Status.UNKNOWN, Status.ERROR)]
    if unknown:
        return Outcome.NOT_SHOWN, f"{unknown[0].item}: {unknown[0].summary}"
    missing = [str(reference) for reference in references if not any(matches(reference, finding) for finding in findings)]
    if missing and selected:
        return Outcome.NOT_SHOWN, f"{missing[0]} was left out by the selection"
    if missing:
        return Outcome.NOT_SHOWN, f"{missing[0]} found nothing to check"
    if not references:
        return Outcome.NOT_SHOWN, "no check decides it yet"
    return Outcome.UPHELD, f"{len(findings)} checks hold" if len(findings) != 1 else "1 check holds"


CLAIM_DECIDED: Final = CheckInfo(
    id="claim.decided",
    title="No claim of the document is refuted by its checks",
    why="people rely on a document long after it was written; a false sentence misleads everyone who plans with it.",
    how="the findings of every check that the claim names, after mending, correction and waiver: one that is broken "
    "refutes the claim; one that is unknown or missing leaves it not shown.",
    remedy="mend it in a later migration, or correct or waive the claim with its reason.",
    restates_claims=True,
)
_CLAIM_STATUS = {
    Outcome.REFUTED: Status.BROKEN,
    Outcome.UPHELD: Status.KEPT,
    Outcome.MENDED: Status.KEPT,
    Outcome.WAIVED: Status.WAIVED,
    Outcome.CORRECTED: Status.NOTED,
    Outcome.NOT_SHOWN: Status.NOTED,
    Outcome.UNTESTABLE: Status.NOTED,
}


def claim_finding(claim: ClaimResult) -> Finding:
    """Every claim yields one finding; a refuted one is an error however lightly its check weighs."""
    refuted = claim.outcome is Outcome.REFUTED
    return Finding(
        check=CLAIM_DECIDED.id,
        subject=claim.id,
        status=_CLAIM_STATUS[claim.outcome],
        severity=CLAIM_DECIDED.severity if refuted else None,
        summary=f"{claim.id} is {claim.outcome.value}: {claim.reason.rstrip('.')}.",
        expected=claim.description if refuted else None,
        actual=claim.reason if refuted else None,
        remedy="Fix it in a later migration; or correct the claim, or waive the check with a reason and a date."
        if refuted
        else None,
        claims=(claim.id,),
        origin=claim.origin,
        migration=claim.migration,
        resolution=claim.reason if claim.outcome is Outcome.WAIVED else None,
    )


def conclude_verdict(
    findings: Sequence[Finding],
    claims: Sequence[ClaimResult],
    *,
    promised: bool,
    complete: bool,
    production: int | None,
    major: int | None,
) -> Verdict:
    """The first decision that matches, with every reason for it."""
    blocking = [finding for finding in findings if finding.blocks]
    if blocking:
        return Verdict(decision=Decision.BLOCKED, reasons=tuple(_reason(finding) for finding in blocking))
    errors = [finding for finding in findings if finding.status in (Status.ERROR, Status.UNKNOWN)]
    if errors:
        return Verdict(decision=Decision.INCOMPLETE, reasons=_reasons(errors))
    reasons = [
        _reason(finding)
        for finding in findings
        if finding.status is Status.BROKEN and finding.severity is Severity.WARNING and finding.resolution is None
    ]
    counted = {
        Outcome.NOT_SHOWN: "not shown",
        Outcome.CORRECTED: "corrected",
        Outcome.WAIVED: "waived",
    }
    for outcome, description in counted.items():
        ids = [claim.id for claim in claims if claim.outcome is outcome]
        if ids:
            are = "claim is" if len(ids) == 1 else "claims are"
            reasons.append(f"{len(ids)} {are} {description}: {', '.join(shorten_ids(ids))}")
    waived = [finding for finding in findings if finding.status is Status.WAIVED and finding.check != CLAIM_DECIDED.id]
    reasons += [f"{finding.item} is {finding.resolution}" for finding in waived]
    reasons += filter(None, [major_mismatch(major, production)])
    if not promised:
        reasons.append("no contract: nothing is promised, so only how the script runs and its indexes were checked")
    if not complete:
        reasons.append("only a selection of the checks was run")
    return Verdict(decision=Decision.CAUTION if reasons else Decision.CLEAR, reasons=tuple(reasons))


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
