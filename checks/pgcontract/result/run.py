"""One verification, whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgcontract.result.claim_result import ClaimResult
from pgcontract.result.finding import Finding
from pgcontract.result.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Where the time went: CPU of the tool and of the server, and the wall, each in milliseconds."""

    name: str
    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verification, whole: the only input of every report; `run.json` gives it back unchanged.

    `facts` are what a report prints about the things judged (tables, columns, script, queries ...), as plain
    JSON values keyed by topic; `server`, `document` and `options` likewise. `started` is ISO 8601 in UTC.
    """

    pgcontract: str
    started: str
    migration: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    claims: tuple[ClaimResult, ...]
    chain: tuple[str, ...] = ()
    server: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()
