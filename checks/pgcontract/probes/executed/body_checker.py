"""What the extension plpgsql_check says of bodies without running them: of those that are not called here.

It is made in the clone that is dropped, where the server has it and we may make it. On an owner's server nobody is a
superuser in a database that a migration has seen, so there it is used only where whoever migrates may make it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.model.identifiers import read_identifier
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.postgres.script_execution import Refusal
from pgcontract.postgres.tries import read_rows, try_statements
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.routines import Routine
from pgcontract.values import dataclass

_AVAILABLE: Final = "SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'plpgsql_check'"
_SCHEMA: Final = """
SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
 WHERE e.extname = 'plpgsql_check'
"""
# In a schema in which no migration can have put anything.
_MAKE: Final = "CREATE SCHEMA pgcontract_checker; CREATE EXTENSION plpgsql_check SCHEMA pgcontract_checker"
_ERRORS: Final = sql.SQL("""
SELECT c.lineno, c.sqlstate, c.message, c.detail, c.hint, c.context, c.query
  FROM {schema}.plpgsql_check_function_tb({function}::pg_catalog.regprocedure, {table}::pg_catalog.regclass,
       fatal_errors => false, other_warnings => false, extra_warnings => false, use_incomment_options => false,
       oldtable => {old}, newtable => {new}) AS c
 WHERE c.level = 'error'
""")
# A table, a column or a schema that is not there, an ambiguous name.
_OF_NAMES: Final = frozenset(("42P01", "42703", "42702", "3F000"))
_NO_FIELD: Final = lazy_pattern(r'record "(?P<record>[^"]+)" has no field')
# It may raise an error, and then the end of the body is not come to.
_CALLS: Final = lazy_pattern(r"PERFORM\b|CALL\b|EXECUTE\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class BodyError:
    """An error in a body, and the line in it, None where it is in none; `refusal` has it as the server would say it."""

    line: int | None
    refusal: Refusal


Presence = Literal["here", "not made", "absent"]


class BodyChecker:
    """The extension in one database; it is made where it is first needed."""

    def __init__(self, sandbox: Sandbox, database: str, connection: psycopg.Connection, firing: Firing) -> None:
        """The connection is in no transaction."""
        self._connection = connection
        self._firing = firing
        self._schema = _installed(connection)
        self.presence: Presence = "here"
        if self._schema is None:
            is_available = connection.execute(_AVAILABLE).fetchone() is not None
            if is_available and "plpgsql_check" not in sandbox.stand_ins:
                _make(sandbox, database)
                self._schema = _installed(connection)
            if self._schema is None:
                self.presence = "not made" if is_available else "absent"

    def errors(self, routine: Routine) -> list[BodyError] | None:
        """Those that are there whatever it is called with, of a trigger's function on each table that fires it; None
        where it could not be read."""
        assert self._schema is not None
        if routine.language != "plpgsql":
            return None
        triggers = [
            (table, trigger)
            for table in self._firing.tables_of(routine.signature)
            for trigger in self._firing.triggers_of(table)
            if trigger.function == routine.signature
        ]
        if routine.is_trigger and not triggers:
            return None
        errors: list[BodyError] = []
        for table, old, new in dict.fromkeys((table, one.old_table, one.new_table) for table, one in triggers) or (
            ("-", None, None),
        ):
            query = _ERRORS.format(
                schema=sql.Identifier(self._schema),
                function=sql.Literal(routine.signature),
                table=sql.Literal(table),
                old=sql.Literal(_unquoted(old)),
                new=sql.Literal(_unquoted(new)),
            ).as_string(self._connection)
            try:
                result = try_statements(self._connection, f"{self._firing.search_path_of(table)}{query}")[-1]
            except psycopg.Error:
                return None
            errors += _read(read_rows(self._connection, result))
        tables = {table for table, _ in triggers}
        return [error for error in errors if _counts(error.refusal, routine, tables=len(tables))]


def _installed(connection: psycopg.Connection) -> str | None:
    row = connection.execute(_SCHEMA).fetchone()
    return row[0] if row else None


def _make(sandbox: Sandbox, database: str) -> None:
    """With what power there is."""
    user = sandbox.server.superuser if sandbox.has_superuser else None
    with suppress(psycopg.Error, CouldNotAsk), sandbox.connect(database, user=user) as connection:
        connection.execute("SET search_path = ''")
        if sandbox.has_superuser:
            connection.execute("SET session_replication_role = replica")  # no event trigger fires
        connection.execute(_MAKE)
        if sandbox.has_superuser:
            connection.execute(
                sql.SQL("GRANT USAGE ON SCHEMA pgcontract_checker TO {}").format(sql.Identifier(sandbox.migrator))
            )


def _read(rows: list[tuple[Any, ...]]) -> Iterator[BodyError]:
    for line, sqlstate, message, detail, hint, context, query in rows:
        yield BodyError(
            line=line,
            refusal=Refusal(
                sqlstate=sqlstate, message=message, detail=detail, hint=hint, context=context, statement=query
            ),
        )


def _counts(refusal: Refusal, routine: Routine, *, tables: int) -> bool:
    """Whether the body is at fault whatever comes to it, and however it comes to be there."""
    if refusal.sqlstate == faults.NO_RETURN:
        last = routine.body.statements[-1:] if routine.body is not None else ()
        return bool(last) and not _CALLS.match(last[0].text)
    if refusal.sqlstate not in faults.BODY_ERRORS or (
        refusal.sqlstate == "42704" and not refusal.message.startswith("type ")
    ):
        return False
    match = _NO_FIELD.match(refusal.message)
    if routine.is_polymorphic:  # it is read as of integers
        return match is None and refusal.sqlstate in _OF_NAMES
    if match is None:
        return True
    record = match["record"]
    if record in ("new", "old"):
        return tables == 1
    # What it holds depends on the way to here where it is given a row in several places.
    name = re.escape(record)
    given = re.findall(rf"\binto\s+(?:strict\s+)?{name}\b|\b{name}\s*:?=|\bfor\s+{name}\s+in\b", routine.words)
    return len(given) == 1


def _unquoted(name: str | None) -> str | None:
    return read_identifier(name) if name else None
