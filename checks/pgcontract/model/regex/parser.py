"""Reads a regular expression as PostgreSQL does: its manual, 9.7.3, advanced regular expressions.

What other engines take for special is not here: in brackets `|` is a literal, `$` is only the very end, `.` and
`[^x]` hold line feeds. Basic and extended regular expressions (`(?b)`, `(?e)`) are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import digits
from typing import Final

from pgcontract.model.regex.character_classes import COLLATING_ELEMENTS, other_cases, ranges_of
from pgcontract.model.regex.nodes import (
    MAX_CODE_POINT,
    Alternation,
    Anchor,
    BackReference,
    CapturingGroup,
    CharacterSet,
    Concatenation,
    Lookaround,
    Node,
    Ranges,
    Repetition,
    complement,
    merge_ranges,
)
from pgcontract.patterns import lazy_pattern

_MAX_BOUND: Final = 255  # DUPMAX: the largest number in a bound
_BOUND: Final = lazy_pattern(r"\{0*([0-9]{1,4})(,(?:0*([0-9]{1,4}))?)?\}")
_QUANTIFIERS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_OPTIONS: Final = lazy_pattern(r"\(\?([a-z]+)\)")
_PLAIN_ESCAPES: Final = {**dict(zip("abefnrtv", "\a\b\x1b\f\n\r\t\v", strict=True)), "B": "\\"}
_CLASS_ESCAPES: Final = {"d": "digit", "s": "space", "w": "word"}
_OCTAL: Final = lazy_pattern(r"[1-7][0-7]{0,2}")
_NUMERIC: Final = lazy_pattern(r"u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]+)|(0[0-7]{0,2})")
_ANCHOR_ESCAPES: Final[Mapping[str, Anchor]] = {
    "m": Anchor.WORD_BEGIN,
    "M": Anchor.WORD_END,
    "y": Anchor.WORD_EDGE,
    "Y": Anchor.NO_WORD_EDGE,
    "A": Anchor.TEXT_BEGIN,
    "Z": Anchor.TEXT_END,
}


class RegexSyntaxError(Exception):
    """Why the text is no regular expression, or none that is read here."""


class RegexParser:
    """One pass over the text; the options at its start are read first."""

    def __init__(self, text: str, *, ignore_case: bool) -> None:
        self._text = text
        self._at = 0
        self._groups = 0
        self._ignore_case = ignore_case
        self._lines_in_sets = self._lines_in_anchors = self._expanded = self._literal = False
        self._read_options()

    def read(self) -> Node:
        """The whole expression. NotRead where it ends too early or goes on too long."""
        if self._literal:
            return Concatenation(tuple(self._single_character(ord(character)) for character in self._text[self._at :]))
        part = self._choice()
        if self._at < len(self._text):
            raise self._syntax_error("a parenthesis that nothing opened")
        return part

    def _read_options(self) -> None:
        if self._skip("***="):
            self._literal = True
            return
        self._skip("***:")
        if not (match := _OPTIONS.match(self._text, self._at)):
            return
        for option in match.group(1):
            match option:
                case "i" | "c":
                    self._ignore_case = option == "i"
                case "n" | "m" | "p" | "w" | "s":
                    self._lines_in_sets = option in "nmp"
                    self._lines_in_anchors = option in "nmw"
                case "x" | "t":
                    self._expanded = option == "x"
                case "q":
                    self._literal = True
                case _:
                    raise self._syntax_error(f"the option {option}, which is not read")
        self._at = match.end()

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._skip("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Alternation(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._skip_comments() and self._text[self._at] not in "|)":
            part = self._atom()
            if isinstance(part, Anchor | Lookaround):
                parts.append(part)
            else:
                parts.append(self._repeated(part))
        return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))

    def _skip_comments(self) -> bool:
        """Skips comments and ignored white space; whether anything is left."""
        while True:
            if self._text.startswith("(?#", self._at):
                # One that is not closed runs to the end, as it does for the server.
                end = self._text.find(")", self._at)
                self._at = len(self._text) if end < 0 else end + 1
            elif self._expanded and self._next.isspace() and self._next:
                self._at += 1
            elif self._expanded and self._next == "#":
                self._at = self._text.find("\n", self._at) % (len(self._text) + 1)
            else:
                return self._at < len(self._text)

    def _repeated(self, part: Node) -> Node:
        self._skip_comments()
        bound = self._bound()
        if bound is None:
            return part
        self._skip("?")  # fewest instead of most: the same texts match
        self._skip_comments()
        if self._bound() is not None:
            raise self._syntax_error("a quantifier behind a quantifier")
        return Repetition(part, *bound)

    def _bound(self) -> tuple[int, int | None] | None:
        if short := _QUANTIFIERS.get(self._next):
            self._at += 1
            return short
        if not (self._next == "{" and self._text[self._at + 1 : self._at + 2] in tuple(digits)):
            return None
        if not (match := _BOUND.match(self._text, self._at)):
            raise self._syntax_error("a bound that is not closed")
        least = int(match.group(1))
        most = least if match.group(2) is None else int(match.group(3)) if match.group(3) else None
        if max(least, most or 0) > _MAX_BOUND or (most is not None and most < least):
            raise self._syntax_error("a bound out of range")
        self._at = match.end()
        return least, most

    def _atom(self) -> Node:
        character = self._take()
        match character:
            case "(":
                return self._parentheses()
            case "[":
                return self._bracket()
            case ".":
                return CharacterSet(self._without_lines(((0, MAX_CODE_POINT),)))
            case "^":
                return Anchor.LINE_BEGIN if self._lines_in_anchors else Anchor.TEXT_BEGIN
            case "$":
                return Anchor.LINE_END if self._lines_in_anchors else Anchor.TEXT_END
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise self._syntax_error("a quantifier with nothing before it")
            case "{" if self._next in tuple(digits):
                raise self._syntax_error("a bound with nothing before it")
            case _:
                return self._single_character(ord(character))

    def _parentheses(self) -> Node:
        for mark in ("?:", "?=", "?!", "?<=", "?<!"):
            if self._skip(mark):
                inner = self._group_to_close()
                return (
                    Concatenation((inner,))
                    if mark == "?:"
                    else Lookaround(inner, ahead="<" not in mark, negative="!" in mark)
                )
        if self._next == "?":
            raise self._syntax_error("parentheses of a kind that is not known")
        inner = self._group_to_close()
        self._groups += 1
        return CapturingGroup(inner)

    def _group_to_close(self) -> Node:
        inner = self._choice()
        if not self._skip(")"):
            raise self._syntax_error("a parenthesis that is not closed")
        return inner

    def _escape(self) -> Node:
        code = self._code()
        if code is not None:
            return self._single_character(code)
        character = self._take()
        if character in _ANCHOR_ESCAPES:
            return _ANCHOR_ESCAPES[character]
        if (ranges := _escaped_class(character)) is not None:
            return CharacterSet(ranges)
        if character in digits:
            return self._reference(character)
        raise self._syntax_error(f"the escape \\{character}")

    def _reference(self, first: str) -> Node:
        """A back reference; of more than one digit only where there are as many groups, else an octal code."""
        rest = self._text[self._at :]
        number = first + rest[: min(len(rest) - len(rest.lstrip(digits)), 9)]
        if int(number) <= self._groups:
            self._at += len(number) - 1
            return BackReference(int(number))
        octal = _OCTAL.match(self._text, self._at - 1)
        if len(number) == 1 or not octal:
            raise self._syntax_error(f"a reference to group {number}, which is not there")
        self._at = octal.end()
        return self._single_character(int(octal.group(), 8))

    def _code(self) -> int | None:
        """The code point of an escape that stands for one character; None, and nothing read, for any other."""
        if not self._next:
            raise self._syntax_error("a backslash at the end")
        if match := _NUMERIC.match(self._text, self._at):
            self._at = match.end()
            four, eight, hexadecimal, octal = match.groups()
            code = int(octal, 8) if octal else int(four or eight or hexadecimal, 16)
            if code > MAX_CODE_POINT:
                raise self._syntax_error("a code point beyond U+10FFFF")
            return code
        character = self._next
        if character == "c" and self._at + 1 < len(self._text):
            self._at += 2
            return ord(self._text[self._at - 1]) & 0x1F
        if character.isalnum() and character not in _PLAIN_ESCAPES:
            return None
        self._at += 1
        return ord(_PLAIN_ESCAPES.get(character, character))

    def _bracket(self) -> Node:
        for word, anchor in (("[:<:]]", Anchor.WORD_BEGIN), ("[:>:]]", Anchor.WORD_END)):
            if self._skip(word):
                return anchor
        negated = self._skip("^")
        spans: list[tuple[int, int]] = []
        start = self._at
        while self._at == start or self._next != "]":
            if self._next == "-" and self._at > start and not self._text.startswith("-]", self._at):
                raise self._syntax_error("a hyphen that is neither first, last nor within a range")
            low = self._element()
            if self._next == "-" and not self._text.startswith("-]", self._at):
                self._at += 1
                high = self._element()
                if not (isinstance(low, int) and isinstance(high, int) and low <= high):
                    raise self._syntax_error("a range that is none")
                spans.append((low, high))
            else:
                spans.extend([(low, low)] if isinstance(low, int) else low)
        self._at += 1
        ranges = self._case_folded(merge_ranges(spans))
        return CharacterSet(self._without_lines(complement(ranges)) if negated else ranges)

    def _element(self) -> int | Ranges:
        """One character's code point, or the ranges of a class."""
        for mark in (".", "=", ":"):
            if self._skip("[" + mark):
                end = self._text.find(mark + "]", self._at)
                name = self._text[self._at : end]
                self._at = end + 2
                ranges = ranges_of(name) if mark == ":" else None
                single = COLLATING_ELEMENTS.get(name, name)
                if end < 0 or (mark == ":" and ranges is None) or (mark != ":" and len(single) != 1):
                    raise self._syntax_error(f"[{mark}{name}{mark}], which is not known")
                return ranges if ranges is not None else ord(single)
        character = self._take()
        if character != "\\":
            return ord(character)
        code = self._code()
        if code is not None:
            return code
        escape = self._take()
        if (ranges := _escaped_class(escape)) is None:
            raise self._syntax_error(f"the escape \\{escape} in brackets")
        return ranges

    def _single_character(self, code: int) -> CharacterSet:
        return CharacterSet(self._case_folded(((code, code),)))

    def _case_folded(self, ranges: Ranges) -> Ranges:
        """With the other case of every letter where case does not count; of one character to one, as the server does."""
        if not self._ignore_case:
            return ranges
        letters = CharacterSet(ranges)
        others = {pair for letter, pair in other_cases() if letter in letters}
        return merge_ranges([*ranges, *((ord(other), ord(other)) for other in others)])

    def _without_lines(self, ranges: Ranges) -> Ranges:
        return complement(merge_ranges([*complement(ranges), (10, 10)])) if self._lines_in_sets else ranges

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._next
        if not character:
            raise self._syntax_error("an end that comes too early")
        self._at += 1
        return character

    def _skip(self, literal: str) -> bool:
        starts = self._text.startswith(literal, self._at)
        self._at += len(literal) if starts else 0
        return starts

    def _syntax_error(self, what: str) -> RegexSyntaxError:
        return RegexSyntaxError(f"{what}, before character {self._at + 1}")


def _escaped_class(escape: str) -> Ranges | None:
    """The characters of \\d, \\s, \\w, and of their complements in capitals."""
    ranges = ranges_of(_CLASS_ESCAPES.get(escape.lower(), ""))
    return complement(ranges) if ranges is not None and escape.isupper() else ranges
