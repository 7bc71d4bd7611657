"""The answers for a format of two columns, by the pairs that were tried."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract import ColumnFormat
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.column_pairs import (
    PairResult,
    WrongPair,
    describe_pair,
    has_pair_values,
    probe_pair_writes,
    probe_pairs,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.formats.declared_formats import declared_formats, format_text
from pgcontract.rules.formats.other_writes import also_otherwise
from pgcontract.rules.formats.remedies import refuser_text

_PAIRS_SHOWN = 8


def pair_answers(context: Context, side: str) -> Iterator[Answer]:
    """The answer for each format of two columns: `side` is accepted, refused or kept."""
    for column_format in declared_formats(context.promise):
        if has_pair_values(column_format):
            try:
                answers = probe_pairs(context, column_format)
            except CouldNotAsk as error:
                yield Answer(Status.UNKNOWN, column_format.name, f"{error}.", origin=column_format.origin)
            else:
                answer = _pairs_answer(column_format, answers, side)
                if side == "accepted" and answer.status is Status.KEPT:
                    answer = also_otherwise(context, column_format, answer, probe_pair_writes)
                yield answer


def _pairs_answer(column_format: ColumnFormat, answers: PairResult, side: str) -> Answer:
    meaning, tried = format_text(column_format), f"{answers.tried} pairs of timestamps by INSERT"
    if side == "kept":
        summary = f"{column_format.column} holds timestamps: whether they are read back as sent is not checked."
        return Answer(Status.NOTED, column_format.name, summary, origin=column_format.origin)
    wrong = answers.accepted_wrongly if side == "accepted" else answers.refused_wrongly
    if not wrong:
        everything = "rejects every pair tried that" if side == "accepted" else "accepts every pair tried that"
        allows = "does not allow" if side == "accepted" else "allows"
        summary = f"{column_format.column} {everything} {meaning} {allows}: {tried}."
        return Answer(Status.KEPT, column_format.name, summary, origin=column_format.origin)

    def reason(pair: WrongPair) -> str:
        return pair.reason if side == "accepted" else refuser_text(pair.reason)

    rows = tuple((describe_pair(pair.pair), reason(pair)) for pair in wrong[:_PAIRS_SHOWN])
    first = f"({describe_pair(wrong[0].pair)})"
    kinds = f"{len(wrong)} kind{'s' * (len(wrong) > 1)} of pairs wrongly"
    if side == "accepted":
        summary = f"accepts {first}, which {meaning} does not allow: {reason(wrong[0])}; {kinds} accepted, {tried}."
    else:
        summary = f"rejects {first}, which {meaning} allows: {reason(wrong[0])}; {kinds} rejected, {tried}."
    return Answer(
        Status.BROKEN,
        column_format.name,
        f"{column_format.column} {summary}",
        expected=f"{first} {'rejected' if side == 'accepted' else 'accepted'}",
        actual=f"accepted: {reason(wrong[0])}" if side == "accepted" else f"rejected: {reason(wrong[0])}",
        remedy=f"Change the CHECK that compares the two columns, or the standard under [format.{column_format.name}].",
        evidence=[
            Evidence(
                title="The shortest pair of each kind",
                columns=("pair", "why it is invalid" if side == "accepted" else "why it is rejected"),
                rows=rows,
            ),
            Evidence(
                title="To see it happen",
                text="\n".join(pair.insert for pair in wrong[:_PAIRS_SHOWN]),
                language="sql",
            ),
        ],
        origin=column_format.origin,
    )
