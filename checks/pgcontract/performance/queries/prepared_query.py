"""A declared query as the server keeps it: prepared with its parameters' types, explained with their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from pgcontract.contract import Query
from pgcontract.performance.queries.query_plan import Call, read_call
from pgcontract.postgres.acting_identity import Identity, acting_as
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.postgres.tries import read_rows, send_message
from pgcontract.values import dataclass

Mode = Literal["auto", "force_generic_plan", "force_custom_plan"]
Values = tuple[str | None, ...]

PREPARED: Final = "pgcontract_query"
_PERCENT: Final = re.compile(r"%(?:\((?P<name>[^()\s]+)\)s|%)")
_CUSTOM_PLANS: Final = 5  # a prepared statement is planned anew so often before its generic plan is considered


class QueryRefused(Exception):
    """The server does not take the query; `refusal` has its words, with the line of the query where it says one."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(frozen=True, kw_only=True)
class NumberedQuery:
    """A query with $1, $2 and so on in place of its named parameters."""

    text: str
    names: tuple[str, ...]


def number_parameters(query: str, known: Sequence[str] = ()) -> NumberedQuery:
    """%(name)s becomes $1 and so on, those that are `known` first, then by first appearance, and %% a percent sign."""
    names = {name: number for number, name in enumerate(known, 1)}

    def placeholder(match: re.Match[str]) -> str:
        return f"${names.setdefault(match['name'], len(names) + 1)}" if match["name"] else "%"

    return NumberedQuery(text=_PERCENT.sub(placeholder, query).rstrip().removesuffix(";"), names=tuple(names))


class PreparedQuery:
    """The query prepared on a connection; gone when its context ends."""

    def __init__(self, connection: psycopg.Connection, options: sql.SQL, identity: Identity | None = None) -> None:
        self.connection = connection
        self._options = options
        self._identity = identity

    def set_plan_mode(self, mode: Mode) -> None:
        """Plans are of this mode until the transaction ends."""
        self.connection.execute("SELECT set_config('plan_cache_mode', %s, true)", [mode])

    def settled_mode(self, samples: Sequence[Values]) -> Mode:
        """The plan mode that the server settles on after planning the query for a few samples."""
        self.set_plan_mode("auto")
        self.plans([samples[at % len(samples)] for at in range(_CUSTOM_PLANS + 1)])
        query = "SELECT generic_plans FROM pg_prepared_statements WHERE name = %s"
        [(generic,)] = self.connection.execute(query, [PREPARED]).fetchall()
        return "force_generic_plan" if generic else "force_custom_plan"

    def plans(self, samples: Sequence[Values]) -> tuple[Call, ...]:
        """The plan for each sample; nothing is run, so that all of them may go in one message."""
        if not samples:
            return ()
        text = "; ".join(
            self._explaining(sql.SQL("FORMAT JSON"), values).as_string(self.connection) for values in samples
        )
        try:
            with acting_as(self.connection, self._identity):
                answers = send_message(self.connection, text)
        except psycopg.Error as error:
            raise QueryRefused(read_refusal(error)) from None
        return tuple(read_call(_single_plan(read_rows(self.connection, answer))) for answer in answers)

    def calls(self, samples: Sequence[Values]) -> tuple[Call, ...]:
        """What a call with each sample does. Raises Refused."""
        try:
            with acting_as(self.connection, self._identity), self.connection.pipeline():
                answers = [self.connection.execute(self._explaining(self._options, values)) for values in samples]
                return tuple(read_call(_single_plan(answer.fetchall())) for answer in answers)
        except psycopg.Error as error:
            raise QueryRefused(read_refusal(error)) from None

    @property
    def wrote(self) -> bool:
        """Whether something was written in this transaction: a read-only one lets SELECT INTO and temporary tables by."""
        query = "SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL"
        [(wrote,)] = self.connection.execute(query).fetchall()
        return bool(wrote)

    @staticmethod
    def _explaining(options: sql.SQL, values: Values) -> sql.Composed:
        return sql.SQL("EXPLAIN ({}) EXECUTE {}{}").format(options, sql.Identifier(PREPARED), _arguments(values))


@contextmanager
def prepare_query(connection: psycopg.Connection, query: Query, *, inferred: bool = False) -> Iterator[PreparedQuery]:
    """The query prepared with the types its parameters declare; with `inferred`, with those the server would choose.

    Its calls are made as the role that it names. Raises Refused where the server does not take it, CouldNotAsk where that
    role cannot be had.
    """
    numbered = number_parameters(query.sql)
    declared = {parameter.name: parameter.type for parameter in query.parameters}
    try:
        oids = [0 if inferred else _type(connection, declared.get(name)) for name in numbered.names]
        result = connection.pgconn.prepare(PREPARED.encode(), numbered.text.encode(), oids)
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result, encoding="utf-8")
    except psycopg.Error as error:
        raise QueryRefused(_with_line(read_refusal(error), error, numbered)) from None
    try:
        yield PreparedQuery(connection, _options(connection), Identity.of(query.role, query.claims))
    finally:
        if not connection.closed:
            # By the protocol's words it can be said in a failed transaction too.
            connection.pgconn.close_prepared(PREPARED.encode())


def _type(connection: psycopg.Connection, name: str | None) -> int:
    if name is None:
        return 0
    [(oid,)] = connection.execute("SELECT %s::pg_catalog.regtype::pg_catalog.oid", [name]).fetchall()
    return int(oid)


def _options(connection: psycopg.Connection) -> sql.SQL:
    """SERIALIZE counts what it takes to send the rows, documents fetched from TOAST included; there from 17 on."""
    serialize = ", SERIALIZE TEXT" if connection.info.server_version >= 170000 else ""
    return sql.SQL("ANALYZE, BUFFERS, FORMAT JSON, TIMING OFF, SUMMARY OFF" + serialize)


def _arguments(values: Values) -> sql.Composable:
    if not values:
        return sql.SQL("")
    return sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, values)))


def _single_plan(rows: Sequence[tuple[Any, ...]]) -> Any:
    [(explained,)] = rows
    return explained[0]


def _with_line(refusal: Refusal, error: psycopg.Error, numbered: NumberedQuery) -> Refusal:
    position = error.diag.statement_position
    if position is None:
        return refusal
    line = numbered.text.count("\n", 0, int(position) - 1) + 1
    return Refusal(**{**refusal.__dict__, "line": line, "statement": numbered.text})
