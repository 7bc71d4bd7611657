"""A query that measures its own time: by the server's clock, as a temporary function, and by a client's, prepared."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from pgcontract.errors import CouldNotAsk
from pgcontract.performance.queries.prepared_query import Mode, Values, number_parameters
from pgcontract.postgres.acting_identity import NOBODY, Identity
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.sample_rows import escape_percent_signs
from pgcontract.values import dataclass

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
class TimingSession:
    """A connection, its plan_cache_mode, and who it acts as."""

    connection: psycopg.Connection
    mode: Mode = "auto"
    identity: Identity | None = None

    def act_as(self, identity: Identity | None) -> None:
        """Be this role with these claims, where it is not that already."""
        if self.identity != identity:
            self.connection.execute((identity or NOBODY).settings(local=False))
            self.identity = identity

    def set_plan_mode(self, mode: Mode) -> None:
        """Set plan_cache_mode, where it is not already this one."""
        if self.mode != mode:
            self.connection.execute("SELECT pg_catalog.set_config('plan_cache_mode', %s, false)", [mode])
            self.mode = mode


@dataclass(frozen=True, kw_only=True)
class TimedQuery:
    """One query on the sessions that it was created on. `types` are those of its parameters."""

    name: str
    types: tuple[str, ...]

    def time_in_server(self, session: TimingSession, samples: Sequence[Values]) -> tuple[float, ...]:
        """The microseconds of a call with each sample; the loop is in the server."""
        arrays = [[sample[at] for sample in samples] for at in range(len(self.types))]
        arguments: list[Any] = arrays or [len(samples)]
        cursor = session.connection.execute(self._call, arguments)
        return tuple(us for (us,) in cursor.fetchall())

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
            sql.SQL("{}::{}").format(column, escape_percent_signs(sql.SQL(kind)))
            for column, kind in zip(columns, self.types, strict=True)
        )
        call = sql.SQL("SELECT pg_temp.{}({}) FROM {} ORDER BY n")
        return call.format(sql.Identifier(self.name), arguments, rows).as_bytes(None)

    def time_by_client(self, session: TimingSession, samples: Sequence[Values]) -> tuple[float, ...]:
        """The microseconds of a round trip with each sample: from sending it to having all of its answer."""
        connection, times = session.connection.pgconn, []
        for sample in samples:
            sent = [None if value is None else value.encode() for value in sample]
            began = time.perf_counter_ns()
            result = connection.exec_prepared(self.name.encode(), sent)  # type: ignore[arg-type] # None is NULL
            times.append((time.perf_counter_ns() - began) / 1000)
            if result.status != ExecStatus.TUPLES_OK:
                raise psycopg.errors.error_from_result(result, session.connection.info.encoding)
        return tuple(times)


def make_timed_query(session: TimingSession, name: str, query: str, types: Mapping[str, str | None]) -> TimedQuery:
    """The query as a function and as a prepared statement of this name; `types` are those that its parameters declare.

    CouldNotAsk where the server does not take it.
    """
    connection, numbered = session.connection, number_parameters(query)
    statement = "SELECT %s::pg_catalog.regtype::pg_catalog.oid::pg_catalog.int8"
    declared = [types.get(parameter_name) for parameter_name in numbered.names]
    oids = [
        int(connection.execute(statement, [type_name]).fetchall()[0][0]) if type_name else 0 for type_name in declared
    ]
    result = connection.pgconn.prepare(name.encode(), numbered.text.encode(), oids)
    if result.status != ExecStatus.COMMAND_OK:
        refusal = read_refusal(psycopg.errors.error_from_result(result, connection.info.encoding))
        raise CouldNotAsk(f"the server refused the query: {refusal}")
    description = connection.pgconn.describe_prepared(name.encode())
    inferred = connection.execute(_TYPES, [[description.param_type(at) for at in range(description.nparams)]]).fetchall()
    inferred_types = tuple(kind for (kind,) in inferred)
    columns = ", ".join(f"pgcontract_{at}" for at in range(description.nfields))
    work = _ALL_ROWS if 0 < description.nfields <= _MOST_ARGUMENTS else _EVERY_ROW
    _make_function(connection, name, inferred_types, work.format(columns=columns, query=numbered.text))
    return TimedQuery(name=name, types=inferred_types)


def make_empty_function(session: TimingSession) -> TimedQuery:
    """The same function without a query: it measures what the clock and the function themselves take."""
    name = "pgcontract_empty"
    _make_function(session.connection, name, (), "")
    return TimedQuery(name=name, types=())


def _make_function(connection: psycopg.Connection, name: str, types: tuple[str, ...], work: str) -> None:
    arguments = sql.SQL(", ").join(map(sql.SQL, types))
    connection.execute(_FUNCTION.format(sql.Identifier(name), arguments, sql.Literal(_BODY.format(work))))
