"""SQL that a contract declares with parameters: `%(name)s` is one, `%%` a percent sign, and no other % may stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from pgcontract.contract.validation_errors import nearest

_PERCENT: Final = re.compile(r"%(?:\((?P<name>[^()\s]+)\)s|(?P<percent>%)|(?P<other>.?))", re.DOTALL)
_COMMENTS: Final = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|\(", re.DOTALL)
_QUERY_WORDS: Final = ("select", "with", "values", "table")
_TRANSACTION_WORDS: Final = ("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare")


def parameters_of(sql: str) -> tuple[str, ...]:
    """The names of its parameters, each once, in order."""
    return tuple(dict.fromkeys(match["name"] for match in _PERCENT.finditer(sql) if match["name"]))


def statement_issues(sql: str, known: Collection[str]) -> Iterator[str]:
    """A statement that ends a transaction, a stray percent sign, and every parameter that has no value."""
    if (word := _first_word(sql)).lower() in _TRANSACTION_WORDS:
        yield f"{word} is about the transaction, which is ours to begin and to end; take it out"
    for match in _PERCENT.finditer(sql):
        if match["other"] is not None:
            near = sql[match.start() :][:20].splitlines()[0]
            yield f"`{near}` begins no parameter; write %(name)s for a parameter and %% for a percent sign"
    for name in parameters_of(sql):
        if name not in known:
            yield f"the parameter %({name})s has no value here; {nearest(name, known)}"


def query_issues(
    sql: str, *, parameters: bool = False, write: str = "write a SELECT that gives the rows that must not be there"
) -> Iterator[str]:
    """SQL that is no query, with what to `write` instead; and parameters where none are allowed."""
    word = _first_word(sql)
    if word.lower() not in _QUERY_WORDS:
        begins = f"it begins with {word}" if word else "it is empty"
        yield f"this is no query, {begins}; {write}"
    if not parameters and (names := parameters_of(sql)):
        yield f"a query over all that was played has no %({names[0]})s; compare with a column of pgcontract_log"


def _first_word(sql: str) -> str:
    at = 0
    while match := _COMMENTS.match(sql, at):
        at = match.end()
    word = re.match(r"\w*", sql[at:])
    return word[0] if word else ""
