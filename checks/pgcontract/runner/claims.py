"""From findings to claims: which are refuted, not shown, mended, corrected, waived or upheld. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pgcontract.contract import CheckRef, Claim, Project
from pgcontract.result import CheckInfo, ClaimResult, Correctable, Finding, Outcome, Status
from pgcontract.runner.claim_findings import CLAIM_DECIDED
from pgcontract.runner.corrections import correction_obstacle, restated_claims
from pgcontract.runner.item import Item
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was found of what a claim rests on, and what a selection left out of it."""

    findings: tuple[Finding, ...] = ()
    left_out: tuple[Item, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What checks say of a statement that rests on them. `open`: another run may answer what this one did not;
    `asked` is False where a selection left it out."""

    outcome: Outcome
    reason: str
    open: bool = False
    asked: bool = True


def decide_claims(
    project: Project,
    findings: Iterable[Finding],
    checks: Mapping[str, CheckInfo],
    *,
    left_out: Iterable[Item] = (),
    undecided: Collection[Item] = (),
    skipped: Collection[Item] = (),
) -> tuple[ClaimResult, ...]:
    """What became of each claim of the chain, in the order they are written.

    A refuted claim that a later migration restates under its id is corrected once the later statement is upheld. One that
    is `undecided`, because a selection did not ask all of it, is not shown unless what it asked refutes it; one that it
    `skipped` is not shown.
    """
    asked = _AskedInChain(project, findings, left_out)
    unasked, left = (
        {(item.migration, item.subject) for item in items if item.check == CLAIM_DECIDED.id}
        for items in (undecided, skipped)
    )
    results: list[ClaimResult] = []
    for migration in project.chain:
        restated = restated_claims(project, migration.key)
        for claim in migration.contract.claims if migration.contract else ():
            result = decide_claim(claim, migration.key, asked.of(claim, migration.key), checks)
            if result.outcome is Outcome.REFUTED and claim.id in restated:
                key, later = restated[claim.id]
                asked_later = asked.of(later, key)
                result = _restated(result, claim, asked.of(claim, migration.key), later, key, asked_later, checks)
            name = migration.key, claim.id
            judged = name not in unasked or (result.outcome is Outcome.REFUTED and name not in left)
            results.append(result if judged else _unasked(result))
    return tuple(results)


def _unasked(result: ClaimResult) -> ClaimResult:
    """A claim that a selection did not ask: no reason for a verdict."""
    if result.outcome in (Outcome.NOT_SHOWN, Outcome.UNTESTABLE):
        return replace(result, asked=False)
    return replace(result, outcome=Outcome.NOT_SHOWN, reason="the selection left it out", asked=False)


class _AskedInChain:
    """What was found, and left out, of each migration's promises."""

    def __init__(self, project: Project, findings: Iterable[Finding], left_out: Iterable[Item]) -> None:
        self._keys = [migration.key for migration in project.chain]
        self._findings: dict[str, list[Finding]] = {key: [] for key in self._keys}
        self._left_out: dict[str, list[Item]] = {key: [] for key in self._keys}
        for finding in findings:
            self._findings.setdefault(finding.migration, []).append(finding)
        for item in left_out:
            self._left_out.setdefault(item.migration, []).append(item)

    def of(self, claim: Claim, key: str) -> Asked:
        """What the claim rests on: its own migration's; of a check that nothing there is about, what was declared before
        and is asked where it was declared."""
        findings: dict[int, Finding] = {}
        left_out: list[Item] = []
        for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ())):
            for earlier in reversed(self._keys[: self._keys.index(key) + 1]):
                found = [one for one in self._findings[earlier] if reference.names(one.check, one.subject)]
                skipped = [one for one in self._left_out[earlier] if reference.names(one.check, one.subject)]
                if found or skipped:
                    findings.update((id(one), one) for one in found)
                    left_out += skipped
                    break
        return Asked(findings=tuple(findings.values()), left_out=tuple(left_out))


def _restated(
    result: ClaimResult,
    claim: Claim,
    asked: Asked,
    later: Claim,
    key: str,
    later_asked: Asked,
    checks: Mapping[str, CheckInfo],
) -> ClaimResult:
    """The refuted claim, corrected where the statement in its place holds and is judged by the checks that refuted it."""
    now = decide_claim(later, key, later_asked, checks)
    broken = _broken(_deciding(claim.checks, asked.findings))
    if now.outcome not in (Outcome.UPHELD, Outcome.MENDED):
        return replace(result, reason=f"{_clause(result.reason)}; {key} restates it, which is {now.outcome.value}")
    if obstacle := correction_obstacle(broken, later.checks, checks, least=Correctable.STATEMENT):
        return replace(result, reason=f"{_clause(result.reason)}; that {key} restates it is no correction: {obstacle}")
    return replace(result, outcome=Outcome.CORRECTED, corrected=f"{later.description} ({key})")


def decide_claim(claim: Claim, migration: str, asked: Asked, checks: Mapping[str, CheckInfo]) -> ClaimResult:
    """One claim by the findings of its migration: the first that applies of

    refuted (a check BROKEN and not mended) · not shown (one UNKNOWN, NOTED, failed, missing or pending) · mended ·
    waived · upheld. A corrected claim that is refuted counts as corrected once its true statement is upheld.
    """
    own = _deciding(claim.checks, asked.findings)
    answer = _answer(claim.checks, asked)
    if claim.untestable and answer.outcome is not Outcome.REFUTED:
        answer = _Answer(outcome=Outcome.UNTESTABLE, reason=claim.untestable)
    elif claim.corrected:
        true = _deciding(claim.corrected.checks, asked.findings)
        answer = _corrected(answer, own, claim.corrected.checks, _answer(claim.corrected.checks, asked), checks)
        own = (*own, *true)
    if claim.pending and answer.outcome in (Outcome.UPHELD, Outcome.MENDED, Outcome.WAIVED):
        besides = f" Besides, {answer.reason}" if answer.outcome is not Outcome.UPHELD else ""
        answer = _Answer(outcome=Outcome.NOT_SHOWN, reason=f"pending: {claim.pending}{besides}")
    return ClaimResult(
        id=claim.id,
        description=claim.description,
        outcome=answer.outcome,
        reason=answer.reason,
        asked=answer.asked,
        checks=tuple(map(str, claim.checks)),
        decided_by=tuple(finding.item for finding in sorted(own, key=lambda finding: -finding.status.rank)),
        corrected=claim.corrected.description if claim.corrected else None,
        migration=migration,
        section=claim.section,
        origin=claim.origin,
    )


def _answer(references: Sequence[CheckRef], asked: Asked) -> _Answer:
    findings = _deciding(references, asked.findings)
    if broken := _broken(findings):
        return _Answer(outcome=Outcome.REFUTED, reason=broken[0].summary)
    if silent := sorted((finding for finding in findings if finding.shows_nothing), key=lambda one: -one.status.rank):
        noted = silent[0].status is Status.NOTED
        return _Answer(outcome=Outcome.NOT_SHOWN, reason=_why_silent(silent[0]), open=not noted)
    for item in asked.left_out:
        if any(reference.names(item.check, item.subject) for reference in references):
            reason = f"{item.check}[{item.subject}] was left out by the selection"
            return _Answer(outcome=Outcome.NOT_SHOWN, reason=reason, open=True, asked=False)
    for reference in references:
        if not any(reference.names(finding.check, finding.subject) for finding in findings):
            return _Answer(outcome=Outcome.NOT_SHOWN, reason=f"{reference} found nothing to check")
    if not references:
        return _Answer(outcome=Outcome.NOT_SHOWN, reason="no check decides it yet")
    for finding in findings:
        if finding.mended:
            return _Answer(outcome=Outcome.MENDED, reason=f"{finding.resolution}: {finding.summary}")
    for finding in findings:
        if finding.status is Status.WAIVED:
            return _Answer(outcome=Outcome.WAIVED, reason=f"{finding.item} is {finding.resolution or finding.summary}")
    hold = f"{len(findings)} checks hold" if len(findings) != 1 else "1 check holds"
    return _Answer(outcome=Outcome.UPHELD, reason=hold)


def _why_silent(finding: Finding) -> str:
    if finding.status is Status.NOTED:
        return f"{finding.item} only notes: {finding.summary}"
    if finding.status is Status.WAIVED:
        return f"{finding.item} has no answer, which is {finding.resolution}"
    return f"{finding.item}: {finding.summary}"


def _corrected(
    answer: _Answer,
    own: Sequence[Finding],
    references: Sequence[CheckRef],
    held: _Answer,
    checks: Mapping[str, CheckInfo],
) -> _Answer:
    """The answer about a claim with a true statement in its place, of which `held` is the answer."""
    if answer.outcome in (Outcome.NOT_SHOWN, Outcome.WAIVED):
        return answer
    refuted = answer.outcome is Outcome.REFUTED
    if held.outcome is Outcome.NOT_SHOWN and held.open:
        return replace(held, reason=f"whether its correction holds is not known: {held.reason}")
    if held.outcome is not Outcome.UPHELD:
        return _Answer(outcome=Outcome.REFUTED, reason=f"its correction does not hold: {held.reason}")
    if refuted and (obstacle := correction_obstacle(_broken(own), references, checks, least=Correctable.WORDS)):
        return replace(answer, reason=f"{_clause(answer.reason)}; its correction is none: {obstacle}")
    if refuted:
        return replace(answer, outcome=Outcome.CORRECTED)
    if any(checks[finding.check].timed for finding in own):  # so it stays, whichever way the day falls
        reason = "it depends on a time, which was measured on this machine only"
        return _Answer(outcome=Outcome.CORRECTED, reason=reason)
    reason = "it is corrected, and its own checks hold: the correction is not needed"
    return _Answer(outcome=Outcome.REFUTED, reason=reason)


def _deciding(references: Sequence[CheckRef], findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        finding
        for finding in findings
        if any(reference.names(finding.check, finding.subject) for reference in references)
    )


def _broken(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.status is Status.BROKEN and not finding.mended)


def _clause(sentence: str) -> str:
    return sentence.rstrip(".")
