"""A flow's steps as functions in the server, and a procedure that executes them there: a loop whose clock, buffers and
log are the server's own, with no client between two statements.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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
from pgcontract.postgres.acting_identity import Identity, require_role
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.moves import Move, first_move, identity_of, parameter_values
from pgcontract.probes.scenarios.player import InvalidStepSql, raise_if_invalid_sql
from pgcontract.values import dataclass

# What psycopg sends as text of no type, for the server to infer what it is: strings and documents.
_INFERRED: Final = frozenset({25, 1043, 1042, 19, 705, 114, 3802})
_INTEGER: Final = 23
_FUNCTION: Final = sql.SQL("CREATE FUNCTION pg_temp.{}({}) RETURNS void LANGUAGE plpgsql AS {}")
_BODY: Final = """
#variable_conflict use_column
DECLARE pgcontract_row record; pgcontract_rows bigint := 0;
BEGIN
{}
    PERFORM pg_catalog.set_config('pgcontract.rows', pgcontract_rows::text, false);
END"""
_GIVES_ROWS: Final = """
    pgcontract_rows := 0;
    FOR pgcontract_row IN
{}
    LOOP
        pgcontract_rows := pgcontract_rows + 1;
        IF pgcontract_rows = 1 THEN
            PERFORM pg_catalog.set_config('pgcontract.kept', (coalesce(nullif(
                pg_catalog.current_setting('pgcontract.kept', true), ''), '{{}}')::jsonb
                || pg_catalog.to_jsonb(pgcontract_row))::text, false);
        END IF;
    END LOOP;"""
_CHANGES_ROWS: Final = """
{};
    GET DIAGNOSTICS pgcontract_rows = ROW_COUNT;"""
# What an earlier statement of the same step gave.
_CAPTURED: Final = "((nullif(pg_catalog.current_setting('pgcontract.kept', true), '')::jsonb ->> {})::{})"
_ACTS: Final = (
    "    PERFORM pg_catalog.set_config('request.jwt.claims', ${}, true), pg_catalog.set_config('role', {}, true);"
)
_STOPS_ACTING: Final = (
    "    PERFORM pg_catalog.set_config('role', 'none', true), pg_catalog.set_config('request.jwt.claims', '', true);"
)


@dataclass(frozen=True, kw_only=True)
class PreparedStep:
    """A step that the connection has as the function pg_temp.`name`; its last statement as a prepared one of that name,
    and those before it as the function `lead`, where there are any.

    `parameters` are the function's by name, and `types` their types; `last` those of the last statement alone. `table` is
    the one that it writes.
    """

    step: Step
    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]
    last: tuple[str, ...]
    last_types: tuple[str, ...]
    table: str
    lead: str | None = None

    @property
    def call(self) -> str:
        """The call as format()'s template, one %L for each parameter."""
        return self._call(self.name)

    @property
    def lead_call(self) -> str | None:
        """The call of what comes before the last statement."""
        return self._call(self.lead) if self.lead else None

    @property
    def execute(self) -> str:
        """The prepared statement's own EXECUTE, as such a template."""
        arguments = sql.SQL("({})").format(_arguments(self.last_types)) if self.last else sql.SQL("")
        return sql.SQL("EXECUTE {}{}").format(sql.Identifier(self.name), arguments).as_string(None)

    def _call(self, name: str) -> str:
        return sql.SQL("SELECT pg_temp.{}({})").format(sql.Identifier(name), _arguments(self.types)).as_string(None)


def _arguments(types: Iterable[str]) -> sql.Composable:
    """For format(), which takes a type's own `%` for one of its."""
    return sql.SQL(", ").join(sql.SQL("%L::" + type_name.replace("%", "%%")) for type_name in types)


@dataclass(frozen=True, kw_only=True)
class StepExecution:
    """What one execution of one step did and cost. `rows` are those that the statement changed or gave; the tuples are
    those of the table that it writes. `buffers` are pages found in memory or read, `images` full pages in the log,
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
        require_role(connection, Identity.of(step.role, step.claims))
        name = f"pgcontract_step_{flow_number}_{at}"
        prepared_steps[step.name] = _prepare_step(connection, flow, step, name, kept_types)
    return prepared_steps


def _prepare_step(
    connection: psycopg.Connection, flow: Flow, step: Step, name: str, kept_types: dict[str, int]
) -> PreparedStep:
    types: dict[str, str] = {}  # of the function's parameters, in order
    own_captures: dict[str, str] = {}
    pieces: list[str] = []
    for statement in step.statements:
        text = _with_captured(statement, own_captures)
        numbered = number_parameters(text)
        oids = _sent_types(connection, flow, step, numbered.names, kept_types)
        if pieces:
            connection.pgconn.close_prepared(name.encode())
        prepared = connection.pgconn.prepare(name.encode(), numbered.text.encode(), oids)
        if prepared.status != ExecStatus.COMMAND_OK:
            error = psycopg.errors.error_from_result(prepared, connection.info.encoding)
            raise_if_invalid_sql(flow, step, read_refusal(error))
            raise InvalidStepSql(flow, step, read_refusal(error))
        description = connection.pgconn.describe_prepared(name.encode())
        given = {
            (description.fname(column_number) or b"").decode(): description.ftype(column_number)
            for column_number in range(description.nfields)
        }
        kept_types |= given
        last_types = _type_names(
            connection, [description.param_type(parameter_number) for parameter_number in range(description.nparams)]
        )
        for parameter, kind in zip(numbered.names, last_types, strict=True):
            types.setdefault(parameter, kind)
        captured = [column for column in step.captures if column in given]
        own_captures |= dict(zip(captured, _type_names(connection, [given[column] for column in captured]), strict=True))
        pieces.append((_GIVES_ROWS if given else _CHANGES_ROWS).format(number_parameters(text, tuple(types)).text))
    identity = Identity.of(step.role, step.claims)
    begins, ends = "", ""
    if identity is not None:
        claims = claims_parameter(step)
        begins = _ACTS.format(len(types) + 1, sql.Literal(identity.role or "none").as_string(None))
        ends = _STOPS_ACTING
        types[claims] = "text"
    arguments = sql.SQL(", ").join(map(sql.SQL, types.values()))
    functions = {name: pieces} | ({f"{name}_lead": pieces[:-1]} if len(pieces) > 1 else {})
    for function, body in functions.items():
        text = _BODY.format("\n".join((begins, *body, ends)))
        connection.execute(_FUNCTION.format(sql.Identifier(function), arguments, sql.Literal(text)))
    return PreparedStep(
        step=step,
        name=name,
        parameters=tuple(types),
        types=tuple(types.values()),
        last=numbered.names,
        last_types=last_types,
        table=_written_table(connection, flow, step),
        lead=f"{name}_lead" if len(pieces) > 1 else None,
    )


def _written_table(connection: psycopg.Connection, flow: Flow, step: Step) -> str:
    """The table that the step's last statement names; the flow's where that is a view, or nothing that is written."""
    query = """
        SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
          FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.oid = pg_catalog.to_regclass(%s) AND c.relkind IN ('r', 'p')"""
    row = connection.execute(query, [step.written_table]).fetchone() if step.written_table else None
    return row[0] if row else flow.table


def claims_parameter(step: Step) -> str:
    """The name among an actor's values of the claims that the step comes with."""
    return f"pgcontract_claims {step.name}"


def _with_captured(statement: str, types: Mapping[str, str]) -> str:
    """The statement with what earlier ones of its step gave in place of the parameters of that name."""
    for name, kind in types.items():
        captured = _CAPTURED.format(sql.Literal(name).as_string(None), kind)
        statement = statement.replace(f"%({name})s", captured.replace("%", "%%"))
    return statement


def _sent_types(
    connection: psycopg.Connection, flow: Flow, step: Step, names: Iterable[str], kept_types: Mapping[str, int]
) -> list[int]:
    values = parameter_values(flow, first_move(step))
    transformer = Transformer(connection)
    oids = []
    for name in names:
        if name in kept_types:
            oid = kept_types[name]
        elif name == "actor":
            oid = _INTEGER  # of few it would be a smallint, and there are many
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
    known = {name: as_text(value) for name, value in values.items() if value is not None}
    for step in flow.steps:
        if (identity := identity_of(step, values)) is not None:
            known[claims_parameter(step)] = identity.claims or ""
    return known


def execute_step(
    connection: psycopg.Connection, prepared_step: PreparedStep, actors: Iterable[int], *, committed: bool
) -> tuple[StepExecution, ...]:
    """Execute the step for these actors, each in a transaction of its own where
    it is `committed`. A step that is refused is the server's error, as it came."""
    _call_procedure(connection, prepared_step, prepared_step.table, actors, committed=committed)
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
