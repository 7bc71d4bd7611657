"""What an owner says of a folder where it is not to be told by looking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pgcontract.errors import InputError


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """The `layout` by name, the `platform`, the `values` of placeholders by name, the last migration that production has
    (`applied`), and a script that is run before the first one (`setup`)."""

    layout: str | None = None
    platform: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)  # may be secrets
    applied: str | None = None
    setup: Path | None = None


def read_values(words: Iterable[str], *, option: str) -> dict[str, str]:
    """`name=value` each; the value may hold more of them, and may be empty. Raises InputError where there is no name,
    without the word itself: it may be a secret."""
    values = {}
    for number, word in enumerate(words, 1):
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InputError(f"{option}: a value is given as NAME=VALUE; number {number} is not")
        values[name] = value
    return values
