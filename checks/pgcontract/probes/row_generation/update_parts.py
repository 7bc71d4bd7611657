"""The UPDATEs of a statement or body taken apart: what each assigns, and which rows its own words choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.values import dataclass

_OPENS: Final = frozenset({";", "BEGIN", "LOOP", "THEN", "ELSE"})  # a statement of a body
_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)


@dataclass(frozen=True, kw_only=True)
class UpdatePart:
    """`assigned` are the tokens from its SET to its WHERE. `chosen` is the rest of the SELECT that reads the rows which
    it changes, from FROM on, "" where it changes all; `opening` stands before that SELECT (WITH), `target` is what
    columns of the table are qualified by. `table` is its bare name, `schema` what stands before that."""

    assigned: Sequence[Token]
    chosen: str = ""
    opening: str = ""
    target: str = ""
    table: str = ""
    schema: str = ""
    joins: bool = False

    def chosen_row(self, columns: Sequence[str]) -> sql.Composed:
        """The SELECT of one row that it changes, each value as text."""
        values = (sql.SQL("{}.{}::text").format(sql.SQL(self.target), identifier(column)) for column in columns)
        return sql.SQL("{} SELECT {} {} LIMIT 1").format(
            sql.SQL(self.opening), sql.SQL(", ").join(values), sql.SQL(self.chosen)
        )


def update_parts(text: str) -> Iterator[UpdatePart]:
    """Each UPDATE of the text, not those of an upsert, a trigger or a lock."""
    read = tokens(text)
    start = 0
    for place, token in enumerate(read):
        if token.upper in _OPENS:
            start = place + 1
        before = read[place - 1].upper if place else ""
        if token.upper != "UPDATE" or before in ("DO", "FOR", "ON", "KEY", "OR", "BEFORE", "AFTER"):
            continue
        ends = {"SET": 0, "FROM": 0, "WHERE": 0, "": len(read)}
        depth = 0
        for later in range(place + 1, len(read)):
            word = read[later].upper
            depth += {"(": 1, ")": -1}.get(word, 0)
            if depth < 0 or (depth == 0 and word in (";", "RETURNING")):
                ends[""] = later
                break
            if depth == 0 and ends.get(word) == 0:
                ends[word] = later
        if not ends["SET"] or read[ends["SET"] - 1].kind not in _NAMES:
            continue
        condition = ends["WHERE"] or ends[""]

        def between(first: int, last: int) -> str:
            return text[read[first].offset : read[last].offset if last < len(read) else len(text)].strip()

        chosen = ""
        if ends["WHERE"]:
            others = between(ends["FROM"] + 1, condition) if ends["FROM"] else ""
            chosen = f"FROM {between(place + 1, ends['SET'])}{', ' * bool(others)}{others} {between(condition, ends[''])}"
        opening = between(start, place) if read[start].upper == "WITH" else ""
        yield UpdatePart(
            assigned=read[ends["SET"] : condition],
            chosen=chosen,
            opening=opening if opening.count("(") == opening.count(")") else "",
            target=read[ends["SET"] - 1].text,
            joins=bool(ends["FROM"]),
            table=names[-1] if (names := _names(read[place + 1 : ends["SET"]])) else "",
            schema=names[0] if len(names) > 1 else "",
        )


def _names(read: Sequence[Token]) -> Sequence[str]:
    """Of `ONLY public.cards AS c` public and cards; none of a MERGE, whose UPDATE names none."""
    names = [token for token in read if token.upper not in ("ONLY", "(", ")", "*")]
    if len(names) > 2 and names[1].text == ".":
        return names[0].name, names[2].name
    return [token.name for token in names[:1]]
