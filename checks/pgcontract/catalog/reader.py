"""What is in a database right now, as a Schema: the closed world outside PostgreSQL's own schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from psycopg import Connection, Cursor, sql
from psycopg.rows import tuple_row

from pgcontract import model
from pgcontract.model import Part, Rows, Schema

DIGEST_MAX_BYTES = 8 << 20
"""Above this size a table's rows are counted, but no digest is taken: it would cost more than all else together."""

KINDS: dict[str, type[Part]] = {
    "schemas": model.Namespace,
    "extensions": model.Extension,
    "tables": model.Table,
    "columns": model.Column,
    "constraints": model.Constraint,
    "indexes": model.Index,
    "triggers": model.Trigger,
    "functions": model.Function,
    "views": model.View,
    "rules": model.Rule,
    "types": model.Type,
    "sequences": model.Sequence,
    "policies": model.Policy,
    "event_triggers": model.EventTrigger,
    "publications": model.Publication,
    "statistics": model.Statistics,
    "grants": model.Grant,
    "default_grants": model.DefaultGrant,
    "roles": model.Role,
    "settings": model.Setting,
    "others": model.Other,
}
"""Field of Schema, also the name of its .sql file, to the part that each row of it is."""

SETTINGS = {
    "search_path": "",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "quote_all_identifiers": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
"""What the server's spelling depends on; and compiling or sharing out such queries costs more than it saves."""

P = TypeVar("P", bound=Part)


def read_catalog(connection: Connection[Any], *, rows: bool = True, transaction: bool = True) -> Schema:
    """Everything outside pg_catalog, information_schema and temporary schemas, but for members of extensions.

    All is read in one pipelined, read-only, repeatable-read transaction; with `transaction=False` in the caller's
    own, whose settings are put back. `rows=False` leaves the tables' rows uncounted. Rows that row security hides
    from the asking role are not counted, nor are those of tables that it may not read.
    Raises psycopg.Error where the server refuses, ProgrammingError where a transaction is open and none was expected.
    """
    with _reading(connection, transaction=transaction):
        cursors = {kind: _ask(connection, kind) for kind in KINDS}
        filled = _ask(connection, "rows") if rows else None
        parts: dict[str, tuple[Part, ...]] = {kind: _parts(cursors[kind], KINDS[kind]) for kind in KINDS}
        parts["rows"] = _rows(connection, filled.fetchall()) if filled else ()
    return Schema(**cast(dict[str, Any], parts))


@contextmanager
def _reading(connection: Connection[Any], *, transaction: bool) -> Iterator[None]:
    if not transaction:
        with connection.pipeline():
            before = connection.execute(
                "select s.name, pg_catalog.current_setting(s.name), pg_catalog.set_config(s.name, s.value, true)"
                " from unnest(%s::text[], %s::text[]) as s (name, value)",
                [list(SETTINGS), list(SETTINGS.values())],
            )
            yield
            for name, value, _ in before.fetchall():
                connection.execute("select pg_catalog.set_config(%s, %s, true)", [name, value])
        return
    with connection.pipeline(), connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        connection.execute(
            "select pg_catalog.set_config(s.name, s.value, true)"
            " from unnest(%s::text[], %s::text[]) as s (name, value)",
            [list(SETTINGS), list(SETTINGS.values())],
        )
        yield


@cache
def _query(kind: str) -> bytes:
    return (Path(__file__).parent / "sql" / f"{kind}.sql").read_bytes()


def _ask(connection: Connection[Any], kind: str) -> Cursor[tuple[Any, ...]]:
    return connection.cursor(row_factory=tuple_row).execute(_query(kind), prepare=True)


def _parts(cursor: Cursor[tuple[Any, ...]], kind: Callable[..., P]) -> tuple[P, ...]:
    rows = cursor.fetchall()
    names = [column.name for column in cursor.description or ()]
    return tuple(
        kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in zip(names, row, strict=True)})
        for row in rows
    )


def _rows(connection: Connection[Any], tables: list[tuple[Any, ...]]) -> tuple[Rows, ...]:
    counting = []
    for schema, table, name, bytes_ in tables:
        # The alias must not be the name of a column, which would be digested in place of the row.
        digest = sql.SQL(
            'pg_catalog.md5(pg_catalog.sum(pg_catalog.hashtextextended("pgcontract row"::text, 0))::text)'
            if bytes_ <= DIGEST_MAX_BYTES
            else "null"
        )
        query = sql.SQL('select pg_catalog.count(*), {} from only {} as "pgcontract row"').format(
            digest, sql.Identifier(schema, table)
        )
        counting.append((name, connection.cursor(row_factory=tuple_row).execute(query)))
    counted = ((name, *cursor.fetchall()[0]) for name, cursor in counting)
    return tuple(Rows(name=name, rows=rows, digest=digest) for name, rows, digest in counted if rows)
