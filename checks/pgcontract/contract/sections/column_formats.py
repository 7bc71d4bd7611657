"""What a column is meant to hold, as a contract says it: a standard, its parameters, and examples true to both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field

from pgcontract.contract.declaration_models import ColumnName
from pgcontract.contract.declared_columns import OfColumn
from pgcontract.contract.declared_value import Many, NamedValue
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import InputError
from pgcontract.formats import Format, standard, standards
from pgcontract.model.schema import Schema


def client_text(value: Any) -> str:
    """The text that a client sends for a TOML value: tables and lists as JSON."""
    match value:
        case str():
            return value
        case bool() | dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


ClientText = Annotated[str, BeforeValidator(client_text, json_schema_input_type=Any)]


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


class ColumnFormat(NamedValue, OfColumn, Section):
    """What a column is meant to hold. The standard's own parameters stand beside these keys."""

    heading = Heading(key="format", description="What columns are meant to hold.")
    model_config = ConfigDict(extra="allow", json_schema_extra=_add_format_parameters)

    column: ColumnName = Field(description="The column, as in public.orders.email.")
    standard: str = Field(description="What it holds, as in email, json_object, not_blank.")
    accept: Many[ClientText] = Field(default=(), description="Examples of values that the column must accept.")
    reject: Many[ClientText] = Field(default=(), description="Examples of values that the column must reject.")
    purpose: str | None = Field(default=None, description="What it is for; printed in the report.")

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The standard's own."""
        return self.model_extra or {}

    @property
    def meaning(self) -> Format[Any]:
        """The validator and the generators of values."""
        return standard(self.standard, **self.parameters)

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        try:
            meaning = self.meaning
        except InputError as error:
            word = next((parameter for parameter in self.parameters if f"`{parameter}`" in error.message), "standard")
            yield (*self.path, word), error.message
            return
        if any(not isinstance(known.value, str) for known in meaning.corpus()):
            examples = next((word for word in ("accept", "reject") if getattr(self, word)), None)
            if examples:
                yield (*self.path, examples), f"`{self.standard}` compares two columns and takes no examples; remove them"
            return
        for index, value in enumerate(self.accept):
            reason = meaning.why_not(value)
            if reason is not None:
                message = f"{value!r} is listed here, but {self.standard} does not allow it: {reason}"
                yield (*self.path, "accept", index), message
        for index, value in enumerate(self.reject):
            path = (*self.path, "reject", index)
            if value in self.accept:
                yield path, f"{value!r} is listed under accept as well; keep one of the two"
            elif meaning.means(value):
                yield path, f"{value!r} is listed here, but {self.standard} allows it"

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        known = [column.name for column in schema.columns]
        if self.column not in known:
            path = (*self.path, "column")
            yield path, f"no column {self.column} is declared; {nearest(self.column, known)}"
