"""The one place where a Finding is made of a rule's answer and of what the runner knows."""

from __future__ import annotations

from dataclasses import replace

from pgcontract.probes.promise import Promise
from pgcontract.result import CheckInfo, Finding, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import checks
from pgcontract.runner.item import Item
from pgcontract.runner.plan import Plan


def make_finding(promise: Promise, check: CheckInfo, answer: Answer, *, seconds: float = 0.0) -> Finding:
    """The answer with its check, migration, claims, time, and the check's severity where it is BROKEN."""
    finding = Finding(
        check=check.id,
        subject=answer.subject,
        status=answer.status,
        severity=answer.severity or (check.severity if answer.status is Status.BROKEN else None),
        summary=answer.summary,
        expected=answer.expected,
        actual=answer.actual,
        remedy=answer.remedy,
        evidence=tuple(answer.evidence),
        origin=answer.origin,
        migration=promise.migration.key,
        seconds=seconds,
    )
    return replace(finding, claims=_claims_naming(promise, finding))


def make_unanswered_finding(plan: Plan, item: Item, reason: str) -> Finding:
    """The UNKNOWN finding of an item that was not asked, or gave no answer."""
    answer = Answer(Status.UNKNOWN, item.subject, reason)
    return make_finding(plan.promises[item.migration], checks()[item.check].info, answer)


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
