"""Values at and just beyond the limits of a constraint: derived from its text, always the same in the same order.

A regular expression gives a text that it matches; its variants have one part at an edge (a repetition at its bounds
and one beyond, a set at the ends of its ranges and one beyond), its edits one character inserted, removed, replaced
or swapped. Evaluating them shows where the expression's limits really are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from string import punctuation
from typing import Final

from pgcontract.errors import InputError
from pgcontract.model.regex import read_pattern
from pgcontract.model.regex.nodes import (
    Alternation,
    Anchor,
    BackReference,
    CapturingGroup,
    CharacterSet,
    Concatenation,
    Lookaround,
    Node,
    Repetition,
)
from pgcontract.model.sql.lexer import Token, TokenKind, tokens

_READABLE_CHARACTERS: Final = "aA0_-. "
_ALWAYS_TRIED: Final = " \n\té" + punctuation  # what anchors, trimming and sets most often get wrong
_LONG_REPETITION: Final = 256  # one more than any bound of PostgreSQL's (DUPMAX), so that it tells a bound from none
_MAX_RANGES: Final = 24
_CHARACTERS_BY_BYTES: Final = ("a", "é", "例", "🙂")
# Longer texts are not made, and of long ones fewer edits: all would take gigabytes for a pattern such as .{255}.{255}….
_MAX_LENGTH: Final = 10_000
_MAX_EDITED: Final = 100_000
_ESCAPE: Final = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def texts_near_regex(pattern: str, *, ignore_case: bool = False, limit: int = 4000) -> tuple[str, ...]:
    """At most `limit` distinct texts at the edges of the pattern, variants first; of too many edits, every n-th.

    InputError where the pattern cannot be read, or matches long texts alone.
    """
    part = read_pattern(pattern, ignore_case=ignore_case).part
    if (least := _least_length(part)) > _MAX_LENGTH:
        raise InputError(f"the shortest text that the regular expression matches has {least:,} characters")
    variants: dict[str, None] = {}
    chosen: list[str] = []
    if limit <= 0:
        return ()
    for text in chain((_short_match(part),), _variants(part)):
        if text not in variants and "\0" not in text:
            chosen.append(text)
            if len(chosen) == limit:
                return tuple(chosen)
        variants[text] = None
    alphabet = "".join(dict.fromkeys((*_edge_characters(part), *_ALWAYS_TRIED)))
    edited = dict.fromkeys(edit for base in _base_texts(part) for edit in _edits(base, alphabet) if edit not in variants)
    return (*chosen, *_evenly_sampled(tuple(edited), limit - len(chosen)))


@lru_cache(512)  # every probe of a table asks it of the same rules
def literal_values(expression: str) -> tuple[str, ...]:
    """The strings and numbers of an SQL expression as their values, each once, in order."""
    literals = (token for token in tokens(expression) if token.kind in (TokenKind.STRING, TokenKind.NUMBER))
    return tuple(dict.fromkeys(map(_literal_value, literals)))


def texts_near_length(length: int) -> tuple[str, ...]:
    """Texts of one character less, as many, and one more, of 1 to 4 bytes each; blanks behind, which a cast drops."""
    sizes = [size for size in (length - 1, length, length + 1) if size >= 0]
    plain = (character * size for character in _CHARACTERS_BY_BYTES for size in sizes)
    blank = (text for size in sizes for text in (" " * size, "a" * size + " ", "a" * (size - 1) + " " if size else ""))
    combined = ("e\u0301" * (size // 2) + "a" * (size % 2) for size in sizes)
    return tuple(dict.fromkeys((*plain, *blank, *combined)))


def _literal_value(token: Token) -> str:
    """What a literal stands for: quotes, dollar quotes and the escapes of E'...' undone; any other token as it is."""
    text = token.text
    if token.kind is not TokenKind.STRING:
        return text
    if text.startswith("$"):
        tag = text[: text.index("$", 1) + 1]
        return text.removeprefix(tag).removesuffix(tag)
    prefix, _, quoted = text.partition("'")
    value = quoted.removesuffix("'").replace("''", "'")
    return _ESCAPE.sub(_unescaped, value) if prefix in ("e", "E") else value


def _unescaped(match: re.Match[str]) -> str:
    octal, hexadecimal, code, other = match.groups()
    if other is not None:
        return _ESCAPED.get(other, other)
    return chr(int(octal, 8) if octal else int(hexadecimal or code[1:], 16))


def _short_match(part: Node) -> str:
    """A short text that matches, conditions aside: each repetition at its least, but not at none."""
    match part:
        case CharacterSet():
            return (
                next((character for character in _READABLE_CHARACTERS if character in part), None)
                or chr(part.ranges[0][0])
                if part.ranges
                else ""
            )
        case Concatenation(parts):
            return "".join(map(_short_match, parts))
        case Alternation(options):
            return _short_match(options[0])
        case Repetition(inner, least, most):
            return _short_match(inner) * max(least, 0 if most == 0 else 1)
        case CapturingGroup(inner):
            return _short_match(inner)
        case Anchor() | Lookaround() | BackReference():
            return ""


def _least_length(part: Node) -> int:
    """How many characters the longest of its short matches has."""
    match part:
        case CharacterSet(ranges):
            return 1 if ranges else 0
        case Concatenation(parts):
            return sum(map(_least_length, parts))
        case Alternation(options):
            return max(map(_least_length, options))
        case Repetition(inner, least, most):
            return _least_length(inner) * max(least, 0 if most == 0 else 1)
        case CapturingGroup(inner):
            return _least_length(inner)
        case Anchor() | Lookaround() | BackReference():
            return 0


def _variants(part: Node) -> Iterator[str]:
    """The short match with one part changed: to a value at its edge, or one step beyond it."""
    match part:
        case CharacterSet():
            yield from _edge_characters(part)
        case Concatenation(parts):
            texts = [_short_match(element) for element in parts]
            for place, element in enumerate(parts):
                before, behind = "".join(texts[:place]), "".join(texts[place + 1 :])
                yield from (before + variant + behind for variant in _variants(element))
        case Alternation(options):
            for option in options:
                yield _short_match(option)
                yield from _variants(option)
        case Repetition(inner, least, most):
            text = _short_match(inner)
            counts = _boundary_counts(least, most)
            yield from (text * count for count in counts if count * len(text) <= _MAX_LENGTH)
            usual = max(least, 0 if most == 0 else 1)
            for variant in _variants(inner):
                yield variant + text * (usual - 1)
                yield text * usual + variant
                yield text + variant + text
        case CapturingGroup(inner) | Lookaround(inner):
            yield from _variants(inner)
        case Anchor() | BackReference():
            return


def _boundary_counts(least: int, most: int | None) -> list[int]:
    beyond = [least + 2, least + 3, 64, _LONG_REPETITION] if most is None else [most - 1, most, most + 1]
    return sorted({count for count in (least - 1, least, least + 1, *beyond) if count >= 0})


def _base_texts(part: Node) -> tuple[str, ...]:
    """The short match, and the one of every option of every choice: the texts that are edited."""
    return tuple(dict.fromkeys((_short_match(part), *_option_texts(part))))


def _option_texts(part: Node) -> Iterator[str]:
    match part:
        case Concatenation(parts):
            texts = [_short_match(element) for element in parts]
            for place, element in enumerate(parts):
                yield from ("".join((*texts[:place], option, *texts[place + 1 :])) for option in _option_texts(element))
        case Alternation(options):
            for option in options:
                yield _short_match(option)
                yield from _option_texts(option)
        case Repetition(inner, least, most):
            yield from (option * max(least, 0 if most == 0 else 1) for option in _option_texts(inner))
        case CapturingGroup(inner):
            yield from _option_texts(inner)


def _edge_characters(part: Node) -> Iterator[str]:
    """Both ends of every range, and the adjacent characters; of a class with many ranges, the first ones."""
    match part:
        case CharacterSet(ranges):
            for low, high in ranges[:_MAX_RANGES]:
                middle = (low + high) // 2
                codes = (low, high, middle, low - 1, high + 1)
                yield from (chr(code) for code in codes if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF)
        case Concatenation(inner) | Alternation(inner):
            for inner_element in inner:
                yield from _edge_characters(inner_element)
        case Repetition(element) | CapturingGroup(element) | Lookaround(element):
            yield from _edge_characters(element)


def _edits(text: str, alphabet: str) -> Iterator[str]:
    """Every text one edit away, of a long text at some places; those that choose a character come last, all places
    before the next character."""
    places = range(0, len(text), max(len(text) ** 2 // _MAX_EDITED, 1))
    yield from (text[:at] + text[at + 1 :] for at in places)
    yield from (text[:at] + text[at] + text[at:] for at in places)
    yield from (text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in places if at + 1 < len(text))
    yield from (text[:at].swapcase() + text[at:] for at in places[1:])
    for character in alphabet:
        yield from (text[:at] + character + text[at:] for at in (*places, len(text)))
        yield from (text[:at] + character + text[at + 1 :] for at in places)


def _evenly_sampled(texts: tuple[str, ...], limit: int) -> Iterable[str]:
    """All of them, or `limit` at even steps."""
    if len(texts) <= limit:
        return texts
    return tuple(texts[number * len(texts) // limit] for number in range(max(limit, 0)))
