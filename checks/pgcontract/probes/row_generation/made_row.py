"""A row for a rule to write: the contract's sample, filled up, with the rows that it refers to made first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.row_maker import RowMaker, insert_literals, is_numbered
from pgcontract.probes.row_generation.simple_values import any_value, needed_columns, simplest_values
from pgcontract.probes.row_generation.target_tables import read_tables
from pgcontract.probes.sample_rows import as_text
from pgcontract.values import dataclass

_REFERENCES: Final = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, p.relname),
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k(number, place)
              JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (c.conrelid, k.number) ORDER BY k.place),
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k(number, place)
              JOIN pg_catalog.pg_attribute AS a ON (a.attrelid, a.attnum) = (c.confrelid, k.number) ORDER BY k.place)
  FROM pg_catalog.pg_constraint AS c
  JOIN pg_catalog.pg_class AS p ON p.oid = c.confrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.relnamespace
 WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY (%s::pg_catalog.regclass[])
   AND coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::bool, true)
 ORDER BY c.conrelid, c.conname
"""
_PLANNED_NUMBER: Final = 1


class NoRowAccepted(CouldNotAsk):
    """No row that was tried goes into a table; `is_closed`: rules of its own refuse rows (RAISE, a missing privilege),
    not one for its values."""

    def __init__(self, refusals: Sequence[Refusal], message: str) -> None:
        super().__init__(message)
        self.is_closed = not any(
            refusal.sqlstate[:2] in ("22", "23") and not (refusal.sqlstate == "23514" and refusal.constraint is None)
            for refusal in refusals
        )


@dataclass(frozen=True, kw_only=True)
class MadeRow:
    """`values` by bare column name, as they are sent; `parents` are the INSERTs of the rows that they refer to, in an
    order that can be repeated."""

    values: Mapping[str, Any]
    parents: tuple[sql.Composed, ...] = ()

    def insert_parents(self, connection: psycopg.Connection) -> None:
        """Insert the rows that it refers to; what is there already stays."""
        for statement in self.parents:
            _keep(connection, statement)


@cached_fact
def made_row(context: Context, table: str) -> MadeRow:
    """The first row that the table takes in the state of the context; NoRowAccepted where it takes none."""
    refusals: list[Refusal] = []
    with context.sandbox.rolled_back(context.after_state) as connection:
        for made in row_candidates(context, connection, table):
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(insert_literals(table, made.values))
            except psycopg.Error as error:
                refusals.append(read_refusal(error))
            else:
                return made
    raise no_row_accepted(refusals, table)


def no_row_accepted(refusals: Sequence[Refusal], table: str) -> NoRowAccepted:
    """The error where none of the candidates went in, with the server's words for the first of them."""
    return NoRowAccepted(
        refusals,
        f"no test row can be inserted into {table}: {refusals[0]}; declare one that is accepted as the table's `sample`",
    )


def row_candidates(
    context: Context, connection: psycopg.Connection, table: str, *, holder: str | None = None
) -> Iterator[MadeRow]:
    """Rows that the table may take, the simplest first: the promise's sample row, the head's, the simplest one, each
    filled up with what it leaves out; then the same with the rows that they refer to, which are inserted and stay, and
    at last with values derived from all that the table demands. `holder` is the partition that they are to go to.
    """
    schema = context.after
    samples = _samples(context, table)
    simple = simplest_values(schema, needed_columns(schema, table))
    plain = [*samples, *({**simple, **sample} for sample in samples), simple]
    yield from (MadeRow(values=values) for values in _distinct(plain))
    parents = _Parents(context, connection)
    keyed = [{**simple, **parents.keys(table, sample, holder=holder), **sample} for sample in (*samples, {})]
    made = tuple(parents.inserted)
    if made or any(values not in plain for values in keyed):
        yield from (MadeRow(values=values, parents=made) for values in _distinct([*samples, *keyed]))
    for needed_alone in (True, False):
        derived = _derived(context, connection, table, needed_alone=needed_alone)
        if derived is not None:
            for values in _distinct([{**derived, **sample} for sample in (*samples, {})]):
                yield MadeRow(values=values, parents=made)


def _samples(context: Context, table: str) -> list[Mapping[str, Any]]:
    head = context.promise.project.head.key
    shapes = (context.promise.samples, context.promise.project.shape(head).samples)
    return _distinct([samples[table] for samples in shapes if table in samples])


def _distinct(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    distinct: list[Mapping[str, Any]] = []
    for row in rows:
        if row not in distinct:
            distinct.append(row)
    return distinct


class _Parents:
    """The rows that a row refers to: those that are there, else inserted. `inserted` are the INSERTs, in order."""

    def __init__(self, context: Context, connection: psycopg.Connection) -> None:
        self.context = context
        self.connection = connection
        self.inserted: list[sql.Composed] = []
        self._waiting: list[str] = []

    def keys(self, table: str, given: Mapping[str, Any], *, holder: str | None = None) -> Mapping[str, Any]:
        """The columns of the table's foreign keys with keys that are there; `given` are values that the row has."""
        keys: dict[str, Any] = {}
        self._waiting.append(table)
        required = {column.bare_name for column in self.context.after.columns_of(table) if not column.null}
        names = [table, *([holder] if holder and holder != table else [])]
        for parent, columns, parent_columns in self.connection.execute(_REFERENCES, [names]).fetchall():
            known = {**keys, **given}
            wanted = {there: known[own] for own, there in zip(columns, parent_columns, strict=True) if own in known}
            if not (set(columns) & required or any(value is not None for value in wanted.values())):
                continue
            if parent == table:  # of itself: its own key
                types = {column.bare_name: column for column in self.context.after.columns_of(table)}
                for one, other in zip(columns, parent_columns, strict=True):
                    keys[one] = keys[other] = known.get(other, any_value(self.context.after, types[other]))
                continue
            if parent in self._waiting:
                continue
            found = self._find(parent, parent_columns, wanted) or self._insert(parent, parent_columns, wanted)
            keys |= dict(zip(columns, found or (), strict=False))
        self._waiting.pop()
        return keys

    def _find(self, parent: str, columns: Sequence[str], wanted: Mapping[str, Any]) -> tuple[Any, ...] | None:
        tests = [
            sql.SQL("{}::text = {}").format(identifier(name), sql.Literal(str(as_text(wanted[name])))) for name in wanted
        ]
        query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT 1").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(identifier(name)) for name in columns),
            sql.SQL(parent),
            sql.SQL(" AND ").join(tests) if tests else sql.SQL("true"),
        )
        try:
            with self.connection.transaction():
                return self.connection.execute(query).fetchone()
        except psycopg.Error:
            return None

    def _insert(self, parent: str, columns: Sequence[str], wanted: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """A row of the parent with the wanted key, else with a simple one, so that its INSERT can be repeated."""
        schema = self.context.after
        own = {column.bare_name: column for column in schema.columns_of(parent)}
        generated = {name for name in columns if name in own and own[name].generated}
        key = {name: any_value(schema, own[name]) for name in columns if name in own and name not in generated}
        simple = simplest_values(schema, needed_columns(schema, parent))
        above = self.keys(parent, {})
        for base in (*_samples(self.context, parent), {}):
            for values in self._rows(parent, {**key, **simple, **above, **base, **wanted}, wanted):
                overriding = any(own[name].identity for name in values if name in own)
                returned = _keep(
                    self.connection, insert_literals(parent, values, overriding=overriding, returning=columns)
                )
                if returned is not None:
                    self.inserted.append(insert_literals(parent, values, overriding=overriding))
                    return returned
        return None

    def _rows(self, parent: str, values: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield values
        derived = _derived(self.context, self.connection, parent, needed_alone=True)
        if derived is not None:
            yield {**values, **derived, **wanted}


def _keep(connection: psycopg.Connection, statement: sql.Composed) -> tuple[Any, ...] | None:
    """What an INSERT returns, () where it is asked for nothing; None where it is refused."""
    try:
        with connection.transaction():
            cursor = connection.execute(statement)
            return cursor.fetchone() if cursor.description else ()
    except psycopg.Error:
        return None


def _derived(
    context: Context, connection: psycopg.Connection, table: str, *, needed_alone: bool
) -> Mapping[str, Any] | None:
    """A row of values that are derived from the table's types, CHECKs and keys: what it needs, or every column."""
    tables = read_tables(connection, [table])
    filled = next((candidate for candidate in tables if candidate.name == table), None)
    if filled is None:
        return None
    maker = RowMaker(
        promise=context.promise,
        connection=connection,
        tables=tables,
        table=filled,
        into=table,
        texts=example_texts(context.promise),
        is_empty=False,
    )
    columns = [
        column.name
        for column in filled.columns
        if not is_numbered(column) and not (needed_alone and (column.null or column.default is not None))
    ]
    return maker.planned_values(_PLANNED_NUMBER, columns) if columns else None
