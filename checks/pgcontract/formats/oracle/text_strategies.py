"""Strategies that formats share. Imported only when values are made: of all modules, only those whose
names end in `strategies` need Hypothesis to be imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pgcontract.formats.oracle.hostile_texts import HOSTILE_TEXTS

_PLACES = st.integers(0, 2**16 - 1)

sendable: SearchStrategy[str] = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
"""Every character that a server takes in a text."""

_LONG: Final = 500


def texts(min_size: int = 0, max_size: int = 12) -> SearchStrategy[str]:
    """Texts of any characters that can be sent. Hypothesis draws no long ones: those repeat a short one."""
    if min_size <= _LONG:
        return st.text(sendable, min_size=min_size, max_size=max_size)
    piece = st.text(sendable, min_size=1, max_size=12)
    return st.tuples(piece, st.integers(min_size, max_size)).map(lambda drawn: (drawn[0] * drawn[1])[: drawn[1]])


def words(alphabet: str, min_size: int = 1, max_size: int = 8) -> SearchStrategy[str]:
    """Texts over the alphabet."""
    return st.text(alphabet, min_size=min_size, max_size=max_size)


def one_edit_from(valid: SearchStrategy[str], alphabet: str) -> SearchStrategy[str]:
    """A valid text with one character put in, left out, replaced, doubled, swapped with the next, or case-flipped."""
    drawn = st.tuples(valid, st.sampled_from(_EDITS), _PLACES, st.sampled_from(alphabet))
    return drawn.map(lambda edit: edit[1](edit[0], edit[2], edit[3]))


def hostile_texts(valid: SearchStrategy[str]) -> SearchStrategy[str]:
    """Hostile texts alone, within a valid text, before it and after it; and any text at all."""
    nasty = st.sampled_from([known_value.value for known_value in HOSTILE_TEXTS])
    return st.one_of(
        nasty,
        st.tuples(valid, _PLACES, nasty).map(lambda drawn: _insert(*drawn)),
        st.tuples(nasty, valid).map("".join),
        st.tuples(valid, nasty).map("".join),
        texts(),
    )


def _insert(text: str, place: int, piece: str) -> str:
    at = place % (len(text) + 1)
    return text[:at] + piece + text[at:]


def _leave_out(text: str, place: int, _: str) -> str:
    at = place % max(len(text), 1)
    return text[:at] + text[at + 1 :]


def _replace(text: str, place: int, piece: str) -> str:
    at = place % max(len(text), 1)
    return text[:at] + piece + text[at + 1 :]


def _double(text: str, place: int, _: str) -> str:
    at = place % max(len(text), 1)
    return text[:at] + text[at : at + 1] * 2 + text[at + 1 :]


def _swap(text: str, place: int, _: str) -> str:
    at = place % max(len(text) - 1, 1)
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


def _flip(text: str, place: int, _: str) -> str:
    at = place % max(len(text), 1)
    return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]


# Putting in and replacing have a character to choose as well, so they are drawn more often.
_EDITS: Sequence[Callable[[str, int, str], str]] = (
    _insert,
    _insert,
    _replace,
    _replace,
    _leave_out,
    _double,
    _swap,
    _flip,
)
