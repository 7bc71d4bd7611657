"""Migrations as a runner of their owner's own runs them: what `[runner]` says in the place of what the layout does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pgcontract.contract.migration import Migration
from pgcontract.contract.project_file import RunnerSpec
from pgcontract.model.sql import Execution, Script, TransactionScope

_SCOPES: Final = {
    "file": TransactionScope.FILE,
    "all": TransactionScope.ALL,
    "message": TransactionScope.MESSAGE,
    "statement": TransactionScope.MESSAGE,
}
_SENTENCES: Final = {
    "file": "each file in a transaction",
    "all": "all pending files in one transaction",
    "message": "each file as one message",
    "statement": "each statement by itself",
}


def run_by(runner: RunnerSpec, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """The migrations, each way of them run like that."""
    return tuple(
        replace(
            migration,
            up=_run(runner, migration.up),
            down=migration.down and _run(runner, migration.down),
            outside_remedy=migration.outside_remedy if runner.transaction is None else "",
        )
        for migration in migrations
    )


def runner_sentences(runner: RunnerSpec, file: str) -> Iterator[str]:
    """What it says of how they are run, in one sentence, if it says something in the file that is called so."""
    said = [_SENTENCES[runner.transaction]] if runner.transaction else []
    said += ["every file again and again"] if runner.repeats else []
    said += [f"by the role {runner.role}"] if runner.role else []
    if said:
        yield f"Run as [runner] in {file} says: {', '.join(said)}."


def _run(runner: RunnerSpec, script: Script) -> Script:
    execution = script.execution
    if runner.transaction is not None:
        execution = Execution(
            transaction=_SCOPES[runner.transaction],
            by_statement=runner.transaction == "statement"
            or (runner.transaction != "message" and execution.by_statement),
            outside_transaction=False,
            repeatable=execution.repeatable,
        )
    if runner.repeats is not None:
        execution = replace(execution, repeatable=runner.repeats)
    return replace(script, execution=replace(execution, role=runner.role or execution.role))
