"""A query that tells how long it takes: by the server's clock, as a temporary function, and by a client's, prepared."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from pgcontract.errors import CouldNotAsk
from pgcontract.performance.queries.prepared_query import Mode, Values, number
from pgcontract.postgres.script_execution import refusal_of

_FUNCTION: Final = sql.SQL("CREATE FUNCTION pg_temp.{}({}) RETURNS pg_catalog.float8 LANGUAGE plpgsql AS {}")
_BODY: Final = """
#variable_conflict use_column
DECLARE
    pgcontract_row record; pgcontract_began timestamptz := pg_catalog.clock_timestamp();
BEGIN
    {}
    RETURN extract(epoch FROM pg_catalog.clock_timestamp() - pgcontract_began) * 1e6;
END"""
# All columns as text, in one place, as a server that sends them has them: documents are fetched and decompressed for
# that. Not the row as one text, nor row by row: quoting the one and assigning the other take as long as the query.
_ALL_ROWS: Final = """
    PERFORM pg_catalog.octet_length(pg_catalog.string_agg(pg_catalog.concat({columns}), '')) FROM (
{query}
    ) AS pgcontract_all({columns});"""
# A query without columns, or with more than a function takes.
_EVERY_ROW: Final = """
    FOR pgcontract_row IN
{query}
    LOOP
    END LOOP;"""
_MOST_ARGUMENTS: Final = 99
_TYPES: Final = """
SELECT pg_catalog.format_type(oid, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY AS t (oid, n) ORDER BY n"""


@dataclass(kw_only=True)
class Line:
    """A connection, and how it plans what is prepared on it."""

    connection: psycopg.Connection
    mode: Mode = "auto"

    def plan_with(self, mode: Mode) -> None:
        """Plans are of this mode from now on; asks the server only where they are not yet."""
        if self.mode != mode:
            self.connection.execute("SELECT pg_catalog.set_config('plan_cache_mode', %s, false)", [mode])
            self.mode = mode


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One query on the lines that it was made on. `types` are those of its parameters."""

    name: str
    types: tuple[str, ...]

    def in_server(self, line: Line, samples: Sequence[Values]) -> tuple[float, ...]:
        """The microseconds of a call with each sample; the loop is in the server."""
        arrays = [[each[at] for each in samples] for at in range(len(self.types))]
        given: list[Any] = arrays or [len(samples)]
        found = line.connection.execute(self._call, given)
        return tuple(us for (us,) in found.fetchall())

    @cached_property
    def _call(self) -> bytes:
        columns = [sql.Identifier(f"v{at}") for at in range(len(self.types))]
        rows: sql.Composable = sql.SQL("generate_series(1, %s) AS n")
        if columns:
            arrays = sql.SQL(", ").join([sql.SQL("%s::pg_catalog.text[]")] * len(columns))
            rows = sql.SQL("ROWS FROM (unnest({})) WITH ORDINALITY AS given ({}, n)").format(
                arrays, sql.SQL(", ").join(columns)
            )
        arguments = sql.SQL(", ").join(
            sql.SQL("{}::{}").format(column, sql.SQL(kind)) for column, kind in zip(columns, self.types, strict=True)
        )
        call = sql.SQL("SELECT pg_temp.{}({}) FROM {} ORDER BY n")
        return call.format(sql.Identifier(self.name), arguments, rows).as_bytes(None)

    def by_client(self, line: Line, samples: Sequence[Values]) -> tuple[float, ...]:
        """The microseconds of a round trip with each sample: from sending it to having all of its answer."""
        connection, times = line.connection.pgconn, []
        for sample in samples:
            sent = [None if value is None else value.encode() for value in sample]
            began = time.perf_counter_ns()
            result = connection.exec_prepared(self.name.encode(), sent)  # type: ignore[arg-type] # None is NULL
            times.append((time.perf_counter_ns() - began) / 1000)
            if result.status != ExecStatus.TUPLES_OK:
                raise psycopg.errors.error_from_result(result, line.connection.info.encoding)
        return tuple(times)


def make_timed(line: Line, name: str, query: str, types: Mapping[str, str | None]) -> Timed:
    """The query as a function and as a prepared statement of this name; `types` are those that its parameters declare.

    CouldNotAsk where the server does not take it.
    """
    connection, numbered = line.connection, number(query)
    asked = "SELECT %s::pg_catalog.regtype::pg_catalog.oid::pg_catalog.int8"
    declared = [types.get(each) for each in numbered.names]
    oids = [int(connection.execute(asked, [each]).fetchall()[0][0]) if each else 0 for each in declared]
    result = connection.pgconn.prepare(name.encode(), numbered.text.encode(), oids)
    if result.status != ExecStatus.COMMAND_OK:
        refusal = refusal_of(psycopg.errors.error_from_result(result, connection.info.encoding))
        raise CouldNotAsk(f"the server refused the query: {refusal}")
    told = connection.pgconn.describe_prepared(name.encode())
    inferred = connection.execute(_TYPES, [[told.param_type(at) for at in range(told.nparams)]]).fetchall()
    found = tuple(kind for (kind,) in inferred)
    columns = ", ".join(f"pgcontract_{at}" for at in range(told.nfields))
    work = _ALL_ROWS if 0 < told.nfields <= _MOST_ARGUMENTS else _EVERY_ROW
    _make_function(connection, name, found, work.format(columns=columns, query=numbered.text))
    return Timed(name=name, types=found)


def make_empty(line: Line) -> Timed:
    """What the clock and the function themselves take: the same function without a query."""
    name = "pgcontract_empty"
    _make_function(line.connection, name, (), "")
    return Timed(name=name, types=())


def _make_function(connection: psycopg.Connection, name: str, types: tuple[str, ...], work: str) -> None:
    arguments = sql.SQL(", ").join(map(sql.SQL, types))
    connection.execute(_FUNCTION.format(sql.Identifier(name), arguments, sql.Literal(_BODY.format(work))))
