"""What a reader asks of a Run: what is wrong, what was shown of this object, what became of which claim."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property
from typing import Any, get_args, get_type_hints

from pgcontract.finding import ClaimResult, Decision, Finding, Outcome, Run, Severity, Status
from pgcontract.model import Schema


class Section(Enum):
    """The report's sections that hold findings: the letter of their claims' ids, the first words of their checks."""

    SUMMARY = ("H", "")
    DETAILS = ("C", "file script text contract waiver claim rows schema")
    SCHEMA = ("T", "table column view type sequence policy rule access lens object")
    INDEXES = ("I", "index")
    TRIGGER = ("G", "trigger function")
    RULES = ("V", "constraint language machine")
    DEPLOYMENT = ("D", "deployment")
    VERIFICATION = ("Q", "verification")
    INTEGRATION = ("S", "flow")
    ACID = ("A", "acid transaction isolation durability")
    PERFORMANCE = ("F", "query plan performance")
    ROLLBACK = ("R", "way_back")
    STATUS = ("Z", "")
    NEXT = ("N", "")

    @property
    def letter(self) -> str:
        return self.value[0]

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(self.value[1].split())


SINGULAR: Mapping[str, str] = {name: get_args(hint)[0].kind for name, hint in get_type_hints(Schema).items()}
_BY_LETTER = {section.letter: section for section in Section}
_BY_FAMILY = {family: section for section in Section for family in section.families}

LOUD = (Outcome.REFUTED, Outcome.WAIVED, Outcome.CORRECTED, Outcome.MENDED)
WORST_FIRST = (*LOUD, Outcome.NOT_SHOWN, Outcome.UNTESTABLE, Outcome.UPHELD)
MEANING: Mapping[Decision, str] = {
    Decision.CLEAR: "Every promise was shown. It may be deployed.",
    Decision.CAUTION: "It may be deployed by somebody who has read what follows.",
    Decision.INCOMPLETE: "Not decided: something that should have been shown was not.",
    Decision.BLOCKED: "Do not deploy it.",
}


def section_of(finding: Finding) -> Section:
    """Where a finding stands: `object.comment[index public.i]` with the indexes, an unknown family in the details."""
    family = finding.check.split(".")[0]
    if family == "object":
        family = finding.subject.split(" ")[0]
        return _BY_FAMILY.get(family, Section.SCHEMA)
    return _BY_FAMILY.get(family, Section.DETAILS)


def section_of_claim(claim: ClaimResult) -> Section:
    """Where a claim stands, by the letters its id begins with; any other letters stand in the details."""
    letters = re.match(r"[A-Za-z]*", claim.id)
    return _BY_LETTER.get(letters.group() if letters else "", Section.DETAILS)


def wrong(run: Run) -> tuple[Finding, ...]:
    """What nobody has settled: BROKEN, ERROR and UNKNOWN; a script that does not apply first, then the worst."""
    return tuple(sorted((each for each in run.findings if is_wrong(each)), key=_urgency))


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


def counts(findings: Iterable[Finding]) -> dict[Status, int]:
    """How many of each status, worst first, without those that did not occur."""
    found = Counter(each.status for each in findings)
    return {status: found[status] for status in sorted(found, key=lambda each: -each.rank)}


def spans(ids: Iterable[str]) -> tuple[str, ...]:
    """Ids in their own order, runs of three or more closed up: T1 T2 T3 V1 is T1–T3 V1."""
    runs: list[list[str]] = []
    for each in sorted(set(ids), key=natural):
        if runs and _follows(runs[-1][-1], each):
            runs[-1].append(each)
        else:
            runs.append([each])
    return tuple(part for run in runs for part in ((f"{run[0]}–{run[-1]}",) if len(run) > 2 else run))


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A sorting key under which T2 stands before T10."""
    return tuple((int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text))


def _follows(before: str, after: str) -> bool:
    first, second = (re.fullmatch(r"([A-Za-z]+)([0-9]{1,6})", each) for each in (before, after))
    return bool(first and second and first[1] == second[1] and int(first[2]) + 1 == int(second[2]))


class Reading:
    """A Run, looked up by object, by section and by claim."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.wrong = wrong(run)
        self.settled = settled(run)

    def parts(self, kind: str) -> tuple[Mapping[str, Any], ...]:
        """The parts of one kind (a field name of `Schema`) as declared; as found live where nothing is declared."""
        for source in ("declared", "live"):
            held = self.run.facts.get(source)
            if isinstance(held, Mapping):
                return tuple(part for part in held.get(kind) or () if isinstance(part, Mapping))
        return ()

    @property
    def promised(self) -> bool:
        """Whether a contract was judged: without one no check of shape has run."""
        return bool(self.run.claims) or any(
            each.check.endswith((".present", ".definition")) for each in self.run.findings
        )

    def findings(self, section: Section) -> tuple[Finding, ...]:
        return self._by_section[section]

    def rest(self, section: Section, *kinds: str) -> tuple[Finding, ...]:
        """The findings of a section that stand in no row of the parts of these kinds."""
        taken = {id(finding) for kind in kinds for part in self.parts(kind) for finding in self.of(kind, part)}
        return tuple(each for each in self._by_section[section] if id(each) not in taken)

    def of(self, kind: str, part: Mapping[str, Any]) -> tuple[Finding, ...]:
        """The findings about one part: those with its name as subject and checks of its kind, or `kind name`."""
        singular = SINGULAR.get(kind, kind)
        name = str(part.get("name"))
        plain = (each for each in self._by_subject.get(name, ()) if self._about(each, singular))
        return (*plain, *self._by_subject.get(f"{singular} {name}", ()))

    def claims(self, section: Section) -> tuple[ClaimResult, ...]:
        return self._claims[section]

    def claims_by(self, outcome: Outcome) -> tuple[ClaimResult, ...]:
        return tuple(each for each in self.run.claims if each.outcome is outcome)

    @cached_property
    def says(self) -> Mapping[str, str]:
        """The document's words by the id of the claim."""
        return {each.id: each.says for each in self.run.claims}

    @staticmethod
    def _about(finding: Finding, kind: str) -> bool:
        family = finding.check.split(".")[0]
        return family == kind or (kind == "table" and family in ("lens", "rows"))

    @cached_property
    def _by_subject(self) -> Mapping[str, list[Finding]]:
        found = defaultdict(list)
        for each in self.run.findings:
            found[each.subject].append(each)
        return dict(found)

    @cached_property
    def _by_section(self) -> Mapping[Section, tuple[Finding, ...]]:
        return {
            section: tuple(each for each in self.run.findings if section_of(each) is section) for section in Section
        }

    @cached_property
    def _claims(self) -> Mapping[Section, tuple[ClaimResult, ...]]:
        ordered = sorted(self.run.claims, key=lambda claim: natural(claim.id))
        return {section: tuple(c for c in ordered if section_of_claim(c) is section) for section in Section}
