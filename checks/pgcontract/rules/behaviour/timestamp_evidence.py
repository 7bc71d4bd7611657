"""What was tried of a row's time, as the answer of its checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Timestamp
from pgcontract.probes.rows.probe_row import ProbeRow
from pgcontract.probes.rows.timestamp_writes import TWICE, TimestampWrite, TimestampWrites
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.timestamp_remedy import set_by_trigger

_SHOWN_WRITES: Final = 10

Reproduce: TypeAlias = Callable[[Timestamp, TimestampWrite], str]


def writes_answer(
    timestamp: Timestamp,
    tried: TimestampWrites,
    is_asked: Callable[[TimestampWrite], bool],
    *,
    kept: str,
    broken: str,
    reproduce: Reproduce | None = None,
    needs_one: bool = False,
) -> Answer:
    """Broken by the simplest of the wrong writes; not known where a part was not tried, or where `needs_one` and every
    write was rejected."""
    writes = [write for write in tried.writes if is_asked(write)]
    wrong = [write for write in writes if write.is_wrong]
    evidence = [*_counted(writes), *_where(tried)]
    if wrong:
        first = min(wrong, key=lambda write: len(write.setup))
        rejected = " or rejected" if first.may_be_refused else ""
        text = (reproduce or in_one_transaction)(timestamp, first)
        return Answer(
            Status.BROKEN,
            timestamp.name,
            f"{broken}: {_outcome(first)} (wrong after {len(wrong):,} of {len(writes):,} writes tried).",
            expected=f"{first.name}: {' or '.join(first.expected)}{rejected}",
            actual=first.result,
            remedy=set_by_trigger(timestamp),
            evidence=[_wrong_ones(wrong), *evidence, Evidence(title="To see it happen", text=text, language="sql")],
            origin=timestamp.origin,
        )
    status, summary = Status.KEPT, f"{kept}: {len(writes):,} writes tried."
    if tried.left_out:
        status, words = Status.UNKNOWN, "; ".join(tried.left_out)
        summary = f"No write was found that is wrong, but not every one was tried: {words}."
    elif needs_one and all(write.is_refused for write in writes):
        status, summary = Status.UNKNOWN, f"Every one of {len(writes):,} UPDATEs is rejected, so none set it."
    return Answer(status, timestamp.name, summary, evidence=evidence, origin=timestamp.origin)


def _outcome(write: TimestampWrite) -> str:
    return f"{write.name} is {write.result}" if write.is_refused else f"after {write.name} it is {write.result}"


def _wrong_ones(wrong: list[TimestampWrite]) -> Evidence:
    counted = f" (the first {_SHOWN_WRITES} of {len(wrong):,})" if len(wrong) > _SHOWN_WRITES else ""
    return Evidence(
        title=f"The time after each write that is wrong{counted}",
        columns=("write", "expected", "actual"),
        rows=tuple((write.name, " or ".join(write.expected), write.result) for write in wrong[:_SHOWN_WRITES]),
    )


def _counted(writes: list[TimestampWrite]) -> Iterator[Evidence]:
    counts = Counter((write.event, write.kind) for write in writes)
    refused = Counter((write.event, write.kind) for write in writes if write.is_refused)
    yield Evidence(
        title="Writes that were tried",
        columns=("writes", "tried", "of these rejected"),
        rows=tuple(
            (f"{event.upper()}s {kind}", f"{count:,}", f"{refused[event, kind]:,}")
            for (event, kind), count in counts.items()
        ),
    )


def _where(tried: TimestampWrites) -> Iterator[Evidence]:
    rows = [(place, "tried") for place in tried.places]
    rows += [(place, "not tried: its own rules refuse every row") for place in tried.closed]
    if len(rows) > 1:
        yield Evidence(title="Where rows were written", columns=("table", "writes"), rows=tuple(rows))


def in_one_transaction(timestamp: Timestamp, write: TimestampWrite, *before: str) -> str:
    """The write as a script: one transaction that is rolled back."""
    row = write.row
    rows = [*row.prerequisites, *([] if write.event == "insert" else [row.insert()]), *write.setup]
    return "\n".join(["BEGIN;", *before, *_texts(*rows), write.statement, _time(timestamp, row), "ROLLBACK;"])


def statement_by_statement(timestamp: Timestamp, write: TimestampWrite) -> str:
    """Each statement in its own transaction: only then does now() advance."""
    row = write.row
    if not row.key or row.prerequisites or write.setup or "two" in write.label:
        return in_one_transaction(timestamp, write)
    return "\n".join([*_texts(row.insert()), write.statement, _time(timestamp, row), *_texts(row.delete())])


def growing(timestamp: Timestamp, write: TimestampWrite) -> str:
    """The time before the write and after it; where the clock was set back, it is put ahead as a superuser can."""
    row, name = write.row, identifier(timestamp.bare_column)
    ahead = write.an_hour_ahead
    set_ahead = [
        "SET LOCAL session_replication_role = replica;",
        *_texts(row.update({timestamp.bare_column: ahead})),
        "SET LOCAL session_replication_role = origin;",
    ]
    looked = _texts(row.select(name))
    lines = [*_texts(*row.prerequisites, row.insert(), *write.setup), *([] if write.kind == TWICE else set_ahead)]
    return "\n".join(["BEGIN;", *lines, *looked, write.statement, *looked, "ROLLBACK;"])


def _texts(*statements: sql.Composed) -> list[str]:
    return [f"{statement.as_string()};" for statement in statements]


def _time(timestamp: Timestamp, row: ProbeRow) -> str:
    return _texts(row.select(identifier(timestamp.bare_column), sql.SQL("pg_catalog.now()")))[0]
