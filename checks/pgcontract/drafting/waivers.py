"""An accepted draft, complete: each promise that the migration still breaks has a waiver in the draft.

Accepting what a migration does includes its faults: that a second run fails, say. Each becomes a waiver with its
reason and a last day, so that the first verdict on a draft has no surprise in it, and none is forgotten.
"""

from __future__ import annotations

import datetime as dt

from pgcontract.contract import Project, with_contract
from pgcontract.contract.toml_writer import write_table
from pgcontract.result import Finding, RunOptions, Status
from pgcontract.rules.registry import checks
from pgcontract.runner import verify

WAIVED_DAYS = 90


def waive_broken(project: Project, text: str, *, options: RunOptions, today: dt.date) -> str:
    """The draft `text` of the project's head, with a waiver for each promise that the head itself breaks."""
    run = verify(with_contract(project, text), options)
    waivable = checks()  # what the verdict answers itself, of claims and waivers, no waiver can name
    wrong = [
        finding
        for finding in run.findings
        if finding.status is Status.BROKEN
        and finding.resolution is None
        and finding.migration == project.head.key
        and finding.check in waivable
    ]
    return text + "".join(f"\n{_waiver(project, finding, today)}" for finding in wrong)


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
