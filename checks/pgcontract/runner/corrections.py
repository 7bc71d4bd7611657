"""Statements in the place of others: what may stand in the place of a claim, and which findings that excuses. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pgcontract.contract import CheckRef, Claim, Project
from pgcontract.result import CheckInfo, ClaimResult, Correctable, Finding, Outcome, Status
from pgcontract.result.check_info import family_of

ClaimKey = tuple[str, str]  # the migration and the id of a claim


def restated_claims(project: Project, key: str) -> Mapping[str, tuple[str, Claim]]:
    """The claims that later migrations make under ids that this one uses too, each with its migration's key."""
    keys = [migration.key for migration in project.chain]
    return {
        claim.id: (migration.key, claim)
        for migration in project.chain[keys.index(key) + 1 :]
        if migration.contract
        for claim in migration.contract.claims
    }


def correction_obstacle(
    broken: Iterable[Finding], references: Sequence[CheckRef], checks: Mapping[str, CheckInfo], *, least: Correctable
) -> str | None:
    """Why a statement that rests on `references` cannot stand in the place of one that these findings refute.

    Only words, counts and complexity are corrected by a sentence (`least` is WORDS); what a later migration states is
    judged by the very check that refuted the earlier statement, a sentence by one of its family: else anything true
    would excuse anything false.
    """
    for finding in broken:
        correctable = checks[finding.check].correctable
        if correctable is Correctable.NEVER or (least is Correctable.WORDS and correctable is Correctable.STATEMENT):
            return f"{finding.item} is broken, which no words correct"
        alike = (
            reference.check == finding.check
            if least is Correctable.STATEMENT
            else family_of(reference.check) == family_of(finding.check)
            for reference in references
        )
        if not any(alike):
            wanted = finding.check if least is Correctable.STATEMENT else f"{family_of(finding.check)}.*"
            return f"{finding.item} is broken, and it names no {wanted}"
    return None


def corrected_claims(claims: Iterable[ClaimResult]) -> frozenset[ClaimKey]:
    return frozenset((claim.migration, claim.id) for claim in claims if claim.outcome is Outcome.CORRECTED)


def declared_corrections(project: Project) -> frozenset[ClaimKey]:
    """The claims in whose place a contract puts something, whether or not that holds."""
    return frozenset(
        (migration.key, claim.id)
        for migration in project.chain
        if migration.contract
        for claim in migration.contract.claims
        if claim.corrected or claim.id in restated_claims(project, migration.key)
    )


def apply_corrections(
    findings: Iterable[Finding], project: Project, checks: Mapping[str, CheckInfo], corrected: Collection[ClaimKey]
) -> tuple[Finding, ...]:
    """The findings; a broken one is resolved where its check can be corrected, claims name it, and all are `corrected`.

    Where only a statement may stand in the place of another, a later migration must have restated the claim.
    """
    return tuple(_with_correction(finding, project, checks[finding.check].correctable, corrected) for finding in findings)


def _with_correction(
    finding: Finding, project: Project, correctable: Correctable, corrected: Collection[ClaimKey]
) -> Finding:
    if finding.status is not Status.BROKEN or finding.resolution is not None or correctable is Correctable.NEVER:
        return finding
    restated = restated_claims(project, finding.migration)
    ids = [
        claim.id
        for migration in project.chain
        if migration.contract and migration.key == finding.migration
        for claim in migration.contract.claims
        if any(reference.names(finding.check, finding.subject) for reference in claim.checks)
    ]
    holds = all(
        (finding.migration, claim) in corrected and (claim in restated or correctable is Correctable.WORDS)
        for claim in ids
    )
    return replace(finding, resolution=f"corrected: {', '.join(ids)}") if ids and holds else finding
