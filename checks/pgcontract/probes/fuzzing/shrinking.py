"""Counterexamples made as small as they go while they still show the same fault, all of them in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pgcontract.probes.fuzzing.insert_batches import Judge, Judgement

_BATCH: Final = 48
_ROUNDS: Final = 80
_ALL_SPANS: Final = 20  # up to this length every piece is tried without, above it pieces of halving sizes


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What a smaller value must still be: `meant` asks the oracle alone, `shown` the server's judgement of it.

    `twin` makes of a value one that must be accepted, so that the two differ in what is at fault and nothing else.
    """

    meant: Callable[[str], bool]
    shown: Callable[[Judgement], bool]
    twin: Callable[[str], str] | None = None


def shrink(judge: Judge, suspects: Sequence[tuple[str, Fault]]) -> tuple[str, ...]:
    """For each value, which shows its fault, the smallest that was found to show it too. Deterministic.

    Each round judges the next simpler values of every suspect in one round trip and goes on from the smallest that
    still shows the fault.
    """
    values = [value for value, _ in suspects]
    waiting = [_simpler(value, fault) for value, fault in suspects]
    for _ in range(_ROUNDS):
        batches = [tuple(islice(each, _BATCH)) for each in waiting]
        asked = list(
            dict.fromkeys(
                text
                for batch, (_, fault) in zip(batches, suspects, strict=True)
                for value in batch
                for text in ((value, fault.twin(value)) if fault.twin else (value,))
            )
        )
        if not asked:
            break
        judged = {each.value: each for each in judge(asked)}
        for number, (batch, (_, fault)) in enumerate(zip(batches, suspects, strict=True)):
            smaller = next((value for value in batch if _shows(fault, value, judged)), None)
            if smaller is not None:
                values[number] = smaller
                waiting[number] = _simpler(smaller, fault)
    return tuple(values)


def _shows(fault: Fault, value: str, judged: dict[str, Judgement]) -> bool:
    return fault.shown(judged[value]) and (fault.twin is None or judged[fault.twin(value)].accepted)


def size(value: str) -> tuple[int, int, str]:
    """A sorting key: shorter first, then the plainer."""
    return len(value), sum(map(_rank, value)), value


def _rank(character: str) -> int:
    if character == "a":
        return 0
    if "b" <= character <= "z":
        return 1
    if character.isascii() and character.isalnum():
        return 2
    return 3 if " " <= character <= "~" else 4 + ord(character)


def _simpler(value: str, fault: Fault) -> Iterator[str]:
    """Values simpler than this one that the oracle says still qualify, the simplest first."""
    limit = size(value)
    for candidate in sorted(set(_candidates(value)), key=size):
        if size(candidate) < limit and fault.meant(candidate):
            yield candidate


def _candidates(value: str) -> Iterator[str]:
    length = len(value)
    if length <= _ALL_SPANS:
        spans = [(start, end) for start in range(length) for end in range(start + 1, length + 1)]
    else:
        spans = []
        step = length
        while step:
            spans += [(start, start + step) for start in range(0, length, step)][:64]
            step //= 2
    yield from (value[:start] + value[end:] for start, end in spans)
    for place, character in enumerate(value[:64]):
        for plain in "a0!":
            if character != plain:
                yield value[:place] + plain + value[place + 1 :]
    for character in sorted(set(value))[:64]:
        yield value.replace(character, "a")
        yield value.replace(character, "0")
    yield value.lower()
