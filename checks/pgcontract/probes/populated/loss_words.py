"""What a statement says itself of the rows that are gone with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.row_generation.selected_values import cuts_off
from pgcontract.probes.script_words import dollar_quoted, names_in_code

_TAKES_AWAY: Final = {"DELETE", "TRUNCATE", "DROP"}
_CLOCK: Final = {"NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CLOCK_TIMESTAMP", "LOCALTIMESTAMP", "STATEMENT_TIMESTAMP"}
_NO_COLUMNS: Final = {*_CLOCK, "NULL", "TRUE", "FALSE", "DEFAULT", "ARRAY", "INTERVAL"}
_DETACHES: Final = re.compile(
    r'\bDETACH\s+PARTITION\s+(?P<name>(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?)', re.IGNORECASE
)
_DELETES: Final = re.compile(
    r'\bDELETE\s+FROM\s+(?:ONLY\s+)?(?P<name>(?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))?)', re.IGNORECASE
)
_MAY_DELETE: Final = (("DELETE",), ("WITH",))
_NOT_IN: Final = re.compile(r"\bNOT IN \( SELECT\b")
_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)


def drops(statement: Statement | None, table: str) -> bool:
    """Whether it drops this table, and says so."""
    return deletes(statement, table)


def drops_by_name(statement: Statement, name: str) -> bool:
    """Whether it is a DROP or TRUNCATE in which that name stands."""
    return statement.words[:1] in (("DROP",), ("TRUNCATE",)) and names_in_code(statement.text, name)


def drops_column(statement: Statement | None, column: str) -> bool:
    """Whether it drops a column by this name."""
    return statement is not None and "DROP" in _words(statement) and names_in_code(statement.text, column)


def deletes(statement: Statement | None, table: str) -> bool:
    """Whether it takes rows away from this table by its name, or a partition's: DROP and TRUNCATE reach no other without
    CASCADE, and what a DELETE only reads it does not take from."""
    if statement is None or not takes_away(statement):
        return False
    if statement.words[:1] in _MAY_DELETE and (named := [match["name"] for match in _DELETES.finditer(statement.text)]):
        return _bare(table) in map(_bare, named)
    words = _words(statement)
    return names_in_code(statement.text, _bare(table)) or not words & {"CASCADE", "DELETE"}


def detached(statement: Statement | None) -> str:
    """The bare name of the partition that it detaches; empty where it does no such thing."""
    match = _DETACHES.search(statement.text) if statement is not None else None
    return QualifiedName.parse(match["name"]).name if match else ""


def takes_away(statement: Statement) -> bool:
    """Whether it takes rows away from some table."""
    return bool(_words(statement) & _TAKES_AWAY)


def sets_to_clock(statement: Statement, column: str) -> bool:
    """Whether it sets the column to the time at which it runs."""
    return any(token.upper in _CLOCK for token in assigned_value(statement, column) or ())


def is_constant_over_all(statement: Statement, column: str) -> bool:
    """Whether it sets the column to what no column has a part in, in all rows: it chooses none. So does an UPDATE …
    FROM without a WHERE: each row takes what one row of the other table has."""
    joins = (column in _joined_values(read) for read in _codes(statement))
    return not chooses_rows(statement) and (_is_constant(statement, column) or any(joins))


def _joined_values(read: Sequence[Token]) -> set[str]:
    """The columns that an UPDATE … FROM sets."""
    depth, names, behind_set = 0, set[str](), False
    for place, token in enumerate(read[:-1]):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.upper == "FROM" and behind_set:
            return names
        behind_set = (behind_set or token.upper == "SET") and token.text != ";"
        if behind_set and depth == 0 and read[place + 1].text == "=" and token.kind in _NAMES:
            names.add(token.name)
    return set()


def takes_from_others(statement: Statement, column: str) -> bool:
    """Whether an UPDATE sets it to another column of the row, or with a FROM to one of another table, whatever it has:
    not to what is counted there."""
    value = assigned_value(statement, column) or []
    if len(value) == 1:
        return value[0].kind in _NAMES and value[0].upper not in _NO_COLUMNS and value[0].name != column
    target = {token.name for read in _codes(statement) for token in _target(read)}
    is_other = [token.text for token in value[1:2]] == ["."] and len(value) == 3 and value[0].name not in target
    plain = not any(
        one.upper == "FROM" and other.text == "(" for read in _codes(statement) for one, other in pairwise(read)
    )
    joined = any(column in _joined_values(read) for read in _codes(statement))
    return is_other and joined and plain and statement.words[:1] != ("WITH",)


def renames(statement: Statement, name: str) -> bool:
    """Whether it renames something, and this name stands in it."""
    return "RENAME" in _words(statement) and names_in_code(statement.text, name)


def _target(read: Sequence[Token]) -> Sequence[Token]:
    """What stands between the first UPDATE and its SET: the table's name, and its alias."""
    words = [token.upper for token in read]
    start = words.index("UPDATE") if "UPDATE" in words else len(read)
    return read[start : words.index("SET", start) if "SET" in words[start:] else start]


def falls_through(value: Sequence[Token]) -> bool:
    """Whether it is a CASE that lists values, as in CASE state WHEN 'n' THEN …, and has no ELSE: NULL for all others."""
    words = [token.upper for token in value]
    lists = any(word == "CASE" and words[place + 1 : place + 2] != ["WHEN"] for place, word in enumerate(words))
    return lists and words.count("CASE") > words.count("ELSE")


def deleted_from(statement: Statement) -> str:
    """The name, as written, of the table whose rows a DELETE takes away; empty where it is none."""
    match = _DELETES.search(statement.text) if statement.words[:1] in _MAY_DELETE else None
    return match["name"] if match else ""


def excludes_by_list(statement: Statement) -> bool:
    """Whether it chooses rows by NOT IN over a SELECT, which is true of none where that has a NULL."""
    return _NOT_IN.search(" ".join(token.upper for token in tokens(statement.text))) is not None


def chooses_rows(statement: Statement) -> bool:
    """Whether it has a WHERE."""
    return any(token.upper == "WHERE" for read in _codes(statement) for token in read)


def fills_by_and_by(statement: Statement, column: str, overwritten: Iterable[str | None]) -> bool:
    """Whether it brings the column into another form, so many rows at a time: by a LIMIT on those that it chooses, or in
    a loop. One value over several that it does not name itself is no other form of them, nor is what it cuts off."""
    words = {token.upper for read in _codes(statement) for token in read}
    if not words & {"LIMIT", "LOOP"} or not chooses_rows(statement) or cuts_off(assigned_value(statement, column) or ()):
        return False
    named = {_value(token) for read in _codes(statement) for token in read}
    return not _is_constant(statement, column) or set(overwritten) <= named


def chooses_by_value(statement: Statement, column: str, overwritten: Iterable[str | None]) -> bool:
    """Whether it chooses its rows by what they have in the column, each by name: WHERE status IN ('neu', 'nuevo')."""
    behind = [read[place:] for read in _codes(statement) for place, token in enumerate(read) if token.upper == "WHERE"]
    named = {_value(token) for read in behind for token in read}
    asks = any(token.kind in _NAMES and token.name == column for read in behind for token in read)
    return asks and set(overwritten) <= named


def _value(token: Token) -> str:
    """A constant without its quotes."""
    text = token.text
    return text[1:-1].replace("''", "'") if text[:1] == "'" == text[-1:] else text


def _is_constant(statement: Statement, column: str) -> bool:
    value = assigned_value(statement, column)
    return value is not None and all(token.upper in _NO_COLUMNS for token in value if token.kind in _NAMES)


def _codes(statement: Statement) -> Sequence[Sequence[Token]]:
    """The statement's tokens, and those of what it quotes by dollars."""
    found: list[Sequence[Token]] = []
    waiting = [statement.text]
    while waiting:
        found.append(tokens(waiting.pop()))
        waiting += [body for token in found[-1] if (body := dollar_quoted(token.text)) is not None]
    return found


def assigned_value(statement: Statement, column: str) -> list[Token] | None:
    """What stands behind `column =` in its SET; None where there is none."""
    values = (_value_in(read, column) for read in _codes(statement))
    return next((value for value in values if value is not None), None)


def _value_in(read: Sequence[Token], column: str) -> list[Token] | None:
    setting = next((place for place, token in enumerate(read) if token.upper == "SET"), len(read))
    start = next(
        (
            place
            for place in range(setting + 1, len(read) - 1)
            if read[place].kind in _NAMES and read[place].name == column and read[place + 1].text == "="
        ),
        None,
    )
    if start is None:
        return None
    value: list[Token] = []
    depth = 0
    for token in read[start + 2 :]:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0 or (depth == 0 and (token.text in (",", ";") or token.upper in ("FROM", "WHERE", "RETURNING"))):
            break
        value.append(token)
    return value


def _words(statement: Statement) -> set[str]:
    return {word.upper() for word in re.findall(r"\w+", statement.text)}


def _bare(name: str) -> str:
    return QualifiedName.parse(name).name
