"""Ways back as people name and mark them, where no tool is known that would tell: a file beside its migration, or the
second half of it.

A mark that is one tool's alone divides the file; words that anybody may write are only told. As postgrator
(`1.do.sql`, `1.undo.sql`), yoyo (`1.rollback.sql`) and db-migrate (`1-up.sql`, `1-down.sql`) name them, and
tern, MyBatis, micrate, rambler and Play mark them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from pgcontract.model.sql import Script, keep_only
from pgcontract.patterns import lazy_pattern

_NAME: Final = lazy_pattern(r"(?P<head>.*?)(?P<mark>[._-])(?:down|undo|rollback|revert)(?P<tail>(?:[._-].*)?\.sql)", re.I)
_UPS: Final = ("up", "do", "apply", "deploy")
_WORD_BEFORE: Final = r"^[ \t]*--[^\w\n]*(?:\w+[^\w\n]+)?"
_WORD_BEHIND: Final = r"(?:[ \t]+migration)?[^\w\n]*$"
_UP: Final = lazy_pattern(rf"{_WORD_BEFORE}(?:ups?|do|apply|forward|upgrade){_WORD_BEHIND}", re.I | re.M)
_DOWN: Final = lazy_pattern(
    rf"{_WORD_BEFORE}(?:downs?|undo|rollback|revert|backward|downgrade){_WORD_BEHIND}", re.I | re.M
)
_TOOLS_UP: Final = lazy_pattern(
    r"^[ \t]*(?:[#-]-*[ \t]*-*[ \t]*!Ups|--[ \t]*\+micrate[ \t]+Up|--[ \t]*rambler[ \t]+up)\b", re.M | re.I
)
_TOOLS_DOWN: Final = lazy_pattern(
    r"^[ \t]*(?:---- create above / drop below ----|--[ \t]*//[ \t]*@UNDO|[#-]-*[ \t]*-*[ \t]*!Downs|"
    r"--[ \t]*\+micrate[ \t]+Down|--[ \t]*rambler[ \t]+down)[ \t]*\r?$",
    re.M | re.I,
)
_PLAYS: Final = lazy_pattern(r"^[#-]-*[ \t]*-*[ \t]*!(?:Ups|Downs)\b", re.M)
_PLAYS_COMMENT: Final = lazy_pattern(r"^[ \t]*#[^\n]*", re.M)


def migration_of(name: str, names: Collection[str]) -> str | None:
    """Of a file that is named as a way back, the one of the names that it takes back; None where it is none, or that is
    not there."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    head, mark, tail = match["head"], match["mark"], match["tail"]
    candidates = (f"{head}{tail}", *(f"{head}{mark}{up}{tail}" for up in _UPS))
    return next((candidate for candidate in candidates if candidate in names), None)


def second_half(script: Script) -> tuple[str, int] | None:
    """The comment that says that what stands behind it takes back what stands before it, and its line."""
    text = script.text
    if "--" not in text or not script.statements:
        return None
    ups = [match.start() for match in _UP.finditer(text) if not _is_within(script, match.start())]
    downs = [match for match in _DOWN.finditer(text) if ups and match.start() > ups[0]]
    for match in downs:
        before = any(statement.offset < match.start() for statement in script.statements)
        behind = any(statement.offset > match.start() for statement in script.statements)
        if before and behind and not _is_within(script, match.start()):
            return match.group().strip(), text.count("\n", 0, match.start()) + 1
    return None


def halves(text: str) -> tuple[str, str] | None:
    """The way up and the way back of a file that a tool's mark divides, each with blanks in the place of the other; None
    where no mark does, or one way begins twice."""
    marks = list(_TOOLS_DOWN.finditer(text))
    plain = without_plays_comments(text)
    if len(marks) > 1 or (not marks and plain == text):
        return None
    start, end = marks[0].span() if marks else (len(text), len(text))
    if any(match.start() > start for match in _TOOLS_UP.finditer(text)):
        return None
    return keep_only(plain, (0, start)), keep_only(plain, (end, len(text)))


def without_plays_comments(text: str) -> str:
    """The text as it is but for Play's: blanks in the place of its comments, which are no SQL's, and `;` where it writes
    `;;`, within a statement."""
    if not _PLAYS.search(text):
        return text
    return _PLAYS_COMMENT.sub(lambda match: " " * len(match[0]), text).replace(";;", "; ")


def _is_within(script: Script, offset: int) -> bool:
    return any(statement.offset <= offset < statement.offset + len(statement.text) for statement in script.statements)
