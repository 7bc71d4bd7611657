"""A script of psql, read as psql reads it: files that it includes, variables, conditions, and the rows of COPY.

psql itself never runs. What it would do outside of the database is refused at its line; what only changes what it shows
is passed over. The rules of the text are those of psqlscan.l, and each statement is sent by itself, as psql sends it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pgcontract.errors import InputError
from pgcontract.model.sql.execution import Execution
from pgcontract.model.sql.lexer import (
    BLANKS,
    DOLLAR_TAG,
    IDENTIFIER,
    TokenKind,
    block_depth,
    follows_identifier,
    leading_words,
    opens_escapes,
    opens_routine,
    tokens,
)
from pgcontract.model.sql.passages import Passage, Place, written_between
from pgcontract.model.sql.psql_arguments import (
    VARIABLE,
    BadArgument,
    Lookup,
    is_variable_name,
    next_argument,
    read_truth,
    rest_of_line,
    skip_arguments,
    substitute,
)
from pgcontract.model.sql.psql_commands import (
    INCLUDES,
    SENDS,
    OpenFile,
    SkippedText,
    UnsetVariable,
    is_passed_over,
    read_copy,
    refusal_of,
)
from pgcontract.model.sql.psql_input import Condition, File, Input, Inside
from pgcontract.model.sql.script import MAX_PARSED_BYTES, MAX_WORDS, Script, Source, Statement
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

_EXECUTION: Final = Execution(by_statement=True)
_MAX_INCLUDES: Final = 10_000
_MAX_VALUES: Final = 200_000
_MAX_CHARACTERS: Final = 256 * 1024 * 1024
_STOP: Final = (
    rf"--[^\r\n]*+|/\*|'[^']*+'|\"[^\"]*+\"|['\"]|{DOLLAR_TAG}|[();\\]|::|{VARIABLE}"  # `::` is a cast, and no name
)
_VARIABLES: Final = lazy_pattern(VARIABLE)
_STOPS: Final = lazy_pattern(_STOP)
_STOPS_IN_ROUTINE: Final = lazy_pattern(rf"{_STOP}|{IDENTIFIER}")
_NESTING: Final = lazy_pattern(r"/\*|\*/")
_IN_ESCAPES: Final = lazy_pattern(r"\\|'")
_GOES_ON: Final = lazy_pattern(r"'(?:'|[ \t\f\v]*[\r\n][ \t\r\n\f\v]*')")
_END_OF_ROWS: Final = lazy_pattern(r"\n\\\.\r?(?:\n|\Z)")
_SEPARATOR: Final = lazy_pattern(r"[ \t\r]*\\\\")
_COMMAND: Final = lazy_pattern(r"\\([^\s\\]*)")
_UTF8: Final = ("utf8", "utf-8", "unicode")
# They ask for a variable's value; which word is its name.
_ASKS: Final = {"prompt": -1, "getenv": 0}
_WHOLE_LINE: Final = ("copy", "!")
_PAIR_MAKERS: Final = ("JSON_OBJECT", "JSON_OBJECTAGG")


@dataclass(frozen=True, kw_only=True)
class PsqlReading:
    """A script as psql reads it. `uses_psql` is whether another reader would take it otherwise; `included` are the files
    that it includes, in order."""

    script: Script
    uses_psql: bool
    unset: tuple[UnsetVariable, ...] = ()
    skipped: tuple[SkippedText, ...] = ()
    included: tuple[str, ...] = ()


def read_psql(
    source: Source, *, open_file: OpenFile, variables: Mapping[str, str], execution: Execution = _EXECUTION
) -> PsqlReading:
    """The script that psql makes of the file. `variables` are those that `psql -v` is given.

    Raises InputError, with file and line, at what is not done here, and at what psql itself stops at.
    """
    reader = _Reader(open_file, dict(variables))
    reader.read_file(source)
    text = "".join(reader.chunks)
    passages = tuple(reader.passages)
    if passages == (Passage(start=0, path=source.path),):
        passages = ()
    statements = tuple(reader.statements)
    if any(passage.placeholder for passage in passages):
        ends = [statement.offset + len(statement.text) for statement in statements]
        statements = tuple(
            replace(statement, written=written_between(text, passages, statement.offset, end))
            for statement, end in zip(statements, ends, strict=True)
        )
    script = Script(
        path=source.path,
        text=text,
        sha256=source.sha256,
        bytes=source.bytes,
        lines=source.lines,
        statements=statements,
        parsed=len(text.encode()) <= MAX_PARSED_BYTES,
        passages=passages,
        execution=execution,
    )
    return PsqlReading(
        script=script,
        uses_psql=reader.uses_psql,
        unset=tuple(reader.unset.values()),
        skipped=tuple(reader.skipped),
        included=tuple(reader.included),
    )


class _Reader:
    """What has been read so far: the text that is sent, its statements, and the variables."""

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
            raise _refuse(file.conditions[-1].place, "\\if has no \\endif in its file; write it where the branch ends")
        if file.inside is Inside.COMMENT and file.buffer.start is not None:
            file.buffer.end = file.buffer.length  # the server refuses it, so it must see that it is open
        self._finish_statement(file)
        self.open_files.pop()

    # The text

    def _read_on(self, file: File, current: Input) -> None:
        """Up to behind the next place that matters."""
        if file.inside is not Inside.NOTHING:
            _read_inside(file, current)
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
            value = substitute(variable, self._value)
            self.uses_psql = True
            self.values_read += 1
            if self.values_read > _MAX_VALUES or self.length + file.buffer.length + len(value) > _MAX_CHARACTERS:
                raise _refuse(current.place(start), "the values of its variables make the script grow without end")
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

    def _lookup(self, place: Place) -> Lookup:
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
        if leading_words(statement, 0, 1) == ("COPY",) and file.buffer.place and _copies_in(statement, file.buffer.place):
            self.uses_psql = True
            rows = _take_rows(file)
        self._finish_statement(file, rows=rows)

    def _finish_statement(self, file: File, *, rows: str | None = None) -> None:
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
            at = self._run_command(file, current, name, place)
            if name not in _WHOLE_LINE:
                at = skip_arguments(text, at)
        except BadArgument as bad:
            raise _refuse(place, f"\\{name} {bad}") from None
        separator = _SEPARATOR.match(text, at)
        file.replace(where, separator.end() if separator else at)

    def _run_command(self, file: File, current: Input, name: str, place: Place) -> int:
        """Does what it does, and says where the last argument ends that it has read."""
        text, at = current.text, current.at
        if name in ("if", "elif", "else", "endif"):
            return self._branch(file, current, name, place)
        if not file.active:
            return rest_of_line(text, at).end if name in _WHOLE_LINE else at
        if name in INCLUDES:
            return self._include(text, at, name, place)
        if name in SENDS:
            return self._send(file, current, name, place)
        match name:
            case "set":
                return self._set(text, at, place)
            case "unset":
                argument = next_argument(text, at, self._lookup(place))
                self.variables.pop(argument.value if argument else "", None)
                return argument.end if argument else at
            case "q" | "quit":
                if text[at:].strip():
                    sentence = f"\\{name} ends the script at line {place.line}: what stands behind it is not run."
                    self.skipped.append(SkippedText(sentence=sentence, place=place))
                file.has_quit = True
                return len(text)
            case "r" | "reset":
                file.buffer.forget()
                return at
            case "copy":
                return self._copy(file, current, place)
            case _:
                return self._pass_over(text, name, at, place)

    def _pass_over(self, text: str, name: str, at: int, place: Place) -> int:
        words = []
        if name in _ASKS or is_passed_over(name) or name == "encoding":
            while argument := next_argument(text, at, self._value):
                words.append(argument.value)
                at = argument.end
        if name == "encoding" and words and words[0].lower() not in _UTF8:
            raise _refuse(place, "\\encoding names another encoding than UTF8: convert the file, and remove the line")
        if words and name in _ASKS and words[_ASKS[name]] in self.variables:
            return at
        if (reason := refusal_of(name)) is not None:
            raise _refuse(place, f"\\{name} {reason}")
        if not is_passed_over(name) and name != "encoding":
            raise _unknown(name, place)
        return at

    def _value(self, name: str, *, needed: bool) -> str | None:
        """Of a variable in words that decide nothing."""
        return self.variables.get(name)

    def _set(self, text: str, at: int, place: Place) -> int:
        lookup = self._lookup(place)
        argument = next_argument(text, at, lookup)
        if argument is None:
            return at
        name, at, values = argument.value, argument.end, []
        while argument := next_argument(text, at, lookup):
            values.append(argument.value)
            at = argument.end
        if not is_variable_name(name):
            raise _refuse(place, "\\set gives a value to what is no variable's name; letters, digits and _ make one")
        value = "".join(values)
        if name == "AUTOCOMMIT" and read_truth(value) is False:
            raise _refuse(
                place,
                "\\set AUTOCOMMIT off opens a transaction before the first statement: write BEGIN and COMMIT instead",
            )
        if len(value) > _MAX_CHARACTERS // 16:
            raise _refuse(place, f"\\set makes {name} longer than 16 MB")
        self.variables[name] = value
        return at

    def _send(self, file: File, current: Input, name: str, place: Place) -> int:
        """Does what a semicolon does."""
        at = current.at
        argument = next_argument(current.text, at, self._lookup(place))
        if name != "crosstabview" and argument is not None and not argument.value.startswith("("):
            raise _refuse(place, f"\\{name} writes to a file or a program, which nothing here does: write a semicolon")
        current.at = current.emitted
        self._finish_statement(file)
        return argument.end if argument else at

    def _copy(self, file: File, current: Input, place: Place) -> int:
        """COPY FROM STDIN, with the rows of a file or those that follow."""
        line = rest_of_line(current.text, current.at)
        statement, name = read_copy(line.value, place)
        _copies_in(statement, place)  # no binary rows
        current.at = line.end
        rows = self._open(name, "copy", place, beside=None, rows=True).text if name else _take_rows(file)
        outer = file.buffer
        file.new_buffer()
        file.push(current.emitted, line.end, statement)
        self._finish_statement(file, rows=rows)
        file.inputs.pop()
        file.buffer = outer
        return current.at

    def _include(self, text: str, at: int, command: str, place: Place) -> int:
        argument = next_argument(text, at, self._lookup(place))
        if argument is None:
            raise _refuse(place, f"\\{command} names no file")
        beside = place.path if command in ("ir", "include_relative") else None
        source = self._open(argument.value, command, place, beside=beside)
        if source.path in self.open_files:
            circle = " includes ".join((*self.open_files[self.open_files.index(source.path) :], source.path))
            raise _refuse(place, f"\\{command} {argument.value}: files include each other in a circle: {circle}")
        if len(self.included) >= _MAX_INCLUDES:
            raise _refuse(place, f"\\{command}: more than {_MAX_INCLUDES:,} files are included")
        self.included.append(source.path)
        self.read_file(source)
        return argument.end

    def _open(self, name: str, command: str, place: Place, *, beside: str | None, rows: bool = False) -> Source:
        try:
            return self.open_file(name, beside=beside, rows=rows)
        except InputError as error:
            names = [variable[variable.lastgroup or "plain"] for variable in _VARIABLES.finditer(name)]
            if unset := next((variable for variable in names if variable in self.unset), None):
                why = f"the variable {unset} has no value; give it with --set {unset}=VALUE"
                raise _refuse(place, f"\\{command} {name}: {why}") from None
            raise _refuse(place, f"\\{command} {name}: {error}") from None

    def _branch(self, file: File, current: Input, name: str, place: Place) -> int:
        text, at, conditions = current.text, current.at, file.conditions
        if name == "if":
            active = file.active
            truth, at = self._truth(text, at, place) if active else (False, at)
            conditions.append(Condition(place=place, active=truth, taken=truth or not active))
            return at
        if not conditions:
            raise _refuse(place, f"\\{name} without an \\if before it; write the \\if, or remove it")
        condition = conditions[-1]
        if name == "endif":
            conditions.pop()
            return at
        if condition.in_else:
            raise _refuse(place, f"\\{name} behind the \\else of the \\if at line {condition.place.line}; remove one")
        condition.in_else = name == "else"
        if condition.taken:
            condition.active = False
            return at
        truth, at = (True, at) if condition.in_else else self._truth(text, at, place)
        condition.active = condition.taken = truth
        return at

    def _truth(self, text: str, at: int, place: Place) -> tuple[bool, int]:
        words, unset = [], len(self.unset)
        while argument := next_argument(text, at, self._lookup(place)):
            words.append(argument.value)
            at = argument.end
        truth = read_truth(" ".join(words))
        if truth is None and unset == len(self.unset):
            sentence = f"Line {place.line} asks for true or false and gets neither; psql takes it for false."
            self.skipped.append(SkippedText(sentence=sentence, place=place))
        return bool(truth), at


def _read_inside(file: File, current: Input) -> None:
    """Up to where a quote or comment ends, or the text does."""
    text, at = current.text, current.at
    match file.inside:
        case Inside.COMMENT:
            while file.depth and (mark := _NESTING.search(text, at)):
                file.depth += 1 if mark.group() == "/*" else -1
                at = mark.end()
            current.at = at if not file.depth else len(text)
            closed = not file.depth
        case Inside.ESCAPES:
            closed = False
            while not closed and (mark := _IN_ESCAPES.search(text, at)):
                goes_on = _GOES_ON.match(text, mark.start())
                at = goes_on.end() if goes_on else mark.end() + (mark.group() == "\\")
                closed = mark.group() == "'" and goes_on is None
            current.at = min(at, len(text)) if closed else len(text)
        case _:
            tag = {Inside.STRING: "'", Inside.NAME: '"'}.get(file.inside, file.tag)
            close = text.find(tag, at)
            closed = close >= 0
            current.at = close + len(tag) if closed else len(text)
    if file.inside is not Inside.COMMENT:
        file.mark(current.at - 1, current.at)
    if closed:
        file.inside = Inside.NOTHING


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


def _copies_in(statement: str, place: Place) -> bool:
    """Whether it is a COPY whose rows follow. Raises InputError where they would be binary."""
    words = [token.upper for token in tokens(statement) if token.kind in (TokenKind.WORD, TokenKind.MARK)]
    depth, copies_in = 0, False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        depth += {"(": 1, ")": -1}.get(word, 0)
        copies_in |= not depth and (word, following) == ("FROM", "STDIN")
    if copies_in and ("BINARY" in words or re.search(r"\bformat\s+'?binary\b", statement, re.IGNORECASE)):
        raise _refuse(place, "COPY takes binary rows, which no text can hold: write them as text or csv")
    return copies_in


def _take_rows(file: File) -> str:
    """The lines behind the one that is being read, up to the one that is `\\.`, or the file's end; the file goes on
    behind them, and with what is left of the line first."""
    source, current = file.inputs[0], file.inputs[-1]
    line_end = source.text.find("\n", source.at)
    if line_end < 0:
        return ""
    end = _END_OF_ROWS.search(source.text, line_end)
    rows = source.text[line_end + 1 : end.start() + 1 if end else len(source.text)]
    file.flush(current.at)
    left, at = source.text[source.at : line_end], source.at
    source.at = source.emitted = end.end() if end else len(source.text)
    if left.strip():
        file.inputs.insert(1, Input(left, source.path, origin=(source, at)))
    return rows


def _unknown(name: str, place: Place) -> InputError:
    """It is not quoted: the file may be no SQL at all."""
    if name == ".":
        return _refuse(
            place, "\\. ends the rows of a COPY, and none is before it; remove it, or write COPY … FROM stdin;"
        )
    what = "a backslash outside of quotes, as psql's own commands open with, is not SQL, and no server runs it"
    return _refuse(place, f"{what}: remove it")


def _refuse(place: Place, message: str) -> InputError:
    return InputError(message, file=place.path, line=place.line)
