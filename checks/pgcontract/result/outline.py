"""The report's outline: its sections in their order, what each gathers and what it shows. Data, held by the Run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import field
from typing import Literal

from pgcontract.model.schema import Origin
from pgcontract.result.check_info import family_of
from pgcontract.values import dataclass

EVERY_OTHER = "*"
Content = Literal[
    "text",
    "verdict",
    "evidence",
    "components",
    "live",
    "access",
    "objects",
    "deployment",
    "verification",
    "performance",
    "rollback",
    "status",
    "unchecked",
    "next_steps",
    "sign_off",
    "sql",
    "claims",
    "checks",
]
# What every section has, where its `shows` gives it no other place.
_FIRST: tuple[Content, ...] = ("text", "objects")
_LAST: tuple[Content, ...] = ("claims", "checks")
COMMON: frozenset[Content] = frozenset((*_FIRST, *_LAST))


@dataclass(frozen=True, kw_only=True)
class OutlineSection:
    """One section. An empty title is a rule in place of a heading.

    `families` are those of the checks whose findings stand here (`column` of column.type); `objects` the kinds of
    object that have their rows here and, with them, the findings of `object.*`. `*` in either is all that no other
    section names.
    """

    id: str
    title: str
    text: str | None = None
    families: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    shows: tuple[Content, ...] = ()
    origin: Origin | None = field(default=None, compare=False)

    @property
    def body(self) -> tuple[Content, ...]:
        """What stands under its title, in order."""
        first, last = (tuple(one for one in common if one not in self.shows) for common in (_FIRST, _LAST))
        return (*first, *self.shows, *last)


@dataclass(frozen=True, kw_only=True)
class Outline:
    """The sections, as they follow each other."""

    sections: tuple[OutlineSection, ...]

    def __post_init__(self) -> None:
        if not self.sections:
            raise ValueError("an outline has a section")

    @property
    def general(self) -> OutlineSection:
        """Where a check stands whose family no section names."""
        return next((section for section in self.sections if EVERY_OTHER in section.families), self.sections[0])

    def showing(self, content: Content) -> OutlineSection | None:
        return next((section for section in self.sections if content in section.shows), None)

    def section_of(self, check: str, subject: str) -> OutlineSection:
        """Where a finding stands: `object.commented[index public.i]` with the indexes, else by the check's family."""
        family = family_of(check)
        if family == "object":
            return self.section_of_kind(subject.partition(" ")[0]) or self.general
        return next((section for section in self.sections if family in section.families), self.general)

    def section_of_kind(self, kind: str) -> OutlineSection | None:
        """The section that has the rows of a kind of object, if one has."""
        for name in (kind, EVERY_OTHER):
            for section in self.sections:
                if name in section.objects:
                    return section
        return None

    def section_of_claim(self, section: str | None, checks: Iterable[str]) -> OutlineSection:
        """The section that the claim names; else that of most of its checks, each `check.id` or `check.id[subject]`."""
        by_id = {known.id: known for known in self.sections}
        if section in by_id:
            return by_id[section]
        votes = Counter(
            self.section_of(check, subject.removesuffix("]")).id
            for check, _, subject in (reference.partition("[") for reference in checks)
        )
        return by_id[votes.most_common(1)[0][0]] if votes else self.general
