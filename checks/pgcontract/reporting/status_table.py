"""The status of each area, and the confidence in the verdict: both computed from the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from pgcontract.reporting.fragments import outcome
from pgcontract.reporting.markup import code, table
from pgcontract.reporting.run_view import RunView, counts
from pgcontract.reporting.sections import Section
from pgcontract.result import ClaimResult, Decision, Finding, Outcome, Severity, Status

_AREAS = (
    ("Schema design", Section.SCHEMA),
    ("Migration file", Section.DETAILS),
    ("Indexes", Section.INDEXES),
    ("Audit trigger", Section.TRIGGER),
    ("Constraints", Section.RULES),
)
_COMMENTS = "object.commented"


def status_rows(view: RunView) -> tuple[tuple[object, ...], ...]:
    """Rows of area, state, checks, claims: those of the document's own status table, in its order."""
    rows = []
    for area, section in _AREAS:
        findings = [finding for finding in view.findings(section) if finding.check != _COMMENTS]
        rows.append(_row(area, findings, view.claims(section)))
    rows.append(_row("Documentation", [check for check in view.checks if check.check == _COMMENTS], ()))
    by_hand = view.run.facts.get("platform") == "supabase"
    how = "by hand: the service-role key cannot run DDL" if by_hand else "by whoever runs the deployment"
    rows.append(("Execution method", how, "", _claims(view.claims(Section.DEPLOYMENT))))
    rows.append(_row("Testing", view.checks, view.run.claims))
    return tuple(rows)


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
    kept = sum(check.status is Status.KEPT for check in view.checks)
    return f"{words[view.run.verdict.decision]} ({of_claims}, {kept} of {len(view.checks)} checks kept)"


def check_table(view: RunView) -> Markup:
    """Every check that ran and how its findings ended, by check id."""
    by_check: dict[str, list[Finding]] = {}
    for finding in view.checks:
        by_check.setdefault(finding.check, []).append(finding)
    return table(("Check", "Found"), [(code(check), _numbers(by_check[check])) for check in sorted(by_check)])


def _row(area: str, findings: Sequence[Finding], claims: Sequence[ClaimResult]) -> tuple[object, ...]:
    return area, state(findings), _numbers(findings), _claims(claims)


def _numbers(findings: Sequence[Finding]) -> str:
    return counts(findings) or "none"


def state(findings: Sequence[Finding]) -> Markup:
    """KEPT, **BROKEN (warning)** or not shown: the worst unresolved status."""
    open_ones = [finding for finding in findings if finding.resolution is None and finding.status is not Status.WAIVED]
    broken = [finding for finding in open_ones if finding.status is Status.BROKEN]
    if broken:
        return outcome(min(broken, key=lambda finding: list(Severity).index(finding.severity or Severity.INFO)))
    if not findings or any(finding.status in (Status.UNKNOWN, Status.ERROR) for finding in open_ones):
        return Markup("not shown")
    return Markup("KEPT") if len(open_ones) == len(findings) else Markup("KEPT but for what was settled")


def _claims(claims: Sequence[ClaimResult]) -> str:
    by_outcome = Counter(claim.outcome for claim in claims)
    return ", ".join(
        f"{by_outcome[claim_outcome]} {claim_outcome.value}" for claim_outcome in Outcome if by_outcome[claim_outcome]
    )
