"""How a migration tool runs a script: what it sends in one message, and what it puts into one transaction."""

from __future__ import annotations

from enum import Enum

from pgcontract.values import dataclass


class TransactionScope(Enum):
    """What stands or falls together.

    MESSAGE: each message that is sent, as the server has it (a file, where it is sent whole; else a statement).
    FILE: the file, between BEGIN and COMMIT of the tool's own. ALL: every file that is pending, between one BEGIN and
    one COMMIT.
    """

    MESSAGE = "each message"
    FILE = "each file"
    ALL = "all pending files"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How its tool runs one script.

    `by_statement`: the tool splits the script and sends its statements one by one. `outside_transaction`: the tool runs
    a statement that no transaction block allows (CREATE INDEX CONCURRENTLY) outside of one, and so the others of the
    file too. `repeatable`: again whenever it has changed. `restores`: it is a dump, and what only differs because it is
    restored elsewhere is gone past (`restore_goes_on`). `role` is who runs it; whoever connects where it is None.
    `only_if` are queries with the one value, as text, that each must answer, or the tool goes past the script; and past
    its refusal where it `may_fail`.
    """

    transaction: TransactionScope = TransactionScope.MESSAGE
    by_statement: bool = False
    outside_transaction: bool = True
    repeatable: bool = False
    restores: bool = False
    role: str | None = None
    only_if: tuple[tuple[str, str], ...] = ()
    may_fail: bool = False
