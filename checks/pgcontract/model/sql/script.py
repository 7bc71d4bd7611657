"""A migration file as read: its text, its digest, its statements and their places."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import count
from pathlib import Path

from pgcontract.errors import InputError, UnreadableScript
from pgcontract.model.input_file import read_bytes
from pgcontract.model.sql.commands import COMMANDS, PSQL_COMMANDS, opens_as_sql
from pgcontract.model.sql.execution import Execution
from pgcontract.model.sql.lexer import Backslash, leading_words, split, tokens
from pgcontract.model.sql.passages import Passage, Place, place_in, written_between
from pgcontract.values import dataclass

MAX_PARSED_BYTES = 5_000_000
_MAX_KEPT = 16_384  # characters, of one of the texts

MAX_WORDS = 8
_TRANSACTION_CONTROL = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"}
# Matched against the leading words; each command's page in the manual says "inside a transaction block".
_NO_TRANSACTION_BLOCK = re.compile(
    r"CREATE (UNIQUE )?INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY|REINDEX (DATABASE|SYSTEM|SCHEMA)\b"
    r"|REINDEX \w+ CONCURRENTLY|VACUUM\b|(CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER SYSTEM\b"
    r"|DISCARD ALL\b|CLUSTER$|(COMMIT|ROLLBACK) PREPARED\b"
)
# These forms carry the deciding word behind names or in parentheses.
_NO_TRANSACTION_BLOCK_LATE = re.compile(
    r"ALTER TABLE .* DETACH PARTITION .* CONCURRENTLY|REINDEX \( .*\bCONCURRENTLY\b"
    r"|CLUSTER VERBOSE$|CLUSTER \( [^)]*\)$|ALTER DATABASE .* SET TABLESPACE"
)
_LATE_HEADS = {"ALTER", "REINDEX", "CLUSTER"}
_COPY_IN = re.compile(r"\bFROM\s+STDIN\b", re.IGNORECASE)
_NO_LINE_END = re.compile(r"[^\r\n]")
_META = re.compile(r"\\[^\s'\"]*")
_REMEDIES = {
    "i": "write the included file's SQL in its place, or make it a migration of its own",
    "copy": "write the rows as INSERT statements",
    "set": "write the value itself where the variable stands",
    "c": "the gate chooses the database: remove the line",
    "restrict": "pg_dump writes it for psql alone: remove the line",
    ".": "write the rows as INSERT statements",
}
_SAME_REMEDY = {"ir": "i", "include": "i", "include_relative": "i", "connect": "c", "unrestrict": "restrict"}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a script; its text opens with its first keyword and has no semicolon at its end.

    `offset` counts characters in `Script.text` from 0; lines and columns count from 1. `words` are the leading
    unquoted words, upper-cased, at most eight: keywords, then maybe a name. `path` is the file it stands in.
    `copy_rows` are the rows that follow a COPY … FROM STDIN, as the server gets them. `same_message`: where its tool
    sends the script in pieces, it goes in one message with the statement before it. `written` is how its file spells it,
    where values are sent in the place of names.
    """

    text: str
    number: int
    offset: int
    line: int
    column: int
    words: tuple[str, ...]
    path: str = ""
    copy_rows: str | None = None
    same_message: bool = False
    written: str | None = None

    @property
    def shown(self) -> str:
        """The text that may be shown: a value may be a secret."""
        return self.text if self.written is None else self.written

    @property
    def is_transaction_control(self) -> bool:
        """Whether it opens or ends a transaction; savepoints, and going back to one, do not."""
        match self.words:
            case ("ROLLBACK", *rest) if "TO" in rest[:2]:
                return False
            case ("PREPARE", "TRANSACTION", *_):
                return True
            case (first, *_):
                return first in _TRANSACTION_CONTROL
            case _:
                return False

    @property
    def forbids_transaction_block(self) -> bool:
        """Whether the server runs it only outside a transaction block (SQLSTATE 25001 within)."""
        if _NO_TRANSACTION_BLOCK.match(" ".join(self.words)) and not (self.words[0] == "CLUSTER" and '"' in self.text):
            return True
        if not self.words or self.words[0] not in _LATE_HEADS:
            return False
        return bool(_NO_TRANSACTION_BLOCK_LATE.match(" ".join(token.text.upper() for token in tokens(self.text))))


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
            raise _meta_command(text, piece.offset, path, bisect_right(starts, piece.offset))
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
    words = leading_words(text, offset, 1)
    near = get_close_matches(words[0], COMMANDS, n=1) if words and words[0] not in COMMANDS else []
    return UnreadableScript(
        "is no SQL: no statement in it opens with an SQL command"
        + (f"; did you mean {near[0]} here?" if near else "; check that it is the right file"),
        file=path,
        line=line,
    )


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


def _meta_command(text: str, offset: int, path: str, line: int) -> InputError:
    match = _META.match(text, offset)
    name = match.group()[1:].rstrip(";") if match else ""
    if name not in PSQL_COMMANDS:  # nor quoted: the file may be no SQL at all
        what = "a backslash outside of quotes, as psql's own commands open with, is not SQL, and no server runs it"
        return InputError(f"{what}: remove it", file=path, line=line)
    remedy = _REMEDIES.get(_SAME_REMEDY.get(name, name), "write it in SQL, or remove the line")
    return InputError(f"\\{name} is psql's own command, not SQL, and no server runs it: {remedy}", file=path, line=line)
