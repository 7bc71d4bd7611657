"""Every ASCII character put into an example at every place: which of them are let in or kept out wrongly, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pgcontract.formats import Language
from pgcontract.probes.fuzzing.insert_batches import Judgement
from pgcontract.probes.fuzzing.target_column import Place

CHARACTERS: Final = "".join(map(chr, range(1, 128))) + "\xa0éßİ\u200b\u2028李🙂"
_LONGEST: Final = 32


@dataclass(frozen=True, kw_only=True)
class Characters:
    """`characters` are answered wrongly at each of `places`, which count from 0: put in before that character."""

    places: tuple[int, ...]
    characters: str


def example_of(place: Place, accept: tuple[str, ...]) -> str | None:
    """What characters are put into: the first short example that is meant, else what the sample row has."""
    if place.category != "S":
        return None
    known = (*accept, *([place.sample] if place.sample else []))
    return next((each for each in known if 0 < len(each) <= _LONGEST), None)


def with_each_character(example: str) -> tuple[str, ...]:
    """The example with one character more, each of them at every place."""
    places = range(len(example) + 1)
    return tuple(example[:at] + character + example[at:] for at in places for character in CHARACTERS)


def wrong_characters(
    example: str, judged: Mapping[str, Judgement], language: Language[Any], *, accepted: bool
) -> tuple[Characters, ...]:
    """Those that are accepted and not meant, or refused and meant, places that are alike together."""
    alike: dict[str, list[int]] = {}
    for at in range(len(example) + 1):
        wrong = ""
        for character in CHARACTERS:
            answer = judged[example[:at] + character + example[at:]]
            if answer.accepted is accepted and language.means(answer.value) is not accepted:
                wrong += character
        if wrong:
            alike.setdefault(wrong, []).append(at)
    return tuple(Characters(places=tuple(places), characters=wrong) for wrong, places in alike.items())


def tell_places(example: str, places: tuple[int, ...]) -> str:
    """`1–3, 5` as the pieces between which they stand: `^ann^@…`: the example with a mark at each place."""
    return "".join(f"^{example[at : at + 1]}" if at in places else example[at : at + 1] for at in range(len(example) + 1))
