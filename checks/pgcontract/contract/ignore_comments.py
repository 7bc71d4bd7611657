"""`-- pgcontract-ignore <check>: reason`: findings about a statement that its author accepts, in the SQL itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.contract.check_globs import matches_finding
from pgcontract.contract.migration import Migration
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Script, ScriptComment, Statement, script_comments
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

_MEANT: Final = lazy_pattern(r"--+[ \t]*pgcontract[-_: ]{0,2}ignor", re.IGNORECASE)
_COMMENT: Final = lazy_pattern(r"--+[ \t]*pgcontract-ignore(?![\w-])[ \t]*(?P<rest>.*)", re.IGNORECASE)
_CHECK: Final = lazy_pattern(r"[a-z0-9_*?]+(?:\.[a-z0-9_*?]+)+|\*", re.IGNORECASE)
_HOW: Final = "write -- pgcontract-ignore check.id: reason"


@dataclass(frozen=True, kw_only=True)
class IgnoredCheck:
    """A check that a comment names, and a subject where it names one; both may be globs."""

    check: str
    subject: str = "*"

    def matches(self, check: str, subject: str) -> bool:
        return matches_finding(self.check, self.subject, check, subject)

    def names(self, check: str) -> bool:
        """Whether it is about that check, of whatever subject."""
        return matches_finding(self.check, "*", check, "")

    def __str__(self) -> str:
        return self.check if self.subject == "*" else f"{self.check}[{self.subject}]"


@dataclass(frozen=True, kw_only=True)
class IgnoreComment:
    """One comment of a migration's script. It holds for its `statement`; where no statement stands before it, for what is
    said of the script as a whole too. `mistake` is what is wrong with how it is written; then it holds for nothing."""

    migration: str
    name: str
    checks: tuple[IgnoredCheck, ...]
    reason: str
    statement: Statement | None
    opens_script: bool
    script: Script
    origin: Origin
    mistake: str | None = None


def read_ignore_comments(migration: Migration) -> tuple[IgnoreComment, ...]:
    """Those of its way up and its way back; no two have one name."""
    comments: list[IgnoreComment] = []
    for script in (migration.up, migration.down):
        if script is not None and "pgcontract" in script.text.lower():  # few have one
            comments += _read(migration, script, {comment.name for comment in comments})
    return tuple(comments)


def _read(migration: Migration, script: Script, names: set[str]) -> Iterator[IgnoreComment]:
    for comment in script_comments(script):
        if not _MEANT.match(comment.text):
            continue
        checks, reason, mistake = _parse(comment)
        said = ", ".join(map(str, checks)) or "?"
        name, number = f"{migration.key} {said}", 1
        while name in names:
            number += 1
            name = f"{migration.key} {said} #{number}"
        names.add(name)
        place = comment.place
        yield IgnoreComment(
            migration=migration.key,
            name=name,
            checks=checks,
            reason=reason,
            statement=comment.statement,
            opens_script=comment.opens_script,
            script=script,
            origin=Origin(file=place.path, line=place.line, column=place.column),
            mistake=mistake,
        )


def _parse(comment: ScriptComment) -> tuple[tuple[IgnoredCheck, ...], str, str | None]:
    """The checks, the reason, and what is wrong."""
    written = _COMMENT.fullmatch(comment.text.rstrip())
    if written is None:
        return (), "", f"is not read: {_HOW}"
    rest, checks = written["rest"], []
    while match := _CHECK.match(rest):
        rest, subject = rest[match.end() :], "*"
        if rest.startswith("["):
            end = _closing(rest)
            if end is None:
                return (), "", f"has a bracket that nothing closes: {_HOW}"
            subject, rest = rest[1:end], rest[end + 1 :]
        checks.append(IgnoredCheck(check=match.group().lower(), subject=subject))
        rest = rest.lstrip(" \t,")
    reason = rest.partition(":")[2].strip()
    if not checks:
        return (), reason, f"names no check: {_HOW}"
    if not rest.startswith(":"):
        return tuple(checks), "", f"has {'something else than a check' if rest else 'no reason'} behind it: {_HOW}"
    if not reason:
        return tuple(checks), "", f"has no reason: {_HOW}"
    if comment.statement is None and not comment.opens_script:
        return tuple(checks), reason, "has no statement behind it: put it above the one that it is about"
    return tuple(checks), reason, None


def _closing(text: str) -> int | None:
    """Where the bracket that opens the text is closed: types have brackets of their own."""
    depth = 0
    for at, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if not depth:
            return at
    return None
