"""Which section of the report a finding and a claim stand in."""

from __future__ import annotations

import re
from enum import Enum

from pgcontract.result import Finding


class Section(Enum):
    """The report's sections that hold findings: the letter of their claims' ids, the first words of their checks."""

    SUMMARY = ("H", "")
    DETAILS = ("C", "file script contract waiver claim schema error_detail")
    SCHEMA = ("T", "table column view type sequence policy rule access information_schema object")
    INDEXES = ("I", "index foreign_key")
    TRIGGER = ("G", "trigger function")
    RULES = ("V", "constraint format state_machine")
    DEPLOYMENT = ("D", "deployment")
    VERIFICATION = ("Q", "verification")
    INTEGRATION = ("S", "flow")
    ACID = ("A", "acid transaction isolation durability")
    PERFORMANCE = ("F", "query write dataset plan performance")
    ROLLBACK = ("R", "rollback")
    STATUS = ("Z", "")
    NEXT = ("N", "")

    @property
    def letter(self) -> str:
        return self.value[0]

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(self.value[1].split())


_BY_LETTER = {section.letter: section for section in Section}
_BY_FAMILY = {family: section for section in Section for family in section.families}


def section_of(finding: Finding) -> Section:
    """Where a finding stands: `object.commented[index public.i]` with the indexes, an unknown family in the details."""
    family = finding.check.split(".")[0]
    if family == "object":
        family = finding.subject.split(" ")[0]
        return _BY_FAMILY.get(family, Section.SCHEMA)
    return _BY_FAMILY.get(family, Section.DETAILS)


def section_of_claim(claim: str) -> Section:
    """Where a claim stands, by the letters its id begins with; any other letters stand in the details."""
    letters = re.match(r"[A-Za-z]*", claim)
    return _BY_LETTER.get(letters.group() if letters else "", Section.DETAILS)
