"""One verification, whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from pgcontract.result.check_info import CheckInfo
from pgcontract.result.claim_result import ClaimResult
from pgcontract.result.finding import Finding
from pgcontract.result.migration_name import MigrationName
from pgcontract.result.outline import Outline
from pgcontract.result.run_options import RunOptions
from pgcontract.result.status import Status
from pgcontract.result.verdict import Decision, Verdict


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Where the time went: CPU of the tool and of the server, and the wall, each in milliseconds."""

    name: str
    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verification, whole: the only input of every report; `run.json` gives it back unchanged.

    `checks` are those that a finding is of, by id. `facts` are what a report prints about the things judged (tables,
    columns, script, queries ...), as plain JSON values keyed by topic; `server` and `document` likewise. `outline` is
    how a report is laid out. `started` is ISO 8601 in UTC.
    """

    pgcontract: str
    started: str
    migration: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    claims: tuple[ClaimResult, ...]
    checks: tuple[CheckInfo, ...]
    outline: Outline
    chain: tuple[MigrationName, ...] = ()
    server: Mapping[str, Any] = field(default_factory=dict)
    options: RunOptions = field(default_factory=RunOptions)
    document: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()

    def display_name(self, key: str) -> str:
        """What people call the migration of the chain."""
        return next((migration.display_name for migration in self.chain if migration.key == key), key)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The checks that failed by a fault of their own."""
        return tuple(finding for finding in self.findings if finding.status is Status.ERROR)

    @property
    def exit_code(self) -> int:
        """0, 1 or 3 as the verdict says; 1 for CAUTION in a strict run; 4 where it is INCOMPLETE by a fault of ours."""
        match self.verdict.decision:
            case Decision.CLEAR:
                return 0
            case Decision.CAUTION:
                return 1 if self.options.strict else 0
            case Decision.BLOCKED:
                return 1
            case Decision.INCOMPLETE:
                return 4 if self.errors else 3
            case unknown:
                assert_never(unknown)
