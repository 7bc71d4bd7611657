"""The database with rows that is carried along the chain: rows are made when a table appears, and never anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import field
from typing import Final

import psycopg

from pgcontract.catalog.forced_row_security import forces_row_security, lift_forced_row_security
from pgcontract.contract import Migration
from pgcontract.errors import CouldNotAsk
from pgcontract.model.identifiers import read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.sql import Script
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import apply_as_production
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.few_rows import insert_few_rows
from pgcontract.values import dataclass

# Of more tables only those are filled that a judged script names, or a script that renames one to such a name.
MAX_TABLES: Final = 40
_WORD: Final = re.compile(r"[\w$]+")
_CHANGES_TABLES: Final = re.compile(r"\b(?:TABLE|TYPE|EXECUTE|INTO|PARTITION|CALL|PERFORM|SELECT)\b", re.IGNORECASE)
_RENAMES: Final = re.compile(r"\bRENAME\b|\bSET\s+SCHEMA\b", re.IGNORECASE)
# Tables of whoever migrates, with what their columns are made of: another text means that rows of a new kind go in.
_TABLES: Final = """
SELECT c.oid::int8, pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, a.atttypid, a.atttypmod,
           (SELECT count(*) FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = a.atttypid)), ',' ORDER BY a.attnum))
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND pg_catalog.pg_get_userbyid(c.relowner) = session_user
   AND n.nspname !~ '^pg_'
 GROUP BY c.oid, n.nspname, c.relname
 ORDER BY c.oid
"""
_NUMBERS_APART: Final = 200


@dataclass(frozen=True, kw_only=True)
class PopulatedState:
    """The state before a migration with rows in its tables. `refused` are the tables that took none, each with why."""

    state: DatabaseState
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CarriedRows:
    """How far a population came, to go on from later: the `database`, the tables by object id that are the platform's
    (`starting`) and as they were filled (`known`), those that took no row, and how often rows were made.
    `chosen` says of tables, where they were too many to fill all, whether the scripts that are judged name them: the
    population of others is another one.
    """

    database: str
    starting: tuple[int, ...]
    known: Mapping[int, str]
    refused: Mapping[str, str]
    generation: int
    chosen: Mapping[str, bool]


class Population:
    """Carries the database along the chain, as far as it is asked for.

    `run_over` runs a migration of those `over_rows` over a populated state and gives the one to go on with, in which the
    rows that stop it are left out; the others are applied in place. What comes before one of those `with_states` stays
    for whoever asks later; the words of all that are `judged` choose among too many tables. All of it is under the first
    grant regime: they differ in what roles of the API may do, and rows meet whoever migrates, who owns the tables under
    each.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        promises: Mapping[str, Promise],
        *,
        judged: Sequence[Migration],
        with_states: Set[str],
        over_rows: Set[str],
        run_over: Callable[[str], DatabaseState | None],
    ) -> None:
        self._sandbox = sandbox
        self._promises = promises
        self._with_states = with_states
        self._over_rows = over_rows
        self._run_over = run_over
        self._chain = list(promises)
        self._words = needed_words(promises, judged)
        scripts = (sandbox.platform.setup, *(promise.script for promise in promises.values()))
        self._forces = any(script is not None and forces_row_security(script.text) for script in scripts)
        self._states: dict[str, PopulatedState] = {}
        self._applied = 0
        self._database: str | None = None
        self._connection: psycopg.Connection | None = None
        self._starting: set[int] = set()
        self._known: dict[int, str] = {}
        self._refused: dict[str, str] = {}
        self._generation = 0
        self._chosen: dict[str, bool] = {}
        self._origin: DatabaseState | None = None  # where it goes on from, if not in the database or from the platform
        self._stack = ExitStack()

    def close(self) -> None:
        """Close the connection that is kept between two migrations."""
        self._stack.close()

    def carried_to(self, key: str) -> CarriedRows:
        """How far it comes before that migration."""
        state = self.before(key).state
        return CarriedRows(
            database=state.database,
            starting=tuple(sorted(self._starting)),
            known=dict(self._known),
            refused=dict(self._refused),
            generation=self._generation,
            chosen=dict(self._chosen),
        )

    def is_of(self, carried: CarriedRows) -> bool:
        """Whether the same tables would have been filled here."""
        return all((name in self._words) is chosen for name, chosen in carried.chosen.items())

    def go_on(self, carried: CarriedRows, key: str) -> None:
        """Take what was carried as what comes before that migration."""
        self._origin = self._sandbox.read_state(carried.database)
        self._states[key] = PopulatedState(state=self._origin, refused=dict(carried.refused))
        self._applied = self._chain.index(key)
        self._starting, self._known = set(carried.starting), dict(carried.known)
        self._refused, self._generation = dict(carried.refused), carried.generation
        self._chosen = dict(carried.chosen)

    def before(self, key: str) -> PopulatedState:
        """The state before the migration; CouldNotAsk where the chain was carried past it."""
        while key not in self._states:
            if self._applied > self._chain.index(key):
                raise CouldNotAsk("the chain of rows has gone past this migration")
            if self._chain[self._applied] == key:
                self._states[key] = self._frozen()
            else:
                self._advance()
        return self._states[key]

    def _advance(self) -> None:
        key = self._chain[self._applied]
        promise = self._promises[key]
        after = None
        if key in self._with_states:
            self.before(key)
            after = self._run_over(key) if key in self._over_rows else None
        if after is not None:
            self._go_on_from(after)
        else:
            connection = self._open()
            self._apply(connection, promise)
            if self._forces:
                lift_forced_row_security(connection)
        # What one deploy makes holds no rows when its next file runs, but those that its own statements write.
        if not promise.is_pending and _CHANGES_TABLES.search(promise.script.text):
            self._fill(self._open(), promise)
        self._applied += 1

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            is_first = self._database is None and self._origin is None
            if self._database is None:
                self._go_on_from(self._origin or self._sandbox.platform_state(self._sandbox.platform.regimes[0]))
            assert self._database is not None
            self._connection = self._stack.enter_context(self._sandbox.connect(self._database))
            if is_first:
                tables = self._connection.execute(_TABLES).fetchall()
                self._starting = {oid for oid, name, _ in tables if self._sandbox.platform.owns_table(name)}
                if self._forces:
                    lift_forced_row_security(self._connection)
                # What a setup made holds rows in production, as what an earlier migration made does.
                self._fill(self._connection, self._promises[self._chain[0]])
        return self._connection

    def _go_on_from(self, state: DatabaseState) -> None:
        self._disconnect()
        with self._sandbox.clone(state, keep=True) as name:
            self._database = name

    def _frozen(self) -> PopulatedState:
        """What the chain came to, as a state; it goes on in a copy, if it does."""
        self._open()
        self._disconnect()
        assert self._database is not None
        self._origin = self._sandbox.read_state(self._database)
        self._database = None
        return PopulatedState(state=self._origin, refused=dict(self._refused))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _apply(self, connection: psycopg.Connection, promise: Promise) -> None:
        """As its tool would; where rows stop what production has applied, it had none such: without rows then."""
        if apply_as_production(connection, promise.script) is None:
            _clear_session(connection)
            return
        _clear_session(connection)
        self._empty(connection)
        apply_as_production(connection, promise.script)
        _clear_session(connection)

    def _empty(self, connection: psycopg.Connection) -> None:
        tables = [name for oid, name, _ in connection.execute(_TABLES).fetchall() if oid in self._known]
        if tables:
            try:
                connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE".encode())
            except psycopg.Error:
                return
            self._known.clear()

    def _fill(self, connection: psycopg.Connection, promise: Promise) -> None:
        """Rows in the tables that are new, and of a new kind in those that have changed."""
        tables = [table for table in connection.execute(_TABLES).fetchall() if table[0] not in self._starting]
        names = [name for oid, name, text in tables if self._known.get(oid) != text]
        if len(tables) > MAX_TABLES:
            chosen = {name: _bare(name) in self._words for name in names}
            self._chosen |= {_bare(name): is_chosen for name, is_chosen in chosen.items()}
            names = [name for name in names if chosen[name]]
        if names:
            self._generation += 1
            first = 1 if self._generation == 1 else self._generation * _NUMBERS_APART
            rows = insert_few_rows(promise, connection, names, first=first, varied=True)
            self._refused = {name: why for name, why in self._refused.items() if name not in rows.inserted} | dict(
                rows.refused
            )
            _clear_session(connection)
        self._known = {oid: text for oid, _, text in tables}


def _bare(name: str) -> str:
    return read_identifier(split_name(name)[0][-1]).lower()


def words_of(script: Script | None) -> frozenset[str]:
    """Its words in lower case, as a table's name may be one."""
    return frozenset(word.lower() for word in _WORD.findall(script.text)) if script else frozenset()


def needed_words(promises: Mapping[str, Promise], judged: Sequence[Migration]) -> frozenset[str]:
    """The words of the judged scripts, and of those that rename one of them."""
    words: set[str] = set()
    for migration in judged:
        for script in (migration.up, migration.down):
            words |= words_of(script)
    for promise in reversed(list(promises.values())):
        if _RENAMES.search(promise.script.text):
            own = words_of(promise.script)
            if own & words:
                words |= own
    return frozenset(words)


def _clear_session(connection: psycopg.Connection) -> None:
    if not connection.closed:
        connection.execute("ROLLBACK")
        connection.execute("DISCARD ALL")
