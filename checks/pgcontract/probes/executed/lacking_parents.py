"""Rows that a foreign key of a deploy refers to and that no migration, and no body, puts into their table."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.foreign_key import read_foreign_key
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.script_execution import Refusal
from pgcontract.postgres.tries import refusal_of
from pgcontract.probes.context import Context
from pgcontract.probes.populated.deployed import statements_of_deploy
from pgcontract.probes.script_words import names_in_code

_FILLS: Final = lazy_pattern(
    r"(?:INSERT|WITH|MERGE|DO|CREATE\s+(?:UNLOGGED\s+)?TABLE)\b(?=.*\bSELECT\b)", re.IGNORECASE | re.DOTALL
)
_WRITES: Final = r"\b(?:insert\s+into|merge\s+into|update)\s+(?:only\s+)?[\w.\"]*\b{}\b"


def lacking_parent(context: Context, there: Collection[str], table: str, refusal: Refusal) -> str | None:
    """The table that is referred to, where it is known here what is in it: it is filled by migrations alone, and not
    from the rows that refer to it. `there` are the tables from before the deploy; of one of them that no migration
    fills, nobody here knows which rows it has."""
    rules = [rule for rule in context.after.constraints if rule.table == table and rule.form == "foreign key"]
    keys = [read_foreign_key(rule.definition) for rule in rules if rule.bare_name == refusal.constraint]
    parent = next((key.parent for key in keys if key is not None), None)
    if parent is None:
        return None
    name, child = QualifiedName.parse(parent).name, QualifiedName.parse(table).name
    for statement in statements_of_deploy(context):
        if _FILLS.match(statement.text) and all(names_in_code(statement.text, each) for each in (name, child)):
            return None
    if parent not in there:
        return parent
    writes = re.compile(_WRITES.format(re.escape(name)), re.IGNORECASE)
    if any(writes.search(function.body or "") for function in context.migrated.functions):
        return None
    with context.sandbox.rolled_back(context.after_state) as connection:
        query = sql.SQL("SELECT FROM {} LIMIT 1").format(identifier(QualifiedName.parse(parent)))
        is_filled = connection.execute(query).fetchone() is not None
    return parent if is_filled else None


def is_made_good(context: Context, connection: psycopg.Connection, refusal: Refusal, statement: str) -> bool:
    """Whether the call goes through where a constraint that is initially deferred is asked at its end."""
    rules = [rule for rule in context.after.constraints if rule.bare_name == refusal.constraint]
    late = [rule for rule in rules if rule.initially_deferred]
    names = [QualifiedName.of(QualifiedName.parse(rule.table).schema, rule.bare_name) for rule in late]
    return any(
        refusal_of(connection, f"SET CONSTRAINTS {name} DEFERRED; {statement}; SET CONSTRAINTS ALL IMMEDIATE") is None
        for name in names
        if QualifiedName.parse(refusal.table_name or "").schema in ("", name.schema)
    )
