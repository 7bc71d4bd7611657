"""What in a statement takes one of several rows, or one after another, and the names that decide which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.row_generation.update_parts import update_parts
from pgcontract.values import dataclass

_WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DO", "WITH"})
_COLLECTS: Final = frozenset(
    {"STRING_AGG", "ARRAY_AGG", "JSON_AGG", "JSONB_AGG", "JSON_OBJECT_AGG", "JSONB_OBJECT_AGG", "XMLAGG"}
)
_CHANCE: Final = frozenset({"RANDOM", "GEN_RANDOM_UUID", "UUID_GENERATE_V4"})
# What a row is chosen, joined, sorted or told apart by stands behind these, up to one of the others.
_DECIDES: Final = frozenset({"WHERE", "ON", "BY", "HAVING", "USING"})
_ENDS: Final = frozenset({"SET", "SELECT", "FROM", "DO", "LIMIT", "FETCH", "RETURNING", "THEN", "LOOP", ";"})
_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)


@dataclass(frozen=True, kw_only=True)
class RowPick:
    """`words` are what takes the row, `by_order` whether an ORDER BY stands beside it, which may leave ties. `names` are
    those of columns that decide: rows that are alike in them are taken as they lie."""

    words: str
    by_order: bool
    names: frozenset[str]


def row_pick(statement: Statement) -> RowPick | None:
    """The first without an ORDER BY, else the first with one; None where nothing is left open, or all to chance."""
    if not _writes(statement):
        return None
    is_body = statement.words[0] == "DO"
    text = "".join(literal_values(statement.text)) if is_body else statement.text
    read = tokens(text)
    picks = list(_picks(read, is_body=is_body))
    if not picks and any(part.joins for part in update_parts(text)):
        picks.append(("UPDATE … FROM", False))
    if not picks:
        return None
    words, by_order = min(picks, key=lambda pick: pick[1])
    if by_order and any(token.upper in _CHANCE for token in read):
        return None
    return RowPick(words=words, by_order=by_order, names=frozenset(_deciding(read)))


def _writes(statement: Statement) -> bool:
    makes = statement.words[:1] == ("CREATE",)
    return statement.words[:1] != () and statement.words[0] in _WRITES and (not makes or "TABLE" in statement.words[1:4])


def _deciding(read: Sequence[Token]) -> Iterator[str]:
    """Of `WHERE n.orders = o.id ORDER BY n.made` orders, id and made, and the names of the tables."""
    decides, around = False, list[bool]()
    for place, token in enumerate(read):
        if token.text == "(":
            is_distinct = [each.upper for each in read[max(place - 2, 0) : place]] == ["DISTINCT", "ON"]
            around.append(decides and not is_distinct)
        elif token.text == ")" and around:
            decides = around.pop()
        elif token.upper in _DECIDES or token.upper in _ENDS or token.upper == "CONFLICT":
            decides = token.upper not in _ENDS
        elif decides and token.kind in _NAMES:
            yield token.name


def _picks(read: Sequence[Token], *, is_body: bool) -> Iterator[tuple[str, bool]]:
    """LIMIT, DISTINCT ON, OVER and what collects values, each with whether an ORDER BY is beside it; in a body what takes
    one row after another too."""
    scopes: list[dict[str, int]] = [{}]
    for place, token in enumerate(read):
        scope = scopes[-1]
        if token.text == "(":
            before, earlier = (read[place - back].upper if place >= back else "" for back in (1, 2))
            scopes.append({word: 1 for word in (before,) if word == "OVER" or word in _COLLECTS})
            if before == "ON" and earlier == "DISTINCT":
                scope["DISTINCT ON"] = 1
        elif token.text in (")", ";") or token.upper == "LOOP":
            yield from _of_scope(scope)
            if token.text == ")" and len(scopes) > 1:
                scopes.pop()
            else:
                scopes = [{}]
        elif token.upper == "ORDER":
            scope["ORDER"] = 1
        elif token.upper in ("LIMIT", "FETCH"):
            scope["LIMIT"] = 1
        elif token.upper == "CTID":
            scope["ctid"] = 1
        elif token.upper == "INTO" and is_body and read[place - 1].upper not in ("INSERT", "MERGE"):
            scope["SELECT … INTO"] = 1
        elif token.upper == "FOR" and is_body and "SELECT" in [each.upper for each in read[place + 2 : place + 5]]:
            scope["FOR … IN SELECT"] = 1
        elif token.upper == "NOTHING" and read[place - 1].upper == "DO" and any(each.upper == "SELECT" for each in read):
            scope["ON CONFLICT DO NOTHING"] = 1
    for scope in scopes:
        yield from _of_scope(scope)


def _of_scope(scope: Mapping[str, int]) -> Iterator[tuple[str, bool]]:
    for word in scope:
        if word != "ORDER":
            shown = f"{word.lower()}(…)" if word in _COLLECTS else f"{word} (…)" if word == "OVER" else word
            yield shown, "ORDER" in scope
