"""A section of contract.toml besides the schema: what it must be like. Each is one file of `sections/`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field

from pgcontract.contract.declared_value import DeclaredValue, Many, Named, NamedValue
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, spell_path
from pgcontract.model.schema import Schema
from pgcontract.values import dataclass

Mistake = tuple[KeyPath, str]  # the key that it is about, by its whole path, and what to say of it


@dataclass(frozen=True, kw_only=True)
class Heading:
    """How a section is written: `[key]`, or `[[key]]` of an `array`, or `[key.<name>]` where its value has a name."""

    key: str
    description: str
    array: bool = False


class Section(DeclaredValue):
    """One declaration of a section. A subclass with a `heading`, in a file of `sections/`, is all there is to one."""

    heading: ClassVar[Heading]

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        """What cannot be meant, whatever the schema; `earlier` are those above it in the same file."""
        return iter(())

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        """What it names and no contract declares, or cannot be so in the schema that is declared by then."""
        return iter(())

    @classmethod
    def field(cls) -> tuple[Any, Any]:
        """The type and the field of its key in contract.toml."""
        description = cls.heading.description
        if issubclass(cls, NamedValue):
            return Named[cls], Field(default_factory=tuple, description=description)  # type: ignore[valid-type]
        if cls.heading.array:
            return Many[cls], Field((), description=description)  # type: ignore[valid-type]
        return cls | None, Field(None, description=description)


def contradiction_issues(
    sections: Iterable[Section], *, file: str, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """What the sections of one file say that cannot be meant."""
    above: dict[type[Section], list[Section]] = {}
    for section in sections:
        earlier = above.setdefault(type(section), [])
        yield from _issues(section.contradictions(earlier), file=file, lines=lines)
        earlier.append(section)


def undeclared_issues(
    sections: Iterable[Section], schema: Schema, *, file: str, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """What the sections of one file say that cannot be so in this schema."""
    for section in sections:
        yield from _issues(section.undeclared(schema), file=file, lines=lines)


def _issues(mistakes: Iterable[Mistake], *, file: str, lines: Mapping[KeyPath, int]) -> Iterator[ValidationIssue]:
    for path, message in mistakes:
        yield ValidationIssue(file=file, line=line_of(path, lines), message=f"{spell_path(path)}: {message}")
