"""How long a waiver holds, and what it excuses."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class WaiverTerm:
    """One waiver of the contract of `migration`, a key; `until` is its last day, as
    2026-12-31, `excuses` the items that it excuses in
    this run, none where it has ended or waives nothing."""

    migration: str
    check: str
    subject: str
    reason: str
    owner: str
    until: str
    excuses: tuple[str, ...] = ()

    @property
    def item(self) -> str:
        return f"{self.check}[{self.subject}]"
