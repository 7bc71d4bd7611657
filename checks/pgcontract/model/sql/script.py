"""A migration file as read: its text, its digest, its statements and their places."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path

from pgcontract.errors import InputError
from pgcontract.model.sql.commands import psql_command
from pgcontract.model.sql.execution import Execution
from pgcontract.model.sql.lexer import Backslash, leading_words, split
from pgcontract.model.sql.passages import Passage, Place, place_in, written_between
from pgcontract.model.sql.source import Source, line_starts, read_source
from pgcontract.model.sql.statement import Statement
from pgcontract.values import dataclass

MAX_PARSED_BYTES = 5_000_000
_MAX_KEPT = 16_384  # characters, of one of the texts

MAX_WORDS = 8
_COPY_IN = re.compile(r"\bFROM\s+STDIN\b", re.IGNORECASE)
_NO_LINE_END = re.compile(r"[^\r\n]")


@dataclass(frozen=True, kw_only=True)
class Script:
    """What one migration sends to the server, and how its tool does it.

    `text` is the file's; where the tool sends a part of it, what is outside that part is blanks, so that places stay.
    Where it is put together from several files, or holds values in the place of names, `passages` say what comes from
    where; none means that the text is the file's from its first character on. `sha256`, `bytes` and `lines` are the
    file's. Above MAX_PARSED_BYTES the text is not looked into: `parsed` is False, and there are no statements but those
    that the tool itself has to cut.
    """

    path: str
    text: str = field(repr=False)  # which may hold secrets, as its statements
    sha256: str
    bytes: int
    lines: int
    statements: tuple[Statement, ...] = field(repr=False)
    parsed: bool = True
    passages: tuple[Passage, ...] = ()
    execution: Execution = Execution()

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """The offset at which each line begins."""
        return line_starts(self.text)

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing but blanks and comments."""
        return self.parsed and not self.statements


def read_script(path: Path, execution: Execution = Execution()) -> Script:  # noqa: B008 - a frozen value
    """The file, split into statements.

    Raises InputError where no server could run it as a file: missing, unreadable, binary, not UTF-8, no SQL at all,
    psql's own commands, rows inlined for COPY; none of these messages quotes the file, which may be a secret under a
    wrong name. What the server itself refuses, an open quote among it, is no input error.
    """
    source = read_source(path)
    # COPY from stdin needs psql's protocol however long the file is; only a likely case pays for splitting it.
    parsed = source.bytes <= MAX_PARSED_BYTES
    statements = tuple(split_statements(source.text, source.path)) if parsed or _COPY_IN.search(source.text) else ()
    return make_script(source, statements=statements, execution=execution)


def make_script(
    source: Source,
    *,
    text: str | None = None,
    passages: tuple[Passage, ...] = (),
    statements: tuple[Statement, ...] | None = None,
    execution: Execution = Execution(),  # noqa: B008 - a frozen value
) -> Script:
    """The script that a tool makes of a file: of its text, or of another `text`, cut as psql cuts it where the tool does
    not cut it into other `statements`. What only psql understands is left to the server, which refuses it."""
    text = source.text if text is None else text
    parsed = source.bytes <= MAX_PARSED_BYTES
    if statements is None:
        statements = _cut(text, source.path) if parsed else ()
        statements = _placed(statements, line_starts(text), passages) if passages else statements
    if any(passage.placeholder for passage in passages):
        statements = tuple(
            replace(statement, written=written_between(text, passages, statement.offset, _end(statement)))
            for statement in statements
        )
    return Script(
        path=source.path,
        text=text,
        sha256=source.sha256,
        bytes=source.bytes,
        lines=source.lines,
        statements=statements if parsed else (),
        parsed=parsed,
        passages=passages,
        execution=execution,
    )


def _cut(text: str, path: str) -> tuple[Statement, ...]:
    """The statements of a file. A folder is read twice where it is compared with an earlier state of itself, and most
    files are then as they are now."""
    if len(text) > _MAX_KEPT:
        return tuple(split_statements(text, path, refuse_psql=False))
    return tuple(replace(statement, path=path) for statement in _cut_before(text))


@lru_cache(maxsize=4096)
def _cut_before(text: str) -> tuple[Statement, ...]:
    return tuple(split_statements(text, "", refuse_psql=False))


def _placed(
    statements: tuple[Statement, ...], starts: tuple[int, ...], passages: Sequence[Passage]
) -> tuple[Statement, ...]:
    """The statements at the places that the passages say."""
    placed = []
    for statement in statements:
        at = place_in(starts, passages, statement.path, statement.offset)
        placed.append(replace(statement, line=at.line, column=at.column, path=at.path))
    return tuple(placed)


def _end(statement: Statement) -> int:
    return statement.offset + len(statement.text)


def keep_only(text: str, *spans: tuple[int, int]) -> str:
    """The text with blanks in the place of everything outside the spans, `text[start:end]`; line ends stay, so that
    places do."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces += [_blank(text[at:start]), text[start:end]]
        at = end
    return "".join((*pieces, _blank(text[at:])))


def _blank(text: str) -> str:
    return _NO_LINE_END.sub(" ", text)


def split_statements(text: str, path: str = "<text>", *, refuse_psql: bool = True) -> Iterator[Statement]:
    """The statements of a text; with `refuse_psql`, raises InputError at psql's own commands and at rows inlined for
    COPY."""
    starts = line_starts(text)
    numbers = count(1)
    for piece in split(text):
        if isinstance(piece, Backslash):
            if not refuse_psql:
                continue
            raise InputError(psql_command(text, piece.offset), file=path, line=bisect_right(starts, piece.offset))
        line = bisect_right(starts, piece.start)
        body = text[piece.start : piece.end]
        words = leading_words(text, piece.start, MAX_WORDS)
        if refuse_psql and words[:1] == ("COPY",) and _COPY_IN.search(body):
            raise InputError(
                "COPY … FROM STDIN takes its rows from psql, which no migration tool provides: "
                "write the rows as INSERT statements",
                file=path,
                line=line,
            )
        yield Statement(
            text=body,
            number=next(numbers),
            offset=piece.start,
            line=line,
            column=piece.start - starts[line - 1] + 1,
            words=words,
            path=path,
        )


def statements_between(
    text: str, spans: Iterable[tuple[int, int]], path: str, passages: Sequence[Passage] = ()
) -> Iterator[Statement]:
    """The statements of each stretch of a text, which its tool sends as one message, cut as in a file that ends where it
    does; their places are those of the text, or the ones that the passages say."""
    starts = line_starts(text)
    numbers = count(1)
    for start, end in spans:
        stretch = text[start:end]
        pieces = (piece for piece in split(stretch) if not isinstance(piece, Backslash))
        for order, piece in enumerate(pieces):
            at = place_in(starts, passages, path, start + piece.start)
            yield Statement(
                text=stretch[piece.start : piece.end],
                number=next(numbers),
                offset=start + piece.start,
                line=at.line,
                column=at.column,
                words=leading_words(stretch, piece.start, MAX_WORDS),
                path=at.path,
                same_message=order > 0,
            )


def messages(script: Script) -> Iterator[Statement]:
    """What a tool that sends a script in pieces sends in each message, as if it were one statement."""
    groups: list[list[Statement]] = []
    for statement in script.statements:
        if statement.same_message and groups:
            groups[-1].append(statement)
        else:
            groups.append([statement])
    for group in groups:
        start, end = group[0].offset, _end(group[-1])
        written = None if group[0].written is None else as_written(script, start, end)
        yield replace(group[0], text=script.text[start:end], written=written) if group[1:] else group[0]


def place(script: Script, offset: int) -> Place:
    """Where a 0-based character offset into `script.text` stands in the file that it is from.

    The server's error position is 1-based and counts within what was sent: add the statement's offset, less one.
    """
    return place_in(script.line_starts, script.passages, script.path, offset)


def as_written(script: Script, start: int = 0, end: int | None = None) -> str:
    """What the file says from one offset of the script's text to another: names where values are sent."""
    return written_between(script.text, script.passages, start, len(script.text) if end is None else end)
