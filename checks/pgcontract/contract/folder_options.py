"""What an owner says of a folder where it is not to be told by looking."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from pgcontract.errors import InputError
from pgcontract.values import dataclass

_SHORTEST_SECRET: Final = 4  # a shorter one stands in every report by chance
_SECRET: Final = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|(?:api|private|access|encryption|signing)[_.-]?key", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """The `layout` by name, the `platform`, the `values` of placeholders by name, the last migration that production has
    (`applied`), a script that is run before the first one (`setup`), a file with the sizes of production's tables
    (`stats`), the commit since which changes count (`since`), and where its tool's own table of what is applied is to be
    read, a file or `dsn:URL` (`history`). `baseline` is the file of what is known to be wrong; where None, the one in its
    usual place is read if it is there, unless `no_baseline`."""

    layout: str | None = None
    platform: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)  # may be secrets
    applied: str | None = None
    setup: Path | None = None
    stats: Path | None = None
    since: str | None = None
    history: str | None = field(default=None, repr=False)  # a dsn: may hold a password
    baseline: Path | None = None
    no_baseline: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What is typed to say the same, secrets and passwords included."""
        said = {
            "--layout": self.layout,
            "--platform": self.platform,
            "--setup": self.setup,
            "--applied": self.applied,
            "--history": self.history,
            "--since": self.since,
            "--stats": self.stats,
            "--baseline": self.baseline,
        }
        words = [word for name, value in said.items() if value is not None for word in (name, str(value))]
        words += [word for name, value in self.values.items() for word in ("--set", f"{name}={value}")]
        return (*words, *(["--no-baseline"] if self.no_baseline else []))

    @property
    def secrets(self) -> dict[str, str]:
        """The values whose names say that they are secret, each with what is shown in its place."""
        return {
            value: f"${{{name}}}"
            for name, value in self.values.items()
            if len(value) >= _SHORTEST_SECRET and _SECRET.search(name)
        }


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
