"""How a finding counts in a report: whether it needs a person, what settles it, which of two is worse, its label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from dataclasses import replace
from typing import Final

from pgcontract.result import Finding, Run, Severity, Status

# Up to so many findings with the same summary are listed one by one.
_MAX_ALIKE: Final = 3


def unresolved(run: Run) -> tuple[Finding, ...]:
    """Unresolved findings: BROKEN, ERROR and UNKNOWN; a script that does not apply first, then the worst."""
    first = {check.id for check in run.checks if check.comes_first}
    wrong = (finding for finding in run.findings if is_unresolved(finding))
    return tuple(sorted(wrong, key=lambda finding: urgency(finding, first)))


def collapse_alike(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings without an answer that share migration and summary (no server was reachable), as one with their number."""
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.status is Status.UNKNOWN:
            groups[finding.migration, finding.summary].append(finding)
    merged: list[Finding] = []
    for finding in findings:
        group = groups.get((finding.migration, finding.summary), [finding])
        if len(group) <= _MAX_ALIKE or finding.status is not Status.UNKNOWN:
            merged.append(finding)
        elif finding is group[0]:
            merged.append(replace(finding, subject=f"{finding.subject}, and of {len(group) - 1} more checks"))
    return tuple(merged)


def resolved(run: Run) -> tuple[Finding, ...]:
    """What does not count as it is, for a reason that is told: mended, corrected, waived, or answered later."""
    return tuple(
        finding
        for finding in run.findings
        if finding.status is Status.WAIVED
        or (finding.status in (Status.BROKEN, Status.UNKNOWN) and finding.resolution is not None)
    )


def is_unresolved(finding: Finding) -> bool:
    """Broken and not resolved, or without an answer."""
    return (finding.status is Status.BROKEN and finding.resolution is None) or finding.unanswered


def urgency(finding: Finding, first: Set[str]) -> tuple[bool, int, int]:
    """Less is worse: a script that does not apply (of the checks in `first`), then by what it weighs: what counts for
    less than by itself stays where it is."""
    kinds = {Status.BROKEN: 0, Status.ERROR: 1, Status.UNKNOWN: 2}
    severity = list(Severity).index(finding.gravest) if finding.gravest else len(Severity)
    if finding.accepted_though_critical:
        return True, severity, len(kinds)
    not_first = finding.check not in first or finding.status is not Status.BROKEN
    return not_first, severity if finding.status is Status.BROKEN else len(Severity), kinds[finding.status]


def status_label(finding: Finding) -> str:
    """KEPT, BROKEN (critical), BROKEN, corrected: the status, and what it weighs."""
    if finding.status in (Status.BROKEN, Status.UNKNOWN) and finding.resolution is not None:
        return f"{finding.status.name}, {finding.resolution}"
    if finding.accepted_though_critical:
        return f"{finding.status.name} (critical)"
    if finding.status is not Status.BROKEN:
        return finding.status.name
    return f"BROKEN ({weight_label(finding)})" if finding.severity else "BROKEN"


def weight_label(finding: Finding) -> str:
    """error, or `warning by pgcontract.toml:7, critical by itself`: what it weighs, and who says so."""
    label = finding.severity.value if finding.severity else ""
    if finding.reweighed is None:
        return label
    own = finding.reweighed.own.value if finding.reweighed.own else "a note"
    return f"{label} by {finding.reweighed.origin}, {own} by itself"


def counts(findings: Iterable[Finding]) -> str:
    """`1 broken, 23 settled, 412 kept`: how many of each status, worst first; what is broken and settled apart, as are
    the notes that could not be asked."""
    by_status = Counter((-finding.status.rank, _counted_as(finding)) for finding in findings)
    return ", ".join(f"{by_status[rank, words]} {words}" for rank, words in sorted(by_status))


def _counted_as(finding: Finding) -> str:
    settled = finding.status is not Status.WAIVED and finding.resolution is not None
    return "settled" if settled else "not asked" if finding.not_asked else finding.status.value
