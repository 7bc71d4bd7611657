"""Every ASCII character inserted into an example at every position: which are accepted or refused wrongly, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pgcontract.probes.fuzzing.insert_batches import InsertResult
from pgcontract.probes.fuzzing.known_reasons import KnownReasons
from pgcontract.probes.fuzzing.target_column import TargetColumn
from pgcontract.values import dataclass

INSERTED_CHARACTERS: Final = "".join(map(chr, range(1, 128))) + "\xa0éßİ\u200b\u2028李🙂"
_MAX_LENGTH: Final = 32


@dataclass(frozen=True, kw_only=True)
class WrongCharacters:
    """`characters` are answered wrongly at each of `positions`, which count from 0: inserted before that character."""

    positions: tuple[int, ...]
    characters: str


def choose_example(target: TargetColumn, accept: tuple[str, ...]) -> str | None:
    """The text that characters are inserted into: the first short declared example, else the sample row's value."""
    if target.category != "S":
        return None
    known = (*accept, *([target.sample] if target.sample else []))
    return next((text for text in known if 0 < len(text) <= _MAX_LENGTH), None)


def insert_each_character(example: str) -> tuple[str, ...]:
    """The example with one more character, each of them at every position."""
    positions = range(len(example) + 1)
    return tuple(example[:at] + character + example[at:] for at in positions for character in INSERTED_CHARACTERS)


def find_wrong_characters(
    example: str, results: Mapping[str, InsertResult], column_format: KnownReasons, *, accepted: bool
) -> tuple[WrongCharacters, ...]:
    """Those that are accepted and not meant, or refused and meant, positions with the same characters together."""
    alike: dict[str, list[int]] = {}
    for at in range(len(example) + 1):
        wrong = ""
        for character in INSERTED_CHARACTERS:
            answer = results[example[:at] + character + example[at:]]
            if answer.accepted is accepted and column_format.means(answer.value) is not accepted:
                wrong += character
        if wrong:
            alike.setdefault(wrong, []).append(at)
    return tuple(WrongCharacters(positions=tuple(positions), characters=wrong) for wrong, positions in alike.items())


def mark_positions(example: str, positions: tuple[int, ...]) -> str:
    """`^ann^@…`: the example with a mark at each position."""
    return "".join(
        f"^{example[at : at + 1]}" if at in positions else example[at : at + 1] for at in range(len(example) + 1)
    )
