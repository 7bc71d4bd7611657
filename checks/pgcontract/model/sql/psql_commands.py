"""What becomes of psql's own commands: which are followed, which passed over, and which refused, with what to do."""

from __future__ import annotations

import re
from typing import Final, Protocol

from pgcontract.errors import InputError
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.model.sql.passages import Place
from pgcontract.model.sql.source import Source
from pgcontract.values import dataclass

# They change what is shown, or show something, and the server's answers are the same with them or without.
_PASSED_OVER: Final = """
    a C conninfo copyright errverbose f h help H html l p pset print qecho echo s sf sv t T timing warn x z restrict
    unrestrict
"""
_LISTING: Final = re.compile(r"(?:d|l|sf|sv|z|\?)[A-Za-z]*[+S]*")
# Each says why it is not done, and what to do instead.
_SERVER_VALUE: Final = "takes a value from the server's answer: give it with --set, or do it in a DO block"
_SHELL: Final = "leaves the script for the shell, which nothing here runs: remove it, or do the work before the script"
_OUTPUT: Final = "writes to a file or a program, which nothing here does: remove the line"
_DATABASE: Final = (
    "goes to another database, and which one it is is chosen here: remove the line; pg_dump writes it with --create "
    "(-C), and pg_dumpall: dump one database without"
)
_LARGE_OBJECT: Final = "reads or writes a file as a large object, which nothing here does: remove the line"
_PIPELINE: Final = "sends what the server takes in another way than a script's text: write it as plain SQL"
_EDITOR: Final = "opens an editor, and nobody is there: remove the line"
_REFUSED: Final = {
    "!": _SHELL,
    "bind": _PIPELINE,
    "bind_named": _PIPELINE,
    "c": _DATABASE,
    "cd": "changes the folder that files are looked for in: write the path with \\i or \\ir",
    "close_prepared": _PIPELINE,
    "connect": _DATABASE,
    "e": _EDITOR,
    "edit": _EDITOR,
    "ef": _EDITOR,
    "endpipeline": _PIPELINE,
    "ev": _EDITOR,
    "flush": _PIPELINE,
    "flushrequest": _PIPELINE,
    "gdesc": "describes a query and does not run it: remove it",
    "getenv": "reads the environment: give the value with --set",
    "getresults": _PIPELINE,
    "gexec": "runs what the server answers as SQL: write a DO block with EXECUTE",
    "gset": _SERVER_VALUE,
    "lo_export": _LARGE_OBJECT,
    "lo_import": _LARGE_OBJECT,
    "lo_list": "lists large objects: remove the line",
    "lo_unlink": _LARGE_OBJECT,
    "o": _OUTPUT,
    "out": _OUTPUT,
    "parse": _PIPELINE,
    "password": "asks a person for a password: remove the line",
    "prompt": "asks a person for a value: give it with --set",
    "sendpipeline": _PIPELINE,
    "setenv": "changes the environment of programs that nothing here runs: remove the line",
    "startpipeline": _PIPELINE,
    "syncpipeline": _PIPELINE,
    "w": _OUTPUT,
    "watch": "runs a query again and again: end it with a semicolon",
    "write": _OUTPUT,
}
_OWN_VARIABLES: Final = """
    DBNAME ENCODING ERROR HOST LASTOID LAST_ERROR_MESSAGE LAST_ERROR_SQLSTATE PORT ROW_COUNT SERVER_VERSION_NAME
    SERVER_VERSION_NUM SHELL_ERROR SHELL_EXIT_CODE SQLSTATE USER VERSION VERSION_NAME VERSION_NUM
"""
INCLUDES: Final = frozenset(("i", "include", "ir", "include_relative"))
SENDS: Final = frozenset(("g", "gx", "crosstabview"))


def is_passed_over(name: str) -> bool:
    """Whether it only concerns what is shown."""
    return name in _PASSED_OVER.split() or bool(_LISTING.fullmatch(name))


def refusal_of(name: str) -> str | None:
    """Why it is not done, with what to do; None where it is no such command."""
    return _REFUSED.get(name)


class OpenFile(Protocol):
    """How a script comes by the files that it names."""

    def __call__(self, name: str, *, beside: str | None, rows: bool) -> Source:
        """The file of that name; with `beside`, in the folder of that file. `rows` is whether it holds the rows of a COPY
        and no SQL. Raises InputError."""


@dataclass(frozen=True, kw_only=True)
class UnsetVariable:
    """A variable that a script takes a value from and that has none; psql sends its name as it is written."""

    name: str
    place: Place

    @property
    def is_of_psql(self) -> bool:
        """Whether psql sets it itself, from its connection."""
        return self.name in _OWN_VARIABLES.split()


@dataclass(frozen=True, kw_only=True)
class SkippedText:
    """What psql passes over, in a sentence, and where it begins to."""

    sentence: str
    place: Place


def read_copy(line: str, place: Place) -> tuple[str, str | None]:
    """What a \\copy sends, and the file that has its rows; None where they follow in the script. Raises InputError where
    it does not read a file."""
    words = tokens(line.rstrip("; \t\r"))
    depth, at = 0, None
    for number, token in enumerate(words):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not depth and token.upper in ("FROM", "TO"):
            at = number
            break
    if at is None or at + 1 >= len(words):
        raise refuse(place, "\\copy names no file to read; write \\copy t FROM 'file'")
    if words[at].upper == "TO":
        raise refuse(place, "\\copy … TO writes a file, which nothing here does: remove it")
    head, token = line[: words[at].offset].strip(), words[at + 1]
    name: str | None = token.text[1:-1].replace("''", "'")
    end = token.offset + len(token.text)
    match token.upper:
        case "PROGRAM" | "PSTDIN":
            raise refuse(
                place,
                "\\copy … PROGRAM and PSTDIN take rows from outside of the project: write them into a file of it, and "
                "name that",
            )
        case "STDIN":
            name = None
        case _ if token.kind is not TokenKind.STRING:
            name = line[token.offset :].split()[0].rstrip(";")
            end = token.offset + len(name)
    return f"COPY {head} FROM STDIN {line[end:].strip().rstrip(';')}".strip(), name


def copies_in(statement: str, place: Place) -> bool:
    """Whether it is a COPY whose rows follow. Raises InputError where they would be binary."""
    words = [token.upper for token in tokens(statement) if token.kind in (TokenKind.WORD, TokenKind.MARK)]
    depth, copies_in = 0, False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        depth += {"(": 1, ")": -1}.get(word, 0)
        copies_in |= not depth and (word, following) == ("FROM", "STDIN")
    if copies_in and ("BINARY" in words or re.search(r"\bformat\s+'?binary\b", statement, re.IGNORECASE)):
        raise refuse(place, "COPY takes binary rows, which no text can hold: write them as text or csv")
    return copies_in


def refuse(place: Place, message: str) -> InputError:
    """The error that says it, at its line."""
    return InputError(message, file=place.path, line=place.line)
