"""The line of each key of a TOML file; tomllib gives only the values."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Final

from pgcontract.patterns import lazy_pattern

KeyPath = tuple[str | int, ...]

_BLANKS: Final = lazy_pattern(r"(?:[ \t\n]|#[^\n]*)*")
_KEY: Final = lazy_pattern(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_DOT: Final = lazy_pattern(r"[ \t]*\.[ \t]*")
_EQUALS: Final = lazy_pattern(r"[ \t]*=[ \t]*")
_TEXT: Final = lazy_pattern(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE: Final = lazy_pattern(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every key and array element that tomllib sees, by its path: ("table", "t", "keys", 0).

    A table's line is that of its own header where it has one, else where it is first named. `text` is TOML that
    tomllib accepts; anything else gives nonsense, or ValueError.
    """
    return _TomlScanner(text).read()


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """The line of the path, or of the nearest key above it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _TomlScanner:
    """One pass over the text; `at` is the current offset."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.newlines = [match.start() for match in re.finditer("\n", self.text)]
        self.last: dict[KeyPath, int] = {}  # of each array of tables, the index of its newest element

    def read(self) -> dict[KeyPath, int]:
        inside: KeyPath = ()
        while self.skip_blanks() < len(self.text):
            if self.text[self.at] == "[":
                inside = self.header()
            else:
                self.pair(inside)
        return self.lines

    def skip_blanks(self) -> int:
        return self.take(_BLANKS).end()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"line {self.line()}: not TOML")
        self.at = match.end()
        return match

    def line(self) -> int:
        return bisect_right(self.newlines, self.at - 1) + 1

    def keys(self) -> list[tuple[str, int]]:
        """A dotted key, each part with its line."""
        key_lines = []
        while True:
            line = self.line()
            raw = self.take(_KEY).group()
            key_lines.append((next(iter(tomllib.loads(f"{raw}=0"))), line))
            if not _DOT.match(self.text, self.at):
                return key_lines
            self.take(_DOT)

    def header(self) -> KeyPath:
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        self.skip_blanks()
        keys = self.keys()
        self.skip_blanks()
        self.at += 2 if array else 1
        path: KeyPath = ()
        for key, line in keys[:-1]:
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self.last:
                path = (*path, self.last[path])
        key, line = keys[-1]
        path = (*path, key)
        if array:
            self.lines.setdefault(path, line)
            self.last[path] = self.last.get(path, -1) + 1
            path = (*path, self.last[path])
        self.lines[path] = line
        return path

    def pair(self, inside: KeyPath) -> None:
        path = inside
        for key, line in self.keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.take(_EQUALS)
        self.value(path)

    def value(self, path: KeyPath) -> None:
        match self.text[self.at]:
            case "{":
                self.inside("}", lambda _: self.pair(path))
            case "[":
                self.inside("]", lambda index: self.element((*path, index)))
            case '"' | "'":
                self.take(_TEXT)
            case _:
                self.take(_BARE)

    def element(self, path: KeyPath) -> None:
        self.lines[path] = self.line()
        self.value(path)

    def inside(self, end: str, read: Callable[[int], None]) -> None:
        """What stands between brackets, with commas between."""
        self.at += 1
        index = 0
        self.skip_blanks()
        while self.text[self.at] != end:
            read(index)
            index += 1
            self.skip_blanks()
            if self.text[self.at] == ",":
                self.at += 1
                self.skip_blanks()
        self.at += 1
