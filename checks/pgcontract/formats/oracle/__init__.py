"""What a language is: an oracle for what a column is meant to hold, and makers of values to try it with.

An oracle reads the value itself, by the grammar of the source it cites; no SQL and no pattern of the migration
takes part, so that it can contradict both. The makers need Hypothesis, which is imported when they are asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Value = TypeVar("Value")
AnyLanguage = TypeVar("AnyLanguage", bound="type[Language[Any]]")

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
}


@dataclass(frozen=True, kw_only=True)
class Known(Generic[Value]):
    """A value worth trying by name; whether it is meant, the language says."""

    value: Value
    label: str


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What an intent can be told. `type` is JSON Schema's word; an array holds strings."""

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
        return whole and (self.type != "array" or all(isinstance(each, str) for each in value))

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


class Language(ABC, Generic[Value]):
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
        """Values one step of the language's own grammar away from a meant one, some of them meant as well."""

    @abstractmethod
    def hostile(self) -> SearchStrategy[Value]:
        """Values that break programs rather than grammars: injections, invisible and far-off characters, sizes."""

    @abstractmethod
    def corpus(self) -> tuple[Known[Value], ...]:
        """Known interesting values, meant and not, always the same in the same order."""

    def means(self, value: Value) -> bool:
        """Whether the column is meant to hold the value."""
        return self.why_not(value) is None


class Texts(Language[str]):
    """A language of texts: near misses are one edit of a valid text away, hostile ones have a nasty piece in them."""

    @abstractmethod
    def alphabet(self) -> str:
        """The characters that mean something here, and their neighbours: what edits are made with."""

    def near_misses(self) -> SearchStrategy[str]:
        from pgcontract.formats.oracle.text_strategies import one_edit_from

        return one_edit_from(self.valid(), self.alphabet())

    def hostile(self) -> SearchStrategy[str]:
        from pgcontract.formats.oracle.text_strategies import nasty_texts

        return nasty_texts(self.valid())


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One kind of meaning: its name in a contract, what it can be told, what it cites, and the language it makes."""

    name: str
    purpose: str
    sources: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    language: type[Language[Any]]


_declared: dict[str, Intent] = {}


def declare(name: str, *, sources: tuple[str, ...]) -> Callable[[AnyLanguage], AnyLanguage]:
    """Make the decorated dataclass an intent, its fields its parameters; ValueError where the name is taken."""

    def register(language: AnyLanguage) -> AnyLanguage:
        if name in _declared:
            raise ValueError(f"intent {name} is declared by {_declared[name].language.__module__} already")
        _declared[name] = Intent(
            name=name,
            purpose=(language.__doc__ or "").partition("\n")[0].removesuffix("."),
            sources=sources,
            parameters={each.name: each.metadata["parameter"](each.name) for each in fields(language)},  # type: ignore[arg-type]
            language=language,
        )
        return language

    return register


def declared() -> Mapping[str, Intent]:
    """The intents of the modules loaded so far, by name, sorted."""
    return dict(sorted(_declared.items()))


def parameter(type: str, purpose: str, *, default: Any = MISSING, choices: tuple[str, ...] = ()) -> Any:  # noqa: A002
    """A field of a language that a contract may give; one without a default must be given."""

    def named(name: str) -> Parameter:
        required = default is MISSING
        known = None if required else default
        return Parameter(name=name, type=type, purpose=purpose, required=required, default=known, choices=choices)

    return field(default=default, metadata={"parameter": named})
