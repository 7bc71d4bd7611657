"""A Run without what was measured: figures are the machine's, answers are the commit's."""

from __future__ import annotations

from dataclasses import replace

from pgcontract.result import Measurements, Run


def without_figures(run: Run) -> Run:
    """The same answers of the checks that measure, in no words; of all others every word."""
    measuring = tuple(f"{check.id}[" for check in run.checks if check.measures)
    restating = {check.id for check in run.checks if check.restates_claims}
    claims = tuple(
        replace(claim, reason="") if any(item.startswith(measuring) for item in claim.decided_by) else claim
        for claim in run.claims
    )
    wordless = {(claim.migration, claim.id) for claim in claims if not claim.reason}
    return replace(
        run,
        claims=claims,
        findings=tuple(
            replace(finding, summary="", actual=None, expected=None, remedy=None, evidence=())
            if finding.item.startswith(measuring)
            or (finding.check in restating and (finding.migration, finding.subject) in wordless)
            else finding
            for finding in run.findings
        ),
        measurements=Measurements(),
    )
