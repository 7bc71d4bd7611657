"""What a column answered to values of its format, as the evidence of the checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgcontract.probes.fuzzing.ascii_insertions import WrongCharacters, mark_positions
from pgcontract.probes.fuzzing.character_sweep import CodePointRanges, count_characters, describe_ranges
from pgcontract.probes.fuzzing.column_format import FormatResult
from pgcontract.probes.fuzzing.counterexample_kinds import Counterexample, WrongAnswers
from pgcontract.probes.fuzzing.value_display import code_points, escaped, insert_line, short_text
from pgcontract.result import Evidence
from pgcontract.rules.formats.remedies import refuser_text


def counterexamples_evidence(wrong: WrongAnswers, *, accepted: bool) -> Evidence:
    """The smallest value of each kind, and why it is wrong."""
    if accepted:
        columns: tuple[str, ...] = ("accepted", "code points", "why it is invalid")
        rows = [
            (escaped(counterexample.value), code_points(counterexample.value), counterexample.reason)
            for counterexample in wrong.shown
        ]
        rows += [("others", "", reason) for reason in wrong.others]
        return Evidence(title="The smallest value of each kind", columns=columns, rows=tuple(rows))
    columns = ("rejected", "code points", "why it is rejected", "a similar value that is accepted")
    rows_with_twins = [
        (
            escaped(counterexample.value),
            code_points(counterexample.value),
            refuser_text(counterexample.reason),
            _twin_text(counterexample),
        )
        for counterexample in wrong.shown
    ]
    rows_with_twins += [("others", "", reason, "") for reason in wrong.others]
    return Evidence(title="The smallest value of each kind", columns=columns, rows=tuple(rows_with_twins))


def _twin_text(example: Counterexample) -> str:
    return f"{escaped(example.counterpart)}, {example.cause}" if example.counterpart is not None else "none found"


def stored_text(example: Counterexample) -> str:
    """What became of a value."""
    return f"stored as {short_text(example.counterpart)}" if example.counterpart is not None else "stored as NULL"


def inserts_evidence(answers: FormatResult, shown: Iterable[Counterexample]) -> Evidence:
    """An INSERT of each value, to paste."""
    lines = "\n".join(insert_line(answers.target, counterexample.value) for counterexample in shown)
    return Evidence(title="To see it happen", text=lines, language="sql")


def characters_evidence(ranges: CodePointRanges, *, accepted: bool) -> Iterator[Evidence]:
    """The single characters that were answered wrongly, if any."""
    if ranges:
        yield Evidence(
            title=f"The {count_characters(ranges):,} single characters wrongly {'accepted' if accepted else 'rejected'}",
            text=describe_ranges(ranges),
        )


def insertions_evidence(
    answers: FormatResult, wrong: tuple[WrongCharacters, ...], *, accepted: bool
) -> Iterator[Evidence]:
    """The characters that are answered wrongly somewhere in an example, if any."""
    if answers.example is not None and wrong:
        yield Evidence(
            title=f"Characters wrongly {'accepted' if accepted else 'rejected'} where they replace a ^ in an example",
            columns=("example", "characters"),
            rows=tuple(
                (mark_positions(answers.example, characters.positions), ascii(characters.characters))
                for characters in wrong
            ),
        )


def changed_evidence(answers: FormatResult) -> Evidence:
    """What is read back otherwise than it was sent."""
    return Evidence(
        title="Values that are read back changed",
        columns=("sent", "stored", "how it differs"),
        rows=tuple(
            (
                escaped(counterexample.value),
                escaped(counterexample.counterpart) if counterexample.counterpart is not None else "NULL",
                change.reason,
            )
            for change, counterexample in answers.changed
        ),
    )


def tried_evidence(answers: FormatResult) -> Evidence:
    """How many values of each kind were tried."""
    return Evidence(
        title=f"Distinct values tried (seed {answers.seed})",
        columns=("kind", "values"),
        rows=tuple((kind, f"{values:,}") for kind, values in answers.tried.items()),
    )
