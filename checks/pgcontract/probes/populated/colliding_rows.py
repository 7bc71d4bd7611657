"""Rows that meet what a migration newly demands: two that a new key does not keep apart, and such as its statements join
without a foreign key between their tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Index
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.few_rows import migrated_tables
from pgcontract.probes.row_generation.row_maker import RowMaker
from pgcontract.probes.row_generation.selected_values import compared_values
from pgcontract.probes.row_generation.target_tables import FilledColumn, read_tables
from pgcontract.probes.script_words import names_in_code

_MAX_JOINS: Final = 6
_MAX_LAST: Final = 4
_JOINS: Final = {"JOIN", "FROM", "USING", "EXISTS", "IN"}
_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)


def insert_colliding_rows(context: Context, connection: psycopg.Connection, *, first: int) -> None:
    """For each unique index and exclusion that the migration adds to a table of before, a row that has what another has
    in its columns, unless a key of before refuses that; `first` is the number that other values are counted from."""
    own = set(migrated_tables(context, context.before))
    old = {_rule(index) for index in context.before.indexes}
    for index in context.after.indexes:
        if (
            index.table in own
            and (index.unique or (index.constraint or "").startswith("exclude "))
            and _rule(index) not in old
        ):
            _insert_twin(_maker(context, connection, index.table, first), index)


def insert_joined_rows(context: Context, connection: psycopg.Connection, *, first: int) -> None:
    """For each pair of columns by which a statement joins tables of before, three rows that it joins, two alike; and one
    for each of those that were made last, which differ in what conditions ask for."""
    keys = {(index.table, index.keys[0]) for index in context.before.indexes if index.unique and len(index.keys) == 1}
    bound = {
        (part.table, name)
        for part in context.before.constraints
        if part.form == "foreign key"
        for name in re.findall(r"\w+", (part.definition or "").partition("REFERENCES")[0])
    }
    pairs = dict.fromkeys(_joined(context))
    for place, (child, own, parent, there) in enumerate(islice(pairs, _MAX_JOINS)):
        if (parent, there) not in keys or (child, own) in bound:
            continue
        maker = _maker(context, connection, child, first + place * (_MAX_LAST + 4))
        first_values, last_values = (
            [
                text
                for (text,) in _rows(
                    connection,
                    sql.SQL("SELECT {0}::text FROM {1} WHERE {0} IS NOT NULL ORDER BY {2} LIMIT {3}").format(
                        identifier(there), sql.SQL(parent), sql.SQL(order), sql.Literal(limit)
                    ),
                )
            ]
            for order, limit in (("1", 2), ("tableoid, ctid DESC", _MAX_LAST))
        )
        for number, text in enumerate([*first_values[:1], *first_values, *last_values]):
            maker.insert_with({own: text}, maker.first + number)


def _rule(index: Index) -> tuple[object, ...]:
    return index.table, index.keys, index.predicate, index.unique, index.nulls_not_distinct


def _maker(context: Context, connection: psycopg.Connection, name: str, first: int) -> RowMaker:
    tables = read_tables(connection, [name])
    return RowMaker(
        promise=context.promise,
        connection=connection,
        tables=tables,
        table=next(table for table in tables if table.name == name),
        into=name,
        first=first,
        texts=example_texts(context.promise),
        is_empty=False,
    )


def _insert_twin(maker: RowMaker, index: Index) -> None:
    columns = [each for each in maker.table.columns if _is_named(each, (*index.keys, index.predicate or ""))]
    keys = [each for each in columns if _is_named(each, index.keys)]
    row = _row(maker, index, columns, keys)
    if row is None and index.predicate and maker.insert_with(_chosen(index.predicate, columns), maker.first):
        row = _row(maker, index, columns, keys)
    if row is not None:
        maker.insert_with(row, maker.first + 1)


def _is_named(column: FilledColumn, texts: Sequence[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(column.name)}(?!\w)", text) for text in texts)


def _row(
    maker: RowMaker, index: Index, columns: Sequence[FilledColumn], keys: Sequence[FilledColumn]
) -> Mapping[str, str | None] | None:
    """What stands in the columns of a row that the index holds."""
    tests = [sql.SQL("{} IS NOT NULL").format(identifier(each.name)) for each in keys]
    query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT 1").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(each.name)) for each in columns),
        sql.SQL(maker.table.name),
        sql.SQL(" AND ").join([sql.SQL(f"({index.predicate or 'true'})"), *tests]),
    )
    row = next(iter(_rows(maker.connection, query) if columns else ()), None)
    return dict(zip((each.name for each in columns), row, strict=True)) if row else None


def _chosen(predicate: str, columns: Sequence[FilledColumn]) -> Mapping[str, str | None]:
    """Values of which the predicate may be true: what it compares with, true, and NULL where it asks for that."""
    values: dict[str, str | None] = {
        each.name: "true" for each in columns if each.type.typname == "bool" and _is_named(each, [predicate])
    }
    for name, text in compared_values(tokens(f"WHERE {predicate}")):
        if name in {each.name for each in columns}:
            values.setdefault(name, text)
    return values


def _joined(context: Context) -> Iterator[tuple[str, str, str, str]]:
    """Both ways round: table and column, and those that they are joined with."""
    columns: dict[str, list[str]] = {}
    own = set(migrated_tables(context, context.before))
    for column in context.before.columns:
        if column.table in own:
            columns.setdefault(column.bare_name, []).append(column.table)
    for statement in context.promise.script.statements:
        read = tokens(statement.text)
        if not {token.upper for token in read} & _JOINS:
            continue
        for one, other in _equalities(read):
            for name, there in ((one, other), (other, one)):
                for child in columns.get(name, ()):
                    for parent in columns.get(there, ()):
                        if child != parent and all(
                            names_in_code(statement.text, QualifiedName.parse(table).name) for table in (child, parent)
                        ):
                            yield child, name, parent, there


def _equalities(read: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """`a.x = b.y` and `x IN (SELECT y FROM`, by bare names."""
    for place, token in enumerate(read):
        if token.kind not in _NAMES:
            continue
        behind = read[place + 1 : place + 8]
        words = [each.upper for each in behind]
        if words[:1] == ["NOT"]:
            behind, words = behind[1:], words[1:]
        if words[:3] == ["IN", "(", "SELECT"]:
            behind = behind[3:]
        elif words[:1] == ["="]:
            behind = behind[1:]
        else:
            continue
        if len(behind) > 2 and behind[1].text == ".":
            behind = behind[2:]
        if behind and behind[0].kind in _NAMES:
            yield token.name, behind[0].name


def _rows(connection: psycopg.Connection, query: sql.Composed) -> list[tuple[str, ...]]:
    with suppress(psycopg.Error), connection.transaction():
        return connection.execute(query).fetchall()
    return []
