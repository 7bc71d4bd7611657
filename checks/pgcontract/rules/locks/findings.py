"""What rules about locks have in common: which work is told together, in which words, and what it weighs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from pgcontract.model.lock_mode import LockMode
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin
from pgcontract.model.wording import joined
from pgcontract.probes.context import Context
from pgcontract.probes.locks.carried import is_one_with_others
from pgcontract.probes.locks.trace import trace_locks
from pgcontract.probes.locks.work import (
    ColumnAdded,
    ColumnRequired,
    ColumnRetyped,
    ConstraintAdded,
    ConstraintValidated,
    IndexBuilt,
    LockTrace,
    PartitionJoined,
    TracedStatement,
    Work,
    WorkKind,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.locks.remedies import remedy_for
from pgcontract.rules.locks.steps import Remedy
from pgcontract.values import dataclass

FEW_ROWS: Final = 10_000
"""Of a table with fewer, all rows are read or written before anybody notices."""

_MAX_SHOWN: Final = 60


@dataclass(frozen=True, kw_only=True)
class TableWork:
    """What one statement does to one table, which is one finding."""

    traced: TracedStatement
    works: tuple[Work, ...]

    @property
    def first(self) -> Work:
        return self.works[0]

    @property
    def subject(self) -> str:
        return self.first.subject if len(self.works) == 1 else self.first.table


def answers(context: Context, kind: WorkKind, kept: str, describe: Callable[[TableWork], str]) -> Iterator[Answer]:
    """One answer for each statement and table on which it does this kind of work while others wait for it."""
    trace = trace_locks(context)
    done = list(_table_work(trace, kind))
    for table_work in done:
        yield _answer(context, table_work, describe(table_work))
    if not done:
        yield Answer(Status.KEPT, "script", kept + (f" Only what is before {trace.stopped}." if trace.stopped else ""))


def _table_work(trace: LockTrace, kind: WorkKind) -> Iterator[TableWork]:
    for traced in trace.statements:
        tables: dict[str, list[Work]] = {}
        for work in traced.work:
            if work.kind is kind and work.blocks:
                tables.setdefault(work.table, []).append(work)
        yield from (TableWork(traced=traced, works=tuple(works)) for works in tables.values())


def _answer(context: Context, table_work: TableWork, summary: str) -> Answer:
    traced, work = table_work.traced, table_work.first
    rows = context.promise.project.table_rows.get(trace_locks(context).deployed_name(work.table))
    is_small = rows is not None and rows < FEW_ROWS
    size = (
        f" Production has {rows:,} rows in it{', so that is soon done' if is_small else ''}." if rows is not None else ""
    )
    # The steps are for production; what a newer server takes may be refused there.
    server = context.sandbox.server.major
    major = min(server, context.promise.project.postgres or server)
    remedies = [remedy_for(traced, each, major=major) for each in table_work.works]
    evidence = [statement_evidence(traced)]
    if any(remedy.steps for remedy in remedies):
        evidence.insert(
            0, Evidence(title="A migration each, in this order", text=_steps(dict.fromkeys(remedies)), language="sql")
        )
    return Answer(
        Status.NOTED if is_small else Status.BROKEN,
        table_work.subject,
        f"{summary}: {waiting(traced, work, summary)} until it is done.{size}",
        expected="nobody waits while every row is read or written",
        actual=f"{work.lock.sql} on {work.table}",
        remedy=_sentence(context, table_work.works, remedies),
        evidence=evidence,
        origin=origin_of(context, traced),
    )


def waiting(traced: TracedStatement, work: Work, said: str = "") -> str:
    """Who waits: `reads and writes of public.orders wait`, and at a foreign key those of the table it points at. What was
    said before names the table already."""
    words = f"{work.lock.blocked} of {'it' if said.endswith(work.table) else work.table}"
    references = work.change.references if isinstance(work.change, ConstraintAdded) else ""
    other = traced.held.get(references, LockMode.ACCESS_SHARE)
    if references and references != work.table and other.blocks_writes:
        same = other.blocked == work.lock.blocked
        words += f" and {references}" if same else f" and {other.blocked} of {references}"
    return f"{words} wait"


def why(work: Work) -> str:
    """What the work is for: `for the foreign key f`."""
    match work.change:
        case ConstraintAdded(constraint=constraint) | ConstraintValidated(constraint=constraint):
            kind = {"f": "foreign key", "c": "CHECK", "n": "NOT NULL"}.get(constraint.kind, "constraint")
            return f"the {kind} {constraint.name}"
        case ColumnRequired(column=column):
            return f"NOT NULL of {column.name}"
        case ColumnRetyped(before=before, after=after):
            return f"the change of {after.name} from {before.type} to {after.type}"
        case ColumnAdded(column=column):
            return f"the new column {column.name}"
        case IndexBuilt(index=index):
            return f"the index {QualifiedName.parse(index.name).quoted_name}"
        case PartitionJoined(partition=partition):
            return f"the bounds of {partition}"
        case _:
            return ""


def reasons(works: Sequence[Work]) -> str:
    """The same of several, the first three by name."""
    words = list(dict.fromkeys(filter(None, map(why, works))))
    if len(words) > 1 and all(isinstance(work.change, IndexBuilt) for work in works):
        words = [word.removeprefix("the index ") for word in words]
        words[0] = f"the indexes {words[0]}"
    if len(words) > 3:
        words = [*words[:2], f"{len(words) - 2} more"]
    return joined(words)


def command(traced: TracedStatement) -> str:
    """The statement in two words of its own: `ALTER TABLE`."""
    words = traced.statement.words
    most = (
        3
        if words[:2] in (("REFRESH", "MATERIALIZED"), ("CREATE", "MATERIALIZED"), ("DROP", "MATERIALIZED"))
        else 2
        if words[0] in ("ALTER", "CREATE", "DROP", "VACUUM")
        else 1
    )
    return " ".join(words[:most])


def statement_evidence(traced: TracedStatement) -> Evidence:
    return Evidence(title=f"Line {traced.statement.line}", text=f"{traced.statement.shown};", language="sql")


def held_evidence(trace: LockTrace, traced: TracedStatement, table: str) -> list[Evidence]:
    """The statements of the transaction that lock the table, or work while it is locked."""
    inside = [
        each
        for each in trace.statements
        if each.transaction == traced.transaction and table in each.held and (each.work or table in each.taken)
    ]
    return [
        Evidence(
            title=f"How {table} is locked, to the end of the transaction",
            columns=("line", "statement", "lock", "does"),
            rows=tuple(
                (
                    str(each.statement.line),
                    shortened(each.statement.shown),
                    each.held[table].sql,
                    "; ".join(f"{work.kind.value} {work.table}" for work in each.work) or "-",
                )
                for each in inside
            ),
        )
    ]


def shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _MAX_SHOWN else f"{words[:_MAX_SHOWN]}…"


def origin_of(context: Context, traced: TracedStatement) -> Origin:
    statement = traced.statement
    return Origin(file=statement.path or context.promise.script.path, line=statement.line, column=statement.column)


def _steps(remedies: Iterable[Remedy]) -> str:
    steps = [step for remedy in remedies for step in remedy.steps]
    return "\n\n".join(f"-- {number}.\n{step}" for number, step in enumerate(steps, 1))


def _sentence(context: Context, all_work: Sequence[Work], remedies: Sequence[Remedy]) -> str:
    """The remedy of each piece of work; where they differ, with what each is for."""
    works: dict[str, list[Work]] = {}
    for work, remedy in zip(all_work, remedies, strict=True):
        works.setdefault(remedy.sentence, []).append(work)
    sentences = [
        f"For {names}: {sentence}" if len(works) > 1 and (names := reasons(same)) else sentence
        for sentence, same in works.items()
    ]
    if any(remedy.concurrent for remedy in remedies) and context.promise.migration.outside_remedy:
        sentences.append(context.promise.migration.outside_remedy)
    if is_one_with_others(context.promise.script) and any(len(remedy.steps) > 1 for remedy in remedies):
        sentences.append("Deploy each step before the next is added: all pending files run in one transaction.")
    return " ".join(sentences)
