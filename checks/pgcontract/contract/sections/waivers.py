"""Broken promises that are accepted for a time, as a contract declares them."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from pgcontract.contract.check_globs import matches_finding
from pgcontract.contract.section import Heading, Section


class Waiver(Section):
    """A broken promise that is accepted until a day."""

    heading = Heading(key="waiver", description="Broken promises that are put up with until a day.", array=True)

    check: str = Field(description="The check it is about, as in `table.security`.")
    subject: str = Field(
        default="*",
        description="The subject it is about, exactly as findings name it; what is critical or could not be asked is "
        "waived in no other way. * and ? stand for anything, and are told. Default: every one.",
    )
    reason: str = Field(min_length=1, description="Why it may be so.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    until: dt.date = Field(
        description="The last day it holds, as in 2026-12-31: at most a year away, 90 days for what is critical."
    )

    def matches(self, check: str, subject: str) -> bool:
        return matches_finding(self.check, self.subject, check, subject)

    def names(self, check: str, subject: str) -> bool:
        """Whether it is written for this check and subject alone, without a wildcard."""
        return (self.check, self.subject) == (check, subject)
