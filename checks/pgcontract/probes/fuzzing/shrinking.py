"""Counterexamples shrunk as far as they still show the same fault, all of them in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Final

from pgcontract.probes.fuzzing.insert_batches import BatchInsert, InsertResult
from pgcontract.values import dataclass

_BATCH: Final = 48
_ROUNDS: Final = 80
_ALL_SPANS: Final = 20  # up to this length every piece is tried without, above it pieces of halving sizes


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What a smaller value must still show: `meant` asks the oracle alone, `shown` the server's result for it.

    `counterpart` makes of a value one that must be accepted, so that the two differ only in what is at fault.
    """

    meant: Callable[[str], bool]
    shown: Callable[[InsertResult], bool]
    counterpart: Callable[[str], str] | None = None


def shrink(insert_batch: BatchInsert, suspects: Sequence[tuple[str, Fault]]) -> tuple[str, ...]:
    """For each value, which shows its fault, the smallest that was found to show it too. Deterministic.

    Each round tries the next simpler values of every suspect in one round trip and continues from the smallest that
    still shows the fault.
    """
    values = [value for value, _ in suspects]
    waiting = [_simpler(value, fault) for value, fault in suspects]
    for _ in range(_ROUNDS):
        batches = [tuple(islice(waiting_texts, _BATCH)) for waiting_texts in waiting]
        candidates = list(
            dict.fromkeys(
                text
                for batch, (_, fault) in zip(batches, suspects, strict=True)
                for value in batch
                for text in ((value, fault.counterpart(value)) if fault.counterpart else (value,))
            )
        )
        if not candidates:
            break
        results = {judgement.value: judgement for judgement in insert_batch(candidates)}
        for number, (batch, (_, fault)) in enumerate(zip(batches, suspects, strict=True)):
            smaller = next((value for value in batch if _shows(fault, value, results)), None)
            if smaller is not None:
                values[number] = smaller
                waiting[number] = _simpler(smaller, fault)
    return tuple(values)


def _shows(fault: Fault, value: str, results: dict[str, InsertResult]) -> bool:
    return fault.shown(results[value]) and (fault.counterpart is None or results[fault.counterpart(value)].accepted)


def simplicity(value: str) -> tuple[int, int, str]:
    """A sorting key: shorter first, then the plainer."""
    return len(value), sum(map(_rank, value)), value


@cache  # asked some million times of a hundred characters
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
    limit = simplicity(value)
    for candidate in sorted(set(_candidates(value)), key=simplicity):
        if simplicity(candidate) < limit and fault.meant(candidate):
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
