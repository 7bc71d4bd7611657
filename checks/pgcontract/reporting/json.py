"""Gives a Run as JSON and takes it back unchanged, so that any report can be made again from run.json.

The file holds two things that a Run does not: the `id` of each finding, by which reports name their evidence, and a
`digest` of all the rest, by which a file that was changed by accident is told. It is no signature: whoever changes the
file can write a new one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DataclassSchema

from pgcontract.errors import InputError
from pgcontract.reporting.evidence_ids import evidence_id
from pgcontract.result import Run
from pgcontract.values import dataclass

FORMAT = "json"
FILE = "run.json"
VERSION = 3
# DEL, C1, soft hyphen, Arabic letter mark, zero width, bidirectional, line and paragraph ends, byte order mark.
_INVISIBLE = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def render(run: Run) -> str:
    return to_json(run)


def to_json(run: Run) -> str:
    """One object: `format`, `digest`, then the fields of `Run`, their names unchanged; enums by value, tuples as arrays.

    Every finding, claim and part of a schema is one line, so that a line of a difference is one of them.
    """
    document = {"format": VERSION, **_adapter().dump_python(run, mode="json")}
    document["findings"] = [{"id": evidence_id(at), **finding} for at, finding in enumerate(document["findings"])]
    text = _lay_out({"format": VERSION, "digest": _digest(document), **document}, "\n")
    # A lone surrogate (a file name that is not UTF-8) and what would turn a terminal's text around become the escapes
    # that JSON has for them.
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


@dataclass(frozen=True, kw_only=True)
class ReadRun:
    """A Run with the `digest` of its file; `edited`: the file was changed after it was written."""

    run: Run
    digest: str
    edited: bool


def from_json(text: str) -> Run:
    """The Run that `to_json` was given; InputError says which field is wrong where it is something else."""
    return read_json(text).run


def read_json(text: str) -> ReadRun:
    """The same with the file's digest, and whether it is that of its contents."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"This is not a run.json: {error}. Give the file that `pgcontract verify` wrote.") from None
    if not isinstance(document, dict) or "format" not in document:
        raise InputError('This is not a run.json: it has no "format". Give the file that `pgcontract verify` wrote.')
    if (version := document.pop("format")) != VERSION:
        raise InputError(
            f"This run.json has the format {version!r}, and this pgcontract reads {VERSION}: "
            "make the report with the version that wrote it, or verify again."
        )
    said = document.pop("digest", None)
    digest = _digest({"format": VERSION, **document})
    findings = document.get("findings")
    if isinstance(findings, list):
        document["findings"] = [_without_id(finding) for finding in findings]
    try:
        run = _adapter().validate_python(document)
        return ReadRun(run=run, digest=digest, edited=said != digest)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top level"
        raise InputError(f"This run.json is damaged at {place}: {first['msg']}. Verify again to write it anew.") from None


def _without_id(finding: Any) -> Any:
    return {name: value for name, value in finding.items() if name != "id"} if isinstance(finding, dict) else finding


def _digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical form: keys in order, no blanks, ASCII."""
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def run_json_schema() -> dict[str, Any]:
    """The schema of run.json (draft 2020-12): the version of the format, and no field but those of a Run."""
    schema = _adapter().json_schema(schema_generator=_ClosedJsonSchema)
    finding = schema["$defs"]["Finding"]
    finding["properties"] = {"id": {"type": "string", "pattern": "^E[1-9][0-9]*$"}, **finding["properties"]}
    finding["required"] = ["id", *finding["required"]]
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    return {
        "$schema": _ClosedJsonSchema.schema_dialect,
        **schema,
        "title": "run.json",
        "properties": {"format": {"const": VERSION}, "digest": digest, **schema["properties"]},
        "required": ["format", "digest", *schema["required"]],
    }


class _ClosedJsonSchema(GenerateJsonSchema):
    """Objects have no field that they do not name."""

    def dataclass_schema(self, schema: DataclassSchema) -> JsonSchemaValue:
        return {**super().dataclass_schema(schema), "additionalProperties": False}


@cache
def _adapter() -> TypeAdapter[Run]:
    return TypeAdapter(Run)


def _lay_out(value: Any, line: str) -> str:
    """An object a line a field, an array of them a line an element, everything else on its line."""
    inner = f"{line}  "
    match value:
        case {**fields} if fields:
            lines = [f"{_one_line(name)}: {_lay_out(field, inner)}" for name, field in fields.items()]
            opening, closing = "{}"
        case [{}, *_]:
            lines = list(map(_one_line, value))
            opening, closing = "[]"
        case _:
            return _one_line(value)
    return f"{opening}{inner}{f',{inner}'.join(lines)}{line}{closing}"


def _one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
