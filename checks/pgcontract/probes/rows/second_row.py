"""A second row in addition to the probe row: the same except for its key and other unique columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from pgcontract.model.identifiers import quote_identifier
from pgcontract.probes.context import Context
from pgcontract.probes.rows.probe_row import ProbeRow
from pgcontract.probes.rows.write_targets import WriteTarget

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def second_row(context: Context, probe_row: ProbeRow, target: WriteTarget) -> ProbeRow | None:
    """A second row for the target, not inserted: other values in key and unique columns; None without a key."""
    if not probe_row.key:
        return None
    unique = {
        name
        for index in context.after.indexes
        if index.unique and index.table in (target.table, target.holder)
        for name in probe_row.row
        if re.search(rf"(?<!\w){re.escape(quote_identifier(name))}(?!\w)", " ".join(index.keys))
    }
    led = {*target.values, *target.second_values}
    # One column of the key is enough, and one that is counted on is the likeliest to take another value.
    key = sorted(
        (name for name in probe_row.key if name not in led), key=lambda name: _has_successor(probe_row.row[name])
    )
    other = _with_other_values(probe_row, sorted({*key[-1:], *unique} - led))
    other = replace(other, row={**other.row, **target.second_values})
    return other if any(other.row[name] != probe_row.row[name] for name in probe_row.key) else None


def _with_other_values(probe_row: ProbeRow, columns: Iterable[str]) -> ProbeRow:
    return replace(probe_row, row={**probe_row.row, **{name: _other_value(probe_row.row[name]) for name in columns}})


def _has_successor(value: Any) -> bool:
    text = str(value)
    return text.isdecimal() or _UUID.fullmatch(text) is not None


def _other_value(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() if _UUID.fullmatch(value):
            return value[:-1] + ("0" if value[-1] == "f" else f"{int(value[-1], 16) + 1:x}")
        case str() if value.isdecimal():
            return str(int(value) + 1)
        case str() if _DATE.match(value):
            return str(int(value[:4]) + 1) + value[4:]
        case str():
            return f"b{value}"
        case _:
            return value
