"""Settings for one transaction, where there is none; and a role that is not given back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgcontract.model.schema import Origin
from pgcontract.model.sql import Script, Statement, TransactionScope
from pgcontract.model.sql.lexer import without_comments
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check

_LOCAL = (("SET", "LOCAL"), ("SET", "CONSTRAINTS"), ("SET", "TRANSACTION"))


_ROLE = re.compile(
    r"(?P<reset>RESET\s+(?:ROLE|SESSION\s+AUTHORIZATION)|DISCARD\s+ALL)\b|SET\s+(?:SESSION\s+)?(?:ROLE|AUTHORIZATION)\b"
    r"(?:\s*=|\s+TO\b)?\s*(?P<name>.+)",
    re.IGNORECASE | re.DOTALL,
)
_NOBODY = ("none", "default", "'none'", "'default'")
# A psql of its own for each file; Flyway sets the role back; a restore ends.
_OWN_SESSION = ("dump", "flyway", "psql")


def _sets(promise: Promise) -> tuple[str, ...]:
    is_set = any(_is_local(each) or _role_change(each) for each in promise.script.statements)
    return pending_script(promise) if is_set else ()


@check("script.settings_hold", subjects=_sets, severity=Severity.WARNING)
def script_settings_hold(context: Context) -> Iterator[Answer]:
    """What the script sets for its transaction is set within one, and its role is not left to what runs behind it.

    Why it matters: outside of a transaction SET LOCAL holds for nothing but itself, with a WARNING (25P01) that nobody
    reads: the lock_timeout, time zone or search_path behind it is the session's, as if the line were not there. So it is
    with SET CONSTRAINTS and SET TRANSACTION. SET ROLE holds for the session: the files behind it, and the row that the
    tool writes into its history, come as that role, which may not, or owns what they make.
    How it is measured: the script is followed as its tool sends it: its own BEGIN and COMMIT, the transaction that the
    tool puts around it, and the one that the server makes of several statements in one message. A role that is set and
    not reset is a note where the tool is not known, and nothing where it has a session for each file.
    What to do: SET without LOCAL, and RESET it at the end; or BEGIN in front and COMMIT behind. RESET ROLE at the end.
    """
    left = _left_role(context.promise.script)
    layout = context.promise.project.layout
    if left is not None and layout not in _OWN_SESSION:
        statement, name = left
        yield Answer(
            Status.NOTED if layout == "flat" else Status.BROKEN,
            "role",
            f"The script ends as {name}, which line {statement.line} sets: what the tool runs behind it on that "
            f"connection, its own history too, runs as {name}.",
            expected="the role that it began with",
            actual=" ".join(statement.shown.split()),
            remedy="RESET SESSION AUTHORIZATION; behind it."
            if "AUTHORIZATION" in statement.words
            else "RESET ROLE; behind it.",
            origin=Origin(
                file=statement.path or context.promise.script.path, line=statement.line, column=statement.column
            ),
        )
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


def _left_role(script: Script) -> tuple[Statement, str] | None:
    """The statement after which the session is another role to the script's end, and that role."""
    left: dict[bool, tuple[Statement, str]] = {}  # by whether it is the session's user
    for statement in script.statements:
        match = _role_change(statement)
        if match is None:
            continue
        is_user = "AUTHORIZATION" in statement.words or "DISCARD" in statement.words
        left = {} if is_user else {key: one for key, one in left.items() if key}  # which ends SET ROLE as well
        if match["name"] is not None and match["name"].lower() not in _NOBODY:
            left[is_user] = statement, match["name"].strip("'\"")
    return next(iter(left.values()), None)


def _role_change(statement: Statement) -> re.Match[str] | None:
    begins = statement.words[:1] in (("SET",), ("RESET",), ("DISCARD",))
    return _ROLE.fullmatch(without_comments(statement.text).strip()) if begins else None


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
