"""Columns that hold whose a row is: by key, by policy, by default, by name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Schema
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.row_generation.target_tables import FilledTable

AUTH_USERS: Final = "auth.users"
_NAME: Final = r'(?:"[^"]+"|[\w$]+)'
_COLUMN: Final = rf"(?P<column>{_NAME}(?:\.{_NAME})?)"
_CAST: Final = r"\)?(?:::[a-z ]+)?\)?"
_UID: Final = r"auth\.uid\(\)"
_ONCE: Final = lazy_pattern(r"\(\s*SELECT\s+(auth\.\w+\(\))(?:\s+AS\s+\w+)?\s*\)", re.IGNORECASE)
_SUB: Final = lazy_pattern(r"\(?auth\.jwt\(\)\s*->>\s*'sub'(?:::text)?\)?", re.IGNORECASE)
_COMPARED: Final = (
    lazy_pattern(rf"{_COLUMN}{_CAST}\s*=\s*\(?{_UID}", re.IGNORECASE),
    lazy_pattern(rf"{_UID}{_CAST}\s*=\s*\(?{_COLUMN}", re.IGNORECASE),
)
_LISTED: Final = lazy_pattern(
    rf"{_UID}{_CAST}\s*=\s*ANY\s*\(ARRAY\[(?P<columns>[^\]]+)\]|{_UID}\s+IN\s*\((?P<in>[^)]+)\)"
)
FROM: Final = lazy_pattern(
    rf"\b(?:FROM|JOIN)\s+\(*(?P<table>{_NAME}(?:\.{_NAME})?)(?:\s+(?:AS\s+)?(?!WHERE\b|JOIN\b|ON\b|LIMIT\b)(?P<alias>{_NAME}))?",
    re.IGNORECASE,
)
_OF_A_USER: Final = lazy_pattern(
    r"(user_?id|owner(_?id)?|author_?id|creator_?id|created_by|profile_?id|sender_?id|customer_?id|uid|user_uuid|auth_id)",
    re.IGNORECASE,
)
_ID_TYPES: Final = ("uuid", "text", "varchar")


def find_ties(schema: Schema, tables: Sequence[FilledTable]) -> Mapping[str, frozenset[str]]:
    """The columns by table that hold the id of a user."""
    ties: dict[str, set[str]] = {}
    for name, compared in (*_by_policy(schema), *_by_default(schema)):
        ties.setdefault(name, set()).add(compared)
    while _follow_keys(ties, tables):
        pass
    for table in tables:
        referring = {name for key in table.references for name in key.columns}
        for column in table.columns:
            free = column.name not in referring and column.type.typname in _ID_TYPES
            if free and _OF_A_USER.fullmatch(column.name):
                ties.setdefault(table.name, set()).add(column.name)
    known = {table.name: {column.name for column in table.columns} for table in tables}
    held = {name: frozenset(columns & known.get(name, set())) for name, columns in ties.items()}
    return {name: columns for name, columns in held.items() if columns and name != AUTH_USERS}


def asked_once(text: str) -> str:
    """The expression with auth's functions as they are called by themselves."""
    return _SUB.sub("auth.uid()", _ONCE.sub(r"\1", text))


def _by_default(schema: Schema) -> Iterator[tuple[str, str]]:
    for column in schema.columns:
        if "auth.uid()" in (column.default or ""):
            yield column.table, column.bare_name


def _by_policy(schema: Schema) -> Iterator[tuple[str, str]]:
    for policy in schema.policies:
        for text in (policy.using, policy.check):
            yield from _compared(asked_once(text or ""), policy.table)
    for function in schema.functions:
        if function.body and "auth.uid" in function.body:
            tables = [match["table"] for match in FROM.finditer(function.body)]
            yield from _compared(asked_once(function.body), tables[0] if len(set(tables)) == 1 else "")


def _compared(text: str, table: str) -> Iterator[tuple[str, str]]:
    """What is compared with auth.uid() in it; a name without a table is of `table`."""
    aliases = {}
    for match in FROM.finditer(text):
        of = str(_in_public(match["table"]))
        aliases[QualifiedName.parse(of).name] = aliases[match["alias"] or ""] = of
    written = [match["column"] for pattern in _COMPARED for match in pattern.finditer(text)]
    for match in _LISTED.finditer(text):
        written += [part.strip() for part in (match["columns"] or match["in"]).split(",")]
    for text in written:
        if not re.fullmatch(rf"{_NAME}(?:\.{_NAME})?", text):
            continue
        name = QualifiedName.parse(text)
        holder = table
        if name.schema and (not table or name.schema != _in_public(table).name):
            holder = aliases.get(name.schema, table)
        if holder:
            yield str(_in_public(holder)), name.name


def _in_public(name: str) -> QualifiedName:
    read = QualifiedName.parse(name)
    return read if read.schema else QualifiedName.of("public", read.name)


def _follow_keys(ties: dict[str, set[str]], tables: Sequence[FilledTable]) -> bool:
    """Whether a key led to more: what refers to a user's id holds it, too."""
    found = False
    for table in tables:
        for key in table.references:
            for own, there in zip(key.columns, key.parent_columns, strict=True):
                is_users = (key.parent == AUTH_USERS and there == "id") or there in ties.get(key.parent, ())
                if is_users and own not in ties.setdefault(table.name, set()):
                    ties[table.name].add(own)
                    found = True
    return found
