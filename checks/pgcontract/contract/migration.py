"""One migration of a chain, as a layout read it from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pgcontract.contract.values import Contract


class TransactionScope(Enum):
    """What the migration tool runs in one transaction."""

    FILE = "each file"
    ALL = "all files that are pending"
    NONE = "nothing"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How its tool runs a migration: in which transaction, once or whenever it changed, and as which role; whoever
    connects where `role` is None."""

    transaction: TransactionScope
    repeatable: bool
    role: str | None = None


@dataclass(frozen=True, kw_only=True)
class Migration:
    """`key` is what everything that is kept calls it by: findings, reports, the folder of its contract; `display_name`
    is its short name for people ("020"). `up` and `down` are its scripts; `down_remedy` says how a missing `down` is
    added. A layout knows no contracts: the project adds it."""

    key: str
    display_name: str
    up: Path
    down: Path | None = None
    down_remedy: str
    execution: Execution
    contract: Contract | None = None

    @property
    def file(self) -> str:
        """The name of its script, by which its contract names it."""
        return self.up.name

    def is_called(self, word: str) -> bool:
        """Whether an owner's word means this one: its key, its display name, with zeros in front or without, its file."""
        if word in (self.display_name, self.key, self.file):
            return True
        return word.isdecimal() and self.display_name.isdecimal() and int(word) == int(self.display_name)
