"""A file of SQL as text: what is none, or is in another encoding, is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from pgcontract.errors import InputError, UnreadableScript
from pgcontract.model.input_file import read_bytes
from pgcontract.model.sql.commands import COMMANDS, opens_as_sql, psql_command
from pgcontract.model.sql.copied_text import copied_text_advice
from pgcontract.model.sql.lexer import Backslash, leading_words, split
from pgcontract.model.sql.other_dialects import other_dialect_words
from pgcontract.model.sql.statement import Statement
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file as read: the byte order mark removed, line ends as they are. `sha256` is of its bytes."""

    path: str
    text: str
    sha256: str
    bytes: int

    @property
    def lines(self) -> int:
        """How many lines it has, as editors count: a last one without its newline too."""
        return self.text.count("\n") + (bool(self.text) and not self.text.endswith("\n"))

    @property
    def has_byte_order_mark(self) -> bool:
        """Whether the file opens with one, which the text has no more."""
        return self.bytes > len(self.text.encode())


def read_source(path: Path) -> Source:
    """The file as text. Raises InputError where it is missing, unreadable, binary, not UTF-8 or no SQL at all."""
    source = read_text(path)
    require_sql_text(source.text, source.path)
    return source


def read_text(path: Path) -> Source:
    """The file as text, SQL or not. Raises InputError where it is missing, unreadable, binary or not UTF-8."""
    return make_source(_read_bytes(path), str(path))


def make_source(raw: bytes, name: str) -> Source:
    """The bytes as text. Raises InputError where they are binary or not UTF-8."""
    return Source(path=name, text=_decode(raw, name), sha256=sha256(raw).hexdigest(), bytes=len(raw))


def line_starts(text: str) -> tuple[int, ...]:
    """The offset at which each line begins; a line ends with its newline, so CRLF needs no care."""
    return (0, *(newline.end() for newline in re.finditer("\n", text)))


def _read_bytes(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except FileNotFoundError:
        names = sorted(other.name for other in path.parent.glob("*.sql"))[:5]
        siblings = f"; in the same folder: {', '.join(names)}" if names else ""
        raise InputError(f"no such file{siblings}; check the name", file=str(path)) from None
    except IsADirectoryError:
        raise InputError("a folder, where a .sql file was expected", file=str(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}; check its permissions", file=str(path)) from None


def require_sql_text(text: str, path: str) -> None:
    """`require_sql` of a text that has not been cut."""
    pieces = (piece for piece in split(text) if not isinstance(piece, Backslash))
    openings = ((text[piece.start : piece.end], piece.start) for piece in pieces)
    if (offset := _first_that_is_no_sql(openings)) is not None:
        raise _no_sql(text, offset, path, text.count("\n", 0, offset) + 1)


def require_sql(statements: Iterable[Statement]) -> None:
    """Raises InputError where no statement opens as an SQL command does: the server's words about it would quote a file
    that was never meant for it. One mistyped command among others is left to the server, which names it."""
    known = tuple(statements)
    number = _first_that_is_no_sql((statement.text, number) for number, statement in enumerate(known))
    if number is not None:
        raise _no_sql(known[number].text, 0, known[number].path, known[number].line)


def _first_that_is_no_sql(openings: Iterable[tuple[str, int]]) -> int | None:
    """The number of the first; None where there is none, or one of the texts is SQL."""
    first = None
    for opening, number in openings:
        words = leading_words(opening, 0, 1)
        if (opening[:1] == "(" or (words and words[0] in COMMANDS)) and opens_as_sql(opening):
            # END; alone is a word of other languages too, and decides nothing.
            if len(opening) > len(words[0] if words else ""):
                return None
            continue
        first = number if first is None else first
    return first


def _no_sql(text: str, offset: int, path: str, line: int) -> UnreadableScript:
    if text.startswith("\\", offset) and (what := psql_command(text, offset)).startswith("\\"):
        return UnreadableScript(f"is no SQL that a server reads: {what}", file=path, line=line)
    words = leading_words(text, offset, 1)
    near = get_close_matches(words[0], COMMANDS, n=1) if words and words[0] not in COMMANDS else []
    foreign = other_dialect_words(text[offset:], 0)
    if copied := copied_text_advice(text, offset):
        hint = f". {copied.removesuffix('.')}"
    elif foreign:
        hint = f"; PostgreSQL wants {foreign}"
    else:
        hint = f"; did you mean {near[0]} here?" if near else "; check that it is the right file"
    return UnreadableScript(f"is no SQL: no statement in it opens with an SQL command{hint}", file=path, line=line)


def _decode(raw: bytes, path: str) -> str:
    if raw.startswith(b"PGDMP"):
        raise UnreadableScript(
            "is a dump in pg_dump's own format, not SQL; write it as SQL: pg_restore -f dump.sql", file=path
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _wrong_encoding("a UTF-16 byte order mark", "UTF-16", path, 0, 1)
    if (nul := raw.find(b"\0")) >= 0:
        line = raw.count(b"\n", 0, nul) + 1
        # ASCII in UTF-16 has a NUL in every second place and nowhere else; a program has them anywhere.
        even, odd = raw[0:40:2], raw[1:40:2]
        if len(raw) > 3 and {even.count(0), odd.count(0)} == {0, len(odd)}:
            raise _wrong_encoding(
                "UTF-16 without a byte order mark", "UTF-16LE" if raw[1] == 0 else "UTF-16BE", path, nul, line
            )
        raise UnreadableScript(f"a binary file: byte {nul} is NUL, which SQL text cannot hold", file=path, line=line)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The decoder counts from behind the byte order mark.
        at = error.start + (3 if raw.startswith(b"\xef\xbb\xbf") else 0)
        line = raw.count(b"\n", 0, at) + 1
        looks = f"Windows-1252 or Latin-1 (column {len(raw[:at].rsplit(bytes([10]), 1)[-1]) + 1} of the line)"
        raise _wrong_encoding(looks, "WINDOWS-1252", path, at, line) from None


def _wrong_encoding(looks: str, codec: str, path: str, at: int, line: int) -> UnreadableScript:
    return UnreadableScript(
        f"not UTF-8 at byte {at}: looks like {looks}; convert it, e.g. iconv -f {codec} -t UTF-8",
        file=path,
        line=line,
    )
