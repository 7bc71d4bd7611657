"""The report's outline: as `[[report.section]]` of pgcontract.toml declares it, and the default one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pgcontract.contract.declaration_models import NameKey, Spec
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest
from pgcontract.model.schema import PART_TYPES, Origin
from pgcontract.result.outline import COMMON, EVERY_OTHER, Content, Outline, OutlineSection

if TYPE_CHECKING:
    Kind = str
else:
    Kind = Literal[("*", *(part.kind for part in PART_TYPES.values()))]
_PATH: KeyPath = ("report", "section")
_LISTS = ("families", "objects", "shows")
# Whatever its outline, a report says first what was decided, and somewhere what is wrong and what nobody checked.
_ALWAYS_SHOWN: tuple[Content, ...] = ("evidence", "unchecked")


class SectionSpec(Spec):
    """One section of the report."""

    id: NameKey = Field(description="Its id, which claims name; that of a default section gives what is not said here.")
    title: str | None = Field(None, description='Its heading; "" for a rule in place of one.')
    text: str | None = Field(None, min_length=1, description="What it begins with, in your words; blank lines part.")
    families: list[str] | None = Field(
        None,
        description="The checks whose findings stand in it, by the first words of their ids, as `column` of "
        'column.type; "*" is every check that no other section names.',
    )
    objects: list[Kind] | None = Field(
        None,
        description='The kinds of object that are listed in it; "*" is every kind that no other section names.',
    )
    shows: list[Content] | None = Field(
        None,
        description="What else it shows, in order. Its text and objects come before it, its claims and checks behind it, "
        "where they are not named in the list.",
    )


class ReportSpec(Spec):
    """How the report is laid out."""

    section: list[SectionSpec] = Field(
        default=[], description="The report's sections, all of them, in their order. None: the default outline."
    )


@cache
def default_outline() -> Outline:
    """The outline where pgcontract.toml declares none."""
    text = files("pgcontract.contract").joinpath("default_outline.toml").read_text(encoding="utf-8")
    # Ours, so nobody validates it: a validator would take longer to build than the rest of a small run takes to load.
    specs = [SectionSpec.model_construct(**section) for section in tomllib.loads(text)["section"]]
    return Outline(sections=tuple(_section(spec, OutlineSection(id=spec.id, title=""), {}) for spec in specs))


def read_outline(spec: ReportSpec, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]) -> Outline:
    """The owner's sections, or the default outline where he has none. What he does not say of a section is as in the
    default one of its id, but for what another section of his names."""
    if not spec.section:
        return default_outline()
    defaults = {section.id: section for section in default_outline().sections}
    named = {key: {name for one in spec.section for name in getattr(one, key) or ()} - COMMON for key in _LISTS}
    sections: list[OutlineSection] = []
    for index, one in enumerate(spec.section):
        origin = Origin(file=file, line=line_of((*_PATH, index), lines))
        if one.title is None and one.id not in defaults:
            message = f"section {one.id} has no `title`; give it one, or name a default section: "
            issues.append(ValidationIssue(file=file, line=origin.line, message=message + nearest(one.id, defaults)))
        default = defaults.get(one.id, OutlineSection(id=one.id, title=""))
        sections.append(_section(one, default, named, origin))
    outline = Outline(sections=tuple(sections))
    issues += (
        ValidationIssue(file=file, line=section.origin.line if section.origin else None, message=message)
        for section, message in (*_doubled(sections), *_missing(outline))
    )
    return outline


def _section(
    spec: SectionSpec, default: OutlineSection, named: Mapping[str, Set[str]], origin: Origin | None = None
) -> OutlineSection:
    left = {key: tuple(name for name in getattr(default, key) if name not in named.get(key, ())) for key in _LISTS}
    return OutlineSection(
        id=spec.id,
        title=default.title if spec.title is None else spec.title,
        text=spec.text,
        families=left["families"] if spec.families is None else tuple(spec.families),
        objects=left["objects"] if spec.objects is None else tuple(spec.objects),
        shows=left["shows"] if spec.shows is None else tuple(spec.shows),
        origin=origin,
    )


def _doubled(sections: Sequence[OutlineSection]) -> Iterator[tuple[OutlineSection, str]]:
    """An id, a family, a kind of object or something shown that stands in two sections."""
    first: dict[tuple[str, str], OutlineSection] = {}
    for section in sections:
        known = first.setdefault(("id", section.id), section)
        if known is not section:
            yield section, f"section {section.id} is there twice, first at {known.origin}; give each its own id"
            continue
        for key in _LISTS:
            for name in getattr(section, key):
                known = first.setdefault((key, name), section)
                if known is not section and name not in COMMON:
                    yield section, f"section {section.id}: `{name}` of `{key}` is in section {known.id} already"


def _missing(outline: Outline) -> Iterator[tuple[OutlineSection, str]]:
    first = outline.sections[0]
    if "verdict" not in first.body:
        yield first, 'a report begins with its verdict; put the section that has shows = ["verdict"] first'
    for content in _ALWAYS_SHOWN:
        if outline.showing(content) is None:
            yield first, f'no section shows `{content}`, which no report leaves out; give one shows = ["{content}"]'
    if EVERY_OTHER not in outline.general.families:
        yield first, 'no section takes the checks that no other one names; give one families = ["*"]'
