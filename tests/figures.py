"""A Run without what was measured: figures are the machine's, answers are the commit's."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pgcontract.result.finding import ClaimResult, Run

MEASURING: Final = ("dataset.", "index.unused", "query.", "write.")


def without_figures(run: Run) -> Run:
    """The same answers of the checks that measure, in no words; of all others every word."""
    told = tuple(replace(each, reason="") if _rests_on_figures(each) else each for each in run.claims)
    wordless = {(each.migration, each.id) for each in told if not each.reason}
    return replace(
        run,
        claims=told,
        findings=tuple(
            replace(each, summary="", actual=None, expected=None, remedy=None, evidence=())
            if each.check.startswith(MEASURING)
            or (each.check == "claim.decided" and (each.migration, each.subject) in wordless)
            else each
            for each in run.findings
        ),
        facts={name: fact for name, fact in run.facts.items() if name != "performance"},
    )


def _rests_on_figures(claim: ClaimResult) -> bool:
    return any(item.startswith(MEASURING) for item in claim.decided_by)
