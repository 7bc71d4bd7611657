"""Pure values: what a verification found and decided, and the Run that every report is made from."""

from __future__ import annotations

from pgcontract.result.check_info import CheckInfo, Correctable
from pgcontract.result.claim_result import ClaimResult, Outcome
from pgcontract.result.finding import Evidence, Finding
from pgcontract.result.migration_name import MigrationName
from pgcontract.result.outline import Content, Outline, OutlineSection
from pgcontract.result.run import Phase, Run
from pgcontract.result.run_options import RunOptions
from pgcontract.result.status import Severity, Status
from pgcontract.result.verdict import Decision, Verdict

__all__ = [
    "CheckInfo",
    "ClaimResult",
    "Content",
    "Correctable",
    "Decision",
    "Evidence",
    "Finding",
    "MigrationName",
    "Outcome",
    "Outline",
    "OutlineSection",
    "Phase",
    "Run",
    "RunOptions",
    "Severity",
    "Status",
    "Verdict",
]
