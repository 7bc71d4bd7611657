"""What an accepted value lost between INSERT and SELECT, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from pgcontract.probes.fuzzing.target_column import Place


@dataclass(frozen=True, kw_only=True)
class Change:
    """`loss` is what cannot be had back; else only the spelling differs (order of keys, blanks, 1e2 for 100)."""

    reason: str
    loss: bool


def change_of(place: Place, sent: str, stored: str | None) -> Change | None:
    """How what is read back differs from what was sent; None where it does not, or where a type has many spellings.

    JSON is compared as RFC 8259 reads it, with every duplicate key and every digit; texts character by character.
    """
    if sent == stored:
        return None
    if stored is None:
        return Change(reason="it is stored as NULL", loss=True)
    if place.type in ("json", "jsonb"):
        return _json_change(sent, stored)
    if place.category == "S":
        if sent.startswith(stored) and not sent[len(stored) :].strip(" "):
            return Change(reason="blanks at its end are cut off in silence", loss=True)
        if stored.startswith(sent) and not stored[len(sent) :].strip(" "):
            return Change(reason="it is filled up with blanks", loss=True)
        return Change(reason="another text is stored", loss=True)
    if place.category == "N":
        return _number_change(sent, stored)
    return None


def _number_change(sent: str, stored: str) -> Change | None:
    try:
        same = Decimal(sent) == Decimal(stored)
    except InvalidOperation:
        return None
    return None if same else Change(reason="another number is stored", loss=True)


@dataclass(frozen=True)
class _Members:
    """An object as its text has it: every pair, in order."""

    pairs: Sequence[tuple[str, Any]]


class _Number(str):
    """A number as its text has it."""

    __slots__ = ()


def _json_change(sent: str, stored: str) -> Change | None:
    try:
        before, after = _read(sent), _read(stored)
    except (ValueError, RecursionError):
        return None
    return _first_loss(before, after) or Change(
        reason="only its spelling differs: order of keys, blanks, numbers", loss=False
    )


def _read(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def _first_loss(before: Any, after: Any) -> Change | None:
    match before, after:
        case _Members(), _Members():
            ours, theirs = dict(before.pairs), dict(after.pairs)
            if len(ours) < len(before.pairs) and len(after.pairs) < len(before.pairs):
                return Change(reason="of members with the same name only the last is stored", loss=True)
            if ours.keys() != theirs.keys():
                return Change(reason="other names of members are stored", loss=True)
            return next((loss for name in ours if (loss := _first_loss(ours[name], theirs[name]))), None)
        case list(), list() if len(before) == len(after):
            return next((loss for pair in zip(before, after, strict=True) if (loss := _first_loss(*pair))), None)
        case _Number(), _Number():
            return _digits_lost(before, after)
    return (
        None if before == after and type(before) is type(after) else Change(reason="another value is stored", loss=True)
    )


def _digits_lost(before: str, after: str) -> Change | None:
    ours, theirs = Decimal(before), Decimal(after)
    if ours != theirs:
        return Change(reason="another number is stored", loss=True)
    if ours.is_signed() != theirs.is_signed():
        return Change(reason="-0 is stored as 0", loss=True)
    return None
