"""A flow's steps as functions in the server, and a procedure that executes them there: a loop whose clock, buffers and
log are the server's own, with no client between two statements.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.rows import class_row

from pgcontract.contract import Flow, Step
from pgcontract.performance.queries.prepared_query import number_parameters
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.moves import Move, first_move, parameter_values
from pgcontract.probes.scenarios.player import InvalidStepSql, raise_if_invalid_sql

# What psycopg sends as text of no type, for the server to infer what it is: strings and documents.
_INFERRED: Final = frozenset({25, 1043, 1042, 19, 705, 114, 3802})
_FUNCTION: Final = sql.SQL("CREATE FUNCTION pg_temp.{}({}) RETURNS void LANGUAGE plpgsql AS {}")
_GIVES_ROWS: Final = """
#variable_conflict use_column
DECLARE pgcontract_row record; pgcontract_rows bigint := 0;
BEGIN
    FOR pgcontract_row IN
{}
    LOOP
        pgcontract_rows := pgcontract_rows + 1;
        IF pgcontract_rows = 1 THEN
            PERFORM pg_catalog.set_config('pgcontract.kept', pg_catalog.to_jsonb(pgcontract_row)::text, false);
        END IF;
    END LOOP;
    PERFORM pg_catalog.set_config('pgcontract.rows', pgcontract_rows::text, false);
END"""
_CHANGES_ROWS: Final = """
#variable_conflict use_column
DECLARE pgcontract_rows bigint;
BEGIN
{};
    GET DIAGNOSTICS pgcontract_rows = ROW_COUNT;
    PERFORM pg_catalog.set_config('pgcontract.rows', pgcontract_rows::text, false);
END"""


@dataclass(frozen=True, kw_only=True)
class PreparedStep:
    """A step that the connection has as the function pg_temp.`name`, and as a prepared statement of that name."""

    step: Step
    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def call(self) -> str:
        """The call as format()'s template, one %L for each parameter."""
        return sql.SQL("SELECT pg_temp.{}({})").format(sql.Identifier(self.name), self._arguments).as_string(None)

    @property
    def execute(self) -> str:
        """The prepared statement's own EXECUTE, as such a template."""
        arguments = sql.SQL("({})").format(self._arguments) if self.parameters else sql.SQL("")
        return sql.SQL("EXECUTE {}{}").format(sql.Identifier(self.name), arguments).as_string(None)

    @property
    def _arguments(self) -> sql.Composable:
        return sql.SQL(", ").join(sql.SQL(f"%L::{type_name}") for type_name in self.types)


@dataclass(frozen=True, kw_only=True)
class StepExecution:
    """What one execution of one step did and cost. `rows` are those that the statement changed or gave; the tuples are
    those of the flow's table. `buffers` are pages found in memory or read, `images` full pages in the log,
    `began` and `ended` its places in the log; `us` is the time in the server, without COMMIT."""

    actor: int
    rows: int
    inserted: int
    updated: int
    deleted: int
    hot: int
    buffers: int
    wal_records: int
    wal_bytes: int
    images: int
    us: float
    began: str
    ended: str


def prepare_steps(connection: psycopg.Connection, flow: Flow, flow_number: int) -> dict[str, PreparedStep]:
    """The flow's steps by name, on a connection that `create_procedure` was called on. NoSuchSql where the server does
    not take a step's words. Parameters have the types that psycopg sends, and else those that the server infers."""
    kept_types: dict[str, int] = {}
    prepared_steps: dict[str, PreparedStep] = {}
    for at, step in enumerate(flow.steps):
        name = f"pgcontract_step_{flow_number}_{at}"
        numbered = number_parameters(step.sql)
        oids = _sent_types(connection, flow, step, numbered.names, kept_types)
        prepared = connection.pgconn.prepare(name.encode(), numbered.text.encode(), oids)
        if prepared.status != ExecStatus.COMMAND_OK:
            error = psycopg.errors.error_from_result(prepared, connection.info.encoding)
            raise_if_invalid_sql(flow, step, read_refusal(error))
            raise InvalidStepSql(flow, step, read_refusal(error))
        description = connection.pgconn.describe_prepared(name.encode())
        kept_types |= {
            (description.fname(column_number) or b"").decode(): description.ftype(column_number)
            for column_number in range(description.nfields)
        }
        types = _type_names(
            connection, [description.param_type(parameter_number) for parameter_number in range(description.nparams)]
        )
        body = (_GIVES_ROWS if description.nfields else _CHANGES_ROWS).format(numbered.text)
        arguments = sql.SQL(", ").join(map(sql.SQL, types))
        connection.execute(_FUNCTION.format(sql.Identifier(name), arguments, sql.Literal(body)))
        prepared_steps[step.name] = PreparedStep(step=step, name=name, parameters=numbered.names, types=types)
    return prepared_steps


def _sent_types(
    connection: psycopg.Connection, flow: Flow, step: Step, names: Iterable[str], kept_types: Mapping[str, int]
) -> list[int]:
    values = parameter_values(flow, first_move(step))
    transformer = Transformer(connection)
    oids = []
    for name in names:
        if name in kept_types:
            oid = kept_types[name]
        elif (value := as_text(values.get(name))) is None:
            oid = 0
        else:
            oid = transformer.get_dumper(value, PyFormat.TEXT).oid
        oids.append(0 if oid in _INFERRED else oid)
    return oids


def _type_names(connection: psycopg.Connection, oids: Sequence[int]) -> tuple[str, ...]:
    query = "SELECT pg_catalog.format_type(oid, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY AS t (oid, n) ORDER BY n"
    return tuple(row[0] for row in connection.execute(query, [list(oids)]))


def create_procedure(connection: psycopg.Connection) -> None:
    """Create the procedure and its temporary tables."""
    connection.execute(_read_sql("play.sql").encode())


def begin_lives(connection: psycopg.Connection, flow: Flow, actors: Iterable[int]) -> None:
    """Lives of these actors that have not begun; each has the flow's values with its own number in them."""
    lives = [{"actor": actor, "known": initial_values(flow, actor)} for actor in actors]
    words = "INSERT INTO pgcontract_lives SELECT * FROM jsonb_to_recordset(%s) AS life (actor integer, known jsonb)"
    connection.execute(words, [json.dumps(lives)])


def initial_values(flow: Flow, actor: int) -> dict[str, Any]:
    """The values of a life that has not begun, as the client would send them."""
    values = parameter_values(flow, Move(step=flow.steps[0].name, actor=actor))
    return {name: as_text(value) for name, value in values.items() if value is not None}


def execute_step(
    connection: psycopg.Connection, prepared_step: PreparedStep, table: str, actors: Iterable[int], *, committed: bool
) -> tuple[StepExecution, ...]:
    """Execute the step for these actors, each in a transaction of its own where
    it is `committed`. A step that is refused is the server's error, as it came."""
    _call_procedure(connection, prepared_step, table, actors, committed=committed)
    with connection.cursor(row_factory=class_row(StepExecution)) as cursor:
        executions = cursor.execute("DELETE FROM pgcontract_plays RETURNING *").fetchall()
    return tuple(sorted(executions, key=lambda record: record.actor))


def execute_unmeasured(
    connection: psycopg.Connection, prepared_step: PreparedStep, actors: Iterable[int], *, committed: bool = False
) -> None:
    """Execute the step for these actors without measuring it."""
    _call_procedure(connection, prepared_step, None, actors, committed=committed)


def _call_procedure(
    connection: psycopg.Connection,
    prepared_step: PreparedStep,
    table: str | None,
    actors: Iterable[int],
    *,
    committed: bool,
) -> None:
    values = [prepared_step.step.name, prepared_step.call, list(prepared_step.parameters), table, list(actors), committed]
    connection.execute("CALL pg_temp.pgcontract_play(%s, %s, %s::text[], %s, %s::integer[], %s)", values)


@cache
def _read_sql(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
