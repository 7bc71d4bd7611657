"""What columns are meant to hold: nothing else gets in, all of it gets in, and it comes out as it went in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from pgcontract.contract import DeclaredLanguage
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.fuzzing.ascii_insertions import Characters, tell_places
from pgcontract.probes.fuzzing.character_sweep import Ranges, count, tell_ranges
from pgcontract.probes.fuzzing.column_format import Answers, ask_language
from pgcontract.probes.fuzzing.column_pairs import PairAnswers, ask_pairs, is_of_pairs, tell_pair
from pgcontract.probes.fuzzing.counterexample_kinds import Counterexample, Wrong
from pgcontract.probes.fuzzing.value_display import code_points, escaped, insert_line
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check

_PAIRS_SHOWN = 8


def _languages(promise: Promise) -> tuple[DeclaredLanguage, ...]:
    return promise.contract.languages if promise.contract else ()


def _names(promise: Promise) -> Iterator[str]:
    return (language.name for language in _languages(promise))


def _of_pairs(trial: Trial, side: str) -> Iterator[Finding]:
    """The answer for each language of two columns: `side` is accepted, refused or kept."""
    for language in _languages(trial.promise):
        if is_of_pairs(language):
            try:
                answers = trial.once(f"language/{language.name}", partial(ask_pairs, declared=language))
            except CouldNotAsk as error:
                yield answer(Status.UNKNOWN, language.name, f"{error}.", origin=language.origin)
            else:
                yield _pairs_finding(language, answers, side)


def _pairs_finding(language: DeclaredLanguage, answers: PairAnswers, side: str) -> Finding:
    meaning, tried = _meaning(language), f"{answers.tried} pairs tried"
    if side == "kept":
        summary = f"{language.column} holds timestamps: whether they are read back as sent is not asked."
        return answer(Status.NOTED, language.name, summary, origin=language.origin)
    wrong = answers.accepted_wrongly if side == "accepted" else answers.refused_wrongly
    wanted, got = ("refuses", "accepted") if side == "accepted" else ("accepts", "refused")
    if not wrong:
        summary = f"{language.column} {wanted} every pair of timestamps as {meaning} means: {tried}."
        return answer(Status.KEPT, language.name, summary, origin=language.origin)
    rows = tuple((tell_pair(each.pair), each.reason) for each in wrong[:_PAIRS_SHOWN])
    kinds = "1 kind of pairs is" if len(wrong) == 1 else f"{len(wrong)} kinds of pairs are"
    reason = "why it is not meant" if side == "accepted" else "who refused"
    return answer(
        Status.BROKEN,
        language.name,
        f"{language.column} does not answer as {meaning} means: {kinds} {got}, of {tried}.",
        expected=f"{tell_pair(wrong[0].pair)} {'refused' if side == 'accepted' else 'accepted'}",
        actual=f"{got}: {wrong[0].reason}",
        remedy="Change the constraint that compares the two columns, or the language in the contract.",
        evidence=[
            Evidence(title="The shortest pair of each kind", columns=("pair", reason), rows=rows),
            Evidence(
                title="To see it happen", text="\n".join(each.insert for each in wrong[:_PAIRS_SHOWN]), language="sql"
            ),
        ],
        origin=language.origin,
    )


def _asked(trial: Trial) -> Iterator[tuple[DeclaredLanguage, Answers | Finding]]:
    """Each declared language with what its column answered, or with why it could not be asked."""
    for language in _languages(trial.promise):
        if is_of_pairs(language):
            continue
        try:
            yield language, trial.once(f"language/{language.name}", partial(ask_language, declared=language))
        except CouldNotAsk as error:
            reason = str(error)
            summary = f"{reason[0].upper()}{reason[1:]}."
            yield language, answer(Status.UNKNOWN, language.name, summary, origin=language.origin)


@check("language.accepted", subjects=_names, behaviour=True)
def language_accepted(trial: Trial) -> Iterator[Finding]:
    """A column accepts nothing that it is not meant to hold.

    Why it matters: what gets in once is believed by every program that reads it afterwards.
    How it is measured: an oracle that knows no SQL says what is meant. Declared examples, values one step from the
    live constraints, known cases, every character by itself where one can be meant, and values made by Hypothesis are
    put in by real INSERTs, each undone; what is accepted and not meant is made as small as it goes.
    What to do: tighten the constraint, or, where the value is meant after all, change the language in the contract.
    """
    yield from _of_pairs(trial, "accepted")
    for language, asked in _asked(trial):
        if isinstance(asked, Finding):
            yield asked
            continue
        characters = asked.sweep.accepted_wrongly if asked.sweep else ()
        yield _judged(
            language,
            asked,
            asked.accepted_wrongly,
            characters,
            kept=f"{language.column} accepts nothing but what {_meaning(language)} means",
            broken=f"{language.column} accepts what {_meaning(language)} does not mean",
            expected="refused",
            remedy="Tighten the constraint; or, where this is meant after all, say so in the contract's language.",
        )


@check("language.refused", subjects=_names, severity=Severity.WARNING, behaviour=True)
def language_refused(trial: Trial) -> Iterator[Finding]:
    """A column refuses nothing that it is meant to hold.

    Why it matters: somebody with a name or an address that is perfectly good cannot become a customer.
    How it is measured: as for language.accepted; of each refused value, a plainer one that is accepted tells what it
    was refused for. Where a declared example is refused this is an error, else a warning: many a language is wider
    than anybody needs.
    What to do: widen the constraint, or declare a narrower language.
    """
    yield from _of_pairs(trial, "refused")
    for language, asked in _asked(trial):
        if isinstance(asked, Finding):
            yield asked
            continue
        characters = asked.sweep.refused_wrongly if asked.sweep else ()
        examples = [each for each in asked.wrong_examples if each in language.accept]
        yield _judged(
            language,
            asked,
            asked.refused_wrongly,
            characters,
            kept=f"{language.column} refuses nothing that {_meaning(language)} means",
            broken=f"{language.column} refuses what {_meaning(language)} means",
            expected="accepted",
            remedy="Widen the constraint; or, where this is not needed, declare a narrower language in the contract.",
            severity=Severity.ERROR if examples else Severity.WARNING,
        )


@check("language.kept", subjects=_names, severity=Severity.WARNING, behaviour=True)
def language_kept(trial: Trial) -> Iterator[Finding]:
    """What a column accepts is read back as it was sent.

    Why it matters: a value that is stored as another one is lost without an error anybody could notice.
    How it is measured: every accepted value is read back by the INSERT's RETURNING and compared: texts character by
    character, JSON with every member of the same name and every digit. Another order of keys or spelling of the
    same number is told, and is no fault.
    What to do: refuse what cannot be kept, or store it in a type that keeps it.
    """
    yield from _of_pairs(trial, "kept")
    for language, asked in _asked(trial):
        if isinstance(asked, Finding):
            yield asked
            continue
        yield _kept(language, asked)


def _kept(language: DeclaredLanguage, asked: Answers) -> Finding:
    told = [_changed_evidence(asked)] if asked.changed else []
    losses = [example for change, example in asked.changed if change.loss]
    if not losses:
        but = "; some in another spelling" if asked.changed else ""
        return answer(
            Status.KEPT,
            language.name,
            f"{language.column} gives back all {asked.accepted:,} accepted values as they were sent{but}.",
            evidence=[*told, _tried_evidence(asked)],
            origin=language.origin,
        )
    first = losses[0]
    return answer(
        Status.BROKEN,
        language.name,
        f"{language.column} stores some accepted values as others: {'; '.join(each.reason for each in losses)}.",
        expected=f"{escaped(first.value)}, as it was sent",
        actual=_stored(first),
        remedy="Refuse what cannot be kept, or store it in a type that keeps it.",
        evidence=[*told, _inserts(asked, losses), _tried_evidence(asked)],
        origin=language.origin,
    )


def _judged(
    language: DeclaredLanguage,
    asked: Answers,
    wrong: Wrong,
    characters: Ranges,
    *,
    kept: str,
    broken: str,
    expected: str,
    remedy: str,
    severity: Severity | None = None,
) -> Finding:
    unsent = f"; {asked.unsendable} could not be sent (NUL, lone surrogates)" if asked.unsendable else ""
    if not wrong.shown:
        swept = f" and every one of {asked.sweep.characters:,} single characters" if asked.sweep else ""
        return answer(
            Status.KEPT,
            language.name,
            f"{kept}: {asked.values:,} values tried{swept}{unsent}.",
            evidence=[_tried_evidence(asked)],
            origin=language.origin,
        )
    kinds = len(wrong.shown) + len(wrong.others)
    first = wrong.shown[0]
    one = (
        f"{count(characters):,} of {asked.sweep.characters:,} single characters, and "
        if asked.sweep and characters
        else ""
    )
    return answer(
        Status.BROKEN,
        language.name,
        f"{broken}: {one}{wrong.values:,} of {asked.values:,} values tried, of {kinds} kind{'s' * (kinds > 1)}{unsent}.",
        expected=f"{escaped(first.value)} {expected}",
        actual=f"accepted: {first.reason}" if expected == "refused" else f"refused by {first.reason}",
        remedy=remedy,
        evidence=[
            _counterexamples(wrong, expected),
            _inserts(asked, wrong.shown),
            *_characters(characters),
            *_put_in(asked, asked.let_in if expected == "refused" else asked.kept_out, expected),
            _tried_evidence(asked),
        ],
        origin=language.origin,
        severity=severity,
    )


def _meaning(language: DeclaredLanguage) -> str:
    """`email (dialect rfc5322)`."""
    told = ", ".join(f"{name} {value}" for name, value in language.parameters.items())
    return f"{language.intent} ({told})" if told else language.intent


def _counterexamples(wrong: Wrong, expected: str) -> Evidence:
    if expected == "refused":
        columns: tuple[str, ...] = ("accepted", "code points", "why it is not meant")
        rows = [(escaped(each.value), code_points(each.value), each.reason) for each in wrong.shown]
        rows += [("others", "", reason) for reason in wrong.others]
        return Evidence(title="The smallest value of each kind", columns=columns, rows=tuple(rows))
    columns = ("refused", "code points", "who refused", "accepted instead")
    told = [(escaped(each.value), code_points(each.value), each.reason, _instead(each)) for each in wrong.shown]
    told += [("others", "", reason, "") for reason in wrong.others]
    return Evidence(title="The smallest value of each kind", columns=columns, rows=tuple(told))


def _instead(example: Counterexample) -> str:
    return f"{escaped(example.twin)}, {example.cause}" if example.twin is not None else "nothing near it"


def _stored(example: Counterexample) -> str:
    return f"stored as {escaped(example.twin)}" if example.twin is not None else "stored as NULL"


def _inserts(asked: Answers, shown: Iterable[Counterexample]) -> Evidence:
    lines = "\n".join(insert_line(asked.place, each.value) for each in shown)
    return Evidence(title="To see it happen", text=lines, language="sql")


def _characters(ranges: Ranges) -> Iterator[Evidence]:
    if ranges:
        yield Evidence(title=f"All {count(ranges):,} such characters by themselves", text=tell_ranges(ranges))


def _put_in(asked: Answers, wrong: tuple[Characters, ...], expected: str) -> Iterator[Evidence]:
    if asked.example is not None and wrong:
        yield Evidence(
            title=f"Characters that are not {expected} when one is put into an example, at each ^",
            columns=("example", "characters"),
            rows=tuple((tell_places(asked.example, each.places), ascii(each.characters)) for each in wrong),
        )


def _changed_evidence(asked: Answers) -> Evidence:
    return Evidence(
        title="What comes back otherwise",
        columns=("sent", "stored", "how it differs"),
        rows=tuple(
            (escaped(each.value), escaped(each.twin) if each.twin is not None else "NULL", change.reason)
            for change, each in asked.changed
        ),
    )


def _tried_evidence(asked: Answers) -> Evidence:
    return Evidence(
        title=f"Distinct values tried, with seed {asked.seed}",
        columns=("kind", "values"),
        rows=tuple((kind, f"{values:,}") for kind, values in asked.tried.items()),
    )
