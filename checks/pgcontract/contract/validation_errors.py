"""What is wrong with a file an owner wrote: each mistake in plain words, on its line, with the nearest known word."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, NoReturn, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.errors import ContractError

_WANTED: Final = {
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
class Mistake:
    file: str
    line: int | None
    message: str


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raises one ContractError for all mistakes, in line order, the first one's place its own; none: returns."""
    ordered = sorted(mistakes, key=lambda each: (each.file, each.line or 0))
    if not ordered:
        return
    first, *rest = ordered
    more = (str(ContractError(each.message, file=each.file, line=each.line)) for each in rest)
    raise ContractError("\n".join((first.message, *more)), file=first.file, line=first.line)


def fail(message: str, *, file: str, line: int | None) -> NoReturn:
    """Raises the one ContractError."""
    raise ContractError(message, file=file, line=line)


def read_mistakes(
    errors: Iterable[ErrorDetails], model: type[BaseModel], *, file: str, lines: Mapping[KeyPath, int]
) -> list[Mistake]:
    """pydantic's errors about a file, as mistakes."""
    return [
        Mistake(file=file, line=line_of(path, lines) or 1, message=_say(error, path, model))
        for error in errors
        for path in [tuple(step for step in error["loc"] if step != "[key]")]
    ]


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean ...?`, or all known words where none is near."""
    words = list(known)
    if not words:
        return "there is none"
    near = get_close_matches(word, words, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(words)}"


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


def _say(error: ErrorDetails, path: KeyPath, model: type[BaseModel]) -> str:
    kind, found, context = error["type"], error["input"], error.get("ctx", {})
    where, key = spell_path(path), str(path[-1]) if path else ""
    above = f"in {spell_path(path[:-1])}" if path[:-1] else "at the top of the file"
    match kind:
        case "extra_forbidden":
            return f"`{key}` is not known {above}; {nearest(key, keys_at(model, path[:-1]))}"
        case "missing":
            return f"`{key}` is missing {above}: {_described(model, path)}"
        case "value_error":
            return f"{where}: {context['error']}"
        case "literal_error":
            words = words_at(model, path)
            hint = nearest(found, words) if isinstance(found, str) else f"known here: {', '.join(words)}"
            return f"{where}: {_show(found)} is not known; {hint}"
        case "greater_than_equal" | "less_than_equal":
            return f"{where}: {found} is out of range; {_described(model, path)}"
        case "string_too_short" | "too_short":
            return f"{where} is empty; {_described(model, path)}"
        case "string_pattern_mismatch":
            return f"{where}: {_show(found)} has not the right form; {_described(model, path)}"
        case _:
            return f"{where}: expected {_WANTED.get(kind, error['msg'])}, found {_show(found)}"


def _show(found: object) -> str:
    """A value as an owner would name it."""
    match found:
        case bool():
            return f"`{str(found).lower()}`"
        case str():
            return f"the text {found!r}"
        case int() | float():
            return f"the number {found}"
        case list():
            return "a list"
        case dict():
            return "a table of keys"
        case _:
            return f"`{found}`"


def _described(model: type[BaseModel], path: KeyPath) -> str:
    """What the last key of the path is for, in its description's words."""
    *above, key = path
    while isinstance(key, int) and above:
        key = above.pop()
    owner = _at(model, tuple(above))
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        for name, each in owner.model_fields.items():
            if key == (each.alias or name):
                return each.description or ""
    return ""


def keys_at(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The keys that may stand under a path."""
    found = _at(model, path)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return tuple(each.alias or name for name, each in found.model_fields.items())
    return ()


def words_at(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The words that may stand as the value of a path."""
    found = _at(model, path)
    return get_args(found) if get_origin(found) is Literal else ()


def _at(model: Any, path: KeyPath) -> Any:
    """The type that a path leads to, bare of Annotated and of None."""
    here = _bare(model)
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            named = {each.alias or name: each.annotation for name, each in here.model_fields.items()}
            here = _bare(named.get(str(step)))
        else:
            here = _bare(get_args(here)[-1]) if get_args(here) else None
    return here


def _bare(annotation: Any) -> Any:
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(each for each in get_args(annotation) if each is not type(None))
        else:
            return annotation
