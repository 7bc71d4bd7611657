"""Many wrong answers grouped into a few kinds, each with its smallest example."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from pgcontract.probes.fuzzing.insert_batches import BatchInsert, InsertResult
from pgcontract.probes.fuzzing.known_reasons import KnownReasons
from pgcontract.probes.fuzzing.shrinking import Fault, shrink, simplicity
from pgcontract.values import dataclass

MAX_KINDS: Final = 8  # kinds that are shrunk and shown; of the others only the reason is reported
_EXAMINED: Final = 12  # the smallest of the values that one refuser refused and that look alike, and as many others
_VARYING: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|U\+[0-9A-F]+|\d[\d,]*")
_CHARACTER_CLASSES: Final = (
    ("quotes", '"'),
    ("backslashes", "\\"),
    ("round brackets", "()"),
    ("square brackets", "[]"),
    ("blanks and controls", "".join(map(chr, (*range(33), 127)))),
)
_LONG_RUN: Final = re.compile(r"(.)\1{7,}", re.DOTALL)
_LIST: Final = re.compile(r"#(?:, (?:#|\.\.\.|…))+")


@dataclass(frozen=True, kw_only=True)
class Counterexample:
    """The smallest value of its kind. `reason` is why it is not meant, or who refused it; `counterpart` is an accepted
    value that differs from it only in what `cause` says."""

    value: str
    reason: str
    cause: str = ""
    counterpart: str | None = None


@dataclass(frozen=True, kw_only=True)
class WrongAnswers:
    """`shown` are the smallest of the first kinds, simplest first; `others` the reasons of the rest."""

    values: int
    shown: tuple[Counterexample, ...] = ()
    others: tuple[str, ...] = ()


def group_wrongly_accepted(
    insert_batch: BatchInsert, results: Iterable[InsertResult], column_format: KnownReasons
) -> WrongAnswers:
    """The values that were accepted and are not meant, one of each reason."""
    kinds: dict[str, list[str]] = {}
    for insert_result in results:
        if insert_result.accepted and (reason := column_format.why_not(insert_result.value)) is not None:
            kinds.setdefault(_kind_of(reason), []).append(insert_result.value)
    first = sorted((min(values, key=simplicity), kind) for kind, values in kinds.items())
    first.sort(key=lambda pair: simplicity(pair[0]))
    suspects = [(value, _accepted_fault(kind, column_format)) for value, kind in first[:MAX_KINDS]]
    smallest = sorted(shrink(insert_batch, suspects), key=simplicity)
    return WrongAnswers(
        values=sum(map(len, kinds.values())),
        shown=tuple(Counterexample(value=value, reason=column_format.why_not(value) or "") for value in smallest),
        others=tuple(column_format.why_not(value) or "" for value, _ in first[MAX_KINDS:]),
    )


def _accepted_fault(kind: str, column_format: KnownReasons) -> Fault:
    def meant(value: str) -> bool:
        reason = column_format.why_not(value)
        return reason is not None and _kind_of(reason) == kind

    return Fault(meant=meant, shown=lambda insert_result: insert_result.accepted)


def _kind_of(reason: str) -> str:
    """The reason without what varies from value to value: characters, numbers, and lists of them."""
    return _LIST.sub("#", _VARYING.sub("#", reason))


def group_wrongly_refused(
    insert_batch: BatchInsert, results: Sequence[InsertResult], column_format: KnownReasons
) -> WrongAnswers:
    """The values that are meant and were refused, one of each cause: a simpler value that is accepted shows it."""
    usual = {
        character
        for insert_result in results
        if insert_result.accepted and column_format.means(insert_result.value)
        for character in insert_result.value
    }
    refused = [
        insert_result
        for insert_result in results
        if not insert_result.accepted and column_format.means(insert_result.value)
    ]
    count = len(refused)
    seen = {insert_result.value for insert_result in results}
    alone = {
        value
        for insert_result in refused
        for value in _with_one_unusual_class(insert_result.value, usual)
        if column_format.means(value)
    }
    refused += [insert_result for insert_result in insert_batch(sorted(alone - seen)) if not insert_result.accepted]
    similar: dict[tuple[str, frozenset[str]], list[str]] = {}
    for insert_result in refused:
        similar.setdefault((insert_result.refused_by, _unusual_classes(insert_result.value, usual)), []).append(
            insert_result.value
        )
    examined = [
        (refuser, value) for (refuser, _), values in similar.items() for value in _sample(sorted(values, key=simplicity))
    ]
    counterparts = {
        value: [
            (cause, counterpart)
            for cause, make in _simplifications(value, usual)
            if column_format.means(counterpart := make(value))
        ]
        for _, value in examined
    }
    accepted = {
        insert_result.value
        for insert_result in insert_batch(
            [*{counterpart: 0 for pairs in counterparts.values() for _, counterpart in pairs}]
        )
        if insert_result.accepted
    }
    kinds: dict[tuple[str, str], tuple[str, str]] = {}
    for refuser, value in sorted(examined, key=lambda pair: simplicity(pair[1])):
        cause = next((cause for cause, counterpart in counterparts[value] if counterpart in accepted), "")
        # What a type refuses it refuses for one reason a SQLSTATE; a constraint may have many.
        kind = refuser, _cause_subject(cause) if " " in refuser else ""
        if kind not in kinds or (cause and not kinds[kind][1]):
            kinds[kind] = value, cause
    first = sorted(((refuser, *reason) for (refuser, _), reason in kinds.items()), key=lambda row: simplicity(row[1]))
    makers = [dict(_simplifications(value, usual)).get(cause) for _, value, cause in first]
    suspects = [
        (value, _refused_fault(refuser, column_format, maker))
        for (refuser, value, _), maker in zip(first[:MAX_KINDS], makers, strict=False)
    ]
    smallest = shrink(insert_batch, suspects)
    shown = [
        Counterexample(value=value, reason=refuser, cause=cause, counterpart=maker(value) if maker else None)
        for value, (refuser, _, cause), maker in zip(smallest, first, makers, strict=False)
    ]
    # Two kinds may have shrunk to one value; the one with a cause is more informative.
    by_value = {
        counterexample.value: counterexample
        for counterexample in sorted(shown, key=lambda counterexample: counterexample.counterpart is not None)
    }
    return WrongAnswers(
        values=count,
        shown=tuple(sorted(by_value.values(), key=lambda counterexample: simplicity(counterexample.value))),
        others=tuple(f"{refuser}: {cause or 'no single cause'}" for refuser, _, cause in first[MAX_KINDS:]),
    )


def _cause_subject(cause: str) -> str:
    """The characters that a simplification removed or replaced; all punctuation marks count as one."""
    subject = cause.removeprefix("with letters for ").removeprefix("without ")
    return "marks" if subject.startswith(("'", '"')) else subject


def _sample(values: Sequence[str]) -> Sequence[str]:
    """The first of them, and some at even steps from the rest."""
    rest = values[_EXAMINED:]
    return (*values[:_EXAMINED], *rest[:: max(len(rest) // _EXAMINED, 1)])


def _refused_fault(refuser: str, column_format: KnownReasons, counterpart: Callable[[str], str] | None) -> Fault:
    def meant(value: str) -> bool:
        return column_format.means(value) and (
            counterpart is None or (counterpart(value) != value and column_format.means(counterpart(value)))
        )

    return Fault(meant=meant, shown=lambda insert_result: insert_result.refused_by == refuser, counterpart=counterpart)


def _with_one_unusual_class(value: str, usual: set[str]) -> Iterator[str]:
    """Of a value with several classes of characters that no accepted value holds, one value for each class alone."""
    unusual = _unusual_classes(value, usual)
    if len(unusual) > 1:
        for sort in sorted(unusual):
            yield "".join(letter if letter in usual or _character_class(letter) == sort else "a" for letter in value)


def _unusual_classes(value: str, usual: set[str]) -> frozenset[str]:
    """The classes of those characters that no accepted value holds."""
    return frozenset(_character_class(character) for character in value if character not in usual)


def _simplifications(value: str, usual: set[str]) -> Sequence[tuple[str, Callable[[str], str]]]:
    """Simpler values by what was changed: without the characters of one class, or with letters in their place.

    Characters that no accepted value holds come first; they are the likelier cause.
    """
    changes: list[tuple[str, Callable[[str], str]]] = []
    for sort in sorted(_unusual_classes(value, usual)):
        changes.append((f"without {sort}", partial(_without, sort, usual, "")))
        changes.append((f"with letters for {sort}", partial(_without, sort, usual, "a")))
    for mark in sorted({character for character in value if character in usual and not character.isalnum()}):
        changes.append((f"without {mark!a}", _replacing(mark, "")))
    changes.append(("with letters for digits", _replacing("0123456789", "a")))
    changes.append(("without digits", _replacing("0123456789", "")))
    changes.append(("with one letter more", "{}a".format))
    changes.append(("one character shorter", lambda text: text[1:]))
    changes.append(("without long repetition", lambda text: _LONG_RUN.sub(r"\1\1", text)))
    return changes


def _without(sort: str, usual: set[str], by: str, text: str) -> str:
    return "".join(
        by if character not in usual and _character_class(character) == sort else character for character in text
    )


def _replacing(characters: Iterable[str], by: str) -> Callable[[str], str]:
    table = {ord(character): by for character in characters}
    return lambda text: text.translate(table)


def _character_class(character: str) -> str:
    """The class of a character, named as a report names it."""
    if not character.isascii():
        return "characters beyond ASCII"
    if character.isdigit():
        return "digits"
    if character.isalpha():
        return "capital letters" if character.isupper() else "small letters"
    return next((name for name, members in _CHARACTER_CLASSES if character in members), "marks")
