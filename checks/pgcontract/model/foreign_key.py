"""What the definition of a FOREIGN KEY says, as pg_get_constraintdef prints it."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

_IDENTIFIER: Final = r'(?:"(?:[^"]|"")*"|[^"(),])+'
_LIST: Final = rf"{_IDENTIFIER}(?:, {_IDENTIFIER})*"
_FOREIGN_KEY: Final = lazy_pattern(
    rf"FOREIGN KEY \((?P<own>{_LIST})\) REFERENCES (?P<parent>{_IDENTIFIER})\((?P<there>{_LIST})\)(?P<rest>.*)"
)


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """`columns` refer to `parent_columns` of `parent`, in order; `rest` is MATCH and the actions. All as SQL has them."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    rest: str


def read_foreign_key(definition: str | None) -> ForeignKey | None:
    """None where it is the definition of something else."""
    match = _FOREIGN_KEY.match(definition or "")
    if match is None:
        return None
    own, there = (
        tuple(word.strip().removeprefix("PERIOD ") for word in re.findall(_IDENTIFIER, match[name]))
        for name in ("own", "there")
    )
    return ForeignKey(columns=own, parent=match["parent"], parent_columns=there, rest=match["rest"])
