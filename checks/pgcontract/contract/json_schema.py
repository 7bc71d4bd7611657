"""What an owner may write, as JSON Schema: for an editor to check, complete and explain."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from pgcontract.contract.claims import ClaimsSpec
from pgcontract.contract.documents import ProjectSpec, WholeContractSpec

_FILES: dict[str, type[BaseModel]] = {"contract": WholeContractSpec, "claims": ClaimsSpec, "pgcontract": ProjectSpec}


def json_schema(file: str = "contract") -> dict[str, Any]:
    """The schema of contract.toml, claims.toml or pgcontract.toml (draft 2020-12). Raises KeyError for another."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_null(_FILES[file].model_json_schema(by_alias=True)),
        "title": f"{file}.toml",
    }


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
