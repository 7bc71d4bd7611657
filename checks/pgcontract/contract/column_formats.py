"""What a column is meant to hold, as a contract says it: a standard, its parameters, and examples true to both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, Field

from pgcontract.contract.declaration_models import ColumnName, Scalar, Spec
from pgcontract.contract.declared_columns import OfColumn
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.errors import InputError
from pgcontract.formats import Format, standard, standards
from pgcontract.model.schema import Origin, Schema


def _add_format_parameters(schema: dict[str, Any]) -> None:
    """Each standard's own parameters beside the common keys, so that an editor completes and checks them."""
    common = schema.pop("properties")
    schema.pop("additionalProperties", None)
    schema["oneOf"] = [
        {
            "title": name,
            "description": documented_intent.purpose,
            "properties": {
                **common,
                "standard": {**common["standard"], "const": name},
                **{word: parameter.json_schema for word, parameter in documented_intent.parameters.items()},
            },
            "required": [
                *schema["required"],
                *(word for word, parameter in documented_intent.parameters.items() if parameter.required),
            ],
            "additionalProperties": False,
        }
        for name, documented_intent in standards().items()
    ]


class ColumnFormatSpec(Spec):
    """What a column is meant to hold. The standard's own parameters stand beside these keys."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, json_schema_extra=_add_format_parameters)

    column: ColumnName = Field(description="The column, as in public.orders.email.")
    standard: str = Field(description="What it holds, as in email, json_object, not_blank.")
    accept: list[Scalar] = Field(default=[], description="Examples of values that the column must accept.")
    reject: list[Scalar] = Field(default=[], description="Examples of values that the column must reject.")
    purpose: str | None = Field(None, description="What it is for; printed in the report.")


@dataclass(frozen=True, kw_only=True)
class ColumnFormat(OfColumn):
    """One `[format.<name>]`: `parameters` are the standard's own, examples are texts as a client sends them."""

    name: str
    column: str
    standard: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    @property
    def meaning(self) -> Format[Any]:
        """The validator and the generators of values."""
        return standard(self.standard, **self.parameters)


def read_formats(
    specs: Mapping[str, ColumnFormatSpec] | None,
    *,
    file: str,
    lines: Mapping[KeyPath, int],
    issues: list[ValidationIssue],
) -> tuple[ColumnFormat, ...]:
    """The formats of one contract; an unknown standard or parameter and contradictory examples are errors."""
    formats = []
    for name, spec in (specs or {}).items():
        language_path: KeyPath = ("format", name)
        declared = ColumnFormat(
            name=name,
            column=spec.column,
            standard=spec.standard,
            parameters=dict(spec.model_extra or {}),
            accept=tuple(map(client_text, spec.accept)),
            reject=tuple(map(client_text, spec.reject)),
            purpose=spec.purpose,
            origin=Origin(file=file, line=line_of(language_path, lines)),
        )
        issues += (
            ValidationIssue(
                file=file,
                line=line_of((*language_path, *path), lines),
                message=f"{spell_path((*language_path, *path))}: {message}",
            )
            for path, message in _contradictions(declared)
        )
        formats.append(declared)
    return tuple(formats)


def client_text(value: Any) -> str:
    """The text that a client sends for a TOML value: tables and lists as JSON."""
    match value:
        case str():
            return value
        case bool() | dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _contradictions(declared: ColumnFormat) -> Iterable[tuple[KeyPath, str]]:
    try:
        meaning = declared.meaning
    except InputError as error:
        word = next((parameter for parameter in declared.parameters if f"`{parameter}`" in error.message), "standard")
        yield (word,), error.message
        return
    if any(not isinstance(known.value, str) for known in meaning.corpus()):
        declared_keys = next((word for word in ("accept", "reject") if getattr(declared, word)), None)
        if declared_keys:
            yield (declared_keys,), f"`{declared.standard}` compares two columns and takes no examples; remove them"
        return
    for index, value in enumerate(declared.accept):
        reason = meaning.why_not(value)
        if reason is not None:
            yield (
                ("accept", index),
                f"{value!r} is listed here, but {declared.standard} does not allow it: {reason}",
            )
    for index, value in enumerate(declared.reject):
        if value in declared.accept:
            yield ("reject", index), f"{value!r} is listed under accept as well; keep one of the two"
        elif meaning.means(value):
            yield ("reject", index), f"{value!r} is listed here, but {declared.standard} allows it"


def undeclared_format_issues(
    formats: Iterable[ColumnFormat], schema: Schema, lines: Mapping[KeyPath, int]
) -> Iterable[ValidationIssue]:
    """An error for each format of a column that no contract declares."""
    known = [column.name for column in schema.columns]
    for column_format in formats:
        if column_format.column not in known:
            assert column_format.origin
            path = ("format", column_format.name, "column")
            yield ValidationIssue(
                file=column_format.origin.file,
                line=line_of(path, lines),
                message=f"{spell_path(path)}: no column {column_format.column} is declared; "
                f"{nearest(column_format.column, known)}",
            )
