"""What the script begins, it commits."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Origin
from pgcontract.model.sql import TransactionScope, Uncommitted, last_uncommitted
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check


def _begins_transactions(promise: Promise) -> tuple[str, ...]:
    """Where the tool puts a transaction around the file, its own COMMIT ends whatever the file left open."""
    own = promise.script.execution.transaction is TransactionScope.MESSAGE
    return ("script",) if own and any(statement.is_transaction_control for statement in promise.script.statements) else ()


@check("script.commits", subjects=_begins_transactions)
def script_commits(context: Context) -> Iterator[Answer]:
    """The script commits the transactions that it begins.

    Why it matters: what is not committed is undone when the tool hangs up, and no tool reports that; until then its locks
    are held.
    How it is measured: the script's own BEGIN, COMMIT and ROLLBACK are followed to its end.
    What to do: write COMMIT; behind the last statement, or leave BEGIN out.
    """
    script = context.promise.script
    uncommitted = last_uncommitted(script)
    if uncommitted is None:
        yield Answer(Status.KEPT, "script", "The script commits every transaction that it begins.")
        return
    ended = uncommitted.rolled_back
    yield Answer(
        Status.BROKEN,
        "script",
        _summary(uncommitted),
        remedy="Write COMMIT; behind the last statement, or leave BEGIN out."
        if ended is None
        else "Write COMMIT; in the place of ROLLBACK, if the script is meant to change anything.",
        severity=Severity.ERROR if ended is None else Severity.WARNING,
        origin=Origin(
            file=(ended or uncommitted.begun).path or script.path,
            line=(ended or uncommitted.begun).line,
            column=(ended or uncommitted.begun).column,
        ),
    )


def _summary(uncommitted: Uncommitted) -> str:
    line = uncommitted.begun.line
    if uncommitted.rolled_back is None:
        return f"The transaction that the script begins at line {line} is never committed, so what follows it is undone."
    return f"The script rolls back at line {uncommitted.rolled_back.line} what it does since line {line}."
