"""What a reader asks of a Run: what is wrong, what was shown of this object, what became of which claim."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, get_args, get_type_hints

from pgcontract.model.schema import Schema
from pgcontract.reporting.sections import Section, section_of, section_of_claim
from pgcontract.result.claim_ranges import natural, spans
from pgcontract.result.finding import ClaimResult, Decision, Finding, Outcome, Run, Severity, Status

T = TypeVar("T")
CLAIM = "claim.decided"


SINGULAR: Mapping[str, str] = {name: get_args(hint)[0].kind for name, hint in get_type_hints(Schema).items()}
LOUD = (Outcome.REFUTED, Outcome.WAIVED, Outcome.CORRECTED, Outcome.MENDED)
WORST_FIRST = (*LOUD, Outcome.NOT_SHOWN, Outcome.UNTESTABLE, Outcome.UPHELD)
MEANING: Mapping[Decision, str] = {
    Decision.CLEAR: "Every promise was shown. It may be deployed.",
    Decision.CAUTION: "It may be deployed by somebody who has read what follows.",
    Decision.INCOMPLETE: "Not decided: something that should have been shown was not.",
    Decision.BLOCKED: "Do not deploy it.",
}


# So many findings with the same words are still told one by one.
_FEW = 3


def wrong(run: Run) -> tuple[Finding, ...]:
    """What nobody has settled: BROKEN, ERROR and UNKNOWN; a script that does not apply first, then the worst."""
    return tuple(sorted((each for each in run.findings if is_wrong(each)), key=_urgency))


def alike_once(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings without an answer that share migration and words (no server was asked), told once with their number."""
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for each in findings:
        if each.status is Status.UNKNOWN:
            groups[each.migration, each.summary].append(each)
    told: list[Finding] = []
    for each in findings:
        group = groups.get((each.migration, each.summary), [each])
        if len(group) <= _FEW or each.status is not Status.UNKNOWN:
            told.append(each)
        elif each is group[0]:
            told.append(replace(each, subject=f"{each.subject}, and of {len(group) - 1} more checks"))
    return tuple(told)


def settled(run: Run) -> tuple[Finding, ...]:
    """What is broken and does not block, for a reason that somebody gave: mended, corrected or waived."""
    return tuple(
        each
        for each in run.findings
        if each.status is Status.WAIVED or (each.status is Status.BROKEN and each.resolution is not None)
    )


def is_wrong(finding: Finding) -> bool:
    """Broken and not settled, or without an answer."""
    return (finding.status is Status.BROKEN and finding.resolution is None) or finding.status in (
        Status.ERROR,
        Status.UNKNOWN,
    )


def _urgency(finding: Finding) -> tuple[bool, int, int]:
    kinds = {Status.BROKEN: 0, Status.ERROR: 1, Status.UNKNOWN: 2}
    severity = list(Severity).index(finding.severity) if finding.severity else len(Severity)
    not_first = finding.check != "script.applies" or finding.status is not Status.BROKEN
    return not_first, severity if finding.status is Status.BROKEN else len(Severity), kinds[finding.status]


def word(finding: Finding) -> str:
    """KEPT, BROKEN (critical), BROKEN, corrected: the status, and what it weighs."""
    if finding.status is not Status.BROKEN:
        return finding.status.name
    if finding.resolution is not None:
        return f"BROKEN, {finding.resolution}"
    return f"BROKEN ({finding.severity.value})" if finding.severity else "BROKEN"


def counts(findings: Iterable[Finding]) -> str:
    """`1 broken, 23 settled, 412 kept`: how many of each status, worst first; what is broken and settled apart."""
    found = Counter((each.status, each.status is Status.BROKEN and each.resolution is not None) for each in findings)
    return ", ".join(
        f"{found[status, settled]} {'settled' if settled else status.value}"
        for status, settled in sorted(found, key=lambda each: (-each[0].rank, each[1]))
    )


def digits(stem: str) -> str:
    """What a migration is called by for short: 020 of 020_assessment_sessions_table."""
    return stem.split("_")[0]


class Reading:
    """A Run, looked up by object, by section and by claim.

    A chain's Run also holds what was found of earlier migrations; their items and claims are named with their digits.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.wrong = alike_once(wrong(run))
        self.settled = settled(run)
        self._held: dict[str, tuple[Mapping[str, Any], ...]] = {}

    def name(self, finding: Finding) -> str:
        """`check[subject]`, led by its migration's digits where that is not the one the report is about.

        A promise judged again in a later state says so: `020:email.language[c] at 021`.
        """
        later = f" at {digits(finding.at)}" if finding.at else ""
        return self._led(finding.item, finding.migration) + later

    def claim_name(self, claim: str, migration: str) -> str:
        return self._led(claim, migration)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The verdict's reasons but for those that only name what is wrong: that has a list of its own."""
        named = {each.item for each in self.wrong}
        return tuple(each for each in self.run.verdict.reasons if not any(each.startswith(f"{item}: ") for item in named))

    @cached_property
    def checks(self) -> tuple[Finding, ...]:
        """The findings without those that repeat what became of a claim: claims have a table of their own."""
        return tuple(each for each in self.run.findings if each.check != CLAIM or is_wrong(each))

    @cached_property
    def promised(self) -> bool:
        """Whether a contract was judged: without one no check of shape has run."""
        shape = (".present", ".definition")
        return bool(self.run.claims) or any(each.check.endswith(shape) for each in self.run.findings)

    def parts(self, kind: str) -> tuple[Mapping[str, Any], ...]:
        """The parts of one kind (a field name of `Schema`) as declared; as found live where nothing is declared.

        A part that says nothing of itself has the comment of the one that was found.
        """
        if kind not in self._held:
            facts = self.run.facts
            declared, live = ((facts.get(side) or {}).get(kind) or () for side in ("declared", "live"))
            comments = {part.get("name"): part.get("comment") for part in live}
            source = declared if facts.get("declared") else live
            self._held[kind] = tuple(
                part
                if part.get("purpose") or part.get("comment")
                else {**part, "comment": comments.get(part.get("name"))}
                for part in source
            )
        return self._held[kind]

    def findings(self, section: Section) -> tuple[Finding, ...]:
        return self._by_section.get(section, ())

    def rest(self, section: Section, *kinds: str) -> tuple[Finding, ...]:
        """The findings of a section that stand in no row of the parts of these kinds."""
        taken = {id(finding) for kind in kinds for part in self.parts(kind) for finding in self.of(kind, part)}
        return tuple(each for each in self.findings(section) if id(each) not in taken)

    def of(self, kind: str, part: Mapping[str, Any]) -> tuple[Finding, ...]:
        """The findings about one part: those with its name as subject and checks of its kind, or `kind name`."""
        singular = SINGULAR.get(kind, kind)
        name = str(part.get("name"))
        plain = (each for each in self._by_subject.get(name, ()) if _about(each, singular))
        return (*plain, *self._by_subject.get(f"{singular} {name}", ()))

    def claims(self, section: Section) -> tuple[ClaimResult, ...]:
        return self._claims.get(section, ())

    def claims_by(self, outcome: Outcome) -> tuple[ClaimResult, ...]:
        return tuple(each for each in self.run.claims if each.outcome is outcome)

    def ids_by(self, outcome: Outcome) -> tuple[str, ...]:
        return spans(self.claim_name(each.id, each.migration) for each in self.claims_by(outcome))

    def says(self, claim: str, migration: str) -> str | None:
        """The document's words, by the id of a claim and the migration that the claim is about."""
        return self._says.get((claim, migration or self.run.migration))

    def _led(self, name: str, migration: str) -> str:
        return name if migration in ("", self.run.migration) else f"{digits(migration)}:{name}"

    @cached_property
    def _says(self) -> Mapping[tuple[str, str], str]:
        return {(each.id, each.migration or self.run.migration): each.says for each in self.run.claims}

    @cached_property
    def _by_subject(self) -> Mapping[str, list[Finding]]:
        found = defaultdict(list)
        for each in self.checks:
            if each.migration in ("", self.run.migration):
                found[each.subject].append(each)
        return dict(found)

    @cached_property
    def _by_section(self) -> Mapping[Section, tuple[Finding, ...]]:
        return _grouped(self.checks, section_of)

    @cached_property
    def _claims(self) -> Mapping[Section, tuple[ClaimResult, ...]]:
        ordered = sorted(self.run.claims, key=lambda claim: (claim.migration != self.run.migration, natural(claim.id)))
        return _grouped(ordered, lambda claim: section_of_claim(claim.id))


def _grouped(values: Iterable[T], section: Callable[[T], Section]) -> Mapping[Section, tuple[T, ...]]:
    groups: dict[Section, list[T]] = {}
    for each in values:
        groups.setdefault(section(each), []).append(each)
    return {place: tuple(held) for place, held in groups.items()}


def _about(finding: Finding, kind: str) -> bool:
    family = finding.check.split(".")[0]
    return family == kind or (kind == "table" and family in ("lens", "rows"))
