"""How an accepted value changed between INSERT and SELECT, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pgcontract.probes.fuzzing.target_column import TargetColumn
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class StoredChange:
    """`loss` says that information is lost; else only the spelling differs (order of keys, blanks, 1e2 for 100)."""

    reason: str
    loss: bool


def compare_stored(target: TargetColumn, sent: str, stored: str | None) -> StoredChange | None:
    """How what is read back differs from what was sent; None where it does not, or where a type has many spellings.

    JSON is compared as RFC 8259 reads it, with every duplicate key and every digit; texts character by character.
    """
    if sent == stored:
        return None
    if stored is None:
        return StoredChange(reason="the value becomes NULL", loss=True)
    if target.type in ("json", "jsonb"):
        return _json_change(sent, stored)
    if target.category == "S":
        if sent.startswith(stored) and not sent[len(stored) :].strip(" "):
            return StoredChange(reason="trailing spaces are dropped", loss=True)
        if stored.startswith(sent) and not stored[len(sent) :].strip(" "):
            return StoredChange(reason="it is padded with spaces", loss=True)
        return StoredChange(reason="a different text is stored", loss=True)
    if target.category == "N":
        return _number_change(sent, stored)
    return None


def _number_change(sent: str, stored: str) -> StoredChange | None:
    try:
        same = Decimal(sent) == Decimal(stored)
    except InvalidOperation:
        return None
    return None if same else StoredChange(reason="a different number is stored", loss=True)


@dataclass(frozen=True)
class _JsonObject:
    """An object as its text has it: every pair, in order."""

    pairs: Sequence[tuple[str, Any]]


class _JsonNumber(str):
    """A number as its text has it."""

    __slots__ = ()


def _json_change(sent: str, stored: str) -> StoredChange | None:
    try:
        before, after = _read(sent), _read(stored)
    except (ValueError, RecursionError):
        return None
    return _first_loss(before, after) or StoredChange(
        reason="only the spelling differs: key order, spaces, numbers", loss=False
    )


def _read(text: str) -> Any:
    return json.loads(
        text, object_pairs_hook=_JsonObject, parse_int=_JsonNumber, parse_float=_JsonNumber, parse_constant=_JsonNumber
    )


def _first_loss(before: Any, after: Any) -> StoredChange | None:
    match before, after:
        case _JsonObject(), _JsonObject():
            sent, stored = dict(before.pairs), dict(after.pairs)
            if len(sent) < len(before.pairs) and len(after.pairs) < len(before.pairs):
                return StoredChange(reason="of duplicate keys only the last is kept", loss=True)
            if sent.keys() != stored.keys():
                return StoredChange(reason="different keys are stored", loss=True)
            return next((loss for name in sent if (loss := _first_loss(sent[name], stored[name]))), None)
        case list(), list() if len(before) == len(after):
            return next((loss for pair in zip(before, after, strict=True) if (loss := _first_loss(*pair))), None)
        case _JsonNumber(), _JsonNumber():
            return _digits_lost(before, after)
    return (
        None
        if before == after and type(before) is type(after)
        else StoredChange(reason="a different value is stored", loss=True)
    )


def _digits_lost(before: str, after: str) -> StoredChange | None:
    sent, stored = Decimal(before), Decimal(after)
    if sent != stored:
        return StoredChange(reason="a different number is stored", loss=True)
    if sent.is_signed() != stored.is_signed():
        return StoredChange(reason="-0 is stored as 0", loss=True)
    return None
