"""A regular expression that is compiled when it is first used: a run imports five hundred, and uses a fifth of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from re import compile as lazy_pattern
else:

    class lazy_pattern:  # noqa: N801 - called as re.compile is
        """What `re.compile` gives, by its methods and attributes."""

        def __init__(self, text: str, flags: int = 0) -> None:
            self._given = text, flags

        def __getattr__(self, name: str) -> Any:
            value = getattr(re.compile(*self._given), name)
            setattr(self, name, value)
            return value


__all__ = ["lazy_pattern"]
