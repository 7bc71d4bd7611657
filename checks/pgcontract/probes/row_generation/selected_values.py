"""Values by which a script chooses the rows that it changes: without a row of each it is seen to change none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from pgcontract.model.sql import Script
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.boundary_values import literal_values

_CHOOSES = frozenset({"UPDATE", "DELETE"})


def selected_values(script: Script) -> Mapping[str, tuple[str, ...]]:
    """The literals behind a WHERE, by the bare name that stands before each; of numbers their neighbours, too.

    Not those of an INSERT, nor of a DO block that has one: what is put in must not be there yet.
    """
    values: dict[str, dict[str, None]] = {}
    for statement in script.statements:
        read = tokens(statement.text)
        body = "".join(literal_values(statement.text)) if statement.words[:1] == ("DO",) else ""
        for chosen in (read, tokens(body)):
            words = {token.upper for token in chosen}
            if words & _CHOOSES and "INSERT" not in words and "CREATE" not in words:
                _add_values(chosen, values)
    return {name: tuple(texts) for name, texts in values.items()}


def is_neighbour(text: str, other: str) -> bool:
    """Whether it is the number right beside the other."""
    return text in _neighbours(other)


def _add_values(read: Sequence[Token], values: dict[str, dict[str, None]]) -> None:
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
                    values.setdefault(name, {}).update(dict.fromkeys((text, *_neighbours(text))))


def _neighbours(text: str) -> tuple[str, ...]:
    try:
        return str(Decimal(text) + 1), str(Decimal(text) - 1)
    except InvalidOperation:
        return ()
