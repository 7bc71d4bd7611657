"""A Run, indexed for reports: unresolved findings, findings of an object, outcomes of claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cached_property
from typing import TypeVar, get_args, get_type_hints

from pgcontract.model.schema import Part, Schema
from pgcontract.reporting.evidence_ids import EvidenceIds
from pgcontract.reporting.finding_status import collapse_alike, is_unresolved, resolved, unresolved, urgency
from pgcontract.result import ClaimResult, Decision, Finding, Outcome, Run, Status
from pgcontract.result.check_info import family_of
from pgcontract.result.claim_ranges import natural_sort_key, shorten_ids
from pgcontract.result.outline import OutlineSection

T = TypeVar("T")


KIND_BY_FIELD: Mapping[str, str] = {name: get_args(hint)[0].kind for name, hint in get_type_hints(Schema).items()}
NOTEWORTHY_OUTCOMES = (Outcome.REFUTED, Outcome.WAIVED, Outcome.CORRECTED, Outcome.MENDED)
OUTCOMES_WORST_FIRST = (*NOTEWORTHY_OUTCOMES, Outcome.NOT_SHOWN, Outcome.UNTESTABLE, Outcome.UPHELD)
DECISION_MEANING: Mapping[Decision, str] = {
    Decision.CLEAR: "Every promise was shown. It may be deployed.",
    Decision.CAUTION: "It may be deployed by somebody who has read what follows.",
    Decision.INCOMPLETE: "Not decided: something that should have been shown was not.",
    Decision.BLOCKED: "Do not deploy it.",
}


_MIN_COUNTED = 2


def decision_meaning(run: Run) -> str:
    """What the verdict means for a deployment, in a sentence."""
    if run.verdict.decision is Decision.CLEAR and any(finding.decides_nothing for finding in run.accepted):
        return "Nothing is wrong but what is accepted, which is counted below. It may be deployed."
    if run.verdict.decision is Decision.CLEAR and run.declared is None:
        return "Nothing was promised, and nothing that was asked is wrong. It may be deployed."
    return DECISION_MEANING[run.verdict.decision]


class RunView:
    """A Run, looked up by object, by section and by claim.

    A chain's Run also holds what was found of earlier migrations; their items and claims are led by its display name.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ids = EvidenceIds(run)
        self.unresolved = collapse_alike(unresolved(run))
        self.resolved = resolved(run)

    @cached_property
    def first_checks(self) -> Set[str]:
        """The checks where, if they are broken, nothing else could be asked as it was meant."""
        return {check.id for check in self.run.checks if check.comes_first}

    def urgency(self, finding: Finding) -> tuple[bool, int, int]:
        """Less is worse: a script that does not apply, then by what it weighs."""
        return urgency(finding, self.first_checks)

    def place_in_chain(self, finding: Finding) -> int:
        """The place of its migration, from 0."""
        return self._places.get(finding.migration, len(self._places))

    def deciding(self, claim: ClaimResult) -> tuple[Finding, ...]:
        """The findings that decided a claim, worst first; of one that was mended, what was broken and what mends it."""
        own = self._by_item.get(claim.migration, {})
        items = dict.fromkeys(claim.decided_by)
        return tuple(finding for item in items for finding in own.get(item, ()))

    @cached_property
    def causes(self) -> tuple[Finding, ...]:
        """The unresolved findings but for those that only follow from another migration's; what is critical, accepted or
        not, is among them."""
        causes = [finding for finding in self.unresolved if not finding.follows]
        causes += [finding for finding in self.run.accepted if finding.accepted_though_critical]
        return tuple(sorted(causes, key=self.urgency))

    @cached_property
    def people(self) -> tuple[Finding, ...]:
        """What needs a person, a thing once: without what only follows, and without what became of claims, which have a
        list of their own."""
        return tuple(finding for finding in self.causes if finding.check not in self.restating)

    @cached_property
    def consequences(self) -> Mapping[str, tuple[Finding, ...]]:
        """What has no answer since another migration was not applied, by that migration's key."""
        groups: dict[str, list[Finding]] = {}
        for finding in self.distinct_findings:
            if finding.not_asked or (finding.follows and finding.unanswered):
                groups.setdefault(finding.follows, []).append(finding)
        return {key: tuple(held) for key, held in groups.items()}

    @cached_property
    def restating(self) -> Set[str]:
        """The checks whose findings repeat what became of claims."""
        return {check.id for check in self.run.checks if check.restates_claims}

    def following(self, finding: Finding) -> tuple[str, ...]:
        """The display names of the migrations that were not applied because that finding's was not."""
        return tuple(map(self.run.display_name, self._followers.get(finding.migration, ())))

    @cached_property
    def _followers(self) -> Mapping[str, dict[str, None]]:
        """The keys of the migrations that were not applied because another was not, by the key of that one."""
        groups: dict[str, dict[str, None]] = {}
        for finding in self.run.findings:
            if finding.follows and finding.check in self.first_checks:
                groups.setdefault(finding.follows, {})[finding.migration] = None
        return groups

    def unasked(self, finding: Finding) -> int:
        """How many checks could not be asked because that finding's migration was not applied."""
        held = self.consequences.get(finding.migration, ())
        return sum(other.check not in self.first_checks for other in held)

    @cached_property
    def failures(self) -> str | None:
        """How many migrations could not be applied, and how many of those only follow; None where that is told alone."""
        applying = [finding for finding in self.run.findings if finding.check in self.first_checks]
        following = sum(bool(finding.follows) for finding in applying)
        causes = sum(finding.status in (Status.BROKEN, Status.UNKNOWN) and not finding.follows for finding in applying)
        if not following and causes < _MIN_COUNTED:
            return None
        of = f"of {len(self.run.chain)} migrations, {causes + following} could not be applied"
        words = f"{causes} cause{'s' * (causes != 1)}, {following} consequence{'s' * (following != 1)}"
        return f"{words}: {of}"

    def name(self, finding: Finding) -> str:
        """`check[subject]`, led by its migration's display name where that is not the one the report is about.

        A promise judged again in a later state says so: `020:email.format[c] at 021`.
        """
        later = f" at {self.run.display_name(finding.at)}" if finding.at else ""
        return self._with_migration_prefix(finding.item, finding.migration) + later

    def claim_name(self, claim: str, migration: str) -> str:
        return self._with_migration_prefix(claim, migration)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The verdict's reasons but for those that only name what is wrong: that has a list of its own."""
        named = {finding.item for finding in self.unresolved}
        return tuple(
            reason for reason in self.run.verdict.reasons if not any(reason.startswith(f"{item}: ") for item in named)
        )

    @cached_property
    def distinct_findings(self) -> tuple[Finding, ...]:
        """The findings without those that repeat what became of a claim: claims have a table of their own."""
        return tuple(
            finding for finding in self.run.findings if finding.check not in self.restating or is_unresolved(finding)
        )

    @property
    def promised(self) -> bool:
        """Whether there is a contract: without one no check of shape has run."""
        return self.run.declared is not None

    @property
    def schema(self) -> Schema:
        """What is declared, each kind by its own field; what was found live where nothing is declared."""
        declared, live = self.run.declared or Schema(), self.run.live or Schema()
        return live if declared == Schema() else declared

    def parts(self, kind: str) -> tuple[Part, ...]:
        """The parts of one kind, a field's name of `Schema`."""
        parts: tuple[Part, ...] = getattr(self.schema, kind)
        return parts

    def purpose(self, part: Part) -> str:
        """What the part is for: the contract's words, else its comment, else that of the one that was found."""
        return part.purpose or part.comment or self._live_comments.get((part.kind, part.name)) or ""

    def findings(self, section: OutlineSection) -> tuple[Finding, ...]:
        return self._by_section.get(section.id, ())

    def remaining_findings(self, section: OutlineSection) -> tuple[Finding, ...]:
        """The findings of a section that stand in no row of an object listed there, and those that such a row only names
        since they are not kept."""
        taken = {
            id(finding)
            for kind in self.listed_kinds(section)
            for part in self.parts(kind)
            for finding in self.findings_of(part)
            if finding.status is Status.KEPT
        }
        return tuple(finding for finding in self.findings_to_exhibit(section) if id(finding) not in taken)

    def findings_to_exhibit(self, section: OutlineSection) -> tuple[Finding, ...]:
        """The findings of a section whose evidence it does not print in full anyway, as that of verification queries."""
        printed = set(map(id, self.family("verification"))) if "verification" in section.shows else set()
        if "performance" in section.shows and self.run.measurements.queries:
            printed |= {id(finding) for finding in self.measured if finding.status is Status.KEPT}
        return tuple(finding for finding in self.findings(section) if id(finding) not in printed)

    @cached_property
    def measured(self) -> tuple[Finding, ...]:
        """The findings about a query or a step whose figures stand in a table, which names them."""
        figures = self.run.measurements
        named = {(query.migration, query.name) for query in figures.queries}
        named |= {(write.migration, f"{write.flow}.{write.step}") for write in figures.writes}
        measuring = {check.id for check in self.run.checks if check.measures}
        return tuple(
            finding
            for finding in self.distinct_findings
            if finding.check in measuring and (finding.migration, finding.subject) in named
        )

    def family(self, name: str) -> tuple[Finding, ...]:
        """The findings of one family of checks."""
        return tuple(finding for finding in self.distinct_findings if family_of(finding.check) == name)

    def listed_kinds(self, section: OutlineSection) -> tuple[str, ...]:
        """The kinds of object (field names of `Schema`) that have their rows in the section."""
        outline = self.run.outline
        return tuple(field for field, kind in KIND_BY_FIELD.items() if outline.section_of_kind(kind) == section)

    def findings_of(self, part: Part) -> tuple[Finding, ...]:
        """The findings about one part: those with its name as subject and checks of its kind, or `kind name`."""
        plain = (finding for finding in self._by_subject.get(part.name, ()) if _about(finding, part.kind))
        return (*plain, *self._by_subject.get(f"{part.kind} {part.name}", ()))

    def claims(self, section: OutlineSection) -> tuple[ClaimResult, ...]:
        return self._claims.get(section.id, ())

    def claims_of(self, finding: Finding, section: OutlineSection) -> tuple[str, ...]:
        """The ids of those claims that the finding bears on and that stand in the section."""
        migration = finding.migration or self.run.migration
        own = {claim.id for claim in self.claims(section) if (claim.migration or self.run.migration) == migration}
        return tuple(claim for claim in finding.claims if claim in own)

    def claims_by(self, outcome: Outcome) -> tuple[ClaimResult, ...]:
        return tuple(claim for claim in self.run.claims if claim.outcome is outcome)

    def claim_ids_by(self, outcome: Outcome) -> tuple[str, ...]:
        return shorten_ids(self.claim_name(claim.id, claim.migration) for claim in self.claims_by(outcome))

    def description(self, claim: str, migration: str) -> str | None:
        """The document's words, by the id of a claim and the migration that the claim is about."""
        return self._description.get((claim, migration))

    def _with_migration_prefix(self, name: str, migration: str) -> str:
        return name if migration == self.run.migration else f"{self.run.display_name(migration)}:{name}"

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {migration.key: place for place, migration in enumerate(self.run.chain)}

    @cached_property
    def _by_item(self) -> Mapping[str, Mapping[str, list[Finding]]]:
        by_item: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
        for finding in self.distinct_findings:
            by_item[finding.migration][finding.item].append(finding)
        return by_item

    @cached_property
    def _description(self) -> Mapping[tuple[str, str], str]:
        return {(claim.id, claim.migration): claim.description for claim in self.run.claims}

    @cached_property
    def _live_comments(self) -> Mapping[tuple[str, str], str | None]:
        return {(part.kind, part.name): part.comment for part in (self.run.live or Schema()).parts()}

    @cached_property
    def _by_subject(self) -> Mapping[str, list[Finding]]:
        by_subject = defaultdict(list)
        for finding in self.distinct_findings:
            if finding.migration == self.run.migration:
                by_subject[finding.subject].append(finding)
        return dict(by_subject)

    @cached_property
    def _by_section(self) -> Mapping[str, tuple[Finding, ...]]:
        outline = self.run.outline
        return _group_by_section(
            self.distinct_findings, lambda finding: outline.section_of(finding.check, finding.subject)
        )

    @cached_property
    def _claims(self) -> Mapping[str, tuple[ClaimResult, ...]]:
        outline = self.run.outline
        ordered = sorted(
            self.run.claims, key=lambda claim: (claim.migration != self.run.migration, natural_sort_key(claim.id))
        )
        return _group_by_section(
            ordered, lambda claim: outline.section_of_claim(claim.section, claim.checks or claim.decided_by)
        )


def _group_by_section(values: Iterable[T], section: Callable[[T], OutlineSection]) -> Mapping[str, tuple[T, ...]]:
    groups: dict[str, list[T]] = {}
    for value in values:
        groups.setdefault(section(value).id, []).append(value)
    return {place: tuple(held) for place, held in groups.items()}


def _about(finding: Finding, kind: str) -> bool:
    family = family_of(finding.check)
    return family == kind or (kind == "table" and family == "information_schema")
