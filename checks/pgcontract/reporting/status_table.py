"""Where each part of the work stands, and how sure one may be: both computed from what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from pgcontract.reporting.fragments import outcome
from pgcontract.reporting.markup import code, table
from pgcontract.reporting.run_view import Reading, counts
from pgcontract.reporting.sections import Section
from pgcontract.result.finding import ClaimResult, Decision, Finding, Outcome, Severity, Status

_AREAS = (
    ("Schema design", Section.SCHEMA),
    ("Migration file", Section.DETAILS),
    ("Indexes", Section.INDEXES),
    ("Audit trigger", Section.TRIGGER),
    ("Constraints", Section.RULES),
)
_COMMENTS = "object.comment"


def standing(read: Reading) -> tuple[tuple[object, ...], ...]:
    """Rows of area, state, checks, claims: those of the document's own status table, in its order."""
    rows = []
    for area, section in _AREAS:
        found = [each for each in read.findings(section) if each.check != _COMMENTS]
        rows.append(_row(area, found, read.claims(section)))
    rows.append(_row("Documentation", [each for each in read.checks if each.check == _COMMENTS], ()))
    by_hand = read.run.facts.get("platform") == "supabase"
    how = "by hand: the service-role key cannot run DDL" if by_hand else "by whoever runs the deployment"
    rows.append(("Execution method", how, "", _claims(read.claims(Section.DEPLOYMENT))))
    rows.append(_row("Testing", read.checks, read.run.claims))
    return tuple(rows)


def confidence(read: Reading) -> str:
    """High to none, as the verdict allows, and the numbers it rests on."""
    words = {
        Decision.CLEAR: "high",
        Decision.CAUTION: "as far as it was shown",
        Decision.INCOMPLETE: "none yet",
        Decision.BLOCKED: "none",
    }
    claims = read.run.claims
    upheld = sum(each.outcome in (Outcome.UPHELD, Outcome.MENDED, Outcome.CORRECTED) for each in claims)
    of_claims = f"{upheld} of {len(claims)} claims stand" if claims else "nothing was promised"
    kept = sum(each.status is Status.KEPT for each in read.checks)
    return f"{words[read.run.verdict.decision]} ({of_claims}, {kept} of {len(read.checks)} checks kept)"


def ledger(read: Reading) -> Markup:
    """Every check that ran and how its findings ended, by check id."""
    by_check: dict[str, list[Finding]] = {}
    for each in read.checks:
        by_check.setdefault(each.check, []).append(each)
    return table(("Check", "Found"), [(code(check), _numbers(by_check[check])) for check in sorted(by_check)])


def _row(area: str, found: Sequence[Finding], claims: Sequence[ClaimResult]) -> tuple[object, ...]:
    return area, state(found), _numbers(found), _claims(claims)


def _numbers(found: Sequence[Finding]) -> str:
    return counts(found) or "none"


def state(found: Sequence[Finding]) -> Markup:
    """KEPT, **BROKEN (warning)** or not shown: the worst that nobody has settled."""
    open_ones = [each for each in found if each.resolution is None and each.status is not Status.WAIVED]
    broken = [each for each in open_ones if each.status is Status.BROKEN]
    if broken:
        return outcome(min(broken, key=lambda each: list(Severity).index(each.severity or Severity.INFO)))
    if not found or any(each.status in (Status.UNKNOWN, Status.ERROR) for each in open_ones):
        return Markup("not shown")
    return Markup("KEPT") if len(open_ones) == len(found) else Markup("KEPT but for what was settled")


def _claims(claims: Sequence[ClaimResult]) -> str:
    found = Counter(each.outcome for each in claims)
    return ", ".join(f"{found[each]} {each.value}" for each in Outcome if found[each])
