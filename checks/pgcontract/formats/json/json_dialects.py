"""What a JSON text must keep to beyond RFC 8259's grammar: nothing, I-JSON's rules, or the limits of jsonb."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pgcontract.formats.json.json_reader import Json, Number, Object, read_json
from pgcontract.formats.oracle.scanner import InvalidText

SOURCES: Final = (
    "RFC 8259: JSON, strictly",
    "RFC 7493, 2: I-JSON's unique names, scalar characters and doubles",
    "PostgreSQL manual, 8.14 and 8.1.2: what jsonb and numeric cannot hold",
)

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def read(text: str, dialect: str) -> Json:
    """The value of a text of the dialect; Refused where it is none."""
    value = read_json(text)
    for part in _values_within(value):
        DIALECTS[dialect](part)
    return value


def _values_within(value: Json) -> Iterator[Json]:
    """The value and all in it, the names of members among them; without recursion."""
    waiting = [value]
    while waiting:
        nested_value = waiting.pop()
        yield nested_value
        if isinstance(nested_value, list):
            waiting.extend(reversed(nested_value))
        elif isinstance(nested_value, Object):
            waiting.extend(part for member in reversed(nested_value.members) for part in reversed(member))


def _allow_all(_: Json) -> None:
    """RFC 8259: names may repeat, strings may hold lone surrogates, numbers may have any size."""


def _interoperable(value: Json) -> None:
    match value:
        case Object(members) if len({name for name, _ in members}) < len(members):
            raise InvalidText("a name that stands twice in an object (RFC 7493, 2.3)")
        case Number() if not math.isfinite(float(value)):
            raise InvalidText("a number beyond a double (RFC 7493, 2.2)")
        case str() if _SURROGATES.search(value) or any(map(_is_noncharacter, value)):
            raise InvalidText("a surrogate or noncharacter in a string (RFC 7493, 2.1)")


def _storable(value: Json) -> None:
    match value:
        case Number() if _beyond_numeric(value):
            raise InvalidText("a number beyond numeric (PostgreSQL manual, 8.1.2)")
        case Number():
            return
        case str() if "\0" in value:
            raise InvalidText("U+0000 in a string (PostgreSQL manual, 8.14)")
        case str() if _SURROGATES.search(value):
            raise InvalidText("a lone surrogate in a string (PostgreSQL manual, 8.14)")


DIALECTS: Final[Mapping[str, Callable[[Json], None]]] = {
    "rfc8259": _allow_all,
    "i-json": _interoperable,
    "jsonb": _storable,
}


def _is_noncharacter(character: str) -> bool:
    return ord(character) & 0xFFFE == 0xFFFE or "\ufdd0" <= character <= "\ufdef"


def _beyond_numeric(number: Number) -> bool:
    """More than 131,072 digits before the point or 16,383 behind it: the limits of an unconstrained numeric."""
    value = number.value
    if value is None:
        return True
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return True
    return (any(digits) and len(digits) + exponent > 131_072) or -exponent > 16_383
