"""The `--` comments of a script, each with the statement that it is about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pgcontract.model.sql.lexer import line_comments
from pgcontract.model.sql.passages import Place
from pgcontract.model.sql.script import Script, place
from pgcontract.model.sql.statement import Statement
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class ScriptComment:
    """`text` with its dashes. `statement` is the one that it stands in, the one that ends on its line, else the one that
    follows; None behind the last. `opens_script`: no statement stands before it."""

    text: str
    place: Place
    statement: Statement | None
    opens_script: bool


def script_comments(script: Script) -> Iterator[ScriptComment]:
    """In their order; none in quotes, bodies and block comments, nor in rows between statements."""
    statements: tuple[Statement | None, ...] = (None, *script.statements, None)
    for before, following in pairwise(statements):
        start = before.offset + len(before.text) if before else 0
        if before:
            for at, end in line_comments(script.text, before.offset, start):
                yield _comment(script, at, end, before, opens_script=False)
        until = following.offset if following else len(script.text)
        if before and before.copy_rows is not None:
            start = until  # rows are no SQL
        for at, end in line_comments(script.text, start, until):
            trails = before is not None and "\n" not in script.text[start:at]
            yield _comment(script, at, end, before if trails else following, opens_script=before is None)


def _comment(script: Script, at: int, end: int, statement: Statement | None, *, opens_script: bool) -> ScriptComment:
    return ScriptComment(
        text=script.text[at:end], place=place(script, at), statement=statement, opens_script=opens_script
    )
