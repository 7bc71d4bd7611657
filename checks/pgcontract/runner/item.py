"""One check of one subject at one migration: what a plan holds, and what a selection leaves out."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Item:
    """One check of one subject at one migration; `label` is the subject's last part where that is unique."""

    migration: str
    check: str
    subject: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.check}[{self.label}]"
