"""What a column can be meant to hold: a small library of standards, one module of this package each, or a plug-in's.

email = standard("email", dialect="rfc5321")
email.means("ann@example.com")        True
email.why_not("ann@example..com")     'two dots in a row in the domain (RFC 5321, 4.1.2)'
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from pgcontract.errors import InputError
from pgcontract.formats.oracle import Format, FormatParameter, KnownValue, Standard, declared, kept_on_failure
from pgcontract.plugins import load, plugins_of


def standards() -> Mapping[str, Standard]:
    """Every standard by name, sorted; loads the modules of this package and those of plug-ins on the first call.
    InputError where a plug-in cannot be loaded."""
    _load()
    return declared()


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    with kept_on_failure():
        for plugin in plugins_of("formats"):
            load(plugin)


def standard(name: str, /, **parameters: Any) -> Format[Any]:
    """The format of a standard with its parameters.

    InputError, with the nearest known word, for a standard, a parameter or a choice that does not exist, for a
    parameter that is missing or of another type, and for parameters that contradict each other.
    """
    known = standards()
    if name not in known:
        raise InputError(f"there is no standard `{name}`; {_nearest(name, known)}")
    declaration = known[name]
    for word, value in parameters.items():
        if word not in declaration.parameters:
            raise InputError(f"the standard `{name}` has no parameter `{word}`; {_nearest(word, declaration.parameters)}")
        _check(name, declaration.parameters[word], value)
    for parameter in declaration.parameters.values():
        if parameter.required and parameter.name not in parameters:
            raise InputError(f"the standard `{name}` needs `{parameter.name}`: {parameter.purpose}")
    return declaration.format(
        **{word: tuple(value) if isinstance(value, list) else value for word, value in parameters.items()}
    )


def _check(name: str, parameter: FormatParameter, value: Any) -> None:
    where = f"`{parameter.name}` of the standard `{name}`"
    if not parameter.admits(value):
        of_strings = " of strings" if parameter.type == "array" else ""
        raise InputError(f"{where} is {value!r}, where {_article(parameter.type)}{of_strings} is needed")
    if parameter.choices and value not in parameter.choices:
        raise InputError(f"{where} cannot be `{value}`; {_nearest(value, parameter.choices)}")


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _nearest(word: str, known: Iterable[str]) -> str:
    words = list(known)
    near = get_close_matches(word, words, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known here: {', '.join(words)}" if words else "it takes none"
