"""The statements of a PL/pgSQL body, each with what must stand around it so that it can be run by itself. Pure.

Only the frame of the language is read (blocks, branches, loops, handlers); what stands in a statement is the server's to
read. A body in which that frame is not found is read as None, never half.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pgcontract.model.sql.lexer import Token, TokenKind, tokens, without_comments
from pgcontract.values import dataclass

_LOOPS: Final = frozenset(("FOR", "FOREACH", "WHILE", "LOOP"))
_SILENT: Final = frozenset(("NULL", "EXIT", "CONTINUE", "COMMIT", "ROLLBACK", "CLOSE", "GET", "FETCH", "MOVE"))
_QUERIES: Final = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_RAISES: Final = re.compile(r"RAISE\b(?!\s+(?:DEBUG|LOG|INFO|NOTICE|WARNING)\b)", re.IGNORECASE)
_HANDLER_OPENS: Final = "BEGIN RAISE EXCEPTION USING ERRCODE = 'P0001', MESSAGE = 'a test'; EXCEPTION WHEN OTHERS THEN"
_MARK: Final = "IF pg_catalog.pg_advisory_lock({}, {}) IS NULL THEN END IF;"
_CURSOR: Final = r"\b{}\s+(?:(?:NO\s+)?SCROLL\s+)?CURSOR\s+(?:FOR|IS)\s+(?P<query>[^;]+);"
_ONE_ROW: Final = (
    "SELECT pgcontract_query.* FROM (SELECT 1) AS pgcontract_one LEFT JOIN ({}) AS pgcontract_query ON true LIMIT 1"
)


class _Unreadable(Exception):
    """The text is not framed as this reader knows it."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What opens something around a statement, and what closes it, each on one line."""

    opens: str
    closes: str


@dataclass(frozen=True, kw_only=True)
class BodyStatement:
    """One statement, or the condition or query in a heading.

    `text` is what runs it by itself, "" where nothing can; `start` is its offset in the body, at which another statement
    may be put before it where it `can_be_marked`. `frames` are from the outermost on, None where one cannot be rebuilt;
    `conditions` are those under which it is reached; `handled` the conditions of the handlers around it, in lower case;
    of `raised_again` each of them ends in another RAISE.
    """

    text: str
    start: int
    line: int
    can_be_marked: bool = True
    frames: tuple[Frame, ...] | None
    conditions: tuple[str, ...] = ()
    handled: frozenset[str] = frozenset()
    raised_again: frozenset[str] = frozenset()

    def alone(self, prefix: str = "", before: str = "") -> str | None:
        """A body that runs it alone, on its own line, behind the statement `before`."""
        if not self.text or self.frames is None:
            return None
        opens = " ".join(frame.opens for frame in self.frames)
        closes = " ".join(frame.closes for frame in reversed(self.frames))
        first = f"{before}; " if before else ""
        lead = "\n" * max(self.line - 1 - prefix.count("\n"), 0)
        return f"{prefix}{lead}{opens} {first}{self.text};\n{closes}"


@dataclass(frozen=True, kw_only=True)
class Body:
    """`prefix` are the options before its first block; `statements` in the order of the text."""

    source: str
    prefix: str
    statements: tuple[BodyStatement, ...]

    def marked(self, number: int) -> str:
        """The body with a mark before each statement that can have one: an advisory lock of the session, under the body's
        number and the statement's. It outlives a rollback, sets no FOUND, and costs the same however deep the call is."""
        text = self.source
        for place in range(len(self.statements) - 1, -1, -1):
            statement = self.statements[place]
            if statement.can_be_marked:
                mark = _MARK.format(number, place)
                text = f"{text[: statement.start]}{mark} {text[statement.start :]}"
        return text


def read_body(source: str) -> Body | None:
    """None where the body is not framed as this reader knows it."""
    reader = _Reader(source)
    try:
        return reader.read()
    except (_Unreadable, RecursionError):
        return None


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._at = 0
        self._read: list[BodyStatement] = []

    def read(self) -> Body:
        while self._word() not in ("DECLARE", "BEGIN", "<<"):
            self._at += 1
            self._require(self._at < len(self._tokens))
        prefix = self._source[: self._tokens[self._at].offset]
        self._block(frames=(), conditions=())
        self._take(";", optional=True)
        self._require(self._at == len(self._tokens))
        prefix = prefix if prefix.strip().startswith("#") else ""
        return Body(source=self._source, prefix=prefix, statements=tuple(self._read))

    def _word(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._tokens[place].upper if place < len(self._tokens) else ""

    def _require(self, so: bool) -> None:
        if not so:
            raise _Unreadable

    def _take(self, word: str, *, optional: bool = False) -> bool:
        if self._word() == word:
            self._at += 1
            return True
        self._require(optional)
        return False

    def _offset(self, place: int) -> int:
        return self._tokens[place].offset if place < len(self._tokens) else len(self._source)

    def _flat(self, first: int, last: int) -> str:
        """The text of these tokens on one line."""
        text = without_comments(self._source[self._offset(first) : self._end(last)])
        return text.replace("\r", " ").replace("\n", " ").strip()

    def _end(self, last: int) -> int:
        token = self._tokens[last - 1]
        return token.offset + len(token.text)

    def _until(self, *words: str) -> tuple[int, int]:
        """The tokens from here to the first of these words that is in no parentheses; which is not taken."""
        first, depth = self._at, 0
        while self._at < len(self._tokens):
            word = self._word()
            if depth == 0 and word in words:
                return first, self._at
            depth += (word in ("(", "[")) - (word in (")", "]"))
            self._at += 1
        raise _Unreadable

    def _block(self, *, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...]) -> None:
        start = self._at
        if self._take("<<", optional=True):
            self._until(">>")
            self._at += 1
        if self._take("DECLARE", optional=True):
            self._until("BEGIN")
        self._take("BEGIN")
        opened = Frame(opens=self._flat(start, self._at), closes="END;")
        inner = None if frames is None else (*frames, opened)
        first = len(self._read)
        self._list(frames=inner, conditions=conditions)
        if self._take("EXCEPTION", optional=True):
            protected = len(self._read)
            handled: set[str] = set()
            ended: set[str] = set()
            handler = Frame(opens=_HANDLER_OPENS, closes="END;")
            while self._take("WHEN", optional=True):
                names = self._until("THEN")
                named = {token.text.lower().strip("'") for token in self._tokens[names[0] : names[1]]} - {"or"}
                handled |= named
                begun = len(self._read)
                self._at += 1
                self._list(frames=None if inner is None else (*inner, handler), conditions=conditions)
                if not any(self._raises(each, conditions) for each in self._read[begun:]):
                    ended |= named
            for number in range(first, protected):
                statement = self._read[number]
                around = statement.handled - statement.raised_again
                self._read[number] = replace(
                    statement,
                    handled=statement.handled | handled,
                    raised_again=(statement.handled | handled) - around - ended,
                )
        self._take("END")
        if self._word() not in (";", ""):
            self._at += 1

    def _raises(self, statement: BodyStatement, conditions: tuple[str, ...]) -> bool:
        """Whether it ends all, under these conditions."""
        is_raise = _RAISES.match(self._source, statement.start) is not None
        return is_raise and statement.conditions == conditions and not statement.handled

    def _list(self, *, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...]) -> None:
        while self._word() not in ("END", "ELSE", "ELSIF", "ELSEIF", "WHEN", "EXCEPTION"):
            self._require(bool(self._word()))
            self._statement(frames, conditions)

    def _statement(self, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...]) -> None:
        start = self._at
        labelled = 0
        if self._word() == "<<":
            labelled = next((n for n in range(8) if self._word(n) == ">>"), -1) + 1
            self._require(labelled > 0)
        match self._word(labelled):
            case "DECLARE" | "BEGIN":
                self._add("", start, frames, conditions)
                self._block(frames=frames, conditions=conditions)
            case "IF":
                self._at += labelled
                self._if(frames, conditions)
            case "CASE":
                self._at += labelled
                self._case(frames, conditions)
            case word if word in _LOOPS:
                self._at += labelled
                self._loop(start, frames, conditions)
            case _:
                self._require(not labelled)
                self._simple(frames, conditions)
        self._take(";")

    def _add(
        self,
        text: str,
        place: int,
        frames: tuple[Frame, ...] | None,
        conditions: tuple[str, ...],
        *,
        can_be_marked: bool = True,
    ) -> None:
        start = self._offset(place)
        line = self._source.count("\n", 0, start) + 1
        self._read.append(
            BodyStatement(
                text=text, start=start, line=line, can_be_marked=can_be_marked, frames=frames, conditions=conditions
            )
        )

    def _condition(
        self, until: str, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...], *, first: bool
    ) -> str:
        place = self._at - 1
        text = self._flat(*self._until(until))
        self._at += 1
        self._add(f"PERFORM ({text})", place, frames, conditions, can_be_marked=first)
        return text

    def _if(self, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...]) -> None:
        self._take("IF")
        condition = self._condition("THEN", frames, conditions, first=True)
        above = (*conditions, condition)
        self._list(frames=frames, conditions=above)
        while self._word() in ("ELSIF", "ELSEIF"):
            self._at += 1
            above = (*above, self._condition("THEN", frames, above, first=False))
            self._list(frames=frames, conditions=above)
        if self._take("ELSE", optional=True):
            self._list(frames=frames, conditions=above)
        self._take("END")
        self._take("IF")

    def _case(self, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...]) -> None:
        start = self._at
        self._take("CASE")
        first, last = self._until("WHEN")
        subject = self._flat(first, last) if last > first else ""
        self._add(f"PERFORM ({subject})" if subject else "", start, frames, conditions)
        above = (*conditions, subject)
        while self._take("WHEN", optional=True):
            place = self._at - 1
            text = self._flat(*self._until("THEN"))
            self._at += 1
            asked = f"PERFORM ({subject}) IN ({text})" if subject else f"PERFORM ({text})"
            self._add(asked, place, frames, above, can_be_marked=False)
            above = (*above, text)
            self._list(frames=frames, conditions=above)
        if self._take("ELSE", optional=True):
            self._list(frames=frames, conditions=above)
        self._take("END")
        self._take("CASE")

    def _loop(self, start: int, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...]) -> None:
        kind, place = self._word(), self._at
        heading = self._flat(*self._until("LOOP"))
        self._at += 1
        around: tuple[Frame, ...] = ()
        text = f"{heading} LOOP EXIT; END LOOP" if kind != "LOOP" else ""
        if kind == "FOR":
            frame = self._for_frame(place)
            frames, around = (None, ()) if frame is None else (frames, (frame,))
        self._add(text, start, frames, conditions)
        inner = None if frames is None else (*frames, *around)
        self._list(frames=inner, conditions=(*conditions, heading) if kind == "WHILE" else conditions)
        self._take("END")
        self._take("LOOP")
        if self._word() != ";":
            self._at += 1

    def _for_frame(self, place: int) -> Frame | None:
        """A loop that is gone through once; None where its query is put together, or takes arguments."""
        inside = next((n for n in range(place, self._at) if self._tokens[n].upper == "IN"), None)
        if inside is None or self._tokens[inside + 1].upper == "EXECUTE":
            return None
        head, query = self._flat(place, inside + 1), self._flat(inside + 1, self._at - 1)
        if cursor := re.search(_CURSOR.format(re.escape(query)), self._source, re.IGNORECASE):
            row = self._flat(place + 1, inside)  # declared by the loop itself
            opens = f"DECLARE {row} record; BEGIN {head} {_ONE_ROW.format(cursor['query'])} LOOP"
            return Frame(opens=opens, closes="EXIT; END LOOP; END;")
        if self._tokens[inside + 1].upper in _QUERIES and ".." not in re.sub(r"'(?:[^']|'')*'", "", query):
            query = _ONE_ROW.format(query)
        elif ".." in query:
            query = "1 .. 1"
        else:
            return None
        return Frame(opens=f"{head} {query} LOOP", closes="EXIT; END LOOP;")

    def _simple(self, frames: tuple[Frame, ...] | None, conditions: tuple[str, ...]) -> None:
        start = self._at
        word = self._word()
        first, last = self._until(";")
        self._require(last > first)
        text = self._source[self._offset(first) : self._end(last)]
        if word in ("EXIT", "CONTINUE"):
            when = next((n for n in range(first, last) if self._tokens[n].upper == "WHEN"), None)
            text = f"PERFORM ({self._flat(when + 1, last)})" if when is not None else ""
        elif word in _SILENT or last - first == 1 or _is_bare_value(self._tokens[first:last]):
            text = ""
        self._add(text, start, frames, conditions)


def _is_bare_value(words: tuple[Token, ...]) -> bool:
    """RETURN NEW, RETURN true: nothing that could be unknown."""
    return (
        len(words) == 2
        and words[0].upper == "RETURN"
        and (
            words[1].kind is TokenKind.NUMBER
            or words[1].upper in ("NEW", "OLD", "NULL", "TRUE", "FALSE", "QUERY", "NEXT")
        )
    )
