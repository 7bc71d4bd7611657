"""The one place where a Finding is made of a rule's answer and of what the runner knows."""

from __future__ import annotations

from dataclasses import replace

from pgcontract.probes.promise import Promise
from pgcontract.result import Finding, Status
from pgcontract.result.secrets import mask_secrets
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import Check, checks
from pgcontract.runner.item import Item
from pgcontract.runner.plan import Plan
from pgcontract.runner.severities import weighed


def make_finding(
    promise: Promise, check: Check, answer: Answer, *, seconds: float = 0.0, refused: bool = False
) -> Finding:
    """The answer with its check, migration, claims, time, and what it weighs where it is BROKEN: a note, where nobody
    promised it. So is what could not be asked, unless the server `refused` the check itself: then something is wrong."""
    answer = replace(mask_secrets(answer, promise.project.masked), subject=answer.subject)
    claimed = promise.is_claimed(check.id, answer.subject)
    status, severity = answer.status, None
    only_noted = status is Status.BROKEN and not claimed and _is_only_noted(promise, check, answer)
    if only_noted and not promise.project.severities.promises(check.id, answer.subject):
        status = Status.NOTED
    elif status is Status.BROKEN and not only_noted:
        lighter = None if promise.is_whole or claimed else check.severity_without_contract
        severity = lighter or answer.severity or check.info.severity
    elif status is Status.UNKNOWN and not (
        claimed or refused or answer.required or check.always_asked or _is_named(promise, check, answer)
    ):
        status = Status.NOTED
    finding = Finding(
        check=check.id,
        subject=answer.subject,
        status=status,
        severity=severity,
        summary=answer.summary,
        expected=answer.expected,
        actual=answer.actual,
        remedy=answer.remedy,
        evidence=tuple(answer.evidence),
        origin=answer.origin,
        migration=promise.migration.key,
        follows=answer.follows,
        seconds=seconds,
    )
    if status is Status.BROKEN:
        promised = claimed or (not only_noted and _is_named(promise, check, answer))
        finding = weighed(finding, promise.project, own=severity, promised=promised)
    return replace(finding, claims=_claims_naming(promise, finding))


def _is_only_noted(promise: Promise, check: Check, answer: Answer) -> bool:
    """Whether what is broken is a note, as nobody promised it."""
    if check.promised is not None:
        return not check.promised(promise)
    if promise.contract is None or promise.is_whole:
        return False
    return check.implied and not _is_asked_anyway(promise, check, answer)


def _is_asked_anyway(promise: Promise, check: Check, answer: Answer) -> bool:
    """Whether the check asks about the subject without a contract too, which it may find out only as it is asked."""
    subjects = frozenset(check.subjects(promise.without_contract))
    return answer.subject in subjects or (bool(subjects) and answer.subject not in check.subjects(promise))


def _is_named(promise: Promise, check: Check, answer: Answer) -> bool:
    """Whether the migration's contract, its words or its tool promise what the check asks."""
    if check.promised is not None:
        return check.promised(promise)
    if promise.contract is None or check.implied:
        return False
    return promise.is_whole or not _is_asked_anyway(promise, check, answer)


def make_unanswered_finding(plan: Plan, item: Item, reason: str) -> Finding:
    """The UNKNOWN finding of an item that was not asked, or gave no answer."""
    answer = Answer(Status.UNKNOWN, item.subject, reason)
    return make_finding(plan.promises[item.migration], checks()[item.check], answer, refused=True)


def _claims_naming(promise: Promise, finding: Finding) -> tuple[str, ...]:
    """The ids of the migration's claims that the finding decides, or decides about what corrects them."""
    return tuple(
        claim.id
        for claim in (promise.contract.claims if promise.contract else ())
        if any(
            reference.names(finding.check, finding.subject)
            for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ()))
        )
    )
