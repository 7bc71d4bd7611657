"""Texts out of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgcontract.errors import InputError
from pgcontract.formats.oracle import KnownValue, Texts, declare, parameter

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@declare("one_of", sources=("The contract's own list, compared code point by code point",))
@dataclass(frozen=True, kw_only=True)
class OneOf(Texts):
    """One of the listed texts, exactly."""

    values: tuple[str, ...] = parameter("array", "The texts that are meant")

    def __post_init__(self) -> None:
        if not self.values:
            raise InputError("`values` of the standard `one_of` is empty, so nothing would be meant")
        if len(set(self.values)) < len(self.values):
            raise InputError("`values` of the standard `one_of` lists a text twice")

    def why_not(self, value: str) -> str | None:
        if value in self.values:
            return None
        near = [
            allowed_value for allowed_value in self.values if allowed_value.casefold().strip() == value.casefold().strip()
        ]
        listed = ", ".join(self.values)
        return f"not listed, though `{near[0]}` is" if near else f"not one of {listed}"

    def valid(self) -> SearchStrategy[str]:
        from hypothesis import strategies as st

        return st.sampled_from(self.values)

    def corpus(self) -> tuple[KnownValue[str], ...]:
        changed = (
            (value, label)
            for allowed_value in self.values
            for value, label in (
                (allowed_value.upper(), "in upper case"),
                (allowed_value.capitalize(), "with a capital"),
                (f"{allowed_value} ", "with a blank behind"),
                (f" {allowed_value}", "with a blank in front"),
                (f"{allowed_value}\n", "with a line feed behind"),
                (f"{allowed_value}\t", "with a tab behind"),
                (allowed_value[:-1], "without its last character"),
                (allowed_value * 2, "twice"),
            )
        )
        labels = dict.fromkeys(self.values, "as listed")
        for value, label in (*changed, (",".join(self.values), "all of them"), ("", "nothing")):
            labels.setdefault(value, label)
        return tuple(KnownValue(value=value, label=label) for value, label in labels.items())

    def alphabet(self) -> str:
        return "".join(dict.fromkeys("".join(self.values))) + " _-'\u200bé"
