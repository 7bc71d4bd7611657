"""The status of each section, and the confidence in the verdict: both computed from the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from pgcontract.reporting.finding_status import counts
from pgcontract.reporting.fragments import outcome
from pgcontract.reporting.markup import code, table
from pgcontract.reporting.run_view import RunView
from pgcontract.result import ClaimResult, Decision, Finding, Outcome, Severity, Status


def status_rows(view: RunView) -> tuple[tuple[object, ...], ...]:
    """Rows of section, state, checks, claims: one for each section that gathers checks or holds claims, then all."""
    rows: list[tuple[object, ...]] = []
    for section in view.run.outline.sections:
        findings, claims = view.findings(section), view.claims(section)
        if section.families or section.objects:
            rows.append((section.title or section.id, state(findings), _numbers(findings), _claims(claims)))
        elif claims:
            rows.append((section.title or section.id, "", "", _claims(claims)))
    return (*rows, ("All", state(view.distinct_findings), _numbers(view.distinct_findings), _claims(view.run.claims)))


def confidence(view: RunView) -> str:
    """High to none, as the verdict allows, and the numbers it rests on."""
    words = {
        Decision.CLEAR: "high",
        Decision.CAUTION: "as far as it was shown",
        Decision.INCOMPLETE: "none yet",
        Decision.BLOCKED: "none",
    }
    claims = view.run.claims
    upheld = sum(claim.outcome in (Outcome.UPHELD, Outcome.MENDED, Outcome.CORRECTED) for claim in claims)
    of_claims = f"{upheld} of {len(claims)} claims stand" if claims else "nothing was promised"
    kept = sum(finding.status is Status.KEPT for finding in view.distinct_findings)
    return f"{words[view.run.verdict.decision]} ({of_claims}, {kept} of {len(view.distinct_findings)} checks kept)"


def check_table(view: RunView) -> Markup:
    """Every check that ran and how its findings ended, by check id."""
    by_check: dict[str, list[Finding]] = {}
    for finding in view.distinct_findings:
        by_check.setdefault(finding.check, []).append(finding)
    return table(("Check", "Found"), [(code(check), _numbers(by_check[check])) for check in sorted(by_check)])


def _numbers(findings: Sequence[Finding]) -> str:
    return counts(findings) or "none"


def state(findings: Sequence[Finding]) -> Markup:
    """KEPT, **BROKEN (warning)**, noted or not shown: the worst unresolved status."""
    open_ones = [finding for finding in findings if finding.resolution is None and finding.status is not Status.WAIVED]
    broken = [finding for finding in open_ones if finding.status is Status.BROKEN]
    if broken:
        return outcome(min(broken, key=lambda finding: list(Severity).index(finding.severity or Severity.INFO)))
    if not findings or any(finding.unanswered or finding.not_asked for finding in open_ones):
        return Markup("not shown")
    if all(finding.status is Status.NOTED for finding in findings):
        return Markup("noted")
    return Markup("KEPT") if len(open_ones) == len(findings) else Markup("KEPT but for what was settled")


def _claims(claims: Sequence[ClaimResult]) -> str:
    by_outcome = Counter(claim.outcome for claim in claims)
    return ", ".join(
        f"{by_outcome[claim_outcome]} {claim_outcome.value}" for claim_outcome in Outcome if by_outcome[claim_outcome]
    )
