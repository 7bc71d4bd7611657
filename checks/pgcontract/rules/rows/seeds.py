"""Seeds and sequences: the rows that are written with the tables, and the numbers that are handed out after them."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from pgcontract.contract.seed_commands import SeedCommand
from pgcontract.contract.seeds import seed_name
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.populated.seeded import load_seeds, repeating_sequences
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept

SEQUENCES = "sequences"


def _seeds(promise: Promise) -> tuple[str, ...]:
    is_head = promise.migration is promise.project.head
    project = promise.project
    command = (project.seed_command.path.name,) if project.seed_command and _unread_command(promise) else ()
    return (*(seed_name(script, project.root) for script in project.seeds), *command) if is_head else ()


def _unread_command(promise: Promise) -> SeedCommand | None:
    """The command that makes the seeds, where there is none that a server could load."""
    command = promise.project.seed_command
    return command if command is not None and (command.missing or not command.files) else None


@check("seed.applies", subjects=_seeds, severity=Severity.WARNING, head=True)
def seed_applies(context: Context) -> Iterator[Answer]:
    """Each seed file loads behind the last migration.

    Why it matters: whoever builds a database from the folder, and every preview and test, stops at a seed that fails.
    How it is measured: what the tool's configuration names as seeds, else seed.sql in or beside the folder, is run behind
    the last migration, in an empty database, as its tool would run it. Of a command only the SQL files in it are loaded.
    What to do: change the seed with the tables; it is written for the last migration alone.
    """
    command = _unread_command(context.promise)
    if command is not None:
        what = f"{command.missing[0]} is not there" if command.missing else "that is no SQL, and is not run"
        yield Answer(
            Status.NOTED,
            command.path.name,
            f"{command.path.name} seeds by `{command.shown}`: {what}, so no row of it was tried.",
            origin=Origin(file=str(command.path), line=command.line),
        )
    refused = {script.path: refusal for script, refusal in load_seeds(context).refused}
    for script in context.promise.project.seeds:
        path, name = script.path, seed_name(script, context.promise.project.root)
        refusal = refused.get(path)
        if refusal is None:
            yield Answer(Status.KEPT, name, "The seed loads behind the last migration.")
            continue
        yield Answer(
            Status.BROKEN,
            name,
            f"The seed fails behind the last migration: {refusal.message.removesuffix('.')}.",
            expected="the seed runs to its end",
            actual=str(refusal),
            remedy=f"Fix the statement at line {refusal.line} of {path}." if refusal.line else f"Fix {path}.",
            evidence=refusal.evidence(),
            origin=Origin(file=refusal.path or path, line=refusal.line, column=refusal.column),
        )


def _head(promise: Promise) -> tuple[str, ...]:
    return (SEQUENCES,) if promise.migration is promise.project.head else ()


@check("sequence.ahead", subjects=_head, severity=Severity.WARNING, head=True)
@otherwise_kept(SEQUENCES, "No sequence comes to a number that a row has.")
def sequence_ahead(context: Context) -> Iterator[Answer]:
    """Each sequence is ahead of the keys that rows have.

    Why it matters: rows that are written with explicit numbers leave the sequence where it was; the next INSERT that
    takes its number is refused as a duplicate, and so are as many after it as there are such rows.
    How it is measured: at the head, behind the seeds, each sequence's next number is compared with the keys in the column
    that it numbers; where it comes to one of them, a row is inserted that leaves the number to it.
    What to do: after the rows, SELECT setval('the_sequence', max(id)) FROM the table; or write rows without the number.
    """
    for repeating in repeating_sequences(context):
        sequence, table, column = repeating.sequence, repeating.table, quote_identifier(repeating.column)
        furthest = f"(SELECT max({column}) FROM {table})"  # noqa: S608 - names from the catalog
        yield Answer(
            Status.BROKEN,
            sequence,
            f"The next INSERT into {table} is refused: its sequence comes to {repeating.next_number}, and there are rows "
            f"up to {column} = {repeating.furthest_key}.",
            expected="a next number that no row has",
            actual=str(repeating.refusal),
            remedy=f"After the rows: SELECT setval({sql.Literal(sequence).as_string()}, {furthest});",
            evidence=[
                Evidence(title="The INSERT", text=repeating.insert, language="sql"),
                *repeating.refusal.evidence(),
            ],
            origin=context.promise.origin_of("table", table),
        )
