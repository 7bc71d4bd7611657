"""A goose file read as goose reads it, line by line: its two ways, and the messages that each is sent in.

As we understand goose's own reader (internal/sqlparser/parser.go): `-- +goose` opens an annotation; a statement ends with
the line whose last word ends with a semicolon, whatever quotes are open there, but for those between StatementBegin and
StatementEnd.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from pgcontract.contract.folder_issues import Refusal
from pgcontract.contract.line_statements import Line, lines
from pgcontract.model.sql import Placeholder
from pgcontract.values import dataclass

_ANNOTATIONS: Final = ("up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off")
_VARIABLE: Final = re.compile(
    r"\\\$|\$\$|\$\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?P<operator>:?[-?])?(?P<word>[^}]*)\}|\$(?P<bare>[A-Za-z_][A-Za-z0-9_]*)"
)


class _State(Enum):
    START = auto()
    SECTION = auto()
    BLOCK = auto()
    BLOCK_END = auto()


@dataclass(frozen=True, kw_only=True)
class GooseSection:
    """One way through a file: the messages, each as its place in the text; or why goose refuses it. `exists` is whether
    its annotation is there."""

    direction: str
    messages: tuple[tuple[int, int], ...] = ()
    exists: bool = False
    refusal: Refusal | None = None


def in_transaction(text: str) -> bool:
    """Whether nothing in the file says NO TRANSACTION, which goes for both ways."""
    return all(_annotation(line) != "no transaction" for line in lines(text))


def read_section(text: str, direction: str) -> GooseSection:
    """The way `up` or `down` through the text of a file."""
    reader = _Reader(direction)
    for line in lines(text):
        if refusal := reader.read(line):
            return GooseSection(direction=direction, exists=reader.exists, refusal=refusal)
    refusal = reader.finish()
    return GooseSection(direction=direction, messages=tuple(reader.messages), exists=reader.exists, refusal=refusal)


def substitutions(text: str, values: Mapping[str, str]) -> tuple[tuple[Placeholder, ...], dict[str, int], Refusal | None]:
    """What ENVSUB ON replaces; the names without a value, which are replaced by nothing, each with its first line; and
    what makes goose refuse the file."""
    filled: list[Placeholder] = []
    missing: dict[str, int] = {}
    refusal = None
    active = False
    for line in lines(text):
        annotation = _annotation(line)
        if annotation is not None:
            active = {"envsub on": True, "envsub off": False}.get(annotation, active)
            continue
        for match in _VARIABLE.finditer(line.text) if active else ():
            name = match["braced"] or match["bare"]
            if name is None:
                if match.group() == "\\$":
                    filled.append(Placeholder(start=line.start + match.start(), end=line.start + match.end(), value="$"))
                continue
            value, operator = values.get(name), match["operator"] or ""
            if (value is None or (operator == ":-" and not value)) and operator in (":-", "-"):
                value = match["word"]
            if value is None:
                missing.setdefault(name, line.number)
                if operator == "?" and refusal is None:
                    refusal = Refusal(
                        why=f"asks for ${{{name}}}, which has no value, and goose stops there",
                        line=line.number,
                        remedy=f"Give it with --set {name}=VALUE.",
                    )
            filled.append(Placeholder(start=line.start + match.start(), end=line.start + match.end(), value=value or ""))
    return tuple(filled), missing, refusal


def _annotation(line: Line) -> str | None:
    """What follows `-- +goose`, lower case; None for any other line."""
    if not line.text.strip().startswith("--") or "+goose" not in line.text:
        return None
    return line.text.replace("--", "").replace("+goose", "", 1).strip().lower()


def _misplaced(why: str, line: Line) -> Refusal:
    return Refusal(why=why, line=line.number, remedy="Write each annotation once, at the beginning of its line.")


class _Reader:
    """goose's own state machine."""

    def __init__(self, direction: str) -> None:
        self.direction = direction
        self.messages: list[tuple[int, int]] = []
        self.exists = False
        self.state = _State.START
        self.section = ""
        self.opened: Line | None = None  # the first line that is kept for the next message
        self.kept_until = 0
        self.kept_text = False
        self.last = 1

    def read(self, line: Line) -> Refusal | None:
        self.last = line.number
        blank = not line.text.strip()
        if self.state is _State.START and blank:
            return None
        annotation = _annotation(line)
        if annotation is not None:
            refusal = self._annotate(annotation, line)
            if refusal is not None or annotation != "statementend":
                return refusal
        if self.opened is None and (line.text.strip().startswith("--") or not line.text):
            return None
        if self.state is not _State.BLOCK_END:
            self.opened = self.opened or line
            self.kept_until = line.end
            self.kept_text = self.kept_text or not blank
        if self.state is _State.START:
            return Refusal(
                why="has a statement before “-- +goose Up”, where goose takes none",
                line=line.number,
                remedy="Move it below “-- +goose Up”.",
            )
        if self.section != self.direction:
            self._drop()
        elif self.state is _State.BLOCK_END:
            self._send()
            self.state = _State.SECTION
        elif self.state is _State.SECTION and line.ends_statement:
            self._send()
        return None

    def finish(self) -> Refusal | None:
        if self.state is _State.START:
            return Refusal(
                why="has no “-- +goose Up”, without which goose takes no file",
                line=self.last,
                remedy="Write it in front of the statements.",
            )
        if self.state is _State.BLOCK:
            return Refusal(
                why="has a StatementBegin without its StatementEnd",
                line=self.last,
                remedy="Write “-- +goose StatementEnd” behind the statement.",
            )
        return self._unfinished()

    def _annotate(self, annotation: str, line: Line) -> Refusal | None:
        if line.text[:1] in (" ", "\t"):
            return _misplaced("has a “+goose” annotation behind blanks, which goose refuses", line)
        if annotation not in _ANNOTATIONS:
            return Refusal(
                why=f"has an annotation that goose does not know, “{line.text.strip()}”",
                line=line.number,
                remedy=f"Write one of {', '.join(_ANNOTATIONS)}, or leave “+goose” out of the comment.",
            )
        between = self.state in (_State.SECTION, _State.BLOCK_END)
        match annotation:
            case "up":
                if self.state is not _State.START:
                    return _misplaced("has “-- +goose Up” twice", line)
                self._enter("up")
            case "down":
                if not between or self.section != "up":
                    return _misplaced("has a “-- +goose Down” that follows no finished Up", line)
                if refusal := self._unfinished():
                    return refusal
                self._enter("down")
            case "statementbegin":
                if not between:
                    return _misplaced("has a StatementBegin outside of Up and Down, or within another", line)
                self.state = _State.BLOCK
            case "statementend":
                if self.state is not _State.BLOCK:
                    return _misplaced("has a StatementEnd without its StatementBegin", line)
                self.state = _State.BLOCK_END
        return None

    def _enter(self, section: str) -> None:
        self.section, self.state = section, _State.SECTION
        self.exists = self.exists or section == self.direction

    def _send(self) -> None:
        if self.opened is not None:
            self.messages.append((self.opened.start, self.kept_until))
        self._drop()

    def _drop(self) -> None:
        self.opened, self.kept_text = None, False

    def _unfinished(self) -> Refusal | None:
        """goose sends nothing of a file whose last statement has no semicolon at the end of a line."""
        if self.opened is None or not self.kept_text:
            return None
        return Refusal(
            why="has a statement that no line ends with a semicolon at its end; goose asks whether one is missing",
            line=self.opened.number,
            remedy="End it with a semicolon at the end of a line, or put it between StatementBegin and StatementEnd.",
        )
