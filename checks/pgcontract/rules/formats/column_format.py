"""Column formats: invalid values are rejected, valid ones accepted, and read back as they were sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pgcontract.contract import ColumnFormat
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.ascii_insertions import WrongCharacters, mark_positions
from pgcontract.probes.fuzzing.character_sweep import CodePointRanges, count_characters, describe_ranges
from pgcontract.probes.fuzzing.column_format import FormatResult, ask_format, probe_format_writes
from pgcontract.probes.fuzzing.column_pairs import (
    PairResult,
    WrongPair,
    describe_pair,
    has_pair_values,
    probe_pair_writes,
    probe_pairs,
)
from pgcontract.probes.fuzzing.counterexample_kinds import Counterexample, WrongAnswers
from pgcontract.probes.fuzzing.format_writes import FormatWrites
from pgcontract.probes.fuzzing.value_display import code_points, escaped, insert_line, short_text
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.formats.other_writes import other_writes_answer
from pgcontract.rules.formats.remedies import keep_unchanged, refuser_text, tighten, widen
from pgcontract.rules.registry import check

_PAIRS_SHOWN = 8


def _formats(promise: Promise) -> tuple[ColumnFormat, ...]:
    return promise.contract.of(ColumnFormat) if promise.contract else ()


def _names(promise: Promise) -> Iterator[str]:
    return (column_format.name for column_format in _formats(promise))


def _pair_answers(context: Context, side: str) -> Iterator[Answer]:
    """The answer for each format of two columns: `side` is accepted, refused or kept."""
    for column_format in _formats(context.promise):
        if has_pair_values(column_format):
            try:
                answers = probe_pairs(context, column_format)
            except CouldNotAsk as error:
                yield Answer(Status.UNKNOWN, column_format.name, f"{error}.", origin=column_format.origin)
            else:
                answer = _pairs_answer(column_format, answers, side)
                if side == "accepted" and answer.status is Status.KEPT:
                    answer = _also_otherwise(context, column_format, answer, probe_pair_writes)
                yield answer


def _pairs_answer(column_format: ColumnFormat, answers: PairResult, side: str) -> Answer:
    meaning, tried = _format_text(column_format), f"{answers.tried} pairs of timestamps by INSERT"
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


def _column_answers(context: Context) -> Iterator[tuple[ColumnFormat, FormatResult | Answer]]:
    """Each declared format with what its column answered, or with why it could not be asked."""
    for column_format in _formats(context.promise):
        if has_pair_values(column_format):
            continue
        try:
            yield column_format, ask_format(context, column_format)
        except CouldNotAsk as error:
            reason = str(error)
            summary = f"{reason[0].upper()}{reason[1:]}."
            yield column_format, Answer(Status.UNKNOWN, column_format.name, summary, origin=column_format.origin)


@check("format.rejects_invalid", subjects=_names, behaviour=True)
def format_rejects_invalid(context: Context) -> Iterator[Answer]:
    """A column accepts no value that its format does not allow.

    Why it matters: every program that reads the value later takes it as valid.
    How it is measured: an oracle that uses no SQL decides which values are valid. Declared examples, values one step from
    the limits of the live constraints, those that triggers speak of, known cases, and values generated by Hypothesis are
    sent in real INSERTs, each rolled back; where one character can be valid, so are those at the edges of what is
    accepted, and where CHECKs alone decide, these are evaluated for every one. An invalid value that is accepted is
    reduced to a smallest example. Some of those that are rejected are sent again: by UPDATE of a valid one, COPY, upsert
    and MERGE, two rows at once, with other values in every other column that a rule could look at, and in each partition
    and child table with other rules.
    What to do: tighten the constraint; or, where the value should be valid, change the format in the contract.
    """
    yield from _pair_answers(context, "accepted")
    for column_format, answers in _column_answers(context):
        if isinstance(answers, Answer):
            yield answers
            continue
        characters = answers.sweep.accepted_wrongly if answers.sweep else ()
        answer = _format_answer(
            column_format,
            answers,
            answers.accepted_wrongly,
            characters,
            kept=f"{column_format.column} rejects every value tried that {_format_text(column_format)} does not allow",
            accepted=True,
        )
        if answer.status is Status.KEPT:
            answer = _also_otherwise(context, column_format, answer, probe_format_writes)
        yield answer


def _also_otherwise(
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
    return other_writes_answer(column_format, _format_text(column_format), by_insert, writes)


@check("format.accepts_valid", subjects=_names, severity=Severity.WARNING, behaviour=True)
def format_accepts_valid(context: Context) -> Iterator[Answer]:
    """A column accepts every value that its format allows.

    Why it matters: somebody with a perfectly valid name or address cannot become a customer.
    How it is measured: as for format.rejects_invalid, by INSERT. For each rejected value, a simpler one that is accepted
    shows what it was rejected for. A rejected example that the contract declares is an error, any other value a warning:
    many formats are wider than anybody needs.
    What to do: widen the constraint, or declare a narrower format.
    """
    yield from _pair_answers(context, "refused")
    for column_format, answers in _column_answers(context):
        if isinstance(answers, Answer):
            yield answers
            continue
        characters = answers.sweep.refused_wrongly if answers.sweep else ()
        examples = [example for example in answers.wrong_examples if example in column_format.accept]
        yield _format_answer(
            column_format,
            answers,
            answers.refused_wrongly,
            characters,
            kept=f"{column_format.column} accepts every value tried that {_format_text(column_format)} allows",
            accepted=False,
            severity=Severity.ERROR if examples else Severity.WARNING,
        )


@check("format.round_trip", subjects=_names, severity=Severity.WARNING, behaviour=True)
def format_round_trip(context: Context) -> Iterator[Answer]:
    """What a column accepts is read back as it was sent.

    Why it matters: a value that is silently stored as another one is lost, and nobody gets an error.
    How it is measured: every accepted value is read back with the INSERT's RETURNING and compared: text character by
    character, JSON by every member, also of the same name, and every digit. Another order of keys or another spelling of
    the same number is reported and does not fail the check.
    What to do: reject values that cannot be stored unchanged, or use a type that stores them unchanged.
    """
    yield from _pair_answers(context, "kept")
    for column_format, answers in _column_answers(context):
        if isinstance(answers, Answer):
            yield answers
            continue
        yield _round_trip_answer(column_format, answers)


def _round_trip_answer(column_format: ColumnFormat, result: FormatResult) -> Answer:
    changes = [_changed_evidence(result)] if result.changed else []
    losses = [example for change, example in result.changed if change.loss]
    if not losses:
        but = "; some are spelled differently" if result.changed else ""
        return Answer(
            Status.KEPT,
            column_format.name,
            f"{column_format.column} returns all {result.accepted:,} accepted values as they were sent{but}.",
            evidence=[*changes, _tried_evidence(result)],
            origin=column_format.origin,
        )
    first, *others = losses
    more = "".join(f"; {loss.reason}" for loss in others)
    return Answer(
        Status.BROKEN,
        column_format.name,
        f"{column_format.column} changes values on the way in: {first.reason} "
        f"({short_text(first.value)} is {_stored_text(first)}){more}.",
        expected=f"{short_text(first.value)} is stored as it was sent",
        actual=_stored_text(first),
        remedy=keep_unchanged(result.target),
        evidence=[*changes, _inserts_evidence(result, losses), _tried_evidence(result)],
        origin=column_format.origin,
    )


def _format_answer(
    column_format: ColumnFormat,
    result: FormatResult,
    wrong: WrongAnswers,
    characters: CodePointRanges,
    *,
    kept: str,
    accepted: bool,
    severity: Severity | None = None,
) -> Answer:
    unsent = f"; {result.unsendable} could not be sent (NUL, lone surrogates)" if result.unsendable else ""
    if not wrong.shown:
        characters_said = "its CHECKs evaluated for every one of" if result.sweep else ""
        swept = f", and {characters_said} {result.sweep.characters:,} single characters" if result.sweep else ""
        return Answer(
            Status.KEPT,
            column_format.name,
            f"{kept}: {result.values:,} values by INSERT{swept}{unsent}.",
            evidence=[_tried_evidence(result)],
            origin=column_format.origin,
        )
    kinds = len(wrong.shown) + len(wrong.others)
    first = wrong.shown[0]
    swept = (
        f" and {count_characters(characters):,} of {result.sweep.characters:,} single characters"
        if result.sweep and characters
        else ""
    )
    value, meaning = short_text(first.value), _format_text(column_format)
    reason = first.reason if accepted else refuser_text(first.reason)
    said = f"accepts {value}, which {meaning} does not allow" if accepted else f"rejects {value}, which {meaning} allows"
    count = (
        f"{wrong.values:,} of {result.values:,} values tried{swept} were wrongly "
        f"{'accepted' if accepted else 'rejected'}, of {kinds} kind{'s' * (kinds > 1)}{unsent}"
    )
    return Answer(
        Status.BROKEN,
        column_format.name,
        f"{column_format.column} {said}: {reason}. {count}.",
        expected=f"{value} {'rejected' if accepted else 'accepted'}",
        actual=f"{'accepted' if accepted else 'rejected'}: {reason}",
        remedy=tighten(column_format, result.target) if accepted else widen(column_format, result.target, first.reason),
        evidence=[
            _counterexamples_evidence(wrong, accepted=accepted),
            _inserts_evidence(result, wrong.shown),
            *_characters_evidence(characters, accepted=accepted),
            *_insertions_evidence(
                result,
                result.wrongly_accepted_insertions if accepted else result.wrongly_refused_insertions,
                accepted=accepted,
            ),
            _tried_evidence(result),
        ],
        origin=column_format.origin,
        severity=severity,
    )


def _format_text(column_format: ColumnFormat) -> str:
    """`email (dialect rfc5322)`."""
    parameters = ", ".join(f"{name} {value}" for name, value in column_format.parameters.items())
    return f"{column_format.standard} ({parameters})" if parameters else column_format.standard


def _counterexamples_evidence(wrong: WrongAnswers, *, accepted: bool) -> Evidence:
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


def _stored_text(example: Counterexample) -> str:
    return f"stored as {short_text(example.counterpart)}" if example.counterpart is not None else "stored as NULL"


def _inserts_evidence(answers: FormatResult, shown: Iterable[Counterexample]) -> Evidence:
    lines = "\n".join(insert_line(answers.target, counterexample.value) for counterexample in shown)
    return Evidence(title="To see it happen", text=lines, language="sql")


def _characters_evidence(ranges: CodePointRanges, *, accepted: bool) -> Iterator[Evidence]:
    if ranges:
        yield Evidence(
            title=f"The {count_characters(ranges):,} single characters wrongly {'accepted' if accepted else 'rejected'}",
            text=describe_ranges(ranges),
        )


def _insertions_evidence(
    answers: FormatResult, wrong: tuple[WrongCharacters, ...], *, accepted: bool
) -> Iterator[Evidence]:
    if answers.example is not None and wrong:
        yield Evidence(
            title=f"Characters wrongly {'accepted' if accepted else 'rejected'} where they replace a ^ in an example",
            columns=("example", "characters"),
            rows=tuple(
                (mark_positions(answers.example, characters.positions), ascii(characters.characters))
                for characters in wrong
            ),
        )


def _changed_evidence(answers: FormatResult) -> Evidence:
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


def _tried_evidence(answers: FormatResult) -> Evidence:
    return Evidence(
        title=f"Distinct values tried (seed {answers.seed})",
        columns=("kind", "values"),
        rows=tuple((kind, f"{values:,}") for kind, values in answers.tried.items()),
    )
