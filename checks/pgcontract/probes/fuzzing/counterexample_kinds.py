"""Many wrong answers sorted into the few kinds there are of them, each with its smallest example."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pgcontract.formats import Language
from pgcontract.probes.fuzzing.insert_batches import Judge, Judgement
from pgcontract.probes.fuzzing.shrinking import Fault, shrink, size

MOST: Final = 8  # kinds that are shrunk and shown; of the others only the reason is told
_EXAMINED: Final = 12  # the smallest of the values that one refuser refused and that look alike, and as many others
_VARYING: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|U\+[0-9A-F]+|\d[\d,]*")
_SORTS: Final = (
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
    """The smallest value of its kind. `reason` is why it is not meant, or who refused it; `twin` is an accepted
    value that differs from it only in what `cause` says."""

    value: str
    reason: str
    cause: str = ""
    twin: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """`shown` are the smallest of the first kinds, simplest first; `others` the reasons of the rest."""

    values: int
    shown: tuple[Counterexample, ...] = ()
    others: tuple[str, ...] = ()


def accepted_wrongly(judge: Judge, judged: Iterable[Judgement], language: Language[Any]) -> Wrong:
    """The values that were accepted and are not meant, one of each reason."""
    kinds: dict[str, list[str]] = {}
    for each in judged:
        if each.accepted and (reason := language.why_not(each.value)) is not None:
            kinds.setdefault(_kind_of(reason), []).append(each.value)
    first = sorted((min(values, key=size), kind) for kind, values in kinds.items())
    first.sort(key=lambda pair: size(pair[0]))
    suspects = [(value, _accepted_fault(kind, language)) for value, kind in first[:MOST]]
    smallest = sorted(shrink(judge, suspects), key=size)
    return Wrong(
        values=sum(map(len, kinds.values())),
        shown=tuple(Counterexample(value=value, reason=language.why_not(value) or "") for value in smallest),
        others=tuple(language.why_not(value) or "" for value, _ in first[MOST:]),
    )


def _accepted_fault(kind: str, language: Language[Any]) -> Fault:
    def meant(value: str) -> bool:
        reason = language.why_not(value)
        return reason is not None and _kind_of(reason) == kind

    return Fault(meant=meant, shown=lambda judgement: judgement.accepted)


def _kind_of(reason: str) -> str:
    """The reason without what varies from value to value: characters, numbers, and lists of them."""
    return _LIST.sub("#", _VARYING.sub("#", reason))


def refused_wrongly(judge: Judge, judged: Sequence[Judgement], language: Language[Any]) -> Wrong:
    """The values that are meant and were refused, one of each cause: a plainer value that is accepted tells it."""
    usual = {character for each in judged if each.accepted and language.means(each.value) for character in each.value}
    refused = [each for each in judged if not each.accepted and language.means(each.value)]
    count = len(refused)
    seen = {each.value for each in judged}
    alone = {value for each in refused for value in _with_one_oddity(each.value, usual) if language.means(value)}
    refused += [each for each in judge(sorted(alone - seen)) if not each.accepted]
    alike: dict[tuple[str, frozenset[str]], list[str]] = {}
    for each in refused:
        alike.setdefault((each.refused_by, _oddities(each.value, usual)), []).append(each.value)
    examined = [(refuser, value) for (refuser, _), values in alike.items() for value in _some(sorted(values, key=size))]
    twins = {
        value: [(cause, twin) for cause, make in _changes(value, usual) if language.means(twin := make(value))]
        for _, value in examined
    }
    accepted = {
        each.value for each in judge([*{twin: 0 for pairs in twins.values() for _, twin in pairs}]) if each.accepted
    }
    kinds: dict[tuple[str, str], tuple[str, str]] = {}
    for refuser, value in sorted(examined, key=lambda pair: size(pair[1])):
        cause = next((cause for cause, twin in twins[value] if twin in accepted), "")
        # What a type refuses it refuses for one reason a SQLSTATE; a constraint may have many.
        kind = refuser, _cause_alone(cause) if " " in refuser else ""
        if kind not in kinds or (cause and not kinds[kind][1]):
            kinds[kind] = value, cause
    first = sorted(((refuser, *found) for (refuser, _), found in kinds.items()), key=lambda each: size(each[1]))
    makers = [dict(_changes(value, usual)).get(cause) for _, value, cause in first]
    suspects = [
        (value, _refused_fault(refuser, language, maker))
        for (refuser, value, _), maker in zip(first[:MOST], makers, strict=False)
    ]
    smallest = shrink(judge, suspects)
    shown = [
        Counterexample(value=value, reason=refuser, cause=cause, twin=maker(value) if maker else None)
        for value, (refuser, _, cause), maker in zip(smallest, first, makers, strict=False)
    ]
    # Two kinds may have shrunk to one value; the one with a cause tells more.
    by_value = {each.value: each for each in sorted(shown, key=lambda each: each.twin is not None)}
    return Wrong(
        values=count,
        shown=tuple(sorted(by_value.values(), key=lambda each: size(each.value))),
        others=tuple(f"{refuser}: {cause or 'no single cause'}" for refuser, _, cause in first[MOST:]),
    )


def _cause_alone(cause: str) -> str:
    """What a change was about, whether it was left out or replaced; one mark is as good as another."""
    subject = cause.removeprefix("with letters for ").removeprefix("without ")
    return "marks" if subject.startswith(("'", '"')) else subject


def _some(values: Sequence[str]) -> Sequence[str]:
    """The first of them, and some at even steps from the rest."""
    rest = values[_EXAMINED:]
    return (*values[:_EXAMINED], *rest[:: max(len(rest) // _EXAMINED, 1)])


def _refused_fault(refuser: str, language: Language[Any], twin: Callable[[str], str] | None) -> Fault:
    def meant(value: str) -> bool:
        return language.means(value) and (twin is None or (twin(value) != value and language.means(twin(value))))

    return Fault(meant=meant, shown=lambda judgement: judgement.refused_by == refuser, twin=twin)


def _with_one_oddity(value: str, usual: set[str]) -> Iterator[str]:
    """Of a value with characters of several sorts that no accepted value holds, one with each sort alone."""
    odd = _oddities(value, usual)
    if len(odd) > 1:
        for sort in sorted(odd):
            yield "".join(each if each in usual or _sort(each) == sort else "a" for each in value)


def _oddities(value: str, usual: set[str]) -> frozenset[str]:
    """The sorts of those characters that no accepted value holds."""
    return frozenset(_sort(each) for each in value if each not in usual)


def _changes(value: str, usual: set[str]) -> Sequence[tuple[str, Callable[[str], str]]]:
    """Plainer values by what makes them so: without the characters of one sort, or with letters in their place.

    Characters that no accepted value holds come first; they are the likelier cause.
    """
    changes: list[tuple[str, Callable[[str], str]]] = []
    for sort in sorted(_oddities(value, usual)):
        changes.append((f"without {sort}", partial(_without, sort, usual, "")))
        changes.append((f"with letters for {sort}", partial(_without, sort, usual, "a")))
    for mark in sorted({each for each in value if each in usual and not each.isalnum()}):
        changes.append((f"without {mark!a}", _replacing(mark, "")))
    changes.append(("with letters for digits", _replacing("0123456789", "a")))
    changes.append(("without digits", _replacing("0123456789", "")))
    changes.append(("with one letter more", "{}a".format))
    changes.append(("one character shorter", lambda text: text[1:]))
    changes.append(("without long repetition", lambda text: _LONG_RUN.sub(r"\1\1", text)))
    return changes


def _without(sort: str, usual: set[str], by: str, text: str) -> str:
    return "".join(by if each not in usual and _sort(each) == sort else each for each in text)


def _replacing(characters: Iterable[str], by: str) -> Callable[[str], str]:
    table = {ord(each): by for each in characters}
    return lambda text: text.translate(table)


def _sort(character: str) -> str:
    """Characters that play one part in what texts are made of."""
    if not character.isascii():
        return "characters beyond ASCII"
    if character.isdigit():
        return "digits"
    if character.isalpha():
        return "capital letters" if character.isupper() else "small letters"
    return next((name for name, members in _SORTS if character in members), "marks")
