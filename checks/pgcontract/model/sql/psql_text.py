"""The text of a script of psql, read as psqlscan.l reads it: cut into statements, with the values of variables in it."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.sql.lexer import (
    BLANKS,
    DOLLAR_TAG,
    IDENTIFIER,
    block_depth,
    follows_identifier,
    leading_words,
    opens_escapes,
    opens_routine,
    tokens,
)
from pgcontract.model.sql.passages import Passage, Place
from pgcontract.model.sql.psql_arguments import (
    VARIABLE,
    BadArgument,
    Lookup,
    skip_arguments,
    substitute,
)
from pgcontract.model.sql.psql_commands import (
    OpenFile,
    SkippedText,
    UnsetVariable,
    copies_in,
    refuse,
)
from pgcontract.model.sql.psql_input import File, Input, Inside
from pgcontract.model.sql.script import MAX_WORDS
from pgcontract.model.sql.source import Source
from pgcontract.model.sql.statement import Statement
from pgcontract.patterns import lazy_pattern

_MAX_VALUES: Final = 200_000
MAX_CHARACTERS: Final = 256 * 1024 * 1024
_STOP: Final = (
    rf"--[^\r\n]*+|/\*|'[^']*+'|\"[^\"]*+\"|['\"]|{DOLLAR_TAG}|[();\\]|::|{VARIABLE}"  # `::` is a cast, and no name
)
_STOPS: Final = lazy_pattern(_STOP)
_STOPS_IN_ROUTINE: Final = lazy_pattern(rf"{_STOP}|{IDENTIFIER}")
_SEPARATOR: Final = lazy_pattern(r"[ \t\r]*\\\\")
_COMMAND: Final = lazy_pattern(r"\\([^\s\\]*)")
WHOLE_LINE: Final = ("copy", "!")
_PAIR_MAKERS: Final = ("JSON_OBJECT", "JSON_OBJECTAGG")


class PsqlText:
    """What has been read so far: the text that is sent, its statements, and the variables. What a command does is said
    by who inherits."""

    def __init__(self, open_file: OpenFile, variables: dict[str, str]) -> None:
        self.open_file = open_file
        self.variables = variables
        self.chunks: list[str] = []
        self.length = 0
        self.passages: list[Passage] = []
        self.goes_on_with: tuple[Input, int] | None = None
        self.statements: list[Statement] = []
        self.uses_psql = False
        self.unset: dict[str, UnsetVariable] = {}
        self.skipped: list[SkippedText] = []
        self.included: list[str] = []
        self.values_read = 0
        self.open_files: list[str] = []

    def read_file(self, source: Source) -> None:
        """Everything of a file; a statement without its semicolon ends with it."""
        self.open_files.append(source.path)
        file = File(source)
        while True:
            current = file.inputs[-1]
            if current.at < len(current.text):
                self._read_on(file, current)
                continue
            file.flush(current.at)
            if len(file.inputs) == 1:
                break
            file.inputs.pop()
        if file.conditions and not file.has_quit:
            raise refuse(file.conditions[-1].place, "\\if has no \\endif in its file; write it where the branch ends")
        if file.inside is Inside.COMMENT and file.buffer.start is not None:
            file.buffer.end = file.buffer.length  # the server refuses it, so it must see that it is open
        self.finish_statement(file)
        self.open_files.pop()

    # The text

    def _read_on(self, file: File, current: Input) -> None:
        """Up to behind the next place that matters."""
        if file.inside is not Inside.NOTHING:
            file.read_inside()
            return
        text, at = current.text, current.at
        stop = (_STOPS_IN_ROUTINE if file.buffer.routine else _STOPS).search(text, at)
        where = stop.start() if stop else len(text)
        if plain := text[at:where].strip(BLANKS):
            first = text.index(plain[0], at)
            if file.buffer.start is None and file.active:
                file.buffer.routine = opens_routine(text, first)
            file.mark(first, first + len(plain))
        current.at = where
        if stop is not None:
            self._read_stop(file, current, stop)

    def _read_stop(self, file: File, current: Input, stop: re.Match[str]) -> None:
        text, where, mark = current.text, stop.start(), stop.group()
        current.at = stop.end()
        match mark[0]:
            case "\\":
                self._read_command(file, current, where)
            case ":" if mark != "::":
                self._read_variable(file, current, stop)
            case "-":
                pass
            case "/":
                file.inside, file.depth = Inside.COMMENT, 1
            case ";" if not file.buffer.parentheses and not file.buffer.blocks:
                if file.active:
                    self._end_statement(file, current)
            case "'" if opens_escapes(text, where):
                file.mark(where, where + 1)
                file.inside, current.at = Inside.ESCAPES, where + 1
            case "$" if not follows_identifier(text, where):
                file.mark(where, stop.end())
                file.inside, file.tag = Inside.DOLLARS, mark
            case "$":
                current.at = where + 1
            case first:
                file.mark(where, stop.end())
                if len(mark) == 1 and first in "'\"":
                    file.inside = Inside.STRING if first == "'" else Inside.NAME
                elif file.active:
                    _count_blocks(file, mark)

    def _read_variable(self, file: File, current: Input, variable: re.Match[str]) -> None:
        start, end = variable.span()
        kind = variable.lastgroup or "plain"
        name = variable[kind]
        if not file.active:
            return
        if kind == "test" or (name in self.variables and all(name != other.variable for other in file.inputs)):
            value = substitute(variable, self.value)
            self.uses_psql = True
            self.values_read += 1
            if self.values_read > _MAX_VALUES or self.length + file.buffer.length + len(value) > MAX_CHARACTERS:
                raise refuse(current.place(start), "the values of its variables make the script grow without end")
            file.push(start, end, value, variable=name if kind == "plain" else None)
            return
        if name not in self.variables and not name[0].isdecimal() and name not in self.unset:
            file.flush(start)
            if not _may_be_sql(file.buffer.statement()):
                self._note_unset(name, current.place(start))
        file.mark(start, end)

    def _note_unset(self, name: str, place: Place) -> None:
        self.uses_psql = True
        self.unset.setdefault(name, UnsetVariable(name=name, place=place))

    def lookup(self, place: Place) -> Lookup:
        """The values of variables in a command's words; one that is not set is noted."""

        def lookup(name: str, *, needed: bool) -> str | None:
            if needed and name not in self.variables:
                self._note_unset(name, place)
            return self.variables.get(name)

        return lookup

    # Statements

    def _end_statement(self, file: File, current: Input) -> None:
        """At its semicolon; the rows of a COPY stand from the next line on."""
        file.flush(current.at - 1)
        statement = file.buffer.statement()
        rows = None
        if leading_words(statement, 0, 1) == ("COPY",) and file.buffer.place and copies_in(statement, file.buffer.place):
            self.uses_psql = True
            rows = file.take_rows()
        self.finish_statement(file, rows=rows)

    def finish_statement(self, file: File, *, rows: str | None = None) -> None:
        current = file.inputs[-1]
        file.flush(current.at)
        buffer = file.buffer
        text = "".join(buffer.parts)
        if buffer.start is not None and buffer.place is not None:
            body = text[buffer.start : buffer.end]
            self.statements.append(
                Statement(
                    text=body,
                    number=len(self.statements) + 1,
                    offset=self.length + buffer.start,
                    line=buffer.place.line,
                    column=buffer.place.column,
                    words=leading_words(body, 0, MAX_WORDS),
                    path=buffer.place.path,
                    copy_rows=rows,
                )
            )
        for start, at in buffer.pieces:
            if at != self.goes_on_with:
                self.passages.append(at[0].passage(at[1], self.length + start))
            self.goes_on_with = None
        self.goes_on_with = buffer.goes_on_with if text else self.goes_on_with
        self.chunks.append(text)
        self.length += len(text)
        file.new_buffer()

    # Commands

    def _read_command(self, file: File, current: Input, where: int) -> None:
        text = current.text
        if text[where + 1 : where + 2] in (";", ":") and where + 1 < len(text):
            file.replace(where, where + 1)
            file.mark(where + 1, where + 2)
            current.at = where + 2
            self.uses_psql = True
            return
        match = _COMMAND.match(text, where)
        name = match[1] if match else ""
        place = current.place(where)
        self.uses_psql = True
        file.flush(where)
        current.at = where + 1 + len(name)
        try:
            at = self.run_command(file, current, name, place)
            if name not in WHOLE_LINE:
                at = skip_arguments(text, at)
        except BadArgument as bad:
            raise refuse(place, f"\\{name} {bad}") from None
        separator = _SEPARATOR.match(text, at)
        file.replace(where, separator.end() if separator else at)

    def run_command(self, file: File, current: Input, name: str, place: Place) -> int:
        """Does what the command does, and says where the last argument ends that it has read."""
        raise NotImplementedError

    def value(self, name: str, *, needed: bool) -> str | None:
        """Of a variable in words that decide nothing."""
        return self.variables.get(name)


def _count_blocks(file: File, mark: str) -> None:
    buffer = file.buffer
    if mark == "(":
        buffer.parentheses += 1
    elif mark == ")":
        buffer.parentheses -= buffer.parentheses > 0
    elif buffer.routine and not buffer.parentheses:
        buffer.blocks = block_depth(buffer.blocks, mark)


def _may_be_sql(statement: str) -> bool:
    """Whether a colon may stand behind this much of a statement: the bounds of an array's slice, and JSON's pairs."""
    brackets, calls, before = 0, [], ""
    for token in tokens(statement):
        match token.text:
            case "[" | "]":
                brackets += 1 if token.text == "[" else -1
            case "(":
                calls.append(before)
            case ")" if calls:
                calls.pop()
        before = token.upper
    return brackets > 0 or any(call in _PAIR_MAKERS for call in calls)
