"""Changesets of Liquibase's formatted SQL: which a file has, what is sent of each, and what takes it back.

Tried with Liquibase 4.27: its own splitter looks at quotes and dollar quotes; comments are not sent; one for another
database, or with ignore:true, is passed over; without contexts and labels to choose by, all others run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Final

from pgcontract.model.sql import (
    Execution,
    Passage,
    Placeholder,
    Script,
    Source,
    TransactionScope,
    fill,
    keep_only,
    make_script,
    statements_between,
)
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

_HEADER: Final = lazy_pattern(r"\s*--\s*liquibase\s+formatted", re.IGNORECASE)
_CHANGESET: Final = lazy_pattern(
    r"""^[ \t]*--[ \t]*changeset[ \t]+("[^"]+"|[^:\n]+):[ \t]*("[^"]+"|\S+)(.*)$""", re.IGNORECASE | re.MULTILINE
)
_ATTRIBUTE: Final = lazy_pattern(r"""(\w+):("[^"]*"|\S+)""")
_PROPERTY: Final = lazy_pattern(r"^[ \t]*--[ \t]*property[ \t]+(.*)$", re.IGNORECASE | re.MULTILINE)
_LINE_OF_IT: Final = lazy_pattern(r"^[ \t]*--[ \t]*rollback[ \t]+([^\n]*)", re.IGNORECASE | re.MULTILINE)
_BLOCK_OF_IT: Final = lazy_pattern(r"/\*[ \t]*liquibase[ \t]+rollback\b(.*?)\*/", re.IGNORECASE | re.DOTALL)
_NOTHING: Final = lazy_pattern(r"\s*(?:not required|empty|)\s*;?\s*", re.IGNORECASE)
_IGNORED: Final = lazy_pattern(
    r"^[ \t]*--[ \t]*ignoreLines:start\b.*?^[ \t]*--[ \t]*ignoreLines:end\b", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_PRECONDITIONS: Final = lazy_pattern(r"^[ \t]*--[ \t]*preconditions[ \t]+(.*)$", re.IGNORECASE | re.MULTILINE)
_PRECONDITION: Final = lazy_pattern(
    r"^[ \t]*--[ \t]*precondition-(sql-check|table-exists|view-exists)[ \t]+(.*)$", re.IGNORECASE | re.MULTILINE
)
_EXPECTED: Final = lazy_pattern(r"""expectedResult:(?:"([^"]*)"|'([^']*)'|(\S+))[ \t]+(.*)""", re.IGNORECASE)
_EXISTS: Final = "SELECT pg_catalog.count(pg_catalog.to_regclass('NAME'))"
_GOES_PAST: Final = ("mark_ran", "continue")
# What no checksum is of: it may be added to a changeset that is applied.
_UNCOMPARED: Final = lazy_pattern(
    r"^[ \t]*--[ \t]*(?:rollback|comment|validCheckSum|preconditions?)\b[^\n]*", re.I | re.M
)
_NAME: Final = re.compile(r"\$\{([\w.-]+)\}")
_POSTGRES: Final = frozenset(("postgresql", "all"))


@dataclass(frozen=True, kw_only=True)
class Changeset:
    """`up` is what is sent. `down` is None where its author wrote no rollback, or that none is required. `unset`
    are the parameters that have no value."""

    author: str
    name: str
    line: int
    up: Script
    down: Script | None
    unset: tuple[str, ...] = ()


def is_formatted(text: str) -> bool:
    """Whether the text is formatted SQL."""
    return _HEADER.match(text) is not None


def changesets(source: Source, values: Mapping[str, str]) -> Iterator[Changeset]:
    """Those of a formatted file that run on PostgreSQL, in their order."""
    text, passages = _filled(source, values)
    marks = list(_CHANGESET.finditer(text))
    for mark, following in zip_longest(marks, marks[1:]):
        options = dict(_lower_names(mark[3]))
        if options.get("ignore", "").lower() == "true" or not _is_for_postgres(options.get("dbms", "")):
            continue
        end = following.start() if following else len(text)
        up = _up(source, text, passages, (mark.end(), end), options)
        yield Changeset(
            author=mark[1].strip().strip('"'),
            name=mark[2].strip('"'),
            line=text.count("\n", 0, mark.start()) + 1,
            up=up,
            down=_down(source, text, passages, (mark.end(), end), options),
            unset=_unset(up),
        )


def whole_file(source: Source, values: Mapping[str, str]) -> Changeset:
    """A file of SQL that is not formatted, as includeAll runs it: in one message, which takes nothing back."""
    text, passages = _filled(source, values)
    script = make_script(source, text=text, passages=passages, execution=_execution({"splitstatements": "false"}))
    return Changeset(author="includeAll", name="raw", line=1, up=script, down=None, unset=_unset(script))


def _unset(script: Script) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for statement in script.statements for name in _NAME.findall(statement.text)))


def _filled(source: Source, values: Mapping[str, str]) -> tuple[str, tuple[Passage, ...]]:
    """With the value of each parameter that has one in its place; Liquibase sends the name of one that has none."""
    own = [dict(_ATTRIBUTE.findall(match[1])) for match in _PROPERTY.finditer(source.text)]
    known = {pair["name"]: pair.get("value", "").strip('"') for pair in own if "name" in pair} | dict(values)
    found = (match for match in _NAME.finditer(source.text) if match[1] in known)
    placeholders = [Placeholder(start=match.start(), end=match.end(), value=known[match[1]]) for match in found]
    return fill(source.text, source.path, placeholders) if placeholders else (source.text, ())


def _is_for_postgres(dbms: str) -> bool:
    names = {name.strip().lower() for name in dbms.split(",") if name.strip()}
    refused = {name.removeprefix("!") for name in names if name.startswith("!")}
    wanted = names - {f"!{name}" for name in refused}
    return refused.isdisjoint(_POSTGRES) and (not wanted or not wanted.isdisjoint(_POSTGRES))


def _execution(options: Mapping[str, str], only_if: tuple[tuple[str, str], ...] = ()) -> Execution:
    in_transaction = options.get("runintransaction", "").lower() != "false"
    again = any(options.get(name, "").lower() == "true" for name in ("runonchange", "runalways"))
    return Execution(
        transaction=TransactionScope.FILE if in_transaction else TransactionScope.MESSAGE,
        by_statement=True,
        outside_transaction=False,
        repeatable=again,
        only_if=only_if,
        may_fail=options.get("failonerror", "").lower() == "false",
    )


def _only_if(text: str) -> Iterator[tuple[str, str]]:
    """Queries of the preconditions that keep a changeset from running and stop nothing, with what each must answer."""
    settings = _PRECONDITIONS.search(text)
    on_fail = dict(_lower_names(settings[1])).get("onfail", "") if settings else ""
    if on_fail.lower() not in _GOES_PAST:
        return
    for match in _PRECONDITION.finditer(text):
        check = _EXPECTED.match(match[2])
        if match[1].lower() == "sql-check" and check:
            yield check[4].rstrip(" \t\r;"), check[1] or check[2] or check[3] or ""
        elif match[1].lower() != "sql-check":
            options = dict(_lower_names(match[2]))
            parts = (options.get("schema"), options.get("table") or options.get("view"))
            yield _EXISTS.replace("NAME", ".".join(filter(None, parts)).replace("'", "''")), "1"


def _lower_names(text: str) -> Iterator[tuple[str, str]]:
    return ((name.lower(), value.strip('"')) for name, value in _ATTRIBUTE.findall(text))


def _up(
    source: Source, text: str, passages: tuple[Passage, ...], place: tuple[int, int], options: Mapping[str, str]
) -> Script:
    start, end = place
    spans, at = [], start
    patterns = (_IGNORED, _BLOCK_OF_IT, _UNCOMPARED)
    unsent = [match.span() for pattern in patterns for match in pattern.finditer(text, start, end)]
    for opens, closes in sorted(unsent):
        spans.append((at, max(at, opens)))
        at = max(at, closes)
    spans.append((at, end))
    return _script(source, keep_only(text, *spans), passages, place, options, only_if=tuple(_only_if(text[start:end])))


def _down(
    source: Source, text: str, passages: tuple[Passage, ...], place: tuple[int, int], options: Mapping[str, str]
) -> Script | None:
    found = [match.span(1) for pattern in (_LINE_OF_IT, _BLOCK_OF_IT) for match in pattern.finditer(text, *place)]
    spans = [span for span in sorted(found) if not _NOTHING.fullmatch(text[slice(*span)])]
    if not spans:
        return None
    return _script(source, keep_only(text, *spans), passages, place, options, kind="rollback")


def _script(
    source: Source,
    text: str,
    passages: tuple[Passage, ...],
    place: tuple[int, int],
    options: Mapping[str, str],
    *,
    kind: str = "",
    only_if: tuple[tuple[str, str], ...] = (),
) -> Script:
    """Cut into messages as its options say: at another delimiter, not at all, or as the server's own grammar does."""
    execution = _execution(options, only_if)
    if not text[slice(*place)].strip():
        return make_script(source, text=text, passages=passages, statements=(), execution=execution)
    delimiter = options.get(f"{kind}enddelimiter", "")
    split = options.get(f"{kind}splitstatements", options.get("splitstatements", "")).lower() != "false"
    if split and delimiter in ("", ";"):
        return make_script(source, text=text, passages=passages, execution=execution)
    spans = [place]
    if split:
        cuts = [
            match.span()
            for match in re.compile(rf"(?:{_as_pattern(delimiter)})[ \t]*$", re.MULTILINE).finditer(text, *place)
        ]
        starts, ends = [place[0], *(end for _, end in cuts)], [*(start for start, _ in cuts), place[1]]
        spans = list(zip(starts, ends, strict=True))
    statements = tuple(statements_between(text, spans, source.path, passages))
    return make_script(source, text=text, passages=passages, statements=statements, execution=execution)


def _as_pattern(delimiter: str) -> str:
    """Liquibase takes it for a pattern where it can, and knows `\\n` in it."""
    try:
        re.compile(delimiter)
    except re.error:
        return re.escape(delimiter)
    return delimiter
