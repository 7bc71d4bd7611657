"""Where statements begin and end, as psql and the server cut them; and the tokens of one statement.

The rules are those of PostgreSQL's scan.l and psqlscan.l with standard_conforming_strings on: quotes of every kind,
nested comments, dollar quotes, parentheses, and BEGIN ATOMIC bodies. Nothing raises: what is left open runs to the
end of the text, and the server has the last word on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from pgcontract.model.identifiers import read_identifier, truncate_name

BLANKS = " \t\n\r\f\v"
# Said by the ASCII that they leave out: a set that reaches to U+10FFFF takes milliseconds to compile, each time.
_LETTER = r"[^\x00-@\[-\^`{-\x7f]"
_LETTER_OR_DIGIT = r"[^\x00-/:-@\[-\^`{-\x7f]"
_IDENT_CHARACTER = r"[^\x00-\x23%-/:-@\[-\^`{-\x7f]"
IDENTIFIER = rf"{_LETTER}{_IDENT_CHARACTER}*+"
DOLLAR_TAG = rf"\$(?:{_LETTER}{_LETTER_OR_DIGIT}*+)?\$"
_COMMENT = r"--[^\r\n]*+"
_ESCAPED = r"'(?:[^'\\]|\\.|''|'[ \t\f\v]*[\r\n][ \t\r\n\f\v]*')*+(?:'|\Z|\\\Z)"

# Every branch opens with a literal, so that the engine skips plain text by a set of characters: that makes it fast.
_STOP = rf"{_COMMENT}|/\*|'[^']*+(?:''[^']*+)*+(?:'|\Z)|\"[^\"]*+(?:\"|\Z)|{DOLLAR_TAG}|[();\\]"
_STOPS = re.compile(_STOP)
_STOPS_IN_ROUTINE = re.compile(rf"{_STOP}|{IDENTIFIER}")
_QUOTES_AND_COMMENTS = re.compile(rf"{_COMMENT}|/\*|'[^']*+(?:''[^']*+)*+(?:'|\Z)|\"[^\"]*+(?:\"|\Z)|{DOLLAR_TAG}")
_PLAIN_QUOTED = re.compile(r'"[a-z_][a-z0-9_]*"')
# Bodies within bodies that are read: more would only cost time, and whoever quotes so deep builds texts.
_MAX_NESTED_BODIES = 3
_ESCAPED_STRING = re.compile(_ESCAPED, re.DOTALL)
_NESTING = re.compile(r"/\*|\*/")
_WORD = re.compile(IDENTIFIER)
_LEAD = re.compile(rf"(?:[{BLANKS}]++|{_COMMENT})*+")
_ROUTINE = re.compile(r"CREATE\b.{0,40}?\b(?:FUNCTION|PROCEDURE)\b", re.IGNORECASE | re.DOTALL)
_IDENT_CHAR = re.compile(_IDENT_CHARACTER)
_UNICODE_ESCAPE = re.compile(r"\\(?:\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4})|(\\))")

_TOKEN = re.compile(
    rf"""(?P<string>(?:[eE]{_ESCAPED}|(?:[uU]&|[bBxXnN])?'(?:[^']|'')*+(?:'|\Z)))
      | (?P<dollar>{DOLLAR_TAG})
      | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*+(?:"|\Z))
      | (?P<word>{IDENTIFIER})
      | (?P<number>\d[\w.]*+|\.\d+|\$\d+)
      | (?P<mark>::|:=|(?:(?!--|/\*)[-+*/<>=~!@\#%^&|`?])++|.)""",
    re.VERBOSE | re.DOTALL,
)


class TokenKind(Enum):
    """What a token is to a reader: a word may be a keyword, a quoted name never is."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    NUMBER = "number"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `offset` counts characters from the start of the text it was read from."""

    kind: TokenKind
    text: str
    offset: int

    @property
    def upper(self) -> str:
        """The text, upper-cased where it may be a keyword."""
        return self.text.upper() if self.kind is TokenKind.WORD else self.text

    @property
    def name(self) -> str:
        """The bare name that a word or quoted name stands for: folded, unescaped, cut to 63 bytes."""
        unicode = self.kind is TokenKind.QUOTED and self.text[0] in "uU"
        name = read_identifier(self.text[2:] if unicode else self.text)
        if unicode:
            name = _UNICODE_ESCAPE.sub(lambda code: code[3] or chr(int(code[1] or code[2], 16)), name)
        return truncate_name(name)


@dataclass(frozen=True, slots=True)
class StatementSpan:
    """One statement's place: `text[start:end]`, without leading comments, trailing blanks and semicolon."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Backslash:
    """A backslash outside of quotes and comments: SQL has none, so psql was meant to read this file."""

    offset: int


def split(text: str) -> Iterator[StatementSpan | Backslash]:
    """Every statement in order, as psql would send them; a Backslash comes before the statement that contains it."""
    at = _skip_blank(text, 0)
    while at < len(text):
        if text[at] == ";":
            at = _skip_blank(text, at + 1)
            continue
        start = end = at
        routine = opens_routine(text, at)
        search = (_STOPS_IN_ROUTINE if routine else _STOPS).search
        parentheses = blocks = 0
        while stop := search(text, at):
            where, mark = stop.start(), text[stop.start()]
            if mark == "(":
                parentheses += 1
                at = end = where + 1
            elif mark == ")":
                parentheses -= parentheses > 0
                at = end = where + 1
            elif mark == "'":
                escaped = _ESCAPED_STRING.match(text, where) if opens_escapes(text, where) else None
                at = end = (escaped or stop).end()
            elif mark == ";":
                if not parentheses and not blocks:
                    break
                at = end = where + 1
            elif mark == "-" or mark == "/":
                end = _end_of_text(text, at, where, end)
                at = stop.end() if mark == "-" else _comment_end(text, where)
            elif mark == "$":
                at = end = _dollar_end(text, where, stop.group())
            elif mark == "\\":
                yield Backslash(where)
                at = end = where + 1
            else:
                if routine and not parentheses:
                    blocks = block_depth(blocks, stop.group())
                at = end = stop.end()
        where = stop.start() if stop else len(text)
        yield StatementSpan(start, _end_of_text(text, at, where, end))
        at = _skip_blank(text, where + 1) if stop else len(text)


def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of one statement without blanks and comments; a dollar-quoted body is one string."""
    read: list[Token] = []
    at = _skip_blank(text, 0)
    while at < len(text) and (match := _TOKEN.match(text, at)):
        if match.lastgroup == "dollar":
            end = _dollar_end(text, at, match.group())
            kind = TokenKind.STRING
        else:
            end = match.end()
            kind = TokenKind(match.lastgroup)
        read.append(Token(kind, text[at:end], at))
        at = _skip_blank(text, end)
    return tuple(read)


def code(text: str) -> str:
    """The words of SQL in a text, in lower case: without comments and strings; the bodies of dollar quotes are read as
    SQL too. A quoted name keeps its quotes; where it is more than a plain word in lower case it is `"?"`."""
    return "".join(_code_pieces(text, 0, len(text), _MAX_NESTED_BODIES))


def without_comments(text: str) -> str:
    """The text with a blank for each comment, those in the bodies of dollar quotes too."""
    return "".join(_commentless_pieces(text, 0, len(text), _MAX_NESTED_BODIES))


def _commentless_pieces(text: str, at: int, end: int, depth: int) -> Iterator[str]:
    while stop := _QUOTES_AND_COMMENTS.search(text, at, end):
        where, mark = stop.start(), text[stop.start()]
        yield text[at:where]
        if mark in "'\"":
            escaped = _ESCAPED_STRING.match(text, where, end) if mark == "'" and opens_escapes(text, where) else None
            at = (escaped or stop).end()
            yield text[where:at]
        elif mark == "$":
            at = _dollar_end(text, where, stop.group(), end)
            if depth and at > where + 1:
                yield stop.group()
                yield from _commentless_pieces(text, stop.end(), at, depth - 1)
            else:
                yield text[where:at]
        else:
            at = stop.end() if mark == "-" else _comment_end(text, where, end)
            yield " "
    yield text[at:end]


def line_comments(text: str, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each `--` comment begins and ends, of those from `at` to `end` that stand in no quotes and no other comment;
    at `at` nothing of that kind is open."""
    while stop := _QUOTES_AND_COMMENTS.search(text, at, end):
        where, mark = stop.start(), text[stop.start()]
        if mark == "-":
            yield where, stop.end()
            at = stop.end()
        elif mark == "/":
            at = _comment_end(text, where, end)
        elif mark == "$":
            at = _dollar_end(text, where, stop.group(), end)
        else:
            escaped = _ESCAPED_STRING.match(text, where, end) if mark == "'" and opens_escapes(text, where) else None
            at = (escaped or stop).end()


def _code_pieces(text: str, at: int, end: int, depth: int) -> Iterator[str]:
    while stop := _QUOTES_AND_COMMENTS.search(text, at, end):
        where, mark = stop.start(), text[stop.start()]
        yield text[at:where].lower()
        if mark == "'":
            escaped = _ESCAPED_STRING.match(text, where, end) if opens_escapes(text, where) else None
            at = (escaped or stop).end()
            yield " '' "
        elif mark == '"':
            at = stop.end()
            yield stop.group() if _PLAIN_QUOTED.fullmatch(stop.group()) else '"?"'
        elif mark == "$":
            at = _dollar_end(text, where, stop.group(), end)
            yield " "
            if depth and at > where + 1:
                yield from _code_pieces(text, stop.end(), at, depth - 1)
        else:
            at = stop.end() if mark == "-" else _comment_end(text, where, end)
            yield " "
    yield text[at:end].lower()


def leading_words(text: str, at: int, most: int) -> tuple[str, ...]:
    """The first unquoted words from `at` on, upper-cased, until something else stands there; at most `most`."""
    words: list[str] = []
    while len(words) < most and (word := _WORD.match(text, at)):
        words.append(word.group().upper())
        at = _skip_blank(text, word.end())
    return tuple(words)


def opens_routine(text: str, at: int) -> bool:
    """Whether the statement that opens there makes a function or a procedure, whose body may hold semicolons."""
    return _ROUTINE.match(text, at) is not None


def follows_identifier(text: str, at: int) -> bool:
    """Whether a name ends there, so that a `$` or a digit goes on with it."""
    return at > 0 and _IDENT_CHAR.match(text[at - 1]) is not None


def block_depth(depth: int, word: str) -> int:
    """How deep in BEGIN … END and CASE … END, counted as psql counts: only within CREATE FUNCTION and PROCEDURE."""
    match word.lower():
        case "begin":
            return depth + 1
        case "case" if depth:
            return depth + 1
        case "end" if depth:
            return depth - 1
        case _:
            return depth


def opens_escapes(text: str, quote: int) -> bool:
    """Whether the quote belongs to E'…', where a backslash escapes; in `nameE'…'` it does not."""
    return quote > 0 and text[quote - 1] in "eE" and not (quote > 1 and _IDENT_CHAR.match(text[quote - 2]))


def _dollar_end(text: str, start: int, tag: str, end: int | None = None) -> int:
    """Behind the closing tag, or the end of the text; a `$` within a name such as `a$b$c` opens nothing."""
    if follows_identifier(text, start):
        return start + 1
    close = text.find(tag, start + len(tag), end)
    return (len(text) if end is None else end) if close < 0 else close + len(tag)


def _end_of_text(text: str, at: int, where: int, end: int) -> int:
    """Where the statement's text ends so far: within the plain text before `where`, unless that is blank."""
    plain = text[at:where].rstrip(BLANKS)
    return at + len(plain) if plain else end


def _comment_end(text: str, start: int, end: int | None = None) -> int:
    end = len(text) if end is None else end
    depth, at = 1, start + 2
    while depth and (mark := _NESTING.search(text, at, end)):
        depth += 1 if mark.group() == "/*" else -1
        at = mark.end()
    return at if not depth else end


def _skip_blank(text: str, at: int) -> int:
    while True:
        lead = _LEAD.match(text, at)
        at = lead.end() if lead else at
        if not text.startswith("/*", at):
            return at
        at = _comment_end(text, at)
