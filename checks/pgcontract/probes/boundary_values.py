"""Values beside the edge of what a constraint says: taken from its own text, always the same in the same order.

A regular expression gives a text that it matches; its variants have one part at an edge (a repetition at its bounds
and one beyond, a set at the ends of its ranges and one beyond), its edits one character put in, left out, replaced
or swapped. Whoever evaluates them learns where the expression really draws its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from string import punctuation
from typing import Final

from pgcontract.errors import InputError
from pgcontract.model.regex import read_pattern
from pgcontract.model.regex.nodes import Anchor, Characters, Choice, Group, Look, Part, Reference, Repeat, Sequence
from pgcontract.model.sql.lexer import Kind, Token, tokens

_READABLE: Final = "aA0_-. "
_ALWAYS: Final = " \n\té" + punctuation  # what anchors, trimming and sets most often get wrong
_LONG: Final = 256  # one more than any bound of PostgreSQL's (DUPMAX), so that it tells a bound from none
_MOST_RANGES: Final = 24
_LONGEST: Final = 10_000
_WIDTHS: Final = ("a", "é", "例", "🙂")
_BLANK: Final = " \t\n\r\v\f\xa0\u2003\u3000\u200b\ufeff"
_BLANKS: Final = ("", "  ", *_BLANK, *(f"{each}a" for each in _BLANK), *(f"a{each}" for each in _BLANK))
_MATCHES: Final = ("~", "~*", "!~", "!~*")
_ESCAPE: Final = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def edits_of_regex(pattern: str, *, ignore_case: bool = False, limit: int = 4000) -> tuple[str, ...]:
    """At most `limit` distinct texts at the edges of the pattern, variants first; of too many edits, every n-th.

    InputError where the pattern cannot be read.
    """
    part = read_pattern(pattern, ignore_case=ignore_case).part
    variants = dict.fromkeys((_typical(part), *_variants(part)))
    alphabet = "".join(dict.fromkeys((*_edge_characters(part), *_ALWAYS)))
    edited = dict.fromkeys(each for base in _bases(part) for each in _edits(base, alphabet) if each not in variants)
    chosen = tuple(islice((text for text in variants if "\0" not in text), limit))
    return (*chosen, *_thinned(tuple(edited), limit - len(chosen)))


def literals_of(expression: str) -> tuple[str, ...]:
    """The strings and numbers of an SQL expression as their values, each once, in order."""
    literals = (token for token in tokens(expression) if token.kind in (Kind.STRING, Kind.NUMBER))
    return tuple(dict.fromkeys(map(_value_of, literals)))


def texts_near(expression: str, *, limit: int = 4000) -> tuple[str, ...]:
    """At most `limit` texts at the edges of an SQL expression about a text: near each regular expression in it, near
    each other string, and of each length that a number could mean; blanks always, since trimming is seldom what it seems.
    """
    read = tokens(expression)
    share = limit // max(sum(token.kind is Kind.STRING for token in read), 1)
    near = (
        _near(token, before.text if before else "", share) for before, token in zip((None, *read), read, strict=False)
    )
    return tuple(islice(dict.fromkeys(chain(_BLANKS, *near)), limit))


def boundaries(length: int) -> tuple[str, ...]:
    """Texts of one character less, as many, and one more, of 1 to 4 bytes each; blanks behind, which a cast drops."""
    sizes = [size for size in (length - 1, length, length + 1) if size >= 0]
    plain = (character * size for character in _WIDTHS for size in sizes)
    blank = (text for size in sizes for text in (" " * size, "a" * size + " ", "a" * (size - 1) + " " if size else ""))
    combined = ("e\u0301" * (size // 2) + "a" * (size % 2) for size in sizes)
    return tuple(dict.fromkeys((*plain, *blank, *combined)))


def _near(token: Token, operator: str, limit: int) -> tuple[str, ...]:
    """Texts near one literal, which stands behind the operator; none near any other token."""
    value = _value_of(token)
    if token.kind is Kind.NUMBER and value.isdigit() and int(value) <= _LONGEST:
        return (value, *boundaries(int(value)))
    if token.kind is not Kind.STRING:
        return ()
    if operator in _MATCHES:
        try:
            return edits_of_regex(value, ignore_case=operator.endswith("*"), limit=limit)
        except InputError:
            pass  # an expression of a kind that is not read: near it as near any other string
    cases = (value, value.upper(), value.lower(), value.capitalize(), f" {value}", f"{value} ", value * 2)
    alphabet = "".join(dict.fromkeys(value + _ALWAYS))
    return (*cases, *_thinned(tuple(_edits(value, alphabet)), limit - len(cases)))


def _value_of(token: Token) -> str:
    """What a literal stands for: quotes, dollar quotes and the escapes of E'...' undone; any other token as it is."""
    text = token.text
    if token.kind is not Kind.STRING:
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


def _typical(part: Part) -> str:
    """A short text that matches, conditions aside: each repetition at its least, but not at none."""
    match part:
        case Characters():
            return (
                next((each for each in _READABLE if each in part), None) or chr(part.ranges[0][0]) if part.ranges else ""
            )
        case Sequence(parts):
            return "".join(map(_typical, parts))
        case Choice(options):
            return _typical(options[0])
        case Repeat(inner, least, most):
            return _typical(inner) * max(least, 0 if most == 0 else 1)
        case Group(inner):
            return _typical(inner)
        case Anchor() | Look() | Reference():
            return ""


def _variants(part: Part) -> Iterator[str]:
    """The typical text with one part elsewhere: inside at an edge, or one step outside of it."""
    match part:
        case Characters():
            yield from _edge_characters(part)
        case Sequence(parts):
            texts = [_typical(each) for each in parts]
            for place, each in enumerate(parts):
                before, behind = "".join(texts[:place]), "".join(texts[place + 1 :])
                yield from (before + variant + behind for variant in _variants(each))
        case Choice(options):
            for option in options:
                yield _typical(option)
                yield from _variants(option)
        case Repeat(inner, least, most):
            text = _typical(inner)
            yield from (text * count for count in _counts(least, most))
            usual = max(least, 0 if most == 0 else 1)
            for variant in _variants(inner):
                yield variant + text * (usual - 1)
                yield text * usual + variant
                yield text + variant + text
        case Group(inner) | Look(inner):
            yield from _variants(inner)
        case Anchor() | Reference():
            return


def _counts(least: int, most: int | None) -> list[int]:
    beyond = [least + 2, least + 3, 64, _LONG] if most is None else [most - 1, most, most + 1]
    return sorted({count for count in (least - 1, least, least + 1, *beyond) if count >= 0})


def _bases(part: Part) -> tuple[str, ...]:
    """The typical text, and the one of every option of every choice: what edits are made of."""
    return tuple(dict.fromkeys((_typical(part), *_options(part))))


def _options(part: Part) -> Iterator[str]:
    match part:
        case Sequence(parts):
            texts = [_typical(each) for each in parts]
            for place, each in enumerate(parts):
                yield from ("".join((*texts[:place], option, *texts[place + 1 :])) for option in _options(each))
        case Choice(options):
            for option in options:
                yield _typical(option)
                yield from _options(option)
        case Repeat(inner, least, most):
            yield from (option * max(least, 0 if most == 0 else 1) for option in _options(inner))
        case Group(inner):
            yield from _options(inner)


def _edge_characters(part: Part) -> Iterator[str]:
    """Both ends of every range, and the characters beside them; of a class with many ranges, the first ones."""
    match part:
        case Characters(ranges):
            for low, high in ranges[:_MOST_RANGES]:
                middle = (low + high) // 2
                codes = (low, high, middle, low - 1, high + 1)
                yield from (chr(code) for code in codes if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF)
        case Sequence(inner) | Choice(inner):
            for each in inner:
                yield from _edge_characters(each)
        case Repeat(each) | Group(each) | Look(each):
            yield from _edge_characters(each)


def _edits(text: str, alphabet: str) -> Iterator[str]:
    """Every text one edit away; those that choose a character come last, all places before the next character."""
    places = range(len(text))
    yield from (text[:at] + text[at + 1 :] for at in places)
    yield from (text[:at] + text[at] + text[at:] for at in places)
    yield from (text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in places[:-1])
    yield from (text[:at].swapcase() + text[at:] for at in places[1:])
    for character in alphabet:
        yield from (text[:at] + character + text[at:] for at in (*places, len(text)))
        yield from (text[:at] + character + text[at + 1 :] for at in places)


def _thinned(texts: tuple[str, ...], limit: int) -> Iterable[str]:
    """All of them, or `limit` at even steps."""
    if len(texts) <= limit:
        return texts
    return tuple(texts[number * len(texts) // limit] for number in range(max(limit, 0)))
