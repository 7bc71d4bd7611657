"""Gives a Run as JSON and takes it back unchanged, so that any report can be made again from run.json."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from enum import Enum
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pgcontract.errors import InputError
from pgcontract.result import Run

FORMAT = "json"
VERSION = 1
# DEL, C1, soft hyphen, Arabic letter mark, zero width, bidirectional, line and paragraph ends, byte order mark.
_INVISIBLE = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def render(run: Run) -> str:
    return to_json(run)


def to_json(run: Run) -> str:
    """One object: `format`, then the fields of `Run`, their names unchanged; enums by value, tuples as arrays."""
    text = json.dumps({"format": VERSION, **asdict(run)}, default=_value, ensure_ascii=False, indent=2)
    # A lone surrogate (a file name that is not UTF-8) and what would turn a terminal's text around become the escapes
    # that JSON has for them.
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def from_json(text: str) -> Run:
    """The Run that `to_json` was given; InputError says which field is wrong where it is something else."""
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
    try:
        return _adapter().validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top level"
        raise InputError(f"This run.json is damaged at {place}: {first['msg']}. Verify again to write it anew.") from None


@cache
def _adapter() -> TypeAdapter[Run]:
    return TypeAdapter(Run)


def _value(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is no JSON value: {value!r}")
