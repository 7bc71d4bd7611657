"""The head with the rows that its tool loads behind the last migration, and sequences that repeat one of their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from typing import Final

import psycopg

from pgcontract.catalog.contents import read_contents
from pgcontract.catalog.snapshot import open_snapshot
from pgcontract.errors import CouldNotAsk
from pgcontract.model.contents import SequencePosition
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Script
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import Refusal, apply_as_production, locate_refusal, read_refusal
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.row_maker import RowMaker, insert_literals, is_numbered
from pgcontract.probes.row_generation.target_tables import read_tables
from pgcontract.values import dataclass

_NUMBER = 5_000  # far from what a seed counts from
# Without one of these no script changes which number comes next to a row that is there.
_NUMBERS: Final = re.compile(r"GENERATED|SEQUENCE|SERIAL|SETVAL|NEXTVAL|RESTART|INCLUDING|INSERT", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SeededState:
    """The state behind the migrations and their seeds; `refused` are the seeds that were not loaded, each with why."""

    state: DatabaseState
    refused: tuple[tuple[Script, Refusal], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RepeatingSequence:
    """A sequence whose next number is one that a row has as its key, and the INSERT that is refused for it."""

    sequence: str
    table: str
    column: str
    next_number: int
    furthest_key: int
    insert: str
    refusal: Refusal


@cached_state_fact
def load_seeds(context: Context) -> SeededState:
    """The seeds loaded behind the migration, each as its tool would, going on after a failure."""
    seeds = context.promise.project.seeds
    if not seeds:
        return SeededState(state=context.after_state)
    refused = []
    with context.sandbox.clone(context.after_state, keep=True) as name:
        for script in seeds:
            with context.sandbox.connect(name) as connection:
                refusal = apply_as_production(connection, script)
            if refusal is not None:
                with context.sandbox.clone(context.after_state) as copy, context.sandbox.connect(copy) as connection:
                    for earlier in seeds[: seeds.index(script)]:
                        apply_as_production(connection, earlier)
                    refused.append((script, locate_refusal(connection, script, refusal)))
    return SeededState(state=context.sandbox.read_state(name), refused=tuple(refused))


def repeating_sequences(context: Context) -> Iterator[RepeatingSequence]:
    """The sequences that come to a key which rows of migrations and seeds have, or rows that were there before what is
    pending; each shown by an INSERT."""
    reported: set[str] = set()
    for state, known in _states(context):
        for repeating in _repeating_in(context, state, known):
            if repeating.sequence not in reported:
                reported.add(repeating.sequence)
                yield repeating


def _states(context: Context) -> Iterator[tuple[DatabaseState, Callable[[], Set[tuple[str, str]]]]]:
    """The states to look at, each with what tells the columns whose numbers came to a key before."""
    has_rows = bool(context.after.rows)
    if has_rows or context.promise.project.seeds:  # no table has a key otherwise
        yield load_seeds(context).state, frozenset
    pending = context.promise.project.pending
    population = context.population
    if population is None or not any(_NUMBERS.search(migration.up.text) for migration in pending):
        return

    def known_before() -> Set[tuple[str, str]]:
        with context.clone(population.before(pending[0].key).state) as connection:
            return {(table, column) for _, table, column in _repeated_keys(connection)}

    with suppress(CouldNotAsk):
        after = run_over_rows(context).after
        if after is not None and (has_rows or after != context.after_state):
            yield after, known_before


def _repeated_keys(connection: psycopg.Connection) -> Iterator[tuple[SequencePosition, str, str]]:
    positions = read_contents(connection).sequences
    with open_snapshot(connection) as snapshot:
        numbered = snapshot.run_query("sequence_positions").fetchall()
    for schema, name, _, table_schema, table_name, column in numbered:
        position = positions.get(str(QualifiedName.of(schema, name)))
        if column is not None and position is not None and position.furthest_key is not None and position.repeats_key:
            yield position, str(QualifiedName.of(table_schema, table_name)), column


def _repeating_in(
    context: Context, state: DatabaseState, known_before: Callable[[], Set[tuple[str, str]]]
) -> Iterator[RepeatingSequence]:
    own = {table.name for table in context.migrated.tables if table.owner == MIGRATOR}
    with context.clone(state) as connection:
        repeated = [each for each in _repeated_keys(connection) if each[1] in own]
        known: Set[tuple[str, str]] = frozenset()
        if repeated:
            try:
                known = known_before()
            except CouldNotAsk:
                return
        for position, table, column in repeated:
            if (table, column) in known:
                continue
            shown = _refused_insert(context, connection, table, column)
            if shown is not None and position.furthest_key is not None:
                statement, refusal = shown
                yield RepeatingSequence(
                    sequence=position.name,
                    table=table,
                    column=column,
                    next_number=position.next_number,
                    furthest_key=position.furthest_key,
                    insert=statement,
                    refusal=refusal,
                )


def _refused_insert(
    context: Context, connection: psycopg.Connection, table: str, column: str
) -> tuple[str, Refusal] | None:
    """A row that only the table's own number makes impossible: 23505 of a key that the numbered column is in."""
    tables = read_tables(connection, [table])
    filled = next((each for each in tables if each.name == table), None)
    if filled is None:
        return None
    keys = {key.name for key in filled.keys if key.unique and column in key.columns}
    maker = RowMaker(
        promise=context.promise,
        connection=connection,
        tables=tables,
        table=filled,
        into=table,
        first=_NUMBER,
        texts=example_texts(context.promise),
        is_empty=False,
    )
    needed = [each.name for each in filled.columns if not is_numbered(each) and not each.null and each.default is None]
    values = maker.planned_values(_NUMBER, needed) if needed else {}
    if values is None:
        return None
    statement = insert_literals(table, values)
    try:
        with connection.transaction():
            connection.execute(statement)
    except psycopg.Error as error:
        refusal = read_refusal(error)
        named = {name.strip('"') for name in keys}
        if refusal.sqlstate == "23505" and refusal.constraint in named:
            return f"{statement.as_string()};", refusal
    return None
