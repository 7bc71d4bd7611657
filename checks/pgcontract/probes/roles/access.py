"""Who reads and writes what, tried: every exposed relation, as nobody, as two users and as the service.

Asked once at the head, under each regime of default privileges, over rows of two users in a clone that is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import Final

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Table, View
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.privileges import Held, read_privileges
from pgcontract.probes.roles.users import ACTORS, FIRST, PUBLIC_ACTORS, SECOND, Actor
from pgcontract.probes.roles.users_rows import UsersRow
from pgcontract.probes.roles.users_state import (
    ROLES,
    UsersState,
    acting_stages,
    grants_by_regime,
    supports_roles,
    users_state,
)
from pgcontract.probes.row_generation.target_tables import FilledTable
from pgcontract.values import dataclass

MAX_TABLES: Final = 1_000
_NEW: Final = 990  # what a row that is tried to be inserted is made of
_MAX_ROWS: Final = 2_000


@dataclass(frozen=True, kw_only=True)
class Try:
    """One operation on one relation as one actor. `may` is whether its role holds the privilege. `own`, `others` and
    `loose` are the rows that it reached: the user's, the other user's, and those that are nobody's or of a table whose
    rows are not told apart. Each has the outcome that shows it; `refused` what else stood in the way."""

    may: bool = False
    own: int = 0
    others: int = 0
    loose: int = 0
    shown: Outcome | None = None
    refused: Outcome | None = None

    @property
    def rows(self) -> int:
        return self.own + self.others + self.loose


@dataclass(frozen=True, kw_only=True)
class Access:
    """What was tried. `tries` are by regime, relation, actor and operation. `regimes` are those whose privileges
    differ, the first that of new projects. `ties` are the columns that hold whose a row is. `left` are the relations that
    were too many to be tried."""

    regimes: tuple[str, ...] = ()
    relations: Mapping[str, Table | View] = field(default_factory=dict)
    tries: Mapping[tuple[str, str, Actor, str], Try] = field(default_factory=dict)
    ties: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rows: Mapping[tuple[str, int], UsersRow] = field(default_factory=dict)
    without_rows: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    held: Mapping[tuple[str, str, str], Held] = field(default_factory=dict)

    def of(self, regime: str, relation: str, actor: Actor, operation: str) -> Try:
        return self.tries.get((regime, relation, actor, operation), Try())

    def separates(self, table: str) -> bool:
        """Whether its rows are somebody's: tied to a user, or such that each of two users reads but his own, as a member
        of something."""
        return table in self.ties or any(
            all(
                (tried := self.of(regime, table, actor, "SELECT")).own and not tried.others + tried.loose
                for actor in (FIRST, SECOND)
            )
            for regime in self.regimes
        )

    def all(self, relation: str, operation: str) -> Iterator[tuple[str, Actor, Try]]:
        """Under each regime, as each of those whom the public key lets in."""
        for regime in self.regimes:
            for actor in PUBLIC_ACTORS:
                yield regime, actor, self.of(regime, relation, actor, operation)


def is_exposed(context: Context, name: str) -> bool:
    """Whether the REST API shows what is called so, or the functions of pgmq_public may: they write to pgmq's queues as
    who calls them."""
    return QualifiedName.parse(name).schema in (*context.promise.project.exposed.names, "pgmq")


def heard_tables(context: Context) -> frozenset[str]:
    """The tables whose changes Realtime sends to whoever may SELECT them and meets their policies, be their schema
    exposed or not."""
    names = [
        name.partition(" ")[0]
        for publication in context.after.publications
        if publication.name == "supabase_realtime"
        for name in publication.tables
    ]
    return frozenset(names)


@cached_state_fact
def try_access(context: Context) -> Access:
    """CouldNotAsk where the head is not applied, or the platform has no such roles."""
    if not supports_roles(context):
        raise CouldNotAsk("only Supabase has these roles")
    relations = _relations(context)
    left = tuple(relations)[MAX_TABLES:]
    relations = dict(islice(relations.items(), MAX_TABLES))
    if not relations:
        return Access(regimes=(context.regimes[0].name,))
    prepared = users_state(context)
    made = prepared.made
    access = Access(
        regimes=tuple(grants_by_regime(context)),
        relations=relations,
        ties=made.ties,
        rows=made.rows,
        without_rows=tuple(made.refused),
        left=left,
    )
    with acting_stages(context) as open_stage:
        tries: dict[tuple[str, str, Actor, str], Try] = {}
        held: dict[tuple[str, str, str], Held] = {}
        for regime in access.regimes:
            stage = open_stage(regime)
            trier = _Trier(context, access, prepared, stage)
            privileges = read_privileges(stage.connection, list(relations), ROLES)
            held |= {(regime, name, role): one for (name, role), one in privileges.items()}
            for relation in relations.values():
                for actor in ACTORS:
                    of_role = privileges.get((relation.name, actor.role), Held())
                    for operation, tried in trier.try_all(relation, actor, of_role):
                        tries[regime, relation.name, actor, operation] = tried
        return replace(access, tries=tries, held=held)


def _relations(context: Context) -> dict[str, Table | View]:
    """What the chain made and the interface shows, and the partitions of it; where they are too many, those first
    that no policy bounds."""
    before = {part.name for part in (*context.sandbox.starting_catalog.tables, *context.sandbox.starting_catalog.views)}
    parts: tuple[Table | View, ...] = (*context.migrated.tables, *context.migrated.views)
    heard = heard_tables(context)
    shown = [part for part in parts if (is_exposed(context, part.name) or part.name in heard) and part.name not in before]
    if len(shown) > MAX_TABLES:
        shown.sort(key=lambda part: isinstance(part, Table) and part.row_security)
    return {part.name: part for part in shown}


class _Trier:
    def __init__(self, context: Context, access: Access, prepared: UsersState, stage: Stage) -> None:
        self._stage = stage
        self._access = access
        self._made = prepared.made
        self._tables = {table.name: table for table in prepared.tables}
        self._columns_of = context.after.columns_of
        self._heard = {name for name in heard_tables(context) if not is_exposed(context, name)}
        self._unbound = {
            (policy.table, operation)
            for policy in context.after.policies
            for operation in ("UPDATE", "DELETE")
            if policy.permissive and policy.using == "true" and policy.command in ("all", operation.lower())
        }
        self._places = {row.place: row for row in self._made.rows.values() if row.place}
        self._rows: dict[str, list[UsersRow]] = {}
        self._seen: dict[str, set[str]] = {}
        for row in self._made.rows.values():
            self._rows.setdefault(row.table, []).append(row)
        self._users = {row.user.number: row.user for row in self._made.rows.values()}

    def try_all(self, relation: Table | View, actor: Actor, held: Held) -> Iterator[tuple[str, Try]]:
        for operation in ("SELECT", "INSERT", "UPDATE", "DELETE") if relation.name not in self._heard else ("SELECT",):
            if not held.may(operation):
                continue
            yield operation, self._try(operation, relation, actor, held)
        if "TRUNCATE" in held.whole and relation.name not in self._heard:
            yield "TRUNCATE", Try(may=True)

    def _try(self, operation: str, relation: Table | View, actor: Actor, held: Held) -> Try:
        if isinstance(relation, View):
            return self._read_view(relation, actor) if operation == "SELECT" else Try(may=True)
        match operation:
            case "SELECT":
                return self._read(relation, actor, held)
            case "INSERT":
                return self._insert(relation, actor, held)
            case _:
                return self._write(operation, relation, actor, held)

    def _read(self, table: Table, actor: Actor, held: Held) -> Try:
        if "SELECT" not in held.whole:
            columns = ", ".join(_quoted(name) for name in held.columns["SELECT"])
            outcome = self._stage.attempt(f"SELECT {columns} FROM {table.name}", actor)  # noqa: S608 - the catalog's
            return _counted(outcome, outcome.count)
        outcome = self._stage.attempt(
            f"SELECT * FROM {table.name}",  # noqa: S608
            actor,
            sent=f"SELECT tableoid::oid::text || ' ' || ctid::text FROM {table.name} LIMIT {_MAX_ROWS}",  # noqa: S608
        )
        if outcome.refusal is not None:
            return Try(may=True, refused=outcome)
        own = others = loose = 0
        for (place,) in outcome.rows:
            row = self._places.get(place)
            if row is None or row.table not in self._access.ties:
                loose += 1
            elif actor.user is not None and row.user == actor.user:
                own += 1
            else:
                others += 1
        reached = {self._places[place].user for (place,) in outcome.rows if place in self._places}
        if loose == len(reached) == 1 and reached == {actor.user} and len(self._rows_of(table)) > 1:
            own, loose = 1, 0  # of two alike he has but his own, by what it belongs to
        return Try(may=True, own=own, others=others, loose=loose, shown=replace(outcome, rows=()))

    def _read_view(self, view: View, actor: Actor) -> Try:
        outcome = self._stage.attempt(
            f"SELECT * FROM {view.name}",  # noqa: S608
            actor,
            sent=f"SELECT (a_row.*)::text FROM {view.name} AS a_row LIMIT {_MAX_ROWS}",  # noqa: S608
        )
        texts = {text for (text,) in outcome.rows}
        earlier = self._seen.setdefault(view.name, set())
        if actor is SECOND and texts.isdisjoint(earlier):  # what neither anon nor user A reads
            return Try(may=True, own=len(outcome.rows), refused=outcome if outcome.refusal else None)
        earlier |= texts
        return _counted(replace(outcome, rows=()), len(outcome.rows))

    def _write(self, operation: str, table: Table, actor: Actor, held: Held) -> Try:
        change = self._change(operation, table, actor, held)
        if change is None:
            return Try(may=True)
        rows = {row.user.number: row for row in self._rows_of(table)}
        if table.name not in self._access.ties or not rows or "SELECT" not in held.whole or actor not in PUBLIC_ACTORS:
            outcome = self._stage.attempt(change, actor)
            return _counted(outcome, 1 if outcome.reached else outcome.count)
        tried = Try(may=True)
        for row in rows.values():
            outcome = self._stage.attempt(f"{change} WHERE {_condition(self._tables[table.name], row)}", actor)
            count = 1 if outcome.reached else outcome.count
            if outcome.refusal is not None and not count:
                tried = replace(tried, refused=outcome if row.user == actor.user else tried.refused or outcome)
            elif row.user == actor.user:
                tried = replace(tried, own=tried.own + count, shown=tried.shown or (outcome if count else None))
            elif count:
                tried = replace(tried, others=tried.others + count, shown=outcome)
        if not tried.others and (table.name, operation) in self._unbound:
            return self._write_blindly(operation, table, actor, held, tried)
        return tried

    def _write_blindly(self, operation: str, table: Table, actor: Actor, held: Held, tried: Try) -> Try:
        """Without looking at a row, so that no policy for SELECT is asked."""
        change = self._change(operation, table, actor, held, blind=True)
        if change is None:
            return tried
        outcome = self._stage.attempt(change, actor)
        others = (1 if outcome.reached else outcome.count) - tried.own
        return replace(tried, others=others, shown=outcome) if others > 0 else tried

    def _rows_of(self, table: Table) -> Sequence[UsersRow]:
        return self._rows.get(table.name, ())

    def _change(self, operation: str, table: Table, actor: Actor, held: Held, *, blind: bool = False) -> str | None:
        if operation == "DELETE":
            return f"DELETE FROM {table.name}"  # noqa: S608
        columns = [
            column
            for column in self._columns_of(table.name)
            if not column.generated and column.identity != "always" and held.may_column("UPDATE", column.bare_name)
        ]
        for column in columns:
            if held.may_column("SELECT", column.bare_name) and not blind:
                return f"UPDATE {table.name} SET {column.quoted_name} = {column.quoted_name}"  # noqa: S608
        for column in columns[-1:]:
            rows = sorted(self._rows_of(table), key=lambda row: row.user != actor.user)
            value = literal(rows[0].values.get(column.bare_name)) if rows else "NULL"  # his own, that may be unique
            return f"UPDATE {table.name} SET {column.quoted_name} = {value}"  # noqa: S608
        return None

    def _insert(self, table: Table, actor: Actor, held: Held) -> Try:
        filled = self._tables.get(table.name)
        if filled is None:
            return Try(may=True)
        tied = table.name in self._access.ties and actor in PUBLIC_ACTORS
        tried = Try(may=True)
        for user in self._users.values() if tied else [actor.user or self._users[1]]:
            values = self._made.values(filled, user, _NEW + user.number)
            if "INSERT" not in held.whole:
                values = {name: value for name, value in values.items() if held.may_column("INSERT", name)}
            statement = insert_statement(table.name, values)
            outcome = self._stage.attempt(statement, actor)
            count = 1 if outcome.reached else outcome.count
            if not count:
                refused = outcome if outcome.refusal else None
                tried = replace(tried, refused=refused if user == actor.user else tried.refused or refused)
            elif not tied:
                tried = replace(tried, loose=count, shown=outcome)
            elif user == actor.user:
                tried = replace(tried, own=count, shown=tried.shown or outcome)
            elif self._lands(statement, actor, table.name, user.id, outcome):
                tried = replace(tried, others=tried.others + count, shown=outcome)
        return tried

    def _lands(self, statement: str, actor: Actor, table: str, user: str, outcome: Outcome) -> bool:
        """Whether the row is that user's when it is written: a trigger may have made it the actor's own. Of a row that
        was refused behind its triggers nothing more can be told, unless it gave way to one that is there."""
        columns = sorted(self._access.ties[table])
        is_his = " OR ".join(f"{_quoted(name)}::text = {literal(user)}" for name in columns)
        count = f"SELECT count(*) FROM {table} WHERE {is_his}"  # noqa: S608 - names of the catalog
        before = f"TRUNCATE {table} CASCADE" if outcome.reached else ""
        known = self._stage.attempt(count, before=before)
        after = self._stage.attempt(statement, actor, before=before, sent=f"{statement}; RESET ROLE; {count}")
        if after.refusal is not None or known.refusal is not None:
            return after.reached
        return bool(after.rows[0][0] > known.rows[0][0])


def _counted(outcome: Outcome, count: int) -> Try:
    if outcome.refusal is not None and not outcome.reached:
        return Try(may=True, refused=outcome)
    return Try(may=True, loose=count, shown=outcome)


def row_condition(context: Context, row: UsersRow) -> str:
    """How a client names the row in a WHERE."""
    return _condition(next(table for table in users_state(context).tables if table.name == row.table), row)


def _condition(table: FilledTable, row: UsersRow) -> str:
    """How a client names the row: by its first key, else by what it holds."""
    key = next((key.columns for key in table.keys if key.unique and key.columns and not key.predicate), ())
    given = [name for name, value in row.given.items() if isinstance(value, (str, int))]
    names = [name for name in key if row.values.get(name) is not None] or given
    return " AND ".join(f"{_quoted(name)} = {literal(row.values[name])}" for name in names) or "true"


def insert_statement(table: str, values: Mapping[str, str]) -> str:
    """An INSERT of one row of these values, by column."""
    if not values:
        return f"INSERT INTO {table} DEFAULT VALUES"
    held = ", ".join(map(literal, values.values()))
    return f"INSERT INTO {table} ({', '.join(map(_quoted, values))}) VALUES ({held})"  # noqa: S608


def _quoted(name: str) -> str:
    return identifier(name).as_string(None)
