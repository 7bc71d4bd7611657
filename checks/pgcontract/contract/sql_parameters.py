"""SQL that a contract declares with parameters: `%(name)s` is one, `%%` a percent sign, and no other % may stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from pgcontract.contract.validation_errors import nearest
from pgcontract.model.sql import split_statements
from pgcontract.patterns import lazy_pattern

_PERCENT: Final = lazy_pattern(r"%(?:\((?P<name>[^()\s]+)\)s|(?P<percent>%)|(?P<other>.?))", re.DOTALL)
_COMMENTS: Final = lazy_pattern(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|\(", re.DOTALL)
_QUERY_WORDS: Final = ("select", "with", "values", "table")
_TRANSACTION_WORDS: Final = ("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare")


def parameters_of(sql: str) -> tuple[str, ...]:
    """The names of its parameters, each once, in order."""
    return tuple(dict.fromkeys(match["name"] for match in _PERCENT.finditer(sql) if match["name"]))


def statements_of(sql: str) -> tuple[str, ...]:
    """Its statements in order, without semicolons; a text of one statement as it is written."""
    statements = tuple(statement.text for statement in split_statements(sql, refuse_psql=False))
    return statements if len(statements) > 1 else (sql,)


def transaction_issues(sql: str) -> Iterator[str]:
    """A statement that begins or ends a transaction."""
    for statement in statements_of(sql):
        if (word := _first_word(statement)).lower() in _TRANSACTION_WORDS:
            yield f"{word} is about the transaction, which is ours to begin and to end; take it out"


def statement_issues(sql: str, known: Collection[str]) -> Iterator[str]:
    """A statement that ends a transaction, a stray percent sign, and every parameter that has no value."""
    yield from transaction_issues(sql)
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


def without_comments(sql: str) -> str:
    """The SQL without the comments, blanks and brackets that it begins with."""
    at = 0
    while match := _COMMENTS.match(sql, at):
        at = match.end()
    return sql[at:]


def _first_word(sql: str) -> str:
    word = re.match(r"\w*", without_comments(sql))
    return word[0] if word else ""
