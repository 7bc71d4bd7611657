"""What becomes of the transactions that a script itself begins and ends."""

from __future__ import annotations

from pgcontract.model.sql.execution import TransactionScope
from pgcontract.model.sql.script import Script
from pgcontract.model.sql.statement import Statement
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Uncommitted:
    """A transaction of the script's own that changes nothing: `begun` by one statement, and `rolled_back` by another,
    or by nobody where it is still open when the script ends. A script that is sent as one message is in a transaction
    from its first statement on."""

    begun: Statement
    rolled_back: Statement | None = None


def last_uncommitted(script: Script) -> Uncommitted | None:
    """The last transaction of the script, where the script begins it and does not commit it; None where it does, where
    it begins none, or where other statements stand behind it."""
    begun: Statement | None = None
    left: Uncommitted | None = None
    by_message = script.execution.transaction is TransactionScope.MESSAGE and not script.execution.by_statement
    first: Statement | None = None  # of the message's own transaction
    for statement in script.statements:
        match statement.words:
            case ("BEGIN", *_) | ("START", "TRANSACTION", *_):
                begun = begun or statement
            case ("COMMIT" | "END" | "ROLLBACK" | "ABORT", *rest) if "CHAIN" in rest and "NO" not in rest:
                begun = statement
            case ("ROLLBACK", "PREPARED", *_) | ("COMMIT", "PREPARED", *_):
                pass
            case ("ROLLBACK" | "ABORT", *_) if (
                statement.is_transaction_control and (opened := first or begun) is not None
            ):
                left, begun, first = Uncommitted(begun=opened, rolled_back=statement), None, None
                continue
            case _ if statement.is_transaction_control:
                begun = first = None
            case _ if by_message and begun is None:
                first = first or statement
            case _:
                pass
        left = None
    return Uncommitted(begun=begun) if begun is not None else left
