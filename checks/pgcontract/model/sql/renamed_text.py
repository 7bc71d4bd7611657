"""SQL that speaks of what is now called otherwise, rewritten: token by token, so that strings and comments stay."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.model.sql.renames import RELATION, Rename

_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)
_BEFORE_RELATION: Final = frozenset("FROM JOIN UPDATE INTO ONLY TABLE REFERENCES USING".split())  # noqa: SIM905
_BEFORE_TYPE: Final = frozenset(("::", "AS", "SETOF", "OF"))
_CLAUSES: Final = frozenset("SELECT FROM USING JOIN WHERE ON SET BY HAVING RETURNING VALUES".split())  # noqa: SIM905
_NO_ALIAS: Final = _CLAUSES | frozenset(
    """
    left right inner cross full group order limit default union for natural tablesample offset fetch window except
    intersect as
    """.upper().split()
)
_LISTS: Final = ("SELECT", "RETURNING")
_ROWS: Final = frozenset(("new", "old", "excluded"))
_REGCLASS: Final = ("nextval", "currval", "setval")


def renamed_text(
    text: str, rename: Rename, *, own: bool = False, others: Collection[str] = (), output: bool = False
) -> str:
    """The text with the new name in the place of the old one, which is in full.

    `own` says that the text belongs to the table whose column it is, is nothing but a type, or is about values of the
    enum whose label it is; `others` are tables that have a column of the same name too. With `output` a query's columns
    keep the names they had.
    """
    written = text.replace("''", "'")
    spellings = (rename.old.name, rename.old.quoted_name.strip('"'))
    if not any(name in written for name in spellings) and rename.old.name not in text.lower():
        return text
    read = tokens(text)
    changes: list[tuple[Token, str]] = []
    rewriter = _Rewriter(read, rename, own=own, others=others, output=output)
    for at in range(len(read)):
        changes += rewriter.changes_at(at)
    for token, new in sorted(changes, key=lambda change: -change[0].offset):
        text = text[: token.offset] + new + text[token.offset + len(token.text) :]
    return text


class _Rewriter:
    def __init__(
        self, read: Sequence[Token], rename: Rename, *, own: bool, others: Collection[str], output: bool
    ) -> None:
        self.read = read
        self.rename = rename
        self.own = own
        self.output = output
        self.old, self.new = rename.old, rename.new
        self.table = rename.old.parts[-2] if len(rename.old.parts) > 1 else ""
        names = {token.name for token in read if token.kind in _NAMES}
        self.speaks_of_table = self.table in names
        self.is_ambiguous = not names.isdisjoint(others)
        self.qualifiers = {self.table, *_ROWS, *self._aliases()}

    def changes_at(self, at: int) -> list[tuple[Token, str]]:
        token = self.read[at]
        if token.kind is TokenKind.STRING:
            return self._label(at) if self.rename.kind == "label" else self._string(at)
        if self._text(at - 1) == "(" and self._text(at - 2).endswith("%"):  # a parameter
            return []
        if token.kind not in _NAMES or token.name != self.old.name:
            return []
        match self.rename.kind:
            case "column":
                return self._column(at)
            case "schema":
                is_schema = self._text(at + 1) == "." and self._text(at - 1) != "."
                return [(token, quote_identifier(self.new.name))] if is_schema else []
            case "function" if self._text(at + 1) == "(" and self._is_in_schema(at):
                return self._moved(at)
            case "type" if self._is_in_schema(at) and (self.own or self._is_type(at)):
                return self._moved(at)
            case kind if kind == RELATION and self._is_relation(at):
                return self._moved(at)
        return []

    def _column(self, at: int) -> list[tuple[Token, str]]:
        before, behind = self._text(at - 1), self._text(at + 1)
        if behind in ("(", ".") or before in ("::", "AS"):
            return []
        if before == ".":
            replaced = self.read[at - 2].name in self.qualifiers and (self.own or self.speaks_of_table)
        else:
            replaced = self.own or (self.speaks_of_table and not self.is_ambiguous)
        if not replaced:
            return []
        new = quote_identifier(self.new.name)
        if self.output and behind in (",", "FROM", "") and self._is_output(at):
            new = f"{new} AS {quote_identifier(self.old.name)}"
        return [(self.read[at], new)]

    def _is_output(self, at: int) -> bool:
        """Whether it stands alone in the list of a query's columns, the outermost one's."""
        marks = [self._text(place) for place in range(at)]
        clause = next((mark for mark in reversed(marks) if mark in _CLAUSES), "")
        start = at - 2 if self._text(at - 1) == "." else at
        outermost = marks.count("(") == marks.count(")")
        return clause in _LISTS and outermost and self._text(start - 1) in (",", "DISTINCT", "ALL", *_LISTS)

    def _is_relation(self, at: int) -> bool:
        before, behind = self._text(at - 1), self._text(at + 1)
        if before == ".":
            return self._is_in_schema(at)
        clause = next((word for place in range(at - 1, -1, -1) if (word := self._text(place)) in _CLAUSES), "")
        is_listed = before == "," and clause in ("FROM", "USING", "JOIN")
        return self.own or before in _BEFORE_RELATION or is_listed or behind == "."

    def _is_type(self, at: int) -> bool:
        start = at - 2 if self._text(at - 1) == "." else at
        return self._text(start - 1) in _BEFORE_TYPE

    def _is_in_schema(self, at: int) -> bool:
        """Whether the schema that is written before it is the old one's; it may be written without."""
        return self._text(at - 1) != "." or self.read[at - 2].name == self.old.schema

    def _moved(self, at: int) -> list[tuple[Token, str]]:
        moved = [(self.read[at], quote_identifier(self.new.name))]
        if self.new.schema != self.old.schema:
            if self._text(at - 1) == ".":
                moved.append((self.read[at - 2], quote_identifier(self.new.schema)))
            else:
                moved = [(self.read[at], str(self.new.without_arguments))]
        return moved

    def _string(self, at: int) -> list[tuple[Token, str]]:
        """The name of a relation in quotes, as in nextval('public.t_id_seq'::regclass)."""
        token = self.read[at]
        named = self._text(at + 2).lower() == "regclass" or self._text(at - 2).lower() in _REGCLASS
        if not named or self.rename.kind not in (RELATION, "schema"):
            return []
        try:
            name = QualifiedName.parse(token.text[1:-1].replace("''", "'"))
        except ValueError:
            return []
        if self.rename.kind == "schema":
            moved = name.in_schema(self.new.name) if name.schema == self.old.name else name
        else:
            moved = self.new if name in (self.old, QualifiedName.of(self.old.name)) else name
        return [] if moved == name else [(token, "'" + str(moved).replace("'", "''") + "'")]

    def _label(self, at: int) -> list[tuple[Token, str]]:
        """The label of an enum, of that type or in a text that is of no other."""
        token, new = self.read[at], self.new.name.replace("'", "''")
        is_label = token.text == "'" + self.old.name.replace("'", "''") + "'"
        typed = self._text(at + 1) == "::" and self.old.parts[-2] in {one.name for one in self.read[at + 2 : at + 5]}
        return [(token, f"'{new}'")] if is_label and (self.own or typed) else []

    def _aliases(self) -> set[str]:
        """What else the table is called in the text: `public.orders AS o`."""
        aliases = set()
        for at, token in enumerate(self.read):
            if token.kind in _NAMES and token.name == self.table:
                place = at + 1 + (self._text(at + 1) == "AS")
                if place < len(self.read) and self.read[place].kind in _NAMES and self._text(place) not in _NO_ALIAS:
                    aliases.add(self.read[place].name)
        return aliases

    def _text(self, at: int) -> str:
        return self.read[at].upper if 0 <= at < len(self.read) else ""
