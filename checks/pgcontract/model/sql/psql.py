"""A script of psql, read as psql reads it: files that it includes, variables, conditions, and the rows of COPY.

psql itself never runs. What it would do outside of the database is refused at its line; what only changes what it shows
is passed over. The rules of the text are those of psqlscan.l, and each statement is sent by itself, as psql sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pgcontract.errors import InputError
from pgcontract.model.sql.execution import Execution
from pgcontract.model.sql.passages import Passage, Place, written_between
from pgcontract.model.sql.psql_arguments import (
    VARIABLE,
    is_variable_name,
    next_argument,
    read_truth,
    rest_of_line,
)
from pgcontract.model.sql.psql_commands import (
    INCLUDES,
    SENDS,
    OpenFile,
    SkippedText,
    UnsetVariable,
    copies_in,
    is_passed_over,
    read_copy,
    refusal_of,
    refuse,
)
from pgcontract.model.sql.psql_input import Condition, File, Input
from pgcontract.model.sql.psql_text import MAX_CHARACTERS, WHOLE_LINE, PsqlText
from pgcontract.model.sql.script import MAX_PARSED_BYTES, Script
from pgcontract.model.sql.source import Source
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

_EXECUTION: Final = Execution(by_statement=True)
_MAX_INCLUDES: Final = 10_000
_VARIABLES: Final = lazy_pattern(VARIABLE)
_UTF8: Final = ("utf8", "utf-8", "unicode")
# They ask for a variable's value; which word is its name.
_ASKS: Final = {"prompt": -1, "getenv": 0}


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


class _Reader(PsqlText):
    """Does what the commands say."""

    def run_command(self, file: File, current: Input, name: str, place: Place) -> int:
        text, at = current.text, current.at
        if name in ("if", "elif", "else", "endif"):
            return self._branch(file, current, name, place)
        if not file.active:
            return rest_of_line(text, at).end if name in WHOLE_LINE else at
        if name in INCLUDES:
            return self._include(text, at, name, place)
        if name in SENDS:
            return self._send(file, current, name, place)
        match name:
            case "set":
                return self._set(text, at, place)
            case "unset":
                argument = next_argument(text, at, self.lookup(place))
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
            while argument := next_argument(text, at, self.value):
                words.append(argument.value)
                at = argument.end
        if name == "encoding" and words and words[0].lower() not in _UTF8:
            raise refuse(place, "\\encoding names another encoding than UTF8: convert the file, and remove the line")
        if words and name in _ASKS and words[_ASKS[name]] in self.variables:
            return at
        if (reason := refusal_of(name)) is not None:
            raise refuse(place, f"\\{name} {reason}")
        if not is_passed_over(name) and name != "encoding":
            raise _unknown(name, place)
        return at

    def _set(self, text: str, at: int, place: Place) -> int:
        lookup = self.lookup(place)
        argument = next_argument(text, at, lookup)
        if argument is None:
            return at
        name, at, values = argument.value, argument.end, []
        while argument := next_argument(text, at, lookup):
            values.append(argument.value)
            at = argument.end
        if not is_variable_name(name):
            raise refuse(place, "\\set gives a value to what is no variable's name; letters, digits and _ make one")
        value = "".join(values)
        if name == "AUTOCOMMIT" and read_truth(value) is False:
            raise refuse(
                place,
                "\\set AUTOCOMMIT off opens a transaction before the first statement: write BEGIN and COMMIT instead",
            )
        if len(value) > MAX_CHARACTERS // 16:
            raise refuse(place, f"\\set makes {name} longer than 16 MB")
        self.variables[name] = value
        return at

    def _send(self, file: File, current: Input, name: str, place: Place) -> int:
        """Does what a semicolon does."""
        at = current.at
        argument = next_argument(current.text, at, self.lookup(place))
        if name != "crosstabview" and argument is not None and not argument.value.startswith("("):
            raise refuse(place, f"\\{name} writes to a file or a program, which nothing here does: write a semicolon")
        current.at = current.emitted
        self.finish_statement(file)
        return argument.end if argument else at

    def _copy(self, file: File, current: Input, place: Place) -> int:
        """COPY FROM STDIN, with the rows of a file or those that follow."""
        line = rest_of_line(current.text, current.at)
        statement, name = read_copy(line.value, place)
        copies_in(statement, place)  # no binary rows
        current.at = line.end
        rows = self._open(name, "copy", place, beside=None, rows=True).text if name else file.take_rows()
        outer = file.buffer
        file.new_buffer()
        file.push(current.emitted, line.end, statement)
        self.finish_statement(file, rows=rows)
        file.inputs.pop()
        file.buffer = outer
        return current.at

    def _include(self, text: str, at: int, command: str, place: Place) -> int:
        argument = next_argument(text, at, self.lookup(place))
        if argument is None:
            raise refuse(place, f"\\{command} names no file")
        beside = place.path if command in ("ir", "include_relative") else None
        source = self._open(argument.value, command, place, beside=beside)
        if source.path in self.open_files:
            circle = " includes ".join((*self.open_files[self.open_files.index(source.path) :], source.path))
            raise refuse(place, f"\\{command} {argument.value}: files include each other in a circle: {circle}")
        if len(self.included) >= _MAX_INCLUDES:
            raise refuse(place, f"\\{command}: more than {_MAX_INCLUDES:,} files are included")
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
                raise refuse(place, f"\\{command} {name}: {why}") from None
            raise refuse(place, f"\\{command} {name}: {error}") from None

    def _branch(self, file: File, current: Input, name: str, place: Place) -> int:
        text, at, conditions = current.text, current.at, file.conditions
        if name == "if":
            active = file.active
            truth, at = self._truth(text, at, place) if active else (False, at)
            conditions.append(Condition(place=place, active=truth, taken=truth or not active))
            return at
        if not conditions:
            raise refuse(place, f"\\{name} without an \\if before it; write the \\if, or remove it")
        condition = conditions[-1]
        if name == "endif":
            conditions.pop()
            return at
        if condition.in_else:
            raise refuse(place, f"\\{name} behind the \\else of the \\if at line {condition.place.line}; remove one")
        condition.in_else = name == "else"
        if condition.taken:
            condition.active = False
            return at
        truth, at = (True, at) if condition.in_else else self._truth(text, at, place)
        condition.active = condition.taken = truth
        return at

    def _truth(self, text: str, at: int, place: Place) -> tuple[bool, int]:
        words, unset = [], len(self.unset)
        while argument := next_argument(text, at, self.lookup(place)):
            words.append(argument.value)
            at = argument.end
        truth = read_truth(" ".join(words))
        if truth is None and unset == len(self.unset):
            sentence = f"Line {place.line} asks for true or false and gets neither; psql takes it for false."
            self.skipped.append(SkippedText(sentence=sentence, place=place))
        return bool(truth), at


def _unknown(name: str, place: Place) -> InputError:
    """It is not quoted: the file may be no SQL at all."""
    if name == ".":
        return refuse(place, "\\. ends the rows of a COPY, and none is before it; remove it, or write COPY … FROM stdin;")
    what = "a backslash outside of quotes, as psql's own commands open with, is not SQL, and no server runs it"
    return refuse(place, f"{what}: remove it")
