"""A declared query as the server keeps it: prepared with its parameters' types, explained with their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from pgcontract.contract import Query
from pgcontract.performance.queries.query_plan import Call, read_call
from pgcontract.postgres.script_execution import Refusal, refusal_of

Mode = Literal["auto", "force_generic_plan", "force_custom_plan"]
Values = tuple[str | None, ...]

PREPARED: Final = "pgcontract_query"
_PERCENT: Final = re.compile(r"%(?:\((?P<name>[^()\s]+)\)s|%)")
_TRIED_CUSTOM: Final = 5  # a prepared statement is planned anew so often before its generic plan is considered


class Refused(Exception):
    """The server does not take the query; `refusal` has its words, with the line of the query where it says one."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """A query with $1, $2 and so on in place of its named parameters."""

    text: str
    names: tuple[str, ...]


def number(query: str) -> Numbered:
    """%(name)s becomes $1 and so on, by first appearance, and %% a percent sign."""
    names: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${names.setdefault(found['name'], len(names) + 1)}" if found["name"] else "%"

    return Numbered(text=_PERCENT.sub(place, query).rstrip().removesuffix(";"), names=tuple(names))


class Statement:
    """The query prepared on a connection; gone when its context ends."""

    def __init__(self, connection: psycopg.Connection, options: sql.SQL) -> None:
        self.connection = connection
        self._options = options

    def plan_with(self, mode: Mode) -> None:
        """Plans are of this mode until the transaction ends."""
        self.connection.execute("SELECT set_config('plan_cache_mode', %s, true)", [mode])

    def settled(self, samples: Sequence[Values]) -> Mode:
        """The mode that the server comes to by itself, once it has planned the query for a few samples."""
        self.plan_with("auto")
        self.plans([samples[at % len(samples)] for at in range(_TRIED_CUSTOM + 1)])
        asked = "SELECT generic_plans FROM pg_prepared_statements WHERE name = %s"
        [(generic,)] = self.connection.execute(asked, [PREPARED]).fetchall()
        return "force_generic_plan" if generic else "force_custom_plan"

    def plans(self, samples: Sequence[Values]) -> tuple[Call, ...]:
        """The plan for each sample; nothing is run."""
        return self._explain(sql.SQL("FORMAT JSON"), samples)

    def calls(self, samples: Sequence[Values]) -> tuple[Call, ...]:
        """What a call with each sample does. Raises Refused."""
        return self._explain(self._options, samples)

    @property
    def wrote(self) -> bool:
        """Whether something was written in this transaction: a read-only one lets SELECT INTO and temporary tables by."""
        asked = "SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL"
        [(wrote,)] = self.connection.execute(asked).fetchall()
        return bool(wrote)

    def _explain(self, options: sql.SQL, samples: Sequence[Values]) -> tuple[Call, ...]:
        name = sql.Identifier(PREPARED)
        try:
            with self.connection.pipeline():
                answers = [
                    self.connection.execute(
                        sql.SQL("EXPLAIN ({}) EXECUTE {}{}").format(options, name, _arguments(values))
                    )
                    for values in samples
                ]
                return tuple(read_call(_only(each)) for each in answers)
        except psycopg.Error as error:
            raise Refused(refusal_of(error)) from None


@contextmanager
def prepared(connection: psycopg.Connection, query: Query, *, inferred: bool = False) -> Iterator[Statement]:
    """The query prepared with the types its parameters declare; with `inferred`, with those the server would choose.

    Raises Refused where the server does not take it.
    """
    numbered = number(query.sql)
    declared = {each.name: each.type for each in query.parameters}
    try:
        oids = [0 if inferred else _type(connection, declared.get(name)) for name in numbered.names]
        result = connection.pgconn.prepare(PREPARED.encode(), numbered.text.encode(), oids)
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result, encoding="utf-8")
    except psycopg.Error as error:
        raise Refused(_placed(refusal_of(error), error, numbered)) from None
    try:
        yield Statement(connection, _options(connection))
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


def _only(cursor: psycopg.Cursor[Any]) -> Any:
    [(explained,)] = cursor.fetchall()
    return explained[0]


def _placed(refusal: Refusal, error: psycopg.Error, numbered: Numbered) -> Refusal:
    position = error.diag.statement_position
    if position is None:
        return refusal
    line = numbered.text.count("\n", 0, int(position) - 1) + 1
    return Refusal(**{**refusal.__dict__, "line": line, "statement": numbered.text})
