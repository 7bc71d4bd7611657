"""Waivers for what a migration breaks as it is drafted: only where its owner asks for them.

A waiver has its reason and a last day, so that none is forgotten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from pgcontract.contract import Project, with_contracts
from pgcontract.contract.toml_writer import write_table
from pgcontract.result import Finding, RunOptions, Status
from pgcontract.rules.registry import checks
from pgcontract.runner import verify

WAIVED_DAYS = 90


def broken(project: Project, texts: Mapping[str, str], *, options: RunOptions) -> tuple[Finding, ...]:
    """What the migrations of these drafts, by key, break, judged by the drafts, and a waiver can name."""
    run = verify(with_contracts(project, texts), options)
    waivable = checks()  # what the verdict answers itself, of claims and waivers, no waiver can name
    return tuple(
        finding
        for finding in run.findings
        if finding.status is Status.BROKEN
        and finding.resolution is None
        and finding.migration in texts
        and finding.check in waivable
    )


def with_waivers(project: Project, text: str, findings: Iterable[Finding], *, today: dt.date) -> str:
    """The draft `text` with a waiver for each of the findings."""
    return text + "".join(f"\n{_waiver(project, finding, today)}" for finding in findings)


def _waiver(project: Project, finding: Finding, today: dt.date) -> str:
    return write_table(
        ("waiver",),
        {
            "check": finding.check,
            "subject": finding.subject,
            "reason": f"accepted as found when the contract was drafted: {finding.summary}",
            "owner": project.document.get("owner") or "whoever accepted the draft",
            "until": today + dt.timedelta(days=WAIVED_DAYS),
        },
        array=True,
    )
