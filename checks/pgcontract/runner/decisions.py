"""What the verdict decides itself, of claims and of what is accepted, as items that a selection may name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pgcontract.contract import Baseline, CheckRef, Claim, IgnoreComment, Migration, Project, Waiver
from pgcontract.contract.check_globs import matches_finding
from pgcontract.result import Finding
from pgcontract.runner.baselined import BASELINE_LIVE
from pgcontract.runner.claim_findings import CLAIM_DECIDED
from pgcontract.runner.gate import ACCEPTANCES, GATE_NOT_LOOSENED, gate_findings
from pgcontract.runner.ignored import IGNORE_LIVE
from pgcontract.runner.item import Item
from pgcontract.runner.waivers import WAIVER_LIVE, waiver_name

DECISIONS = (*ACCEPTANCES, GATE_NOT_LOOSENED)


def claim_item(migration: Migration, claim: Claim) -> Item:
    return Item(migration=migration.key, check=CLAIM_DECIDED.id, subject=claim.id, label=claim.id)


def waiver_item(migration: Migration, waiver: Waiver) -> Item:
    name = waiver_name(waiver)
    return Item(migration=migration.key, check=WAIVER_LIVE.id, subject=name, label=name)


def baseline_item(project: Project, baseline: Baseline) -> Item:
    return Item(migration=project.head.key, check=BASELINE_LIVE.id, subject=baseline.name, label=baseline.name)


def comment_item(comment: IgnoreComment) -> Item:
    return Item(migration=comment.migration, check=IGNORE_LIVE.id, subject=comment.name, label=comment.name)


def gate_item(finding: Finding) -> Item:
    return Item(migration=finding.migration, check=finding.check, subject=finding.subject, label=finding.subject)


def decisions(project: Project, items: Iterable[Item]) -> dict[Item, frozenset[Item]]:
    """Every claim, waiver and comment of the chain, its baseline, and what is told of them all since a commit, each with
    those of the items that it rests on."""
    planned = tuple(items)
    found: dict[Item, frozenset[Item]] = {gate_item(finding): frozenset() for finding in gate_findings(project)}
    for number, migration in enumerate(project.chain):
        if migration.contract is None:
            continue
        so_far = [earlier.key for earlier in project.chain[: number + 1]]
        for claim in migration.contract.claims:
            references = (*claim.checks, *(claim.corrected.checks if claim.corrected else ()))
            found[claim_item(migration, claim)] = frozenset(
                item for reference in references for item in named_by(reference, planned, so_far)
            )
        left = project.at_head.migration(migration.key).contract
        for waiver in left.of(Waiver) if left else ():
            found[waiver_item(migration, waiver)] = named_by(waiver, planned, [migration.key])
    for comment in project.ignore_comments:
        if project.may_be_edited(comment.migration):
            found[comment_item(comment)] = frozenset(
                item
                for item in planned
                if item.migration in (comment.migration, project.head.key)
                and any(one.names(item.check) for one in comment.checks)
            )
    if project.baseline is not None:
        known = {entry.key.check for entry in project.baseline.entries}
        found[baseline_item(project, project.baseline)] = frozenset(item for item in planned if item.check in known)
    return found


def named_by(reference: CheckRef | Waiver, items: Iterable[Item], keys: list[str]) -> frozenset[Item]:
    """The items that a claim or a waiver of the last of these migrations names: its own, else those of the latest before
    it that has some, as where a timestamp is declared that a later contract inherits. What is about a subject that
    nobody planned rests on all that is asked of its check.
    """
    alike = [item for item in items if matches_finding(reference.check, "*", item.check, item.subject)]
    named = reference.matches if isinstance(reference, Waiver) else reference.names
    for key in reversed(keys):
        if own := frozenset(item for item in alike if item.migration == key and named(item.check, item.subject)):
            return own
    return frozenset(item for item in alike if item.migration == keys[-1])


def matches(item: Item, glob: str) -> bool:
    """Whether a glob of a selection names the item: by its check, its label or its subject."""
    words = (item.check, item.name, f"{item.check}[{item.subject}]")
    return any(word == glob or fnmatchcase(word, glob.replace("[", "[[]")) for word in words)
