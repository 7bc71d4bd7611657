"""What a contract or claims.toml promises less, or otherwise, than the file did: key by key, as TOML has them. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pgcontract.contract.earlier_gate import Loosening
from pgcontract.contract.validation_errors import spell_path

# What only explains, or says which file is meant.
_WORDS: Final = frozenset(
    ("accepted", "after", "date", "limitations", "migration", "purpose", "reason", "section", "title")
)
# What makes less of the declaration that it stands in, by the section's heading.
_LIMITS: Final = frozenset(
    (
        ("claim", "corrected"),
        ("claim", "pending"),
        ("claim", "untestable"),
        ("race", "retries"),
        ("state_machine", "unspecified"),
        ("verification", "varies"),
    )
)
_LIMITING_WORDS: Final = {"comments": "optional", "promises": "declared"}
# Lists of which each element asks more.
_ASKING: Final = frozenset(("accept", "checks", "error_contains", "reject"))
# Tables whose keys are names that an owner gives.
_OF_NAMES: Final = frozenset(
    ("columns", "constraints", "transitions", "unspecified", "values", "weights", "table", "tables")
)
_SHOWN: Final = 80


def loosened_promises(
    then: Mapping[str, Any], now: Mapping[str, Any], *, elsewhere: tuple[Mapping[str, Any], ...] = ()
) -> Iterator[Loosening]:
    """`elsewhere` are the other contracts that changed: what has only moved into one of them is promised as before."""
    for path, loosening in _tables((), then, now):
        if loosening.how != "gone" or not any(_at(other, path) == _at(then, path) for other in elsewhere):
            yield loosening


_Path = tuple[str, ...]


def _tables(path: _Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[_Path, Loosening]]:
    for key, value in then.items():
        here = (*path, key)
        if _is_words(here, value):
            continue
        if key not in now:
            if _takes_back(here, value) or _limits(here) or _LIMITING_WORDS.get(spell_path(here)) == value:
                continue  # without it more is asked
            if not path and isinstance(value, dict | list):
                yield from _values(here, value, type(value)())
            else:
                yield here, Loosening(how="gone", what=spell_path(here), then=_shown(value))
        elif now[key] != value:
            yield from _values(here, value, now[key])
    for key in now.keys() - then.keys():
        yield from _new((*path, key), now[key], limits=bool(path))


def _values(here: _Path, then: Any, now: Any) -> Iterator[tuple[_Path, Loosening]]:
    if isinstance(then, dict) and isinstance(now, dict):
        yield from _tables(here, then, now)
    elif _is_tables(then, now):
        yield from _tables(here, _by_identity(then), _by_identity(now))
    elif not _is_stricter(here, then, now):
        yield here, Loosening(how="changed", what=spell_path(here), then=_shown(then), now=_shown(now))


def _is_stricter(here: _Path, then: Any, now: Any) -> bool:
    """Whether a value asks as much as the one before; of most nobody can tell."""
    key = here[-1]
    if isinstance(then, list) and isinstance(now, list) and (key in _ASKING or here == ("loses",)):
        before, after = set(map(_spelled, then)), set(map(_spelled, now))
        return after <= before if here == ("loses",) else before <= after
    if here[0] == "waiver":  # of one check and subject it is the end that counts
        return key != "until" or (isinstance(then, dt.date) and isinstance(now, dt.date) and now <= then)
    return key == "untestable" or (len(here) == 1 and key in _LIMITING_WORDS and _LIMITING_WORDS[key] != now)


def _new(here: _Path, value: Any, *, limits: bool) -> Iterator[tuple[_Path, Loosening]]:
    """What was not there: a promise asks more, and what takes one back, or `limits` one that was there, asks less."""
    if here == ("waiver",) and isinstance(value, list):
        for name in _by_identity(value):
            yield (*here, name), Loosening(how="added", what=spell_path((*here, name)))
    elif _takes_back(here, value) or (limits and _limits(here)) or _LIMITING_WORDS.get(spell_path(here)) == value:
        yield here, Loosening(how="added", what=spell_path(here), now=_shown(value))
    elif isinstance(value, dict):
        for inner, part in value.items():
            yield from _new((*here, inner), part, limits=False)
    elif isinstance(value, list) and _is_tables([], value):
        for inner, part in _by_identity(value).items():
            yield from _new((*here, inner), part, limits=False)


def _takes_back(here: _Path, value: Any) -> bool:
    """Whether it takes a promise back, or accepts that it is broken."""
    return (here[-1] == "removed" and value is True) or here == ("loses",) or (here[0] == "waiver" and len(here) < 3)


def _limits(here: _Path) -> bool:
    return (here[0], here[-1]) in _LIMITS


def _is_words(here: _Path, value: Any) -> bool:
    key, above = here[-1], here[-2] if len(here) > 1 else ""
    if above in _OF_NAMES:
        return False
    if here == ("document",) or (here[0] == "waiver" and key == "owner"):
        return True
    if isinstance(value, dict | list):
        return False
    return key in _WORDS or (key == "description" and here[0] != "claim")


def _is_tables(then: Any, now: Any) -> bool:
    lists = isinstance(then, list) and isinstance(now, list)
    return lists and all(isinstance(element, dict) for element in (*then, *now)) and bool(then or now)


def _by_identity(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {_identity(element): element for element in elements}


def _identity(element: Mapping[str, Any]) -> str:
    if "check" in element:
        return f"{element['check']}[{element.get('subject', '*')}]"
    named = element.get("id") or element.get("name") or element.get("description")
    return str(named) if named else _spelled(element)


def _at(document: Any, path: _Path) -> Any:
    for step in path:
        if isinstance(document, list) and all(isinstance(element, dict) for element in document):
            document = _by_identity(document)
        if not isinstance(document, dict) or step not in document:
            return None
        document = document[step]
    return document


def _spelled(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)


def _shown(value: Any) -> str:
    text = _spelled(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
