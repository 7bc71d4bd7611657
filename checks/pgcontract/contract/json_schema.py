"""What an owner may write, as JSON Schema: for an editor to check, complete and explain."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from pgcontract.contract.claims import ClaimsSpec
from pgcontract.contract.project_file import ProjectSpec
from pgcontract.contract.sections import SECTIONS

_REMOVED: Final = {
    "type": "object",
    "description": "Take back what an earlier contract declares under this name; of a list, by its id, or its check and "
    "subject.",
    "properties": {"removed": {"const": True}, **{key: {"type": "string"} for key in ("id", "check", "subject")}},
    "required": ["removed"],
    "additionalProperties": False,
}


def json_schema(file: str = "contract") -> dict[str, Any]:
    """The schema of contract.toml, claims.toml or pgcontract.toml (draft 2020-12). Raises KeyError for another."""
    from pgcontract.contract.documents import WholeContractSpec

    files: dict[str, type[BaseModel]] = {"contract": WholeContractSpec, "claims": ClaimsSpec, "pgcontract": ProjectSpec}
    schema = _without_null(files[file].model_json_schema(by_alias=True))
    if file == "contract":
        _let_sections_be_removed(schema["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"{file}.toml",
    }


def _let_sections_be_removed(properties: dict[str, Any]) -> None:
    """What an earlier contract declares may be taken back in place of being declared anew."""
    for section in SECTIONS:
        value = properties[section.heading.key]
        inner = next((key for key in ("items", "additionalProperties") if isinstance(value.get(key), dict)), None)
        if inner is not None:
            value[inner] = {"anyOf": [value[inner], _REMOVED]}
        else:
            description = {"description": value.pop("description")} if "description" in value else {}
            properties[section.heading.key] = {"anyOf": [value, _REMOVED], **description}


def _without_null(schema: Any) -> Any:
    """TOML has no null: what may be left out is not required, and never null."""
    match schema:
        case {"anyOf": [one, {"type": "null"}], **rest}:
            return _without_null({**one, **{key: value for key, value in rest.items() if key != "default"}})
        case dict():
            return {key: _without_null(value) for key, value in schema.items()}
        case list():
            return [_without_null(subschema) for subschema in schema]
    return schema
