"""Settings for one transaction, where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Origin
from pgcontract.model.sql import Script, Statement, TransactionScope
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check

_LOCAL = (("SET", "LOCAL"), ("SET", "CONSTRAINTS"), ("SET", "TRANSACTION"))


def _sets_locally(promise: Promise) -> tuple[str, ...]:
    return pending_script(promise) if any(_is_local(each) for each in promise.script.statements) else ()


@check("script.settings_hold", subjects=_sets_locally, severity=Severity.WARNING)
def script_settings_hold(context: Context) -> Iterator[Answer]:
    """What the script sets for its transaction is set within one.

    Why it matters: outside of a transaction SET LOCAL holds for nothing but itself, with a WARNING (25P01) that nobody
    reads: the lock_timeout, time zone or search_path behind it is the session's, as if the line were not there. So it is
    with SET CONSTRAINTS and SET TRANSACTION.
    How it is measured: the script is followed as its tool sends it: its own BEGIN and COMMIT, the transaction that the
    tool puts around it, and the one that the server makes of several statements in one message.
    What to do: SET without LOCAL, and RESET it at the end; or BEGIN in front and COMMIT behind.
    """
    lost = next(_outside(context.promise.script), None)
    if lost is None:
        yield Answer(Status.KEPT, "script", "What the script sets for its transaction is set within one.")
        return
    words = " ".join(lost.words[:2])
    session = lost.words[1] == "LOCAL"
    yield Answer(
        Status.BROKEN,
        "script",
        f"{words} at line {lost.line} does nothing: the script is in no transaction there, and the statements behind it "
        "run as if it were not written.",
        expected="a transaction around it",
        actual=f"WARNING 25P01: {words} can only be used in transaction blocks",
        remedy=("SET without LOCAL, and RESET at the end; or BEGIN; " if session else "BEGIN; ")
        + "in front of it and COMMIT; behind what it is for.",
        origin=Origin(file=lost.path or context.promise.script.path, line=lost.line, column=lost.column),
    )


def _is_local(statement: Statement) -> bool:
    return statement.words[:2] in _LOCAL


def _outside(script: Script) -> Iterator[Statement]:
    """Those that are sent where no transaction is open."""
    execution = script.execution
    split = execution.by_statement or any(statement.copy_rows is not None for statement in script.statements)
    if execution.outside_transaction and any(statement.forbids_transaction_block for statement in script.statements):
        split = True
    elif execution.transaction is not TransactionScope.MESSAGE:
        return
    statements = script.statements
    begun = False
    for place, statement in enumerate(statements):
        if statement.is_transaction_control:
            begun = statement.words[0] in ("BEGIN", "START") or (
                "CHAIN" in statement.words and "NO" not in statement.words
            )
        elif _is_local(statement) and not begun:
            following = statements[place + 1 : place + 2]
            joined = statement.same_message or any(each.same_message for each in following)
            if not joined if split else len(statements) == 1:
                yield statement
