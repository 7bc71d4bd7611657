"""The table of all findings of an HTML page: what filters, sorts and opens there, as values for its template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgcontract.reporting.finding_status import is_unresolved, status_label
from pgcontract.reporting.markup import visible
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Evidence, Finding, Severity, Status
from pgcontract.values import dataclass

MAX_ROWS = 200
MAX_LINES = 400
# What a reader may choose, and in which group each finding is.
GROUPS = ("needs a person", "settled", "noted", "kept")


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One piece of evidence: texts already visible; `more` says what is left out."""

    title: str
    text: str | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One finding. `weight` sorts the worst first, `place` by the Run's order; `facts` are pairs of label and text."""

    id: str
    place: int
    weight: int
    group: str
    status: str
    name: str
    section: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    exhibits: tuple[Exhibit, ...]


def rows(view: RunView) -> tuple[Row, ...]:
    """A row a finding, the worst first, else in the Run's order."""
    titles = {check.id: check.title for check in view.run.checks}
    listed = (_row(place, finding, view, titles) for place, finding in enumerate(view.distinct_findings))
    return tuple(sorted(listed, key=lambda row: (row.weight, row.place)))


def _row(place: int, finding: Finding, view: RunView, titles: dict[str, str]) -> Row:
    section = view.run.outline.section_of(finding.check, finding.subject)
    facts = (
        ("Expected", finding.expected),
        ("Found", finding.actual),
        ("Settled", finding.resolution),
        ("To do", finding.remedy),
        ("At", str(finding.origin) if finding.origin else None),
        ("Claims", ", ".join(view.claim_name(claim, finding.migration) for claim in finding.claims)),
        ("Asked", titles.get(finding.check)),
    )
    return Row(
        id=view.ids.of(finding),
        place=place,
        weight=_weight(finding),
        group=_group(finding),
        status=visible(status_label(finding)),
        name=visible(view.name(finding)),
        section=visible(section.title or section.id),
        summary=visible(finding.summary),
        facts=tuple((label, visible(text, lines=True)) for label, text in facts if text),
        exhibits=tuple(map(_exhibit, finding.evidence)),
    )


def _group(finding: Finding) -> str:
    if is_unresolved(finding):
        return GROUPS[0]
    return {Status.KEPT: GROUPS[3], Status.NOTED: GROUPS[2]}.get(finding.status, GROUPS[1])


def _weight(finding: Finding) -> int:
    """Less is worse: what needs a person by its severity, then what is settled, noted and kept."""
    group = GROUPS.index(_group(finding))
    severity = list(Severity).index(finding.severity) if finding.severity and group == 0 else 0
    unanswered = 2 if group == 0 and finding.status is not Status.BROKEN else 0  # beside a warning
    return group * 10 + severity + unanswered


def _exhibit(evidence: Evidence) -> Exhibit:
    lines = visible(evidence.text, lines=True).strip("\n").split("\n") if evidence.text is not None else None
    return Exhibit(
        title=visible(evidence.title),
        text=None if lines is None else "\n".join(lines[:MAX_LINES]),
        columns=tuple(map(visible, evidence.columns)),
        rows=tuple(tuple(map(visible, row)) for row in evidence.rows[:MAX_ROWS]),
        more=", ".join(_left_out(lines or (), evidence.rows)),
    )


def _left_out(lines: Sequence[str], table: Sequence[Sequence[str]]) -> Iterator[str]:
    if len(lines) > MAX_LINES:
        yield f"{len(lines) - MAX_LINES:,} more lines in run.json"
    if len(table) > MAX_ROWS:
        yield f"{len(table) - MAX_ROWS:,} more rows in run.json"
