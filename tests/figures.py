"""A Run without what was measured: figures are the machine's, answers are the commit's."""

from __future__ import annotations

from dataclasses import replace

from pgcontract.result import Effect, Measurements, Run


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
        effect=run.effect and _untimed(run.effect),
    )


def _untimed(effect: Effect) -> Effect:
    """What statements cost in pages and rows is the same everywhere; WAL holds what the server does of its own accord."""
    live = tuple(
        replace(statement, growth=tuple(replace(size, elapsed_ms=0.0, wal_bytes=0) for size in statement.growth))
        for statement in effect.live or ()
    )
    return replace(effect, live=live if effect.live is not None else None)
