"""What a script's text says it creates, drops and leaves, each object with its line; and what the text does not say.

Two readers: sqlglot, and our own outline of the heads and table bodies of definitions. The outline finds every name
and line; sqlglot confirms the columns of tables, and reads queries. Where sqlglot gives up, which it does on
functions, triggers, policies and more, the outline stands alone; where neither can tell, the statement is unread.
"""

from __future__ import annotations

from dataclasses import dataclass

from pgcontract.model.sql import sqlglot_reading
from pgcontract.model.sql.alter_statements import read_alter, read_comment, read_drop
from pgcontract.model.sql.create_statements import read_create
from pgcontract.model.sql.grant_statements import read_grant
from pgcontract.model.sql.identifiers import dotted, fold
from pgcontract.model.sql.lexer import Kind, Token, tokens
from pgcontract.model.sql.script import Script
from pgcontract.model.sql.text_catalog import Created, Dropped, Ledger, Unread
from pgcontract.model.sql.token_cursor import Cursor, Unreadable

# sqlglot takes some 5 s for a million characters: it confirms the first of a long script, the outline reads it all.
MAX_CONFIRMED_CHARACTERS = 100_000

_ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY"})
_NOTHING = """
    BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE PREPARE DEALLOCATE SHOW ANALYZE ANALYSE VACUUM LOCK
    LISTEN UNLISTEN NOTIFY DISCARD CHECKPOINT REINDEX CLUSTER REFRESH EXPLAIN DECLARE FETCH MOVE CLOSE LOAD
"""
_MAKES_NOTHING = frozenset(_NOTHING.split())
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE", ""})
_UNTOLD = {
    "DO": "a DO block runs code that the text does not spell out as statements",
    "CALL": "a procedure's effects do not stand in the call",
    "EXECUTE": "a prepared statement's effects do not stand here",
    "IMPORT": "the tables come from the foreign server",
    "REASSIGN": "what changes owner depends on what is there",
    "SECURITY": "labels are not followed here",
}


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many statements each reader read: both, our outline alone, or neither."""

    both: int
    outline: int
    unread: int


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """`created` and `dropped` in the order of the text; `left` is what remains of `created` at its end."""

    created: tuple[Created, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    left: tuple[Created, ...] = ()
    unread: tuple[Unread, ...] = ()
    counted: Counted = Counted(both=0, outline=0, unread=0)


def inventory(script: Script) -> Inventory:
    """What the text alone says; a script that was not parsed (see Script) has an empty inventory."""
    ledger = Ledger(script)
    both = outline = 0
    budget = MAX_CONFIRMED_CHARACTERS
    for statement in script.statements:
        ledger.statement = statement
        missed = len(ledger.unread)
        word = statement.words[0] if statement.words else ""
        if word in _ROWS or word in _MAKES_NOTHING:
            outline += 1
            continue
        # Of a query only sqlglot can tell anything; a definition it merely confirms.
        wanted = word in _QUERIES or (word not in _UNTOLD and len(statement.text) <= budget)
        tree = sqlglot_reading.parse(statement.text) if wanted else None
        budget -= len(statement.text) if word not in _QUERIES else 0
        try:
            _read(word, ledger, tree)
        except Unreadable as reason:
            ledger.miss(str(reason))
        if len(ledger.unread) > missed:
            continue
        both += tree is not None
        outline += tree is None
    return Inventory(
        created=tuple(ledger.created),
        dropped=tuple(ledger.dropped),
        left=tuple(ledger.left.values()),
        unread=tuple(ledger.unread),
        counted=Counted(both=both, outline=outline, unread=len(script.statements) - both - outline),
    )


def _read(word: str, ledger: Ledger, tree: sqlglot_reading.Tree | None) -> None:
    text = ledger.statement.text
    if word in _UNTOLD:
        ledger.miss(_UNTOLD[word])
        return
    if word in _QUERIES:
        _query(ledger, tree)
        return
    at = Cursor(tokens(text))
    at.next()
    match word:
        case "CREATE":
            before = len(ledger.created)
            read_create(at, ledger, text)
            _confirm(ledger, tree, ledger.created[before:])
        case "ALTER":
            read_alter(at, ledger)
        case "DROP":
            read_drop(at, ledger)
        case "COMMENT":
            read_comment(at, ledger)
        case "GRANT":
            read_grant(at, ledger)
        case "REVOKE":
            read_grant(at, ledger, revoke=True)
        case "SET":
            _set(at, ledger)
        case "RESET":
            if at.takes_any("SEARCH_PATH", "ALL"):
                ledger.set_search_path()
        case _:
            ledger.miss(f"{word} opens no statement that this reader knows")


def _confirm(ledger: Ledger, tree: sqlglot_reading.Tree | None, made: list[Created]) -> None:
    """Tells where sqlglot sees other columns in a table's definition than the outline does."""
    expected = sqlglot_reading.defined_columns(tree) if tree is not None and made else None
    if expected and (missing := expected - {each.path[-1] for each in made if each.kind == "column"}):
        ledger.miss(f"two readers disagree: only sqlglot sees the columns {', '.join(sorted(missing))}")


def _query(ledger: Ledger, tree: sqlglot_reading.Tree | None) -> None:
    if tree is None:
        ledger.miss("no reader could take this query apart")
        return
    if made := sqlglot_reading.into(tree):
        table = ledger.new(made)
        ledger.create("table", table, form="table")
        names = sqlglot_reading.output_columns(tree, ledger)
        for name in names or ():
            ledger.create("column", (*table, name), table=table)
        if names is None:
            ledger.miss(f"the columns of {dotted(*table)} are those of a query")
    if path := sqlglot_reading.set_search_path(tree):
        ledger.set_search_path(path)
    if calls := sqlglot_reading.unknown_calls(tree):
        ledger.miss(f"calls {', '.join(calls)}, and what that does the text does not tell")


def _set(at: Cursor, ledger: Ledger) -> None:
    """Follows SET search_path; every other setting makes no object."""
    at.takes_any("SESSION", "LOCAL")
    if at.takes("SCHEMA") or (at.takes("SEARCH_PATH") and (at.takes("TO") or at.takes("="))):
        names = [_setting(token) for token in at.tokens[at.at :] if token.text != ","]
        ledger.set_search_path(names if at.peek() != "DEFAULT" else ("public",))


def _setting(token: Token) -> str:
    return token.text[1:-1].replace("''", "'") if token.kind is Kind.STRING else fold(token)
