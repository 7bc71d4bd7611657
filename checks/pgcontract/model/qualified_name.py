"""The name of something in a database, as a value: nothing else takes a dotted name apart or puts one together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pgcontract.model.identifiers import quote_identifier, read_identifier

_IDENTIFIER: Final = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_WRITTEN: Final = re.compile(_IDENTIFIER)
_PATH: Final = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*")
_ARGUMENTS: Final = re.compile(r"\((.*)\)", re.DOTALL)


@dataclass(frozen=True, order=True)
class QualifiedName:
    """`public.t`, `public.t.email`, `public.f(integer)`: what `str()` gives, spelled as by quote_ident.

    `parts` are bare identifiers, outermost first: a schema, a relation, and where it belongs to one a column,
    constraint, trigger or policy. `arguments` are a function's types, as written; None for what is no function.
    """

    parts: tuple[str, ...]
    arguments: str | None = None

    def __str__(self) -> str:
        path = ".".join(map(quote_identifier, self.parts))
        return path if self.arguments is None else f"{path}({self.arguments})"

    @classmethod
    def of(cls, *parts: str) -> QualifiedName:
        """The name of these bare identifiers, outermost first."""
        return cls(parts)

    @classmethod
    def parse(cls, text: str) -> QualifiedName:
        """The name that SQL reads here; ValueError where the text is no name."""
        written, rest = split_name(text)
        arguments = _ARGUMENTS.fullmatch(rest)
        if not written or (rest and not arguments):
            raise ValueError(f"{text!r} is no name in SQL")
        return cls(tuple(map(read_identifier, written)), arguments[1] if arguments else None)

    @property
    def schema(self) -> str:
        """The first identifier of several, bare; empty where the name stands without a schema."""
        return self.parts[0] if len(self.parts) > 1 else ""

    @property
    def name(self) -> str:
        """The last identifier, bare."""
        return self.parts[-1]

    @property
    def quoted_name(self) -> str:
        """The last identifier, as quote_ident spells it."""
        return quote_identifier(self.name)

    @property
    def parent(self) -> QualifiedName:
        """What it is in: the table of a column, the schema of a table."""
        return QualifiedName(self.parts[:-1])

    @property
    def without_arguments(self) -> QualifiedName:
        """A function's name without its types, as CREATE FUNCTION writes it."""
        return QualifiedName(self.parts)

    def member(self, name: str) -> QualifiedName:
        """What is in it under this bare name: a table's column, a schema's table."""
        return QualifiedName((*self.parts, name))

    def with_name(self, name: str) -> QualifiedName:
        """What has this bare name and is otherwise called the same: in the same place, with the same arguments."""
        return QualifiedName((*self.parts[:-1], name), self.arguments)

    def in_schema(self, schema: str) -> QualifiedName:
        """What is called the same in another schema."""
        return QualifiedName((schema, *self.parts[1:]), self.arguments)

    def with_arguments(self, types: Iterable[str]) -> QualifiedName:
        """The function of this name that takes these types."""
        return QualifiedName(self.parts, ",".join(types))

    def is_in(self, other: QualifiedName) -> bool:
        """Whether it is the other itself or belongs to it, however deep."""
        return self.parts[: len(other.parts)] == other.parts

    def moved(self, old: QualifiedName, new: QualifiedName) -> QualifiedName:
        """Its name once `old`, which it is in, is called `new`."""
        return QualifiedName((*new.parts, *self.parts[len(old.parts) :]), self.arguments)


def split_name(text: str) -> tuple[tuple[str, ...], str]:
    """The identifiers of the dotted name that a text begins with, each as it is written, and what stands behind it."""
    path = _PATH.match(text)
    return (tuple(_WRITTEN.findall(path[0])), text[path.end() :]) if path else ((), text)
