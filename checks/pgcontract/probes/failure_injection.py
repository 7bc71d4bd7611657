"""A script's life rehearsed: failing at each statement, half done, run again, undone. What each leaves, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.pq import TransactionStatus

from pgcontract.catalog import read_identities, subtract
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script, Statement
from pgcontract.postgres.connection import discard
from pgcontract.postgres.sandbox import State
from pgcontract.postgres.script_execution import (
    Refusal,
    apply_as_production,
    apply_statement,
    apply_statements,
    ends_transactions,
)
from pgcontract.probes.context import CouldNotAsk, Trial

# Rehearsing every prefix is quadratic in the statements; beyond this many a seeded sample stands for all.
MOST_PREFIXES = 60


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """The script stopped after its first `done` statements, each committed as `psql -f` does.

    `left` counts the objects it had made; `refusal` is what the way back said from there, and `unlike_before` what
    still differed from the catalog before, once it had run.
    """

    done: int
    statement: Statement
    left: int
    refusal: Refusal | None = None
    unlike_before: tuple[str, ...] = ()


def rehearse_prefixes(trial: Trial) -> tuple[Prefix, ...]:
    """Every prefix of the script, in order, with the way back tried from each one.

    CouldNotAsk where the text was not split, or where a single statement is refused that the whole script is not.
    """
    script, way_back = trial.promise.script, trial.promise.way_back
    if not script.parsed:
        raise CouldNotAsk("the file is too large to be split into statements")
    trial.demand_able_server()
    chosen = chosen_prefixes(trial)
    walked: list[Prefix] = []
    trial.once("named", _before)  # now: entering another state later would put away the roles made on the way
    with trial.workbench.clone(trial.before_state, keep=True) as name:
        connection = trial.workbench.connect(name)
        try:
            for done, statement in enumerate(script.statements, 1):
                if refusal := apply_statement(connection, statement, script):
                    raise CouldNotAsk(f"run one by one, the statement at line {statement.line} is refused: {refusal}")
                if done not in chosen:
                    continue
                left = len(_made(connection, trial))
                if way_back is None:
                    walked.append(Prefix(done=done, statement=statement, left=left))
                    continue
                if ends_transactions(way_back):
                    connection.close()
                    undone = _undo_in_clone(trial, way_back, trial.workbench.rest(name))
                    connection = trial.workbench.connect(name)
                else:
                    undone = _undo_in_transaction(connection, trial, way_back)
                if undone[0] is not None and undone[0].is_late:
                    raise CouldNotAsk(f"after line {statement.line} the way back does not end: {undone[0]}")
                walked.append(
                    Prefix(done=done, statement=statement, left=left, refusal=undone[0], unlike_before=undone[1])
                )
        finally:
            connection.close()
            trial.workbench.drop(name)
    return tuple(walked)


def opening(statement: Statement, most: int = 60) -> str:
    """The statement's first line, cut where it is long: enough to know it by."""
    line = statement.text.partition("\n")[0].rstrip(" (")
    return line if len(line) <= most else f"{line[:most].rstrip()} …"


def chosen_prefixes(trial: Trial) -> frozenset[int]:
    """The numbers of statements after which the script is stopped: all of them, or a seeded sample."""
    numbers = range(1, len(trial.promise.script.statements) + 1)
    if len(numbers) <= MOST_PREFIXES:
        return frozenset(numbers)
    sample = trial.promise.random("prefixes").sample(numbers[:-1], MOST_PREFIXES - 1)
    return frozenset((*sample, numbers[-1]))


def _made(connection: psycopg.Connection, trial: Trial) -> frozenset[str]:
    """The objects that are there and were not before, by identity: far cheaper than reading the whole catalog."""
    return _named(read_identities(connection, transaction=not in_transaction(connection))) - trial.once("named", _before)


def _before(trial: Trial) -> frozenset[str]:
    with trial.workbench.rolled_back(trial.before_state) as connection:
        return _named(read_identities(connection, transaction=False))


def _named(identities: Mapping[str, object]) -> frozenset[str]:
    return frozenset(name for name in identities if not name.startswith("column "))


def in_transaction(connection: psycopg.Connection) -> bool:
    return connection.info.transaction_status is not TransactionStatus.IDLE


@contextmanager
def snapshot_transaction(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction that is rolled back; one that a script left open, or in ruins, is given up before it."""
    if in_transaction(connection):
        connection.execute("ROLLBACK")
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")


def _undo_in_transaction(
    connection: psycopg.Connection, trial: Trial, way_back: Script
) -> tuple[Refusal | None, tuple[str, ...]]:
    with snapshot_transaction(connection):
        refusal = apply_statements(connection, way_back.statements, way_back)
        return refusal, () if refusal else unlike(trial.catalog(connection), trial.before)


def _undo_in_clone(trial: Trial, way_back: Script, state: State) -> tuple[Refusal | None, tuple[str, ...]]:
    with trial.clone(state) as connection:
        refusal = apply_as_production(connection, way_back)
        with snapshot_transaction(connection):
            return refusal, () if refusal else unlike(trial.catalog(connection), trial.before)


def unlike(found: Schema, wanted: Schema) -> tuple[str, ...]:
    """What is in one catalog and not, identically, in the other: `index public.x is left`, `... is gone`."""
    extra, missing = objects(subtract(found, wanted)), objects(subtract(wanted, found))
    both = set(extra) & set(missing)
    return tuple(
        [f"{name} is changed" for name in sorted(both)]
        + [f"{name} is left" for name in extra if name not in both]
        + [f"{name} is gone" for name in missing if name not in both]
    )


def objects(schema: Schema) -> tuple[str, ...]:
    """The parts of a schema as `kind name`, columns and grants of a listed table left out."""
    tables = {table.name for table in schema.tables}
    return tuple(
        f"{part.kind} {part.name}"
        for part in schema.parts()
        if part.kind != "grant" and not (part.kind == "column" and getattr(part, "table", None) in tables)
    )


def skip_each(trial: Trial) -> tuple[tuple[Statement, int, int], ...]:
    """For each statement, as if it alone had failed: how many later ones fail with it, and how many objects are then
    missing at the end. This is what `psql -f` without options leaves: it goes on after an error."""
    script = trial.promise.script
    if not script.parsed or ends_transactions(script):
        raise CouldNotAsk("the script ends its own transactions, so skipping a statement cannot be undone")
    with trial.workbench.rolled_back(trial.after_state) as connection:
        whole = _made(connection, trial)
    told: list[tuple[Statement, int, int]] = []
    chosen = {0, *chosen_prefixes(trial)}
    for number, skipped in enumerate(script.statements, 1):
        if number - 1 in chosen:
            with trial.workbench.rolled_back(trial.before_state) as connection:
                failed = _run_without(connection, script.statements, number)
                left = _made(connection, trial)
            told.append((skipped, failed, len(whole - left)))
    return tuple(told)


def _run_without(connection: psycopg.Connection, statements: Sequence[Statement], skipped: int) -> int:
    failed = 0
    for number, statement in enumerate(statements, 1):
        if number != skipped:
            connection.execute("SAVEPOINT pgcontract")
            try:
                discard(connection, statement.text.encode())
            except psycopg.errors.QueryCanceled as error:
                raise CouldNotAsk(f"the statement at line {statement.line} does not end: {error}") from error
            except psycopg.Error:
                failed += 1
                connection.execute("ROLLBACK TO SAVEPOINT pgcontract")
    return failed
