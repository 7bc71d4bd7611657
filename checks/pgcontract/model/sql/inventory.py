"""What a script's text says it creates and leaves, each object with its line; and what the text does not say.

Our own outline reads the heads and table bodies of definitions, with every name and line: sqlglot gives up on functions,
triggers, policies and more, and keeps no lines. sqlglot confirms the columns of tables, and alone reads queries.
"""

from __future__ import annotations

from pgcontract.model.sql import sqlglot_reading
from pgcontract.model.sql.alter_statements import read_alter, read_drop
from pgcontract.model.sql.create_statements import read_create
from pgcontract.model.sql.grant_statements import read_grant
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.model.sql.script import Script
from pgcontract.model.sql.text_catalog import Created, TextCatalog, Unread
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.values import dataclass

# sqlglot takes some 5 s for a million characters: it confirms the first of a long script, the outline reads it all.
MAX_CONFIRMED_CHARACTERS = 100_000

# A comment is no object of its own; its check reads it from the catalog.
_OBJECTLESS_WORDS = """
    INSERT UPDATE DELETE MERGE TRUNCATE COPY COMMENT BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE
    PREPARE DEALLOCATE SHOW ANALYZE ANALYSE VACUUM LOCK LISTEN UNLISTEN NOTIFY DISCARD CHECKPOINT REINDEX
    CLUSTER REFRESH EXPLAIN DECLARE FETCH MOVE CLOSE LOAD
"""
_OBJECTLESS_STATEMENTS = frozenset(_OBJECTLESS_WORDS.split())
_QUERIES = frozenset({"SELECT", "WITH", "VALUES", "TABLE", ""})
_OPAQUE_STATEMENTS = {
    "DO": "a DO block runs code that the text does not spell out as statements",
    "CALL": "a procedure's effects do not stand in the call",
    "EXECUTE": "a prepared statement's effects do not stand here",
    "IMPORT": "the tables come from the foreign server",
    "REASSIGN": "what changes owner depends on what is there",
    "SECURITY": "labels are not followed here",
}


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """`created` in the order of the text; `remaining` is what remains of it at its end."""

    created: tuple[Created, ...] = ()
    remaining: tuple[Created, ...] = ()
    unread: tuple[Unread, ...] = ()


def inventory(script: Script) -> Inventory:
    """What the text alone says; a script that was not parsed (see Script) has an empty inventory."""
    catalog = TextCatalog(script)
    for statement in script.statements if script.parsed else ():
        catalog.statement = statement
        word = statement.words[0] if statement.words else ""
        if word in _OBJECTLESS_STATEMENTS:
            continue
        try:
            _read_statement(word, catalog)
        except Unreadable as reason:
            catalog.mark_unread(str(reason))
    return Inventory(
        created=tuple(catalog.created),
        remaining=tuple(catalog.remaining.values()),
        unread=tuple(catalog.unread),
    )


def _read_statement(word: str, catalog: TextCatalog) -> None:
    text = catalog.statement.text
    if word in _OPAQUE_STATEMENTS:
        catalog.mark_unread(_OPAQUE_STATEMENTS[word])
        return
    if word in _QUERIES:
        _read_query(catalog, sqlglot_reading.parse(text))
        return
    cursor = Cursor(tokens(text))
    cursor.next()
    match word:
        case "CREATE":
            before = len(catalog.created)
            read_create(cursor, catalog, text)
            _compare_with_sqlglot(catalog, catalog.created[before:])
        case "ALTER":
            read_alter(cursor, catalog)
        case "DROP":
            read_drop(cursor, catalog)
        case "GRANT":
            read_grant(cursor, catalog)
        case "REVOKE":
            read_grant(cursor, catalog, revoke=True)
        case "SET":
            _read_set(cursor, catalog)
        case "RESET":
            if cursor.consume_any("SEARCH_PATH", "ALL"):
                catalog.set_search_path()
        case _:
            catalog.mark_unread(f"{word} opens no statement that this reader knows")


def _compare_with_sqlglot(catalog: TextCatalog, created: list[Created]) -> None:
    """Marks a table unread where sqlglot sees columns that the outline does not."""
    offset, text = catalog.statement.offset, catalog.statement.text
    if not created or created[0].kind != "table" or offset + len(text) > MAX_CONFIRMED_CHARACTERS:
        return
    tree = sqlglot_reading.parse(text)
    expected = sqlglot_reading.defined_columns(tree) if tree is not None else None
    if expected and (missing := expected - {part.path.name for part in created if part.kind == "column"}):
        catalog.mark_unread(f"two readers disagree: only sqlglot sees the columns {', '.join(sorted(missing))}")


def _read_query(catalog: TextCatalog, tree: sqlglot_reading.Tree | None) -> None:
    if tree is None:
        catalog.mark_unread("no reader could take this query apart")
        return
    if target := sqlglot_reading.select_into_target(tree):
        table = catalog.new_path(target)
        catalog.create("table", table)
        names = sqlglot_reading.output_columns(tree, catalog)
        for name in names or ():
            catalog.create("column", table.member(name), table=table)
        if names is None:
            catalog.mark_unread(f"the columns of {table} are those of a query")
    if path := sqlglot_reading.set_search_path(tree):
        catalog.set_search_path(path)
    if calls := sqlglot_reading.unknown_calls(tree):
        catalog.mark_unread(f"calls {', '.join(calls)}, and what that does the text does not tell")


def _read_set(cursor: Cursor, catalog: TextCatalog) -> None:
    """Follows SET search_path; every other setting makes no object."""
    cursor.consume_any("SESSION", "LOCAL")
    if cursor.consume("SCHEMA") or (cursor.consume("SEARCH_PATH") and (cursor.consume("TO") or cursor.consume("="))):
        names = [_setting(token) for token in cursor.tokens[cursor.position :] if token.text != ","]
        catalog.set_search_path(names if cursor.peek() != "DEFAULT" else ("public",))


def _setting(token: Token) -> str:
    return token.text[1:-1].replace("''", "'") if token.kind is TokenKind.STRING else token.name
