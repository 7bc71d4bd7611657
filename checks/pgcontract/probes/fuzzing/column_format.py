"""A column asked for its language: every value tried by a real INSERT, and what that shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pgcontract.contract import DeclaredLanguage
from pgcontract.probes.context import Trial
from pgcontract.probes.fuzzing.ascii_insertions import Characters, example_of, with_each_character, wrong_characters
from pgcontract.probes.fuzzing.candidate_values import attempts
from pgcontract.probes.fuzzing.character_sweep import (
    CHARACTERS,
    Ranges,
    beyond,
    characters_not_meant,
    count,
    edges,
    refused_characters,
)
from pgcontract.probes.fuzzing.counterexample_kinds import Counterexample, Wrong, accepted_wrongly, refused_wrongly
from pgcontract.probes.fuzzing.insert_batches import Judge, Judgement, judging
from pgcontract.probes.fuzzing.round_trip import Change, change_of
from pgcontract.probes.fuzzing.shrinking import Fault, shrink, size
from pgcontract.probes.fuzzing.target_column import Place, place_of

ONE_CHARACTER = "single characters at an edge"
ONE_MORE = "an example with one character more"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Every character as a value of its own: those that are let in or kept out wrongly."""

    accepted_wrongly: Ranges
    refused_wrongly: Ranges
    characters: int = CHARACTERS


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What one column in one state answered. `tried` are the distinct values by kind, each under the first kind that
    made it; `unsendable` how many could not be sent at all; `changed` the smallest value of each way to come back
    other than it was sent, and `wrong_examples` the declared examples that are answered wrongly. `let_in` and
    `kept_out` are characters that are answered wrongly when put into `example`."""

    place: Place
    seed: int
    tried: Mapping[str, int]
    accepted: int
    unsendable: int
    accepted_wrongly: Wrong
    refused_wrongly: Wrong
    changed: tuple[tuple[Change, Counterexample], ...]
    wrong_examples: tuple[str, ...] = ()
    sweep: Sweep | None = None
    example: str | None = None
    let_in: tuple[Characters, ...] = ()
    kept_out: tuple[Characters, ...] = ()
    judged: Mapping[str, Judgement] = field(default_factory=dict, repr=False)

    @property
    def values(self) -> int:
        return sum(self.tried.values())


def ask_language(trial: Trial, declared: DeclaredLanguage) -> Answers:
    """What the column answers in the trial's state; CouldNotAsk where it is not there or no row goes in."""
    language = declared.meaning
    place = place_of(trial, declared.column)
    sweep, at_edges = _swept(trial, declared, place)
    example = example_of(place, declared.accept)
    with_one_more = with_each_character(example) if example is not None else ()
    found = attempts(trial, declared, place, {ONE_CHARACTER: at_edges, ONE_MORE: with_one_more})
    with judging(trial, place) as judge:
        values = [value for kind in found.values.values() for value in kind]
        judged = {each.value: each for each in judge(values)}
        answers = tuple(judged.values())
        return Answers(
            place=place,
            seed=trial.promise.seed,
            tried={kind: len(each) for kind, each in found.values.items() if each},
            accepted=sum(each.accepted for each in answers),
            unsendable=found.unsendable,
            accepted_wrongly=accepted_wrongly(judge, answers, language),
            refused_wrongly=refused_wrongly(judge, answers, language),
            changed=_changed(judge, place, answers),
            wrong_examples=tuple(
                value
                for wanted, examples in ((True, declared.accept), (False, declared.refuse))
                for value in examples
                if value in judged and judged[value].accepted is not wanted
            ),
            sweep=sweep,
            example=example,
            let_in=wrong_characters(example, judged, language, accepted=True) if example is not None else (),
            kept_out=wrong_characters(example, judged, language, accepted=False) if example is not None else (),
            judged=judged,
        )


def _swept(trial: Trial, declared: DeclaredLanguage, place: Place) -> tuple[Sweep | None, tuple[str, ...]]:
    """All characters, where one alone can be meant at all; and those at the edges of what is let in and meant."""
    language = declared.meaning
    if place.category != "S" or not any(map(language.means, "a0é李")):
        return None, ()
    refused = refused_characters(trial, place)
    if refused is None:
        return None, ()
    not_meant = characters_not_meant(language)
    sweep = Sweep(accepted_wrongly=beyond(not_meant, refused), refused_wrongly=beyond(refused, not_meant))
    return sweep, tuple(dict.fromkeys((*edges(refused), *edges(not_meant))))


def _changed(judge: Judge, place: Place, judged: Iterable[Judgement]) -> tuple[tuple[Change, Counterexample], ...]:
    """The smallest accepted value of each way to come back changed, with what came back."""
    kinds: dict[Change, str] = {}
    for each in sorted((each for each in judged if each.accepted), key=lambda each: size(each.value)):
        if (change := change_of(place, each.value, each.stored)) is not None:
            kinds.setdefault(change, each.value)

    def fault(change: Change) -> Fault:
        return Fault(
            meant=lambda _: True,
            shown=lambda each: each.accepted and change_of(place, each.value, each.stored) == change,
        )

    smallest = shrink(judge, [(value, fault(change)) for change, value in kinds.items()])
    stored = {each.value: each.stored for each in judge(smallest)}
    return tuple(
        (change, Counterexample(value=value, reason=change.reason, twin=stored[value]))
        for change, value in zip(kinds, smallest, strict=True)
    )


def total(sweep: Sweep) -> int:
    """How many characters are answered wrongly."""
    return count(sweep.accepted_wrongly) + count(sweep.refused_wrongly)
