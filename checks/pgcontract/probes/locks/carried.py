"""Locks that go on in the next file, where a tool runs all that are pending in one transaction. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pgcontract.model.lock_mode import LockMode
from pgcontract.model.sql import Script, TransactionScope
from pgcontract.model.sql.transactions import transaction_numbers
from pgcontract.probes.locks.work import CarriedLock, LockTrace, TracedStatement, Work


def is_one_with_others(script: Script) -> bool:
    """Whether its tool runs it in one transaction with the other files that are pending."""
    return script.execution.transaction is TransactionScope.ALL


def with_ends(trace: LockTrace, script: Script) -> LockTrace:
    """The trace, knowing whether its last transaction goes on behind the file."""
    return replace(trace, goes_on=is_one_with_others(script) and _open_transaction(script) is not None)


def carry_on(earlier: LockTrace, script: Script, trace: LockTrace) -> LockTrace:
    """The trace of the file behind that script, whose last transaction is this one's first."""
    if not earlier.goes_on:
        return trace
    number = _open_transaction(script)
    carried = dict(earlier.carried) if number == 0 else {}
    inside = [traced for traced in earlier.statements if traced.transaction == number]
    names = {old: name for name, old in trace.deployed_names.items()}
    carried = {names.get(earlier.deployed_name(table), table): lock for table, lock in carried.items()}
    for traced in inside:
        for name, mode in traced.taken.items():
            table = names.get(earlier.deployed_name(name), name)
            if mode.blocks_writes and (table not in carried or carried[table].mode.rank < mode.rank):
                carried[table] = CarriedLock(mode=mode, taken=traced, path=traced.statement.path or script.path)
    has_timeout = bool(inside) and inside[-1].has_timeout
    statements = tuple(
        _under(traced, carried, has_timeout) if traced.transaction == 0 else traced for traced in trace.statements
    )
    return replace(trace, statements=statements, carried=carried, joined=True)


def _open_transaction(script: Script) -> int | None:
    """The number of the transaction that is open at the end; None where the script ends its last one itself."""
    if not script.statements or script.statements[-1].is_transaction_control:
        return None
    return transaction_numbers(script)[-1]


def _under(traced: TracedStatement, carried: Mapping[str, CarriedLock], has_timeout: bool) -> TracedStatement:
    """The statement with the locks that were held before it."""
    held = dict(traced.held)
    for table, lock in carried.items():
        held[table] = _stronger(lock.mode, held.get(table))
    taken = {
        table: mode
        for table, mode in traced.taken.items()
        if table not in carried or carried[table].mode.rank < mode.rank
    }
    work = tuple(_work_under(work, held) for work in traced.work)
    return replace(traced, held=held, taken=taken, work=work, has_timeout=traced.has_timeout or has_timeout)


def _work_under(work: Work, held: Mapping[str, LockMode]) -> Work:
    return replace(work, lock=_stronger(work.lock, held.get(work.table)))


def _stronger(mode: LockMode, other: LockMode | None) -> LockMode:
    return mode if other is None or other.rank < mode.rank else other
