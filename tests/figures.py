"""A Run without what was measured: figures are the machine's, answers are the commit's."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pgcontract.result import ClaimResult, Run

MEASURING: Final = ("dataset.", "index.used", "query.", "write.")


def without_figures(run: Run) -> Run:
    """The same answers of the checks that measure, in no words; of all others every word."""
    claims = tuple(replace(claim, reason="") if _rests_on_figures(claim) else claim for claim in run.claims)
    wordless = {(claim.migration, claim.id) for claim in claims if not claim.reason}
    return replace(
        run,
        claims=claims,
        findings=tuple(
            replace(finding, summary="", actual=None, expected=None, remedy=None, evidence=())
            if finding.check.startswith(MEASURING)
            or (finding.check == "claim.decided" and (finding.migration, finding.subject) in wordless)
            else finding
            for finding in run.findings
        ),
        facts={name: fact for name, fact in run.facts.items() if name != "performance"},
    )


def _rests_on_figures(claim: ClaimResult) -> bool:
    return any(item.startswith(MEASURING) for item in claim.decided_by)
