"""How many rows are loaded: what --rows asks for, else what the data set says."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.errors import InputError
from pgcontract.probes.promise import Promise

_MULTIPLIERS: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_ROW_COUNT: Final = re.compile(r"(\d{1,3}(?:[_,]\d{3})+|\d{1,12}(?:\.\d{1,3})?)\s*([km]?)", re.ASCII | re.IGNORECASE)
MOST_ROWS: Final = 100_000_000


def read_rows(text: str, *, option: str) -> int:
    """A count as a person writes it: 500000, 500k, 1M. InputError, which names the option, for anything else."""
    row_count = _ROW_COUNT.fullmatch(text.strip())
    if row_count is None:
        raise InputError(f"{option} takes a count such as 500000, 500k or 1M; {text!r} is none.")
    rows = float(re.sub("[_,]", "", row_count[1])) * _MULTIPLIERS[row_count[2].lower()]
    if rows != int(rows) or not 1 <= rows <= MOST_ROWS:
        raise InputError(f"{option} takes a whole count from 1 to {MOST_ROWS // 1_000_000}M; {text!r} is outside.")
    return int(rows)


def sizes_of(promise: Promise) -> tuple[int, ...]:
    """How many rows are loaded, smallest first: what --rows asks for, a tenth and a hundredth, else what is declared."""
    if promise.rows is not None:
        return tuple(sorted({size for size in (promise.rows // 100, promise.rows // 10, promise.rows) if size}))
    return promise.project.dataset(promise.migration.key).sizes
