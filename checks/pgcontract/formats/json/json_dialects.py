"""What a JSON text must keep to beyond RFC 8259's grammar: nothing, I-JSON's rules, or the limits of jsonb."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pgcontract.formats.json.json_reader import Json, Number, Object, read_json
from pgcontract.formats.oracle.scanner import Refused

SOURCES: Final = (
    "RFC 8259: JSON, strictly",
    "RFC 7493, 2: I-JSON's unique names, scalar characters and doubles",
    "PostgreSQL manual, 8.14 and 8.1.2: what jsonb and numeric cannot hold",
)


def read(text: str, dialect: str) -> Json:
    """The value of a text of the dialect; Refused where it is none."""
    value = read_json(text)
    for each in _every(value):
        DIALECTS[dialect](each)
    return value


def _every(value: Json) -> Iterator[Json]:
    """The value and all in it, the names of members among them; without recursion."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each, list):
            waiting.extend(reversed(each))
        elif isinstance(each, Object):
            waiting.extend(part for member in reversed(each.members) for part in reversed(member))


def _anything(_: Json) -> None:
    """RFC 8259: names may repeat, strings may hold lone surrogates, numbers may have any size."""


def _interoperable(value: Json) -> None:
    match value:
        case Object(members) if len({name for name, _ in members}) < len(members):
            raise Refused("a name that stands twice in an object (RFC 7493, 2.3)")
        case Number() if not math.isfinite(float(value)):
            raise Refused("a number beyond a double (RFC 7493, 2.2)")
        case str() if any(_is_surrogate(each) or _is_noncharacter(each) for each in value):
            raise Refused("a surrogate or noncharacter in a string (RFC 7493, 2.1)")


def _storable(value: Json) -> None:
    match value:
        case Number() if _beyond_numeric(value):
            raise Refused("a number beyond numeric (PostgreSQL manual, 8.1.2)")
        case Number():
            return
        case str() if "\0" in value:
            raise Refused("U+0000 in a string (PostgreSQL manual, 8.14)")
        case str() if any(_is_surrogate(each) for each in value):
            raise Refused("a lone surrogate in a string (PostgreSQL manual, 8.14)")


DIALECTS: Final[Mapping[str, Callable[[Json], None]]] = {
    "rfc8259": _anything,
    "i-json": _interoperable,
    "jsonb": _storable,
}


def _is_surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


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
