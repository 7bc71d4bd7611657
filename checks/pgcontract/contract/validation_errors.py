"""What is invalid in a file an owner wrote: each issue with its line and the nearest known key."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, NoReturn, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pgcontract.contract.declared_value import ADDED_KEYS, NAME, TEXT, key_of
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.errors import ContractError
from pgcontract.values import dataclass

_INTERNAL: Final = "@"  # what the reader adds, and nobody writes
_MAX_KNOWN: Final = 40
_LAST_KNOWN: Final = 8
_EXPECTED: Final = {
    "string_type": "a text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list in square brackets",
    "dict_type": "a table of keys",
    "model_type": "a table of keys",
    "date_type": "a date without quotes, as in 2026-12-31",
    "date_from_datetime_inexact": "a date without a time, as in 2026-12-31",
}


@dataclass(frozen=True, kw_only=True)
class ValidationIssue:
    file: str
    line: int | None
    message: str


def raise_issues(issues: Iterable[ValidationIssue]) -> None:
    """Raises one ContractError for all issues, in line order, with the first one's line; returns if there are none."""
    ordered = sorted(issues, key=lambda issue: (issue.file, issue.line or 0))
    if not ordered:
        return
    first, *rest = ordered
    more = (
        str(ContractError(further_mistake.message, file=further_mistake.file, line=further_mistake.line))
        for further_mistake in rest
    )
    raise ContractError("\n".join((first.message, *more)), file=first.file, line=first.line)


def raise_contract_error(message: str, *, file: str, line: int | None) -> NoReturn:
    """Raises the one ContractError."""
    raise ContractError(message, file=file, line=line)


def pydantic_issues(
    errors: Iterable[ErrorDetails], model: type[BaseModel], *, file: str, lines: Mapping[KeyPath, int]
) -> list[ValidationIssue]:
    """pydantic's errors about a file, as issues."""
    return [
        ValidationIssue(file=file, line=line_of(path, lines) or 1, message=_message(error, path, model))
        for error in errors
        for path in [tuple(step for step in error["loc"] if step not in ("[key]", TEXT))]
        if path[-1:] != (NAME,)  # what is wrong with a name is said of the key that it was
    ]


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean ...?`, or the known names where none is near: of very many the last, which are the newest."""
    words = list(known)
    if not words:
        return "there is none"
    near = get_close_matches(word, words, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    shown = words if len(words) <= _MAX_KNOWN else [f"{len(words) - _LAST_KNOWN} others", *words[-_LAST_KNOWN:]]
    return f"known here: {', '.join(shown)}"


def spell_path(path: KeyPath) -> str:
    """A key path as TOML spells it: table."public.t".columns.email; elements of lists count from 1."""
    spelled = ""
    for step in path:
        if isinstance(step, int):
            spelled += f"[{step + 1}]"
        else:
            bare = step.replace("_", "").replace("-", "").isalnum() and step.isascii()
            spelled += ("." if spelled else "") + (step if bare else f'"{step}"' if '"' not in step else f"'{step}'")
    return spelled


def _message(error: ErrorDetails, path: KeyPath, model: type[BaseModel]) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    where, key = spell_path(path), str(path[-1]) if path else ""
    above = f"in {spell_path(path[:-1])}" if path[:-1] else "at the top of the file"
    match kind:
        case "extra_forbidden":
            return f"`{key}` is not known {above}; {_nearest_key(key, path[:-1], model)}"
        case "missing":
            return f"`{key}` is missing {above}: {_description(model, path)}"
        case "value_error":
            return f"{where}: {context['error']}"
        case "literal_error":
            words = values_at(model, path)
            hint = nearest(value, words) if isinstance(value, str) else f"known here: {', '.join(words)}"
            return f"{where}: {_display_value(value)} is not known; {hint}"
        case "greater_than_equal" | "less_than_equal":
            return f"{where}: {value} is out of range; {_description(model, path)}"
        case "string_too_short" | "too_short":
            return f"{where} is empty; {_description(model, path)}"
        case "string_pattern_mismatch":
            return f"{where}: {_display_value(value)} has not the right form. {_description(model, path)}"
        case _:
            return f"{where}: expected {_EXPECTED.get(kind, error['msg'])}, found {_display_value(value)}"


def _nearest_key(key: str, above: KeyPath, model: type[BaseModel]) -> str:
    """The nearest known key; one of the same name may stand in a table beside it."""
    known = keys_at(model, above)
    within = {inner: f"{table}.{inner}" for table in known for inner in keys_at(model, (*above, table))}
    close = [key] if key in within else [] if get_close_matches(key, known) else get_close_matches(key, within, n=1)
    return f"did you mean `{within[close[0]]}`?" if close and not above else nearest(key, known)


def _display_value(value: object) -> str:
    """A value as an owner would name it."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f"the text {value!r}"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a table of keys"
        case _:
            return f"`{value}`"


def _description(model: type[BaseModel], path: KeyPath) -> str:
    """The description of the last key of the path."""
    *above, key = path
    while isinstance(key, int) and above:
        key = above.pop()
    owner = _type_at(model, tuple(above))
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        for name, field in owner.model_fields.items():
            if key == key_of(name, field):
                return field.description or ""
    return ""


def keys_at(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The keys that may stand under a path."""
    annotation = _type_at(model, path)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        keys = (key_of(name, field) for name, field in annotation.model_fields.items())
        return tuple(key for key in keys if key not in ADDED_KEYS and not key.startswith(_INTERNAL))
    return ()


def values_at(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The literal values that a path may have."""
    annotation = _type_at(model, path)
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _type_at(model: Any, path: KeyPath) -> Any:
    """The type at a path, without Annotated and None."""
    annotation = _unwrapped(model)
    for step in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            named = {key_of(name, field): field.annotation for name, field in annotation.model_fields.items()}
            annotation = _unwrapped(named.get(str(step)))
        else:
            # of a dictionary its values, of a list and of a tuple of any length their elements
            elements = [argument for argument in get_args(annotation) if argument is not ...]
            annotation = _unwrapped(elements[-1]) if elements else None
    return annotation


def _unwrapped(annotation: Any) -> Any:
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(argument for argument in get_args(annotation) if argument is not type(None))
        else:
            return annotation
