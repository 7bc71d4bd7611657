"""Which statements of a script stand or fall together, as its tool sends them."""

from __future__ import annotations

from collections.abc import Iterable

from pgcontract.model.sql.execution import TransactionScope
from pgcontract.model.sql.script import Script
from pgcontract.model.sql.statement import Statement

_BEGIN = frozenset({"BEGIN", "START"})


def transaction_numbers(script: Script) -> tuple[int, ...]:
    """A number for each statement; those with the same one are of one transaction: nobody sees what is between them."""
    execution = script.execution
    outside = execution.outside_transaction and any(
        statement.forbids_transaction_block for statement in script.statements
    )
    by_itself = outside or (execution.by_statement and execution.transaction is TransactionScope.MESSAGE)
    numbers, number, in_block = [], 0, False
    for statement in script.statements:
        opens = statement.is_transaction_control and statement.words[:1][0] in _BEGIN
        if opens:
            in_block = True
        numbers.append(number)
        if statement.is_transaction_control and not opens:
            in_block = False
            number += 1
        elif by_itself and not in_block:
            number += 1
    return tuple(numbers)


def may_be_one_transaction(statements: Iterable[Statement]) -> bool:
    """Whether `psql -1` makes them one: none may only run outside of one, and none begins or ends one of its own."""
    return not any(statement.forbids_transaction_block or statement.is_transaction_control for statement in statements)
