"""Values at every limit of a column's type and CHECKs, and one step beyond it: from their own texts, in a fixed order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

from pgcontract.errors import InputError
from pgcontract.probes.boundary_values import literal_values, texts_near_length, texts_near_regex
from pgcontract.probes.fuzzing.target_column import TargetColumn

_PATTERN: Final = re.compile(r"""!?~(?P<fold>\*)?\s*\(?(?P<text>[Ee]?'(?:[^']|'')*')""")
_SPECIAL: Final = frozenset(".\\[](){}*+?^$|")
_EDITS_OF_PATTERNS: Final = 4_000  # of all the column's patterns together
_EDITS_OF_EXAMPLE: Final = 400
_EXAMPLES: Final = 4
_MAX_LENGTH: Final = 10_000  # of a length limit that is tried; beyond it a value says little and costs much


def limit_values(target: TargetColumn, examples: Iterable[str]) -> tuple[str, ...]:
    """Distinct values: of every pattern, literal and length of the column's type and CHECKs, and of a few `examples`.

    An example is edited in one place, and made as long as each limit of length that there is.
    """
    first = [candidate for candidate in examples if len(candidate) <= 64][:_EXAMPLES]
    sample = target.sample
    bases = tuple(dict.fromkeys((*first, *([sample] if sample is not None and len(sample) <= 64 else []))))
    return tuple(dict.fromkeys(_limit_values(target, bases)))


def _limit_values(target: TargetColumn, bases: tuple[str, ...]) -> Iterator[str]:
    expressions = [check.definition for check in target.checks if check.definition]
    lengths = [target.length] if target.length is not None else []
    yield from _pattern_values(expressions)
    for expression in expressions:
        for literal in literal_values(expression):
            yield from _near_literal(target, literal)
            if literal.isdecimal() and int(literal) <= _MAX_LENGTH:
                lengths.append(int(literal))
    for base in bases:
        yield from texts_near_regex(_escaped_regex(base), limit=_EDITS_OF_EXAMPLE)
    if target.category == "S":
        for length in dict.fromkeys(lengths):
            yield from texts_near_length(length)
            for base in bases:
                yield from _lengthened(base, length)


def _pattern_values(expressions: Iterable[str]) -> Iterator[str]:
    patterns = [match for expression in expressions for match in _PATTERN.finditer(expression)]
    for match in patterns:
        try:
            pattern = literal_values(match["text"])[0]
            yield from texts_near_regex(
                pattern, ignore_case=bool(match["fold"]), limit=_EDITS_OF_PATTERNS // len(patterns)
            )
        except InputError:
            continue  # a pattern that is not understood has its literal tried like any other


def _near_literal(target: TargetColumn, literal: str) -> Iterator[str]:
    yield literal
    if target.category == "S":
        yield from (literal.upper(), literal.lower(), literal.capitalize(), f" {literal}", f"{literal} ", f"{literal}\n")
        yield from (literal[1:], literal[:-1], literal + literal[-1:])
    if target.category == "N":
        try:
            number = Decimal(literal)
        except InvalidOperation:
            return
        steps = (Decimal(1), Decimal("0.5"), Decimal("0.4"), Decimal("0.01"), Decimal("0.000001"))
        yield from (str(sign * number + step * way) for sign in (1, -1) for step in steps for way in (1, -1))


def _lengthened(base: str, length: int) -> Iterator[str]:
    """The text made one shorter than a length, as long, and one longer: at its start, middle and end, with blanks."""
    middle = len(base) // 2
    for size in (length - 1, length, length + 1):
        more = size - len(base)
        if more > 0:
            yield base[:1] * more + base
            yield base[:middle] + base[middle : middle + 1] * more + base[middle:]
            yield base + base[-1:] * more
            yield base + " " * more
            yield " " * more + base


def _escaped_regex(text: str) -> str:
    """The pattern that matches this text and no other."""
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in text)
