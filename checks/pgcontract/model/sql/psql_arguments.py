"""The words behind a command of psql, as psqlscanslash.l cuts them, with the values of variables in them."""

from __future__ import annotations

import re
from typing import Final, Protocol

from pgcontract.model.identifiers import quote_identifier
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

_BLANKS: Final = " \t\f\v\r"
VARIABLE_NAME: Final = r"[^\x00-/:-@\[-\^`{-\x7f]+"
_WHOLE_NAME: Final = lazy_pattern(VARIABLE_NAME)
# The name of the group says how it is written.
VARIABLE: Final = (
    rf":(?:\{{\?(?P<test>{VARIABLE_NAME})\}}|'(?P<literal>{VARIABLE_NAME})'|\"(?P<identifier>{VARIABLE_NAME})\""
    rf"|(?P<plain>{VARIABLE_NAME}))"
)
_VARIABLE: Final = lazy_pattern(VARIABLE)
_QUOTED: Final = lazy_pattern(r"'((?:[^'\\\n]|\\[^\n]|'')*)'")
_ESCAPE: Final = lazy_pattern(r"''|\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))")
_ESCAPED_CHARACTERS: Final = {"n": "\n", "t": "\t", "b": "\b", "r": "\r", "f": "\f"}
_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")


class Lookup(Protocol):
    """The value of a variable."""

    def __call__(self, name: str, *, needed: bool) -> str | None:
        """None where it is not set; `needed` is whether its value is asked for, and not only whether there is one."""


class BadArgument(Exception):
    """What is wrong with the words, as a clause."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One word, and where the text goes on behind it."""

    value: str
    end: int


def is_variable_name(name: str) -> bool:
    """Whether psql takes it for a variable's name."""
    return bool(_WHOLE_NAME.fullmatch(name))


def quote_literal(value: str) -> str:
    """As PQescapeLiteral writes it."""
    quoted = value.replace("'", "''")
    return f" E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in value else f"'{quoted}'"


def read_truth(word: str) -> bool | None:
    """What psql takes a word for: the beginnings of true, false, yes, no, whole or short, on, off, 1 and 0; None where it
    is none of these."""
    lowered = word.lower()
    if not lowered:
        return None
    for known, truth in ((_TRUE, True), (_FALSE, False)):
        for whole in known:
            least = 2 if whole in ("on", "off") else 1
            if len(lowered) >= least and whole.startswith(lowered):
                return truth
    return None


def next_argument(text: str, at: int, lookup: Lookup | None) -> Argument | None:
    """The next word of the line from `at` on, None where the line, or the command, ends. Without `lookup` the words are
    cut and nothing in them is done. Raises BadArgument."""
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    if at >= len(text) or text[at] in "\n\\":
        return None
    parts: list[str] = []
    while at < len(text) and text[at] not in f"{_BLANKS}\n\\":
        match text[at]:
            case "'":
                quoted = _QUOTED.match(text, at)
                if quoted is None:
                    raise BadArgument("has a quote that is not closed on its line")
                parts.append(_ESCAPE.sub(_unescape, quoted[1]))
                at = quoted.end()
            case '"':
                line_end = _line_end(text, at)
                close = text.find('"', at + 1, line_end)
                if close < 0:
                    raise BadArgument("has a quote that is not closed on its line")
                parts.append(text[at : close + 1])
                at = close + 1
            case "`":
                if lookup is not None:
                    raise BadArgument("runs a command of the shell between backticks")
                close = text.find("`", at + 1, _line_end(text, at))
                at = close + 1 if close >= 0 else _line_end(text, at)
            case ":" if lookup is not None and (variable := _VARIABLE.match(text, at)):
                parts.append(substitute(variable, lookup))
                at = variable.end()
            case character:
                parts.append(character)
                at += 1
    return Argument(value="".join(parts), end=at)


def skip_arguments(text: str, at: int) -> int:
    """Where the words of the command end."""
    while argument := next_argument(text, at, None):
        at = argument.end
    return at


def rest_of_line(text: str, at: int) -> Argument:
    """Everything up to the end of the line, for a command that takes it whole."""
    end = _line_end(text, at)
    return Argument(value=text[at:end].strip(), end=end)


def substitute(variable: re.Match[str], lookup: Lookup) -> str:
    """What stands in the place of one; as it is written where the variable is not set."""
    kind = variable.lastgroup or "plain"
    value = lookup(variable[kind], needed=kind != "test")
    match kind:
        case "test":
            return "FALSE" if value is None else "TRUE"
        case _ if value is None:
            return variable.group()
        case "literal":
            return quote_literal(value)
        case "identifier":
            return quote_identifier(value)
        case _:
            return value


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _unescape(escape: re.Match[str]) -> str:
    octal, hexadecimal, character = escape.groups()
    if octal or hexadecimal:
        return chr(int(octal, 8) if octal else int(hexadecimal, 16))
    return _ESCAPED_CHARACTERS.get(character, character) if character else "'"
