"""A length of time as a person writes it: `90`, `90s`, `1.5m`, `500ms`."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.errors import InputError

_UNIT_MS: Final = {"ms": 1, "": 1000, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000}
_DURATION: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]*)\s*", re.ASCII)
# What the server can count, and what nobody waits for.
_MAX_MS: Final = 24 * 3_600_000


def read_duration(text: str, *, option: str) -> int:
    """Whole milliseconds, from 1 to a day; InputError, which names the option, for anything else."""
    written = _DURATION.fullmatch(text)
    if written is None or written[2] not in _UNIT_MS:
        raise InputError(f"{option} takes a time such as 90, 90s, 2m or 500ms; {text!r} is none.")
    duration_ms = round(float(written[1]) * _UNIT_MS[written[2]])
    if not 1 <= duration_ms <= _MAX_MS:
        raise InputError(f"{option} takes from 1ms to 24h; {text!r} is outside.")
    return duration_ms
