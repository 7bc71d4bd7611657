"""A Flyway script as it is sent: with values in the place of names, statement by statement, in a transaction or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pgcontract.contract.flyway_settings import SCRIPT_CONF, FlywaySettings, is_true, read_script_conf
from pgcontract.contract.migration_folder import Folder
from pgcontract.model.sql import (
    Execution,
    Passage,
    Placeholder,
    Script,
    Source,
    Statement,
    TransactionScope,
    fill,
    keep_only,
    make_script,
    require_sql_text,
    statements_between,
)
from pgcontract.model.sql.lexer import StatementSpan, split
from pgcontract.values import dataclass

# Those that Flyway takes out of a transaction by itself; the server refuses more within one.
_LONELY: Final = re.compile(
    r"(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER SYSTEM\b|CREATE (?:UNIQUE )?INDEX CONCURRENTLY\b"
    r"|DROP INDEX CONCURRENTLY\b|VACUUM\b|DISCARD ALL\b|REINDEX (?:SCHEMA|DATABASE|SYSTEM)\b"
)
_MAY_COPY_IN: Final = re.compile(r"\bFROM\s+STDIN\b", re.IGNORECASE)
_COPY_IN: Final = re.compile(r"COPY\b.*\bFROM STDIN\b", re.IGNORECASE)
_END_OF_ROWS: Final = re.compile(r"^\\\.\r?(?:\n|\Z)", re.MULTILINE)
_ANY_NAME: Final = "x"  # for one without a value, to see whether there is SQL around it
_A_TIME: Final = "2000-01-01 00:00:00"  # Flyway's is that of the run, and any other


@dataclass(frozen=True, kw_only=True)
class FlywayScript:
    """The script; `missing` are the names that nobody gave a value, each with its first line; `mixed` is a statement
    that no transaction allows among others, where Flyway refuses that."""

    script: Script
    missing: Mapping[str, int]
    mixed: Statement | None

    @property
    def in_transaction(self) -> bool:
        return self.script.execution.transaction is not TransactionScope.MESSAGE


def is_to_be_run(folder: Folder, path: Path) -> bool:
    """Whether the script's own settings let it be run."""
    return is_true(_conf(folder, path), "shouldExecute", True)


def read_flyway_script(folder: Folder, path: Path, settings: FlywaySettings) -> FlywayScript:
    """The script with all that its own settings and those of the folder say."""
    conf = _conf(folder, path)
    source = folder.any_text(path)
    placeholders: list[Placeholder] = []
    missing: dict[str, int] = {}
    if is_true(conf, "placeholderReplacement", settings.placeholder_replacement):
        values = _values(folder, path, settings)
        for match in _names(source.text, settings):
            value = values.get(match["name"].lower())
            if value is None:
                missing.setdefault(match["name"], source.text.count("\n", 0, match.start()) + 1)
            else:
                placeholders.append(Placeholder(start=match.start(), end=match.end(), value=value))
    text, passages = fill(source.text, source.path, placeholders)
    require_sql_text(_name_pattern(settings).sub(_ANY_NAME, text), source.path)
    script = (
        _with_rows(source, text, passages)
        if _MAY_COPY_IN.search(text)
        else make_script(source, text=text, passages=passages)
    )
    lonely = [statement for statement in script.statements if _LONELY.match(" ".join(statement.words))]
    mixed = lonely[0] if lonely and len(lonely) < len(script.statements) else None
    allowed = settings.mixed or not is_true(conf, "executeInTransaction", True)
    outside = not is_true(conf, "executeInTransaction", settings.execute_in_transaction) or (
        bool(lonely) and (mixed is None or allowed)
    )
    within = TransactionScope.ALL if settings.group else TransactionScope.FILE
    execution = Execution(
        transaction=TransactionScope.MESSAGE if outside else within, by_statement=True, outside_transaction=False
    )
    return FlywayScript(
        script=replace(script, execution=execution), missing=missing, mixed=mixed if not outside else None
    )


def _with_rows(source: Source, text: str, passages: Sequence[Passage]) -> Script:
    """The script of a text with rows behind a COPY … FROM STDIN, up to a line that is `\\.`; blanks stand for them."""
    spans: list[tuple[int, int]] = []
    rows: dict[int, str] = {}  # by where their COPY ends
    kept: list[str] = []
    start = 0
    while (end := _end_of_copy(text, start)) is not None:
        spans.append((start, end))
        rows_start = (text.find("\n", end) + 1) or len(text)
        mark = _END_OF_ROWS.search(text, rows_start)
        rows[end] = text[rows_start : mark.start() if mark else len(text)]
        goes_on = mark.end() if mark else len(text)
        kept += (text[start:rows_start], keep_only(text[rows_start:goes_on]))
        start = goes_on
    spans.append((start, len(text)))
    statements = tuple(
        replace(statement, copy_rows=rows.get(statement.offset + len(statement.text)), same_message=False)
        for statement in statements_between(text, spans, source.path, passages)
    )
    return make_script(source, text="".join((*kept, text[start:])), passages=tuple(passages), statements=statements)


def _end_of_copy(text: str, start: int) -> int | None:
    """Where the next COPY … FROM STDIN from there on ends, before its semicolon."""
    for piece in split(text[start:]):
        if isinstance(piece, StatementSpan):
            words = text[start + piece.start : start + piece.end]
            if words[:4].upper() == "COPY" and _COPY_IN.match(" ".join(words.split())):
                return start + piece.end
    return None


def _conf(folder: Folder, path: Path) -> Mapping[str, str]:
    conf = path.with_name(f"{path.name}{SCRIPT_CONF}")
    return read_script_conf(folder.text(conf)) if folder.has(conf) else {}


def _names(text: str, settings: FlywaySettings) -> Iterator[re.Match[str]]:
    """Wherever they stand, in quotes and comments too."""
    return _name_pattern(settings).finditer(text)


def _name_pattern(settings: FlywaySettings) -> re.Pattern[str]:
    prefix, suffix = re.escape(settings.placeholder_prefix), re.escape(settings.placeholder_suffix)
    return re.compile(rf"{prefix}(?P<name>(?:(?!{suffix})[^\r\n]){{1,200}}){suffix}")


def _values(folder: Folder, path: Path, settings: FlywaySettings) -> Mapping[str, str]:
    """By names in lower case. `flyway:user` and `flyway:database` are the connection's, which is not known."""
    own = {
        "flyway:defaultschema": settings.default_schema,
        "flyway:table": settings.table,
        "flyway:filename": path.name,
        "flyway:timestamp": _A_TIME,
        "flyway:workingdirectory": ".",
        "flyway:environment": settings.environment,
    }
    return own | dict(settings.placeholders) | {name.lower(): value for name, value in folder.values.items()}
