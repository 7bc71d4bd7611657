"""What a format is: an oracle for what a column is meant to hold, and generators of test values.

An oracle reads the value itself, by the grammar of the source it cites; no SQL and no pattern of the migration
takes part, so that it can contradict both. The generators need Hypothesis, which is imported when they are called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pgcontract.plugins import NameTaken, Plugin, loading, origin_of

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Value = TypeVar("Value")
AnyFormat = TypeVar("AnyFormat", bound="type[Format[Any]]")

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
}


@dataclass(frozen=True, kw_only=True)
class KnownValue(Generic[Value]):
    """A value worth trying by name; whether it is meant, the format says."""

    value: Value
    label: str


@dataclass(frozen=True, kw_only=True)
class FormatParameter:
    """One parameter of a standard. `type` is JSON Schema's word; an array holds strings."""

    name: str
    type: str
    purpose: str
    required: bool
    default: Any = None
    choices: tuple[str, ...] = ()

    def admits(self, value: Any) -> bool:
        """Whether the value has the type; a boolean is no number."""
        if isinstance(value, bool) and self.type != "boolean":
            return False
        whole = isinstance(value, _TYPES[self.type])
        return whole and (self.type != "array" or all(isinstance(item, str) for item in value))

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its values, for editors."""
        schema: dict[str, Any] = {"type": self.type, "description": self.purpose}
        if self.type == "array":
            schema["items"] = {"type": "string"}
        if self.choices:
            schema["enum"] = list(self.choices)
        if not self.required and self.default is not None:
            schema["default"] = self.default
        return schema


class Format(ABC, Generic[Value]):
    """What is meant, as an oracle, and values to try: `corpus` first, then drawn ones.

    Every value made can be sent to a server: no NUL, no lone surrogate, in any text. The oracle answers for those too.
    """

    @abstractmethod
    def why_not(self, value: Value) -> str | None:
        """The first reason why the value is not meant, with its source; None where it is meant."""

    @abstractmethod
    def valid(self) -> SearchStrategy[Value]:
        """Only values that are meant."""

    @abstractmethod
    def near_misses(self) -> SearchStrategy[Value]:
        """Values one step of the format's own grammar away from a meant one, some of them meant as well."""

    @abstractmethod
    def hostile(self) -> SearchStrategy[Value]:
        """Values that break programs rather than grammars: injections, invisible and far-off characters, sizes."""

    @abstractmethod
    def corpus(self) -> tuple[KnownValue[Value], ...]:
        """Known interesting values, meant and not, always the same in the same order."""

    def means(self, value: Value) -> bool:
        """Whether the column is meant to hold the value."""
        return self.why_not(value) is None


class Texts(Format[str]):
    """A format of texts: near misses are one edit of a valid text away, hostile ones contain a hostile text."""

    @abstractmethod
    def alphabet(self) -> str:
        """The characters that mean something here, and their neighbours: what edits are made with."""

    def near_misses(self) -> SearchStrategy[str]:
        from pgcontract.formats.oracle.text_strategies import one_edit_from

        return one_edit_from(self.valid(), self.alphabet())

    def hostile(self) -> SearchStrategy[str]:
        from pgcontract.formats.oracle.text_strategies import hostile_texts

        return hostile_texts(self.valid())


@dataclass(frozen=True, kw_only=True)
class Standard:
    """One kind of meaning: its name in a contract, its parameters, what it cites, the format it makes, and who brings
    it."""

    name: str
    purpose: str
    sources: tuple[str, ...]
    parameters: Mapping[str, FormatParameter]
    format: type[Format[Any]]
    plugin: Plugin | None = None


_declared: dict[str, Standard] = {}


def declare(name: str, *, sources: tuple[str, ...]) -> Callable[[AnyFormat], AnyFormat]:
    """Make the decorated dataclass a standard, its fields its parameters; ValueError where the name is taken."""

    def register(column_format: AnyFormat) -> AnyFormat:
        if name in _declared:
            owner = origin_of(_declared[name].plugin)
            raise NameTaken(f"there is a standard {name} already, of {owner}; give it a name of its own")
        _declared[name] = Standard(
            name=name,
            purpose=(column_format.__doc__ or "").partition("\n")[0].removesuffix("."),
            sources=sources,
            parameters={option.name: option.metadata["parameter"](option.name) for option in fields(column_format)},  # type: ignore[arg-type]
            format=column_format,
            plugin=loading(),
        )
        return column_format

    return register


def declared() -> Mapping[str, Standard]:
    """The standards of the modules loaded so far, by name, sorted."""
    return dict(sorted(_declared.items()))


@contextmanager
def kept_on_failure() -> Iterator[None]:
    """What is declared inside is forgotten where it ends in an exception."""
    before = dict(_declared)
    try:
        yield
    except BaseException:
        _declared.clear()
        _declared.update(before)
        raise


def parameter(type: str, purpose: str, *, default: Any = MISSING, choices: tuple[str, ...] = ()) -> Any:  # noqa: A002
    """A field of a format that a contract may give; one without a default must be given."""

    def named(name: str) -> FormatParameter:
        required = default is MISSING
        known = None if required else default
        return FormatParameter(name=name, type=type, purpose=purpose, required=required, default=known, choices=choices)

    return field(default=default, metadata={"parameter": named})
