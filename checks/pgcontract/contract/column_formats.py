"""What a column is meant to hold, as a contract says it: an intent, its parameters, and examples true to both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, Field

from pgcontract.contract.declaration_models import ColumnName, Scalar, Spec
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, nearest, spell_path
from pgcontract.errors import InputError
from pgcontract.formats import Language, intent, intents
from pgcontract.model.schema import Origin, Schema


def _parameters(schema: dict[str, Any]) -> None:
    """Each intent's own parameters beside the common keys, so that an editor completes and checks them."""
    common = schema.pop("properties")
    schema.pop("additionalProperties", None)
    schema["oneOf"] = [
        {
            "title": name,
            "description": each.purpose,
            "properties": {
                **common,
                "intent": {**common["intent"], "const": name},
                **{word: parameter.json_schema for word, parameter in each.parameters.items()},
            },
            "required": [
                *schema["required"],
                *(word for word, parameter in each.parameters.items() if parameter.required),
            ],
            "additionalProperties": False,
        }
        for name, each in intents().items()
    ]


class LanguageSpec(Spec):
    """What a column is meant to hold. The intent's own parameters stand beside these keys."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, json_schema_extra=_parameters)

    column: ColumnName = Field(description="The column, as in public.orders.email.")
    intent: str = Field(description="What it is meant to hold, as in email, json_object, not_blank.")
    accept: list[Scalar] = Field(default=[], description="Values that are meant, as examples.")
    refuse: list[Scalar] = Field(default=[], description="Values that are not meant, as examples.")
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class DeclaredLanguage:
    """One `[language.<name>]`: `parameters` are the intent's own, examples are texts as a client sends them."""

    name: str
    column: str
    intent: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    @property
    def meaning(self) -> Language[Any]:
        """The oracle and the makers of values."""
        return intent(self.intent, **self.parameters)


def read_languages(
    specs: Mapping[str, LanguageSpec] | None, *, file: str, lines: Mapping[KeyPath, int], mistakes: list[Mistake]
) -> tuple[DeclaredLanguage, ...]:
    """The languages of one contract; an unknown intent or parameter and contradictory examples are mistakes."""
    found = []
    for name, spec in (specs or {}).items():
        here: KeyPath = ("language", name)
        declared = DeclaredLanguage(
            name=name,
            column=spec.column,
            intent=spec.intent,
            parameters=dict(spec.model_extra or {}),
            accept=tuple(map(as_sent, spec.accept)),
            refuse=tuple(map(as_sent, spec.refuse)),
            purpose=spec.purpose,
            origin=Origin(file=file, line=line_of(here, lines)),
        )
        mistakes += (
            Mistake(file=file, line=line_of((*here, *path), lines), message=f"{spell_path((*here, *path))}: {message}")
            for path, message in _contradictions(declared)
        )
        found.append(declared)
    return tuple(found)


def as_sent(value: Any) -> str:
    """A TOML value as the text a client sends: tables and lists as JSON."""
    match value:
        case str():
            return value
        case bool() | dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _contradictions(declared: DeclaredLanguage) -> Iterable[tuple[KeyPath, str]]:
    try:
        meaning = declared.meaning
    except InputError as error:
        word = next((each for each in declared.parameters if f"`{each}`" in error.message), "intent")
        yield (word,), error.message
        return
    if any(not isinstance(known.value, str) for known in meaning.corpus()):
        given = next((word for word in ("accept", "refuse") if getattr(declared, word)), None)
        if given:
            yield (given,), f"`{declared.intent}` is of two columns and takes no examples; take them out"
        return
    for index, value in enumerate(declared.accept):
        reason = meaning.why_not(value)
        if reason is not None:
            yield ("accept", index), f"{value!r} is to be accepted, and {declared.intent} does not mean it: {reason}"
    for index, value in enumerate(declared.refuse):
        if value in declared.accept:
            yield ("refuse", index), f"{value!r} is to be accepted as well; keep one of the two"
        elif meaning.means(value):
            yield ("refuse", index), f"{value!r} is to be refused, and {declared.intent} means it"


def undeclared(languages: Iterable[DeclaredLanguage], schema: Schema, lines: Mapping[KeyPath, int]) -> Iterable[Mistake]:
    """A mistake for each language of a column that no contract declares."""
    known = [column.name for column in schema.columns]
    for each in languages:
        if each.column not in known:
            assert each.origin
            path = ("language", each.name, "column")
            yield Mistake(
                file=each.origin.file,
                line=line_of(path, lines),
                message=f"{spell_path(path)}: no column {each.column} is declared; {nearest(each.column, known)}",
            )
