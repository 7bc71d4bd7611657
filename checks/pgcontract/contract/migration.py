"""One migration of a chain, as a layout read it from its folder."""

from __future__ import annotations

from pgcontract.contract.values import Contract, S
from pgcontract.model.sql import Script
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Migration:
    """`key` is what everything that is kept calls it by: findings, reports, the folder of its contract; `display_name`
    is its short name for people ("020"). `file` is its path below the folder of migrations, by which its contract names
    it. `up` and `down` are what its tool sends; `down_remedy` says how a missing `down` is added, `outside_remedy`
    how a statement gets out of the transaction that the tool makes, `whole_remedy` how one with semicolons in it is sent
    whole, where the tool splits at them. A layout knows no contracts: the project adds it."""

    key: str
    display_name: str
    file: str
    up: Script
    down: Script | None = None
    down_remedy: str
    outside_remedy: str = ""
    whole_remedy: str = ""
    contract: Contract | None = None

    def of(self, section: type[S]) -> tuple[S, ...]:
        """What its own contract declares in one section; nothing where it has none."""
        return self.contract.of(section) if self.contract else ()

    def is_called(self, word: str) -> bool:
        """Whether an owner's word means this one: its key, its display name, with zeros in front or without, its file."""
        if word in (self.display_name, self.key, self.file):
            return True
        return word.isdecimal() and self.display_name.isdecimal() and int(word) == int(self.display_name)
