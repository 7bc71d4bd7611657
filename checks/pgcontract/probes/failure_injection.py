"""A script stopped after each statement, run without one statement, rolled back: what each leaves, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

import psycopg
from psycopg.pq import TransactionStatus

from pgcontract.catalog import read_object_ids, subtract
from pgcontract.catalog.contents import read_contents
from pgcontract.errors import CouldNotAsk
from pgcontract.model.contents import Contents, row_counts
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script, Statement
from pgcontract.postgres.connection import execute_discarding_rows
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import (
    Refusal,
    apply_as_production,
    apply_statement,
    apply_statements,
    as_runner,
    ends_transactions,
)
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.contents_changes import describe_difference, rows_after_rollback
from pgcontract.probes.context import Context
from pgcontract.probes.rehearsal import filled_before
from pgcontract.values import dataclass

# Running every prefix is quadratic in the statements; beyond this many a seeded sample is run.
MAX_PREFIXES = 60
# Where the whole script is run for each of them, so many statements are run in all.
_MAX_STATEMENTS_RUN = 12_000
# Rights on the database itself are not cloned with it.
_GRANTED_ON = ("table", "view", "sequence", "function", "type", "schema", "column")


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """The script stopped after its first `statements_run` statements, each committed as `psql -f` does.

    `objects_left` counts the objects it had created; `refusal` is the error of the rollback from there, and
    `rollback_differences` what still differed from the catalog before, once it had run.
    """

    statements_run: int
    statement: Statement
    objects_left: int
    refusal: Refusal | None = None
    rollback_differences: tuple[str, ...] = ()


@cached_fact
def run_prefixes(context: Context) -> tuple[Prefix, ...]:
    """Every prefix of the script, in order, with the rollback tried from each one.

    CouldNotAsk where the text was not split, or where a single statement is refused that the whole script is not.
    """
    script = context.promise.script
    if not script.parsed:
        raise CouldNotAsk("the file is too large to be split into statements")
    context.require_features()
    chosen = choose_prefixes(context)
    prefixes: list[Prefix] = []
    before = _objects_before(context)  # now: entering another state later drops the roles created so far
    with context.sandbox.clone(filled_before(context).state, keep=True) as name:
        run = _PrefixRun(context, name, before)
        committed: Prefix | None = None  # what is left wherever it stops until the open transaction is committed
        try:
            for statements_run, statement in enumerate(script.statements, 1):
                if statement.is_transaction_control and not run.is_open:
                    committed = run.stop(statement)
                run.apply(statement)
                if statements_run in chosen:
                    left = committed if committed is not None and run.is_open else run.stop(statement)
                    prefixes.append(replace(left, statements_run=statements_run, statement=statement))
        finally:
            run.connection.close()
            context.sandbox.drop(name)
    return tuple(prefixes)


class _PrefixRun:
    """The script's statements one after another in the database `name`, `before` which these objects were there."""

    def __init__(self, context: Context, name: str, before: frozenset[str]) -> None:
        self.context = context
        self.name = name
        self.before = before
        self.connection = context.sandbox.connect(name)

    @property
    def is_open(self) -> bool:
        """Whether the script has begun a transaction, of which nothing is left where it stops."""
        return self.connection.info.transaction_status is not TransactionStatus.IDLE

    def apply(self, statement: Statement) -> None:
        script = self.context.promise.script
        with as_runner(self.connection, script):
            refusal = apply_statement(self.connection, statement, script)
        if refusal:
            raise CouldNotAsk(f"run one by one, the statement at line {statement.line} is refused: {refusal}")

    def stop(self, statement: Statement) -> Prefix:
        """What is left where the script stops behind what it has committed, and what the rollback makes of that."""
        context, rollback = self.context, self.context.promise.rollback
        objects_left = len(_created_objects(self.connection, self.before))
        if rollback is None:
            return Prefix(statements_run=0, statement=statement, objects_left=objects_left)
        if ends_transactions(rollback):
            self.connection.close()
            refusal, different, contents = _undo_in_clone(context, rollback, context.sandbox.read_state(self.name))
            self.connection = context.sandbox.connect(self.name)
        else:
            refusal, different, contents = _undo_in_transaction(self.connection, context, rollback)
        if contents is not None:
            different = (*different, *_rows_not_restored(context, self.connection, contents))
        if refusal is not None and refusal.is_timeout:
            raise CouldNotAsk(f"after line {statement.line} the rollback does not end: {refusal}")
        return Prefix(
            statements_run=0,
            statement=statement,
            objects_left=objects_left,
            refusal=refusal,
            rollback_differences=different,
        )


def first_line(statement: Statement | str, most: int = 60) -> str:
    """The statement's first line, cut where it is long: enough to know it by."""
    text = statement if isinstance(statement, str) else statement.shown
    line = text.partition("\n")[0].rstrip(" (")
    return line if len(line) <= most else f"{line[:most].rstrip()} …"


def choose_prefixes(context: Context) -> frozenset[int]:
    """The numbers of statements after which the script is stopped: all of them, or a seeded sample."""
    return _choose(context, MAX_PREFIXES)


def _choose_costly(context: Context) -> frozenset[int]:
    """The same, where each costs a run of the whole script."""
    number = len(context.promise.script.statements)
    return _choose(context, max(2, min(MAX_PREFIXES, _MAX_STATEMENTS_RUN // max(number, 1))))


def _choose(context: Context, most: int) -> frozenset[int]:
    numbers = range(1, len(context.promise.script.statements) + 1)
    if len(numbers) <= most:
        return frozenset(numbers)
    sample = context.promise.random("prefixes").sample(numbers[:-1], most - 1)
    return frozenset((*sample, numbers[-1]))


def _created_objects(connection: psycopg.Connection, before: frozenset[str]) -> frozenset[str]:
    """The objects that are there and were not `before`, by identity: far cheaper than reading the whole catalog."""
    return _object_names(read_object_ids(connection)) - before


@cached_fact
def _objects_before(context: Context) -> frozenset[str]:
    with context.sandbox.rolled_back(context.before_state) as connection:
        return _object_names(read_object_ids(connection))


def _object_names(identities: Mapping[str, object]) -> frozenset[str]:
    return frozenset(name for name in identities if not name.startswith("column "))


@contextmanager
def snapshot_transaction(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction that is rolled back; one that a script left open or failed is rolled back first."""
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")


_Undone: TypeAlias = tuple[Refusal | None, tuple[str, ...], Contents | None]
"""Why the rollback was refused, what differs from the catalog before, and the rows where any differ."""


def _undo_in_transaction(connection: psycopg.Connection, context: Context, rollback: Script) -> _Undone:
    with snapshot_transaction(connection):
        with as_runner(connection, rollback):
            refusal = apply_statements(connection, rollback.statements, rollback)
        return (refusal, (), None) if refusal else (None, *_left(context, connection))


def _undo_in_clone(context: Context, rollback: Script, state: DatabaseState) -> _Undone:
    with context.clone(state) as connection:
        refusal = apply_as_production(connection, rollback)
        with snapshot_transaction(connection):
            return (refusal, (), None) if refusal else (None, *_left(context, connection))


def _left(context: Context, connection: psycopg.Connection) -> tuple[tuple[str, ...], Contents | None]:
    catalog = replace(context.catalog(connection), rows=())
    different = catalog_differences(catalog, replace(context.before, rows=()))
    before = filled_before(context).contents
    if not any(table.count for table in before.tables.values()):
        return different, None
    contents = read_contents(connection)
    return different, contents if contents.tables != before.tables else None


def _rows_not_restored(context: Context, connection: psycopg.Connection, after: Contents) -> Iterator[str]:
    """The rows of before that the rollback changed from what they were, on a connection to where it began."""
    with snapshot_transaction(connection):
        migrated = read_contents(connection)
    changed = rows_after_rollback(context, migrated=migrated, filled=migrated, after=after).own
    if changed:
        yield f"rows are not restored, {describe_difference(changed[0])} ({row_counts(changed)})"


def catalog_differences(actual: Schema, expected: Schema) -> tuple[str, ...]:
    """What is in one catalog and not, identically, in the other: `index public.x is left`, `... is gone`."""
    actual, expected = _with_rights_alone(actual), _with_rights_alone(expected)
    extra, missing = _labels(subtract(actual, expected)), _labels(subtract(expected, actual))
    both = set(extra) & set(missing)
    return tuple(
        [f"{name} is changed" for name in sorted(both)]
        + [f"{name} is left" for name in extra if name not in both]
        + [f"{name} is gone" for name in missing if name not in both]
    )


def _with_rights_alone(schema: Schema) -> Schema:
    """The catalog with what is granted on objects of the database, whichever part of it default privileges would give."""
    grants = (replace(one, implied=()) for one in schema.grants if one.privileges and one.object[0] in _GRANTED_ON)
    return replace(schema, grants=tuple(grants))


def _labels(schema: Schema) -> tuple[str, ...]:
    """The parts, with the grants of those objects that are not among them."""
    names = {part.name for part in schema.parts() if part.kind != "grant"}
    return (*object_labels(schema), *(f"grant on {one.name}" for one in schema.grants if one.object[1] not in names))


def object_labels(schema: Schema) -> tuple[str, ...]:
    """The parts of a schema as `kind name`, columns and grants of a listed table left out."""
    tables = {table.name for table in schema.tables}
    return tuple(
        f"{part.kind} {part.name}"
        for part in schema.parts()
        if part.kind != "grant" and not (part.kind == "column" and getattr(part, "table", None) in tables)
    )


def fails_midway(script: Script) -> bool:
    """Whether anything of it is run before it fails: a single statement fails first, unless it goes by statement."""
    return len(script.statements) > 1 or _goes_by_statement(script)


def _goes_by_statement(script: Script) -> bool:
    return script.execution.restores or any(statement.copy_rows is not None for statement in script.statements)


def fail_at_each_statement(context: Context, connection: psycopg.Connection) -> None:
    """The script as one transaction that fails behind its first statement, its second, and so on, but for the last:
    behind a COMMIT it is no part of the script any more. Of very many statements a sample is tried. What is sent by
    statement fails at its end: what it left open is rolled back there, with all that is before it."""
    script = context.promise.script
    if _goes_by_statement(script):
        connection.execute("BEGIN")
        refusal = apply_statements(connection, script.statements, script)
        if refusal is not None and refusal.is_timeout:
            raise CouldNotAsk(f"as one transaction the script does not end: {refusal}")
        if not connection.closed and connection.info.transaction_status is not TransactionStatus.IDLE:
            connection.execute("ROLLBACK")
        return
    chosen = _choose_costly(context)
    for number, statement in enumerate(script.statements[:-1], 1):
        if number not in chosen:
            continue
        cut = statement.offset + len(statement.text)
        try:
            execute_discarding_rows(connection, f"{script.text[:cut]};\nSELECT 1/0".encode())
        except psycopg.errors.QueryCanceled as error:
            raise CouldNotAsk(f"the script up to line {statement.line} does not end: {error}") from error
        except psycopg.Error:
            connection.execute("ROLLBACK")


@cached_fact
def run_skipping_each(context: Context) -> tuple[tuple[Statement, int, int], ...]:
    """For each statement, as if it alone had failed: how many later ones fail with it, and how many objects are then
    missing at the end. This is what `psql -f` without options leaves: it goes on after an error."""
    script = context.promise.script
    if not script.parsed or ends_transactions(script):
        raise CouldNotAsk("the script ends its own transactions, so skipping a statement cannot be undone")
    before = _objects_before(context)
    with context.sandbox.rolled_back(context.after_state) as connection:
        whole = _created_objects(connection, before)
    skips: list[tuple[Statement, int, int]] = []
    chosen = {0, *_choose_costly(context)}
    with context.sandbox.rolled_back(context.before_state) as connection:
        failed_before = 0
        connection.execute("SAVEPOINT pgcontract")
        for number, skipped in enumerate(script.statements):
            if number in chosen:
                connection.execute("SAVEPOINT pgcontract_skipped; SAVEPOINT pgcontract")
                failed = failed_before + _count_failing(connection, script.statements[number + 1 :], script)
                missing = whole - _created_objects(connection, before)
                connection.execute("ROLLBACK TO SAVEPOINT pgcontract_skipped; RELEASE SAVEPOINT pgcontract_skipped")
                skips.append((skipped, failed, len(missing)))
            failed_before += _count_failing(connection, [skipped], script)
    return tuple(skips)


def _count_failing(connection: psycopg.Connection, statements: Sequence[Statement], script: Script) -> int:
    """Runs them all, each in the savepoint that is set ahead."""
    failed = 0
    with as_runner(connection, script):
        for statement in statements:
            # In its message: one of their own for each would take several times what the server takes. It is let go for
            # the next, since each that is left open holds a lock, of which a server has some thousands.
            text = f"{statement.text}\n; RELEASE SAVEPOINT pgcontract; SAVEPOINT pgcontract"
            try:
                execute_discarding_rows(connection, text.encode(), rows=statement.copy_rows)
            except psycopg.errors.QueryCanceled as error:
                raise CouldNotAsk(f"the statement at line {statement.line} does not end: {error}") from error
            except psycopg.Error:
                failed += 1
                connection.execute("ROLLBACK TO SAVEPOINT pgcontract")
    return failed
