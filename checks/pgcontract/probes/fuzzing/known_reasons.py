"""What an oracle says of texts, each read once: most are tried in several states, and asked about several times there."""

from __future__ import annotations

from typing import Any, Final

from pgcontract.formats import Format

_LONGEST: Final = 10_000  # characters; shrinking makes hundreds of texts of a long one, and asks about each once


class KnownReasons:
    """The oracle of a format."""

    def __init__(self, column_format: Format[Any]) -> None:
        self._format = column_format
        self._reasons: dict[str, str | None] = {}

    def why_not(self, value: str) -> str | None:
        """The first reason why the value is not meant; None where it is."""
        if len(value) > _LONGEST:
            return self._format.why_not(value)
        if value not in self._reasons:
            self._reasons[value] = self._format.why_not(value)
        return self._reasons[value]

    def means(self, value: str) -> bool:
        """Whether the column is meant to hold the value."""
        return self.why_not(value) is None
