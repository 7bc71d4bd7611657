"""Broken promises that are accepted for a time, as a contract declares them."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from pgcontract.contract.section import Heading, Section


class Waiver(Section):
    """A broken promise that is accepted until a day."""

    heading = Heading(key="waiver", description="Broken promises that are put up with until a day.", array=True)

    check: str = Field(description="The check it is about, as in `table.security`.")
    subject: str = Field(
        default="*", description="The subject it is about; * and ? stand for anything. Default: every one."
    )
    reason: str = Field(min_length=1, description="Why it may be so.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    until: dt.date = Field(description="The last day it holds, as in 2026-12-31.")
