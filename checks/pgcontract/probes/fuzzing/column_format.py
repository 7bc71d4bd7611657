"""A column asked for its format: every value tried by a real INSERT, and what that shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from itertools import islice

from pgcontract.contract import ColumnFormat
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.cached_facts import cached_fact, cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.ascii_insertions import (
    WrongCharacters,
    choose_example,
    find_wrong_characters,
    insert_each_character,
)
from pgcontract.probes.fuzzing.candidate_values import collect_candidates
from pgcontract.probes.fuzzing.character_sweep import (
    CHARACTER_COUNT,
    CodePointRanges,
    characters_not_meant,
    edge_characters,
    refused_characters,
    subtract_ranges,
)
from pgcontract.probes.fuzzing.counterexample_kinds import (
    Counterexample,
    WrongAnswers,
    group_wrongly_accepted,
    group_wrongly_refused,
)
from pgcontract.probes.fuzzing.deciding_triggers import trigger_may_decide, trigger_texts
from pgcontract.probes.fuzzing.format_writes import FormatValues, FormatWrites, try_format_writes
from pgcontract.probes.fuzzing.insert_batches import BatchInsert, InsertResult, batch_insert
from pgcontract.probes.fuzzing.known_reasons import KnownReasons
from pgcontract.probes.fuzzing.number_spelling import type_spelling
from pgcontract.probes.fuzzing.round_trip import StoredChange, compare_stored
from pgcontract.probes.fuzzing.shrinking import Fault, shrink, simplicity
from pgcontract.probes.fuzzing.target_column import TargetColumn, find_format_target
from pgcontract.probes.rows.column_values import rule_values
from pgcontract.probes.rows.rule_texts import read_rule_texts
from pgcontract.probes.rows.unlisted_values import values_listed_elsewhere
from pgcontract.values import dataclass

IN_TRIGGERS = "values that triggers speak of"
LISTED = "values that the type, or a table that is looked into, lists"
ONE_CHARACTER = "single characters at the edges of a range"
ONE_MORE = "an example with one character inserted"
_MEANT = 6  # values that are meant, of the plainest
_LOOSE_KINDS = 12  # kinds of values that a trigger, or a CHECK of several columns, refuses: one of each
_NO_SPELLING = ("22P02", "22003")  # not a value to the type; out of its range
_HELD = 2  # values that the type or a CHECK of the column alone refuses


@dataclass(frozen=True, kw_only=True)
class CharacterSweep:
    """Every character as a value of its own: those that are accepted or refused wrongly."""

    accepted_wrongly: CodePointRanges
    refused_wrongly: CodePointRanges
    characters: int = CHARACTER_COUNT


@dataclass(frozen=True, kw_only=True)
class FormatResult:
    """What one column in one state answered. `tried` are the distinct values by kind, each under the first kind that
    made it; `unsendable` how many could not be sent at all; `changed` the smallest value of each way to come back
    other than it was sent, and `wrong_examples` the declared examples that are answered wrongly.
    `wrongly_accepted_insertions` and `wrongly_refused_insertions` are characters that are answered wrongly when inserted
    into `example`; `results` are the answers to all values, by value."""

    target: TargetColumn
    seed: int
    tried: Mapping[str, int]
    accepted: int
    unsendable: int
    accepted_wrongly: WrongAnswers
    refused_wrongly: WrongAnswers
    changed: tuple[tuple[StoredChange, Counterexample], ...]
    wrong_examples: tuple[str, ...] = ()
    sweep: CharacterSweep | None = None
    example: str | None = None
    wrongly_accepted_insertions: tuple[WrongCharacters, ...] = ()
    wrongly_refused_insertions: tuple[WrongCharacters, ...] = ()
    results: Mapping[str, InsertResult] = field(default_factory=dict, repr=False)

    @property
    def values(self) -> int:
        return sum(self.tried.values())


@cached_fact
def ask_format(context: Context, declared: ColumnFormat) -> FormatResult:
    """What the column accepts in the context's state; CouldNotAsk where it is not there or no row can be inserted."""
    column_format = _known_reasons(context, declared)
    target = find_format_target(context, declared)
    sweep, at_edges = _sweep_characters(context, declared, target)
    example = choose_example(target, declared.accept)
    with_one_more = insert_each_character(example) if example is not None else ()
    named = _values_in_triggers(context, declared, target)
    extra = {
        IN_TRIGGERS: named,
        LISTED: _values_listed(context, declared),
        ONE_CHARACTER: at_edges,
        ONE_MORE: with_one_more,
    }
    tried = collect_candidates(context, declared, target, extra)
    with batch_insert(context, target) as insert_batch:
        values = [value for kind in tried.values.values() for value in kind]
        insert_raw, insert_batch = insert_batch, partial(_insert_as_meant, insert_batch, target, column_format)
        results = {judgement.value: judgement for judgement in insert_batch(values)}
        answers = tuple(results.values())
        return FormatResult(
            target=target,
            seed=context.promise.seed,
            tried={kind: len(value) for kind, value in tried.values.items() if value},
            accepted=sum(answer.accepted for answer in answers),
            unsendable=tried.unsendable,
            accepted_wrongly=group_wrongly_accepted(insert_batch, answers, column_format),
            refused_wrongly=group_wrongly_refused(insert_batch, answers, column_format),
            changed=_changed_values(insert_raw, target, (*answers, *insert_raw(declared.reject))),
            wrong_examples=tuple(
                value
                for needed, examples in ((True, declared.accept), (False, declared.reject))
                for value in examples
                if value in results and results[value].accepted is not needed
            ),
            sweep=sweep,
            example=example,
            wrongly_accepted_insertions=find_wrong_characters(example, results, column_format, accepted=True)
            if example is not None
            else (),
            wrongly_refused_insertions=find_wrong_characters(example, results, column_format, accepted=False)
            if example is not None
            else (),
            results=results,
        )


@cached_promise_fact
def _known_reasons(_: Context, declared: ColumnFormat) -> KnownReasons:
    return KnownReasons(declared.meaning)


def _insert_as_meant(
    insert_batch: BatchInsert, target: TargetColumn, column_format: KnownReasons, values: Sequence[str]
) -> tuple[InsertResult, ...]:
    """What became of the values. One that is not meant is not let in where what stands there then is: a varchar cuts off
    the blanks that are too many, a number's type has its own spelling, a trigger puts it right. Nor is a number refused
    that goes in as its type spells it."""

    def as_meant(result: InsertResult) -> InsertResult:
        stored = result.stored
        if stored is None or result.value == stored or column_format.means(result.value):
            return result
        return InsertResult(value=result.value, accepted=False) if column_format.means(stored) else result

    results = tuple(map(as_meant, insert_batch(values)))
    respelled = {
        one.value: spelling
        for one in results
        if one.sqlstate in _NO_SPELLING and column_format.means(one.value)
        if (spelling := type_spelling(target.type, one.value)) is not None
    }
    taken = {one.value for one in insert_batch(tuple(dict.fromkeys(respelled.values()))) if one.accepted}
    return tuple(
        InsertResult(value=one.value, accepted=True, stored=one.value) if respelled.get(one.value) in taken else one
        for one in results
    )


def _sweep_characters(
    context: Context, declared: ColumnFormat, target: TargetColumn
) -> tuple[CharacterSweep | None, tuple[str, ...]]:
    """All characters, where one alone can be valid at all and CHECKs alone decide; and those at the edges of what is
    accepted and valid."""
    column_format = declared.meaning
    if target.category != "S" or not any(map(column_format.means, "a0é李")):
        return None, ()
    refused = refused_characters(context, target)
    if refused is None:
        return None, ()
    not_meant = characters_not_meant(column_format)
    sweep = CharacterSweep(
        accepted_wrongly=subtract_ranges(not_meant, refused), refused_wrongly=subtract_ranges(refused, not_meant)
    )
    edges = tuple(dict.fromkeys((*edge_characters(refused), *edge_characters(not_meant))))
    column = next(candidate for candidate in context.after.columns if candidate.name == declared.column)
    return (None if not target.checks or trigger_may_decide(context.after, column) else sweep), edges


def _values_in_triggers(context: Context, declared: ColumnFormat, target: TargetColumn) -> tuple[str, ...]:
    """What the texts of triggers compare the column with, and what is near."""
    column = next(candidate for candidate in context.after.columns if candidate.name == declared.column)
    texts = trigger_texts(context.after, target.table).of_column(target.column)
    return tuple(dict.fromkeys(rule_values(texts, context.after, column, target.sample))) if texts.texts else ()


def _values_listed(context: Context, declared: ColumnFormat) -> tuple[str, ...]:
    column = next(candidate for candidate in context.after.columns if candidate.name == declared.column)
    rules = read_rule_texts(context.after, column.table)
    with context.sandbox.rolled_back(context.after_state) as connection:
        return tuple(dict.fromkeys(values_listed_elsewhere(context, connection, column, rules)))


@cached_fact
def probe_format_writes(context: Context, declared: ColumnFormat) -> FormatWrites:
    """What else than an INSERT could bring into the column: some of the values that were refused, and not meant.

    CouldNotAsk as in `ask_format`, and where the column takes no value that is meant.
    """
    result = ask_format(context, declared)
    column_format, target = _known_reasons(context, declared), result.target
    taken = {answer.value for answer in result.results.values() if answer.accepted}
    known = [value for value in (*declared.accept, target.sample) if value in taken and column_format.means(value)]
    plain = islice(filter(column_format.means, sorted(taken, key=simplicity)), _MEANT)
    meant = list(dict.fromkeys((*known, *plain)))
    if not meant:
        raise CouldNotAsk(f"no value that is meant goes into {declared.column}, so that none could be changed there")
    rules = read_rule_texts(context.after, target.table)
    alone = set(rules.checked_alone(target.column).texts)
    own_checks = {check.bare_name for check in target.checks if check.definition in alone}
    named = set(_values_in_triggers(context, declared, target))
    held: list[str] = []  # by the type, or by a CHECK of the column alone, whatever else is written
    loose: dict[str, list[str]] = {}
    for answer in sorted(result.results.values(), key=lambda answer: simplicity(answer.value)):
        is_held = answer.constraint in own_checks or (answer.sqlstate or "").startswith("22")
        if answer.accepted or (is_held and len(held) >= _HELD):
            continue
        reason = column_format.why_not(answer.value)
        if reason is not None and is_held:
            held.append(answer.value)
        elif reason is not None:
            loose.setdefault(reason, []).append(answer.value)
    values = [values[0] for values in loose.values()][:_LOOSE_KINDS]
    values += [value for several in loose.values() for value in several if value in named or value in declared.reject]
    values += held
    column = next(candidate for candidate in context.after.columns if candidate.name == declared.column)
    return try_format_writes(
        context,
        FormatValues(
            table=target.table,
            columns=(target.column,),
            meant=[(value,) for value in meant],
            not_meant=[(value,) for value in dict.fromkeys(values)],
            beside_others=bool(loose) or trigger_may_decide(context.after, column),
        ),
        declared.meaning,
    )


def _changed_values(
    insert_batch: BatchInsert, target: TargetColumn, results: Iterable[InsertResult]
) -> tuple[tuple[StoredChange, Counterexample], ...]:
    """The smallest accepted value of each way to come back changed, with what came back."""
    kinds: dict[StoredChange, str] = {}
    for judgement in sorted(
        (accepted_value for accepted_value in results if accepted_value.accepted),
        key=lambda accepted_value: simplicity(accepted_value.value),
    ):
        if (change := compare_stored(target, judgement.value, judgement.stored)) is not None:
            kinds.setdefault(change, judgement.value)

    def fault(change: StoredChange) -> Fault:
        return Fault(
            meant=lambda _: True,
            shown=lambda judgement: (
                judgement.accepted and compare_stored(target, judgement.value, judgement.stored) == change
            ),
        )

    smallest = shrink(insert_batch, [(value, fault(change)) for change, value in kinds.items()])
    stored = {judgement.value: judgement.stored for judgement in insert_batch(smallest)}
    return tuple(
        (change, Counterexample(value=value, reason=change.reason, counterpart=stored[value]))
        for change, value in zip(kinds, smallest, strict=True)
    )
