"""What a column was asked by other writes than plain INSERTs, as part of the answer of format.rejects_invalid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from pgcontract.contract import ColumnFormat
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.format_writes import FormatWrite, FormatWrites
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.formats.declared_formats import format_text

_SHOWN_WRITES: Final = 10


def also_otherwise(
    context: Context,
    column_format: ColumnFormat,
    by_insert: Answer,
    probe: Callable[[Context, ColumnFormat], FormatWrites],
) -> Answer:
    """The answer where the column was also asked by other writes than the INSERTs that gave this one."""
    try:
        writes = probe(context, column_format)
    except CouldNotAsk as error:
        summary = f"By INSERT nothing wrong was accepted, but {error}."
        return replace(by_insert, status=Status.UNKNOWN, summary=summary)
    return _answer(column_format, format_text(column_format), by_insert, writes)


def _answer(column_format: ColumnFormat, meaning: str, by_insert: Answer, writes: FormatWrites) -> Answer:
    """Broken by the first of the wrong writes; not known where a part was not tried; else kept as by INSERT."""
    tried = sum(writes.tried.values())
    evidence = (*by_insert.evidence, *_evidence(writes))
    if writes.wrong:
        first = min(writes.wrong, key=lambda write: (len(write.script.splitlines()), len(write.label)))
        value = _value(first)
        return Answer(
            Status.BROKEN,
            column_format.name,
            f"{column_format.column} comes to hold {value}, which {meaning} does not allow, by {first.label}"
            f"{first.place_note}: {first.reason}. {len(writes.wrong):,} of {tried:,} other writes were wrongly "
            "accepted.",
            expected=f"{first.label}{first.place_note}: rejected",
            actual=f"accepted: {first.reason}",
            remedy="Let a CHECK decide, which holds for every write and in every partition; or a trigger BEFORE INSERT "
            "OR UPDATE, without a column list and without WHEN, on every table that holds rows.",
            evidence=[*evidence, Evidence(title="To see it happen", text=first.script, language="sql")],
            origin=column_format.origin,
        )
    if writes.left_out:
        words = f"No invalid value was accepted, but not every write was tried: {'; '.join(writes.left_out)}."
        return replace(by_insert, status=Status.UNKNOWN, summary=words, evidence=evidence)
    summary = f"{by_insert.summary.removesuffix('.')}, and {tried:,} other writes."
    return replace(by_insert, summary=summary, evidence=evidence)


def _evidence(writes: FormatWrites) -> Iterator[Evidence]:
    if wrong := writes.wrong:
        counted = f" (the first {_SHOWN_WRITES} of {len(wrong):,})" if len(wrong) > _SHOWN_WRITES else ""
        yield Evidence(
            title=f"Other writes after which an invalid value stands{counted}",
            columns=("write", "value", "why it is invalid"),
            rows=tuple(
                (f"{write.label}{write.place_note}", _value(write), write.reason) for write in wrong[:_SHOWN_WRITES]
            ),
        )
    rows = tuple((kind, f"{count:,}") for kind, count in writes.tried.items())
    yield Evidence(title="Other writes of invalid values", columns=("write", "tried"), rows=rows)
    where = [(place, "tried") for place in writes.places]
    where += [(place, "not tried: its own rules refuse every row") for place in writes.closed]
    if len(where) > 1:
        yield Evidence(title="Where rows were written", columns=("table", "writes"), rows=tuple(where))


def _value(write: FormatWrite) -> str:
    return ", ".join("null" if text is None else ascii(text) for text in write.stored)
