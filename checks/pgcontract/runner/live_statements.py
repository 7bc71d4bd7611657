"""What the statements of pending migrations do to tables in use, as values of the Run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pgcontract.probes.cached_facts import known_fact
from pgcontract.probes.context import Context
from pgcontract.probes.locks.trace import trace_locks
from pgcontract.probes.locks.work import LockTrace, TracedStatement
from pgcontract.result import LiveLock, LiveStatement
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from pgcontract.performance.work_at_sizes import GrowingStatement

_MAX_STATEMENT: Final = 200


@dataclass(frozen=True, kw_only=True)
class _Traced:
    """A pending migration whose locks somebody asked for; `ends` gives the last line of each of its transactions, with
    the migration that it is in."""

    context: Context
    trace: LockTrace
    ends: Mapping[int, tuple[str, int]]

    @property
    def key(self) -> str:
        return self.context.promise.migration.key


def live_statements(pending: Iterable[Context], *, measured: bool) -> tuple[LiveStatement, ...] | None:
    """Those of every pending migration whose locks were asked for, in their order; None where nobody asked. Where it is
    `measured`, with what they cost at two sizes."""
    traced: list[_Traced] = []
    # From the last on: what the next file goes on with ends there.
    for context in reversed([*pending]):
        trace = known_fact(trace_locks, context)
        if trace is not None:
            traced.insert(0, _Traced(context=context, trace=trace, ends=_ends(context, trace, traced[:1])))
    if not traced:
        return None
    return tuple(statement for each in traced for statement in _statements(each, _growth(each, measured=measured)))


def _ends(context: Context, trace: LockTrace, following: Sequence[_Traced]) -> Mapping[int, tuple[str, int]]:
    key = context.promise.migration.key
    ends = {traced.transaction: (key, traced.statement.line) for traced in trace.statements}
    if trace.goes_on and following and following[0].trace.joined and ends:
        ends[max(ends)] = following[0].ends.get(0, ends[max(ends)])
    return ends


def _statements(each: _Traced, growth: Mapping[int, GrowingStatement]) -> Iterable[LiveStatement]:
    trace, key = each.trace, each.key
    for traced in trace.statements:
        if not (traced.work or traced.rows or any(mode.blocks_writes for mode in traced.held.values())):
            continue
        growing = growth.get(traced.statement.number)
        until_in, until = each.ends[traced.transaction]
        yield LiveStatement(
            migration=key,
            path=traced.statement.path or each.context.promise.script.path,
            line=traced.statement.line,
            text=" ".join(traced.statement.shown.split())[:_MAX_STATEMENT],
            until=until,
            until_in=until_in if until_in != key else "",
            locks=tuple(_locks(trace, traced)),
            work=tuple(dict.fromkeys(f"{work.kind.value} {work.table}" for work in traced.work)),
            rows=tuple(traced.rows.items()),
            growth=growing.sizes if growing is not None else (),
            not_measured=growing.left_out if growing is not None else "",
        )


def _locks(trace: LockTrace, traced: TracedStatement) -> Iterable[LiveLock]:
    for table, mode in traced.held.items():
        if mode.blocks_writes and trace.root_of.get(table, table) not in {*traced.held} - {table}:
            yield LiveLock(
                table=table,
                mode=mode.sql,
                blocks=mode.blocked,
                taken=table in traced.taken,
                deployed_as=trace.deployed_names.get(table, ""),
            )


def _growth(each: _Traced, *, measured: bool) -> Mapping[int, GrowingStatement]:
    if not measured:
        return {}
    from pgcontract.performance.work_at_sizes import measure_work

    return {growing.statement.number: growing for growing in measure_work(each.context)}
