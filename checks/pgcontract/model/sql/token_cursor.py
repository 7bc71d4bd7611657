"""A place in a statement's tokens, which moves forward as words, names and parentheses are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.lexer import Token, TokenKind


class Unreadable(Exception):
    """The text is not shaped as expected; the statement is reported as unread with this reason."""


class Cursor:
    """Reads a sequence of tokens; `position` is the index of the next one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.position = 0

    def __bool__(self) -> bool:
        return self.position < len(self.tokens)

    @property
    def offset(self) -> int:
        """Where the next token stands, or the last one if there is none."""
        if not self.tokens:
            return 0
        return self.tokens[min(self.position, len(self.tokens) - 1)].offset

    def peek(self, ahead: int = 0) -> str:
        """The next token's text, an unquoted word upper-cased; empty at the end."""
        at = self.position + ahead
        return self.tokens[at].upper if at < len(self.tokens) else ""

    def consume(self, *words: str) -> bool:
        """Moves behind these words and marks if all of them stand here."""
        for ahead, word in enumerate(words):
            if self.peek(ahead) != word:
                return False
        self.position += len(words)
        return True

    def consume_any(self, *words: str) -> str:
        """Moves behind whichever of these stands here, and says which; empty if none."""
        word = self.peek()
        if word not in words:
            return ""
        self.position += 1
        return word

    def next(self) -> Token:
        if not self:
            raise Unreadable("it ends where more was expected")
        self.position += 1
        return self.tokens[self.position - 1]

    def name(self) -> str:
        """The one name that stands here."""
        token = self.next()
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            raise Unreadable(f"{token.text[:20]!r} stands where a name was expected")
        return token.name

    def path(self) -> QualifiedName:
        """The dotted name that stands here."""
        parts = [self.name()]
        while self.consume("."):
            parts.append(self.name())
        return QualifiedName(tuple(parts))

    def column(self) -> QualifiedName:
        """The dotted name of a column that stands here, its relation's in front of it."""
        column = self.path()
        if not column.schema:
            raise Unreadable(f"column {column.name} stands without its table")
        return column

    def paths(self) -> Iterator[QualifiedName]:
        """Dotted names separated by commas."""
        yield self.path()
        while self.consume(","):
            yield self.path()

    def group(self) -> Cursor:
        """What stands between the parentheses that open here."""
        if not self.consume("("):
            raise Unreadable(f"{self.peek()[:20]!r} stands where ( was expected")
        first, depth = self.position, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.next().text, 0)
        return Cursor(self.tokens[first : self.position - 1])

    def skip(self) -> None:
        """Moves behind one token, or behind the whole of a parenthesis."""
        if self.peek() == "(":
            self.group()
        else:
            self.next()

    def seek(self, *words: str) -> str:
        """Moves to the first of these outside of parentheses, and says which; empty at the end."""
        while self and self.peek() not in words:
            self.skip()
        return self.peek()

    def parts(self) -> Iterator[Cursor]:
        """The rest, cut at the commas outside of parentheses and brackets."""
        first, depth = self.position, 0
        while self:
            match self.next().text:
                case "(" | "[":
                    depth += 1
                case ")" | "]":
                    depth -= 1
                case "," if not depth:
                    yield Cursor(self.tokens[first : self.position - 1])
                    first = self.position
        if first < len(self.tokens):
            yield Cursor(self.tokens[first:])
