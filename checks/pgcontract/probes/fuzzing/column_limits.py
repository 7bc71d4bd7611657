"""Values at every limit of a column's type and CHECKs, and one step off it: from their own texts, in a fixed order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from pgcontract.errors import InputError
from pgcontract.probes.boundary_values import boundaries, edits_of_regex, literals_of
from pgcontract.probes.fuzzing.target_column import Place

_PATTERN: Final = re.compile(r"""!?~(?P<fold>\*)?\s*\(?(?P<text>[Ee]?'(?:[^']|'')*')""")
_SPECIAL: Final = frozenset(".\\[](){}*+?^$|")
_EDITS_OF_PATTERNS: Final = 4_000  # of all the column's patterns together
_EDITS_OF_EXAMPLE: Final = 400
_EXAMPLES: Final = 4
_LONGEST: Final = 10_000  # of a length limit that is tried; beyond it a value says little and costs much


def beside(place: Place, examples: Iterable[str]) -> tuple[str, ...]:
    """Distinct values: of every pattern, literal and length of the column's type and CHECKs, and of a few `examples`.

    An example is edited in one place, and made as long as each limit of length that there is.
    """
    first = [each for each in examples if len(each) <= 64][:_EXAMPLES]
    sample = place.sample
    bases = tuple(dict.fromkeys((*first, *([sample] if sample is not None and len(sample) <= 64 else []))))
    return tuple(dict.fromkeys(_beside(place, bases)))


def _beside(place: Place, bases: tuple[str, ...]) -> Iterator[str]:
    expressions = [each.definition for each in place.checks if each.definition]
    lengths = [place.length] if place.length is not None else []
    yield from _of_patterns(expressions)
    for expression in expressions:
        for literal in literals_of(expression):
            yield from _of_literal(place, literal)
            if literal.isdecimal() and int(literal) <= _LONGEST:
                lengths.append(int(literal))
    for base in bases:
        yield from edits_of_regex(_escaped(base), limit=_EDITS_OF_EXAMPLE)
    if place.category == "S":
        for length in dict.fromkeys(lengths):
            yield from boundaries(length)
            for base in bases:
                yield from _grown(base, length)


def _of_patterns(expressions: Iterable[str]) -> Iterator[str]:
    patterns = [found for each in expressions for found in _PATTERN.finditer(each)]
    for found in patterns:
        try:
            pattern = literals_of(found["text"])[0]
            yield from edits_of_regex(pattern, ignore_case=bool(found["fold"]), limit=_EDITS_OF_PATTERNS // len(patterns))
        except InputError:
            continue  # a pattern that is not read has its literal tried like any other


def _of_literal(place: Place, literal: str) -> Iterator[str]:
    yield literal
    if place.category == "S":
        yield from (literal.upper(), literal.lower(), literal.capitalize(), f" {literal}", f"{literal} ", f"{literal}\n")
        yield from (literal[1:], literal[:-1], literal + literal[-1:])
    if place.category == "N":
        try:
            number = Decimal(literal)
        except InvalidOperation:
            return
        steps = (Decimal(1), Decimal("0.5"), Decimal("0.4"), Decimal("0.01"), Decimal("0.000001"))
        yield from (str(sign * number + step * way) for sign in (1, -1) for step in steps for way in (1, -1))


def _grown(base: str, length: int) -> Iterator[str]:
    """The text made one shorter than a length, as long, and one longer: in front, in its middle, behind, with blanks."""
    middle = len(base) // 2
    for size in (length - 1, length, length + 1):
        more = size - len(base)
        if more > 0:
            yield base[:1] * more + base
            yield base[:middle] + base[middle : middle + 1] * more + base[middle:]
            yield base + base[-1:] * more
            yield base + " " * more
            yield " " * more + base


def _escaped(text: str) -> str:
    """The pattern that matches this text and no other."""
    return "".join(f"\\{each}" if each in _SPECIAL else each for each in text)
