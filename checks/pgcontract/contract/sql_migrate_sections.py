"""A sql-migrate file read as sql-migrate reads it, line by line: its two ways, and the messages that each is sent in.

Its own reader (sqlparse/sqlparse.go) drops lines that open with `-- `, and all that stands before the first Up or Down; a
statement ends with the line whose last word ends with a semicolon, whatever quotes are open there, but for those between
StatementBegin and StatementEnd.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pgcontract.contract.folder_issues import Refusal
from pgcontract.contract.line_statements import Line, lines
from pgcontract.model.sql import split_statements

_COMMAND: Final = "-- +migrate "
_SECTIONS: Final = ("Up", "Down")


@dataclass(kw_only=True)
class SqlMigrateFile:
    """The messages of each way, as their places in the text; the ways without a transaction; why sql-migrate refuses the
    file; and the line of the first statement that stands before any section, and so is dropped."""

    messages: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    outside_transaction: set[str] = field(default_factory=set)
    refusal: Refusal | None = None
    dropped: int | None = None


def read_sections(text: str, *, hides_first_line: bool = False) -> SqlMigrateFile:
    """The file as sql-migrate reads it. Behind a byte order mark its first line is no command."""
    file = SqlMigrateFile()
    section, in_block, last = "", False, 1
    opened: Line | None = None  # the first line that is kept for the next message
    unfinished: Line | None = None  # and the first of them that is not blank
    for line in lines(text):
        last = line.number
        words = line.text[len(_COMMAND) :].split() if line.text.startswith(_COMMAND) else None
        if hides_first_line and line.number == 1:
            continue
        if words is not None and not words:
            file.refusal = Refusal(
                why="has a “-- +migrate” without a word behind it", line=line.number, remedy="Remove it."
            )
            return file
        ended = False
        match words:
            case [name, *options] if name in _SECTIONS:
                if unfinished is not None:
                    file.refusal = _unfinished(unfinished)
                    return file
                section = name
                file.messages.setdefault(name, [])
                file.dropped = _first_statement(text[: line.start]) if len(file.messages) == 1 else file.dropped
                file.outside_transaction |= {name} if "notransaction" in options else set()
            case ["StatementBegin", *_] if section:
                in_block = True
            case ["StatementEnd", *_] if section:
                ended, in_block = in_block, False
        if not section:
            continue
        if not line.text.startswith("-- "):
            opened = opened or line
            unfinished = unfinished or (line if line.text.strip() else None)
            ended = ended or (not in_block and line.ends_statement)
        if ended:
            file.messages[section] += [(opened.start, line.start if words else line.end)] if opened else []
            opened = unfinished = None
    file.refusal = _at_the_end(section, in_block=in_block, unfinished=unfinished, last=last)
    return file


def _at_the_end(section: str, *, in_block: bool, unfinished: Line | None, last: int) -> Refusal | None:
    if in_block:
        return Refusal(
            why="has a StatementBegin without its StatementEnd",
            line=last,
            remedy="Write “-- +migrate StatementEnd” behind the statement.",
        )
    if not section:
        return Refusal(
            why="has neither “-- +migrate Up” nor Down, without which sql-migrate takes no file",
            line=last,
            remedy="Write “-- +migrate Up” in front of the statements.",
        )
    return _unfinished(unfinished) if unfinished is not None else None


def _unfinished(first: Line) -> Refusal:
    return Refusal(
        why="has something that no line ends with a semicolon at its end, and sql-migrate stops there",
        line=first.number,
        remedy="End it with a semicolon at the end of a line, or put it between StatementBegin and StatementEnd.",
    )


def _first_statement(text: str) -> int | None:
    first = next(split_statements(text, refuse_psql=False), None)
    return first.line if first else None
