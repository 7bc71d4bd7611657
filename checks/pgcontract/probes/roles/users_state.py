"""The head with rows of two users in it, under each regime of default privileges: where roles are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract.supabase_config import ExposedSchemas
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.acting import Stage
from pgcontract.probes.roles.privileges import grants_between, read_grants
from pgcontract.probes.roles.ties import find_ties
from pgcontract.probes.roles.users import ACTORS
from pgcontract.probes.roles.users_rows import UsersRows
from pgcontract.probes.row_generation.target_tables import FilledTable, read_tables
from pgcontract.values import dataclass

ROLES: Final = tuple(dict.fromkeys(actor.role for actor in ACTORS))


@dataclass(frozen=True, kw_only=True)
class UsersState:
    """The head with a row of each of two users in every table, as far as they took one."""

    state: DatabaseState
    tables: tuple[FilledTable, ...]
    made: UsersRows


@cached_state_fact
def users_state(context: Context) -> UsersState:
    """CouldNotAsk where the head is not applied."""
    sandbox = context.sandbox
    with sandbox.clone(context.after_state, keep=True) as database:
        user = sandbox.server.superuser if sandbox.has_superuser else None
        with sandbox.connect(database, user=user) as connection:
            if sandbox.has_superuser:  # no trigger is to change, and no foreign key to refuse, what we say
                connection.execute("SET session_replication_role = replica")
            own = {table.name for table in context.migrated.tables if not table.partition_of}
            tables = tuple(table for table in read_tables(connection, own) if not table.name.startswith("auth."))
            made = UsersRows(context=context, connection=connection, tables=tables, ties=find_ties(context.after, tables))
            made.make()
            for view in context.after.views:
                if view.materialized:
                    _refresh(connection, view.name)
    return UsersState(state=sandbox.read_state(database), tables=tables, made=made)


@contextmanager
def acting_stages(context: Context) -> Iterator[Callable[[str], Stage]]:
    """Gives a stage over the users' rows with what is granted under a regime; the next one undoes it."""
    exposed = context.promise.project.exposed
    path = () if exposed == ExposedSchemas() else (*exposed.names, *exposed.search_path)
    with ExitStack() as stack:

        def stage(regime: str) -> Stage:
            stack.close()
            connection = stack.enter_context(context.sandbox.rolled_back(_granted_state(context, regime)))
            return Stage(connection, ROLES, search_path=path)

        yield stage


@cached_state_fact
def _granted_state(context: Context, regime: str) -> DatabaseState:
    """The users' rows with what is granted under the regime."""
    grants = grants_by_regime(context)
    statements = list(grants_between(next(iter(grants.values())), grants[regime]))
    state = users_state(context).state
    if not statements:
        return state
    with context.sandbox.clone(state, keep=True) as database, context.sandbox.connect(database) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    return context.sandbox.read_state(database)


def _refresh(connection: psycopg.Connection, view: str) -> None:
    try:
        connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.SQL(view)))
    except psycopg.Error:
        return


def supports_roles(context: Context) -> bool:
    return context.promise.project.platform == "supabase"


@cached_state_fact
def grants_by_regime(context: Context) -> dict[str, frozenset[tuple[str, str, str]]]:
    """What is granted under each regime, those that come to the same left out."""
    grants: dict[str, frozenset[tuple[str, str, str]]] = {}
    for regime in context.regimes:
        result = context.script_result(regime)
        if result.after is None:
            context.require_features()
            raise CouldNotAsk(f"the server refused the script: {result.refusal}")
        with context.sandbox.rolled_back(result.after) as connection:
            granted = read_grants(connection)
        if granted not in grants.values():
            grants[regime.name] = granted
    return grants
