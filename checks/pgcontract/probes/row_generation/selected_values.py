"""Values by which a script chooses the rows that it changes: without a row of each it is seen to change none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from pgcontract.model.sql import Script
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.boundary_values import literal_values

_CHOOSES: Final = frozenset({"UPDATE", "DELETE"})
_CUTS: Final = frozenset({"LEFT", "RIGHT", "SUBSTR", "SUBSTRING"})
_BOUNDED: Final = frozenset({"VARCHAR", "VARYING", "CHAR", "CHARACTER", "BPCHAR"})
_LONGEST: Final = 10_000


def selected_values(script: Script) -> tuple[tuple[str, str], ...]:
    """The literals behind a WHERE, each with the bare name that stands before it; of numbers their neighbours, too.
    Before them, of what an UPDATE cuts (`left(note, 20)`, `note::varchar(20)`), texts that are the same but for what is
    cut off.

    Not those of an INSERT, nor of a DO block that has one: what is put in must not be there yet.
    """
    cut: list[tuple[str, str]] = []
    chosen: list[tuple[str, str]] = []
    for statement in script.statements:
        body = "".join(literal_values(statement.text)) if statement.words[:1] == ("DO",) else ""
        for read in (tokens(statement.text), tokens(body)):
            words = {token.upper for token in read}
            if words & _CHOOSES and "INSERT" not in words and "CREATE" not in words:
                chosen += _compared(read)
                if "UPDATE" in words:
                    cut += ((name, text) for name, length in _cuts(read) for text in _texts_longer_than(length))
    return tuple(dict.fromkeys((*cut, *chosen)))


def is_neighbour(text: str, other: str) -> bool:
    """Whether it is the number right beside the other."""
    return text in _neighbours(other)


def _compared(read: Sequence[Token]) -> Iterator[tuple[str, str]]:
    names: list[str] = []
    is_condition = False
    for token in read:
        if token.upper in ("WHERE", "SET", "RETURNING") or token.text == ";":
            is_condition = token.upper == "WHERE"
        elif is_condition and token.kind in (TokenKind.WORD, TokenKind.QUOTED):
            names.append(token.name)
        elif is_condition and token.kind in (TokenKind.STRING, TokenKind.NUMBER):
            for text in literal_values(token.text):
                # A keyword (IN, BETWEEN, AND) may stand between; of no column, it takes no value.
                for name in names[-4:]:
                    yield from ((name, near) for near in (text, *_neighbours(text)))


def _neighbours(text: str) -> tuple[str, ...]:
    try:
        return str(Decimal(text) + 1), str(Decimal(text) - 1)
    except InvalidOperation:
        return ()


def _cuts(read: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """Each name whose text is cut, with the number of letters that it is cut by."""
    for place, token in enumerate(read[:-1]):
        if token.upper not in _CUTS | _BOUNDED or read[place + 1].text != "(":
            continue
        inside = _in_parentheses(read[place + 2 :])
        around = inside if token.upper in _CUTS else read[max(place - 5, 0) : place]
        lengths = [int(each.text) for each in inside if each.kind is TokenKind.NUMBER and each.text.isdecimal()]
        if lengths and max(lengths) <= _LONGEST:
            yield from ((each.name, max(lengths)) for each in around if each.kind in (TokenKind.WORD, TokenKind.QUOTED))


def _in_parentheses(read: Sequence[Token]) -> Sequence[Token]:
    """The tokens up to the parenthesis that closes the one before them."""
    depth = 1
    for place, token in enumerate(read):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return read[:place]
    return read


def _texts_longer_than(length: int) -> tuple[str, str, str]:
    """Three texts: the second differs from the first in its last letter, the third in its first one."""
    middle = ("abcdefghij" * (length // 10 + 1))[:length]
    return f"a{middle}a", f"a{middle}b", f"b{middle}a"
