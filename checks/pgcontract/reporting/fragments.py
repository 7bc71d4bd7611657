"""One finding, one claim or one piece of evidence as Markdown: the same in every section."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from pgcontract.reporting.markup import code, fence, fold, join, prose, quote, table
from pgcontract.reporting.run_view import RunView, status_label
from pgcontract.result import ClaimResult, Evidence, Finding, Outcome, Status
from pgcontract.result.claim_ranges import shorten_ids
from pgcontract.result.outline import OutlineSection

MAX_KEPT_ROWS = 8
MAX_EVIDENCE_BLOCKS = 20
MAX_ROWS = 60
MAX_LINE = 240


def outcome(finding: Finding) -> Markup:
    """**BROKEN (critical)**, KEPT: the status as a word; bold where action is needed."""
    label = prose(status_label(finding))
    highlighted = finding.status in (Status.BROKEN, Status.ERROR, Status.UNKNOWN) and finding.resolution is None
    return Markup("**{}**").format(label) if highlighted else label


def shown_by(findings: Sequence[Finding], section: OutlineSection, view: RunView) -> Markup:
    """The cell "Shown by" of one object: what is not kept by name, what is kept as a number, the section's claims."""
    pieces = [
        join((outcome(finding), code(finding.check)), " ") for finding in findings if finding.status is not Status.KEPT
    ]
    kept = sum(finding.status is Status.KEPT for finding in findings)
    if kept:
        pieces.append(Markup(f"KEPT ({kept})"))  # noqa: S704
    claims = shorten_ids(claim for finding in findings for claim in view.claims_of(finding, section))
    return join((*(pieces or [Markup("not shown")]), " ".join(claims)))


def check_counts(findings: Iterable[Finding]) -> Markup:
    """Which checks were run, with the number of their subjects: `column.type` 10 · `column.nullability` 10."""
    counts = Counter(finding.check for finding in findings)
    return join(join((code(check), number), " ") for check, number in sorted(counts.items()))


def statements(findings: Sequence[Finding], view: RunView) -> Markup:
    """One row a finding, what is wrong first; of a check with many kept subjects, their number alone."""
    kept = Counter(finding.check for finding in findings if finding.status is Status.KEPT)
    rows: list[tuple[object, object]] = []
    for listed_finding in sorted(findings, key=lambda finding: -finding.status.rank):
        if listed_finding.status is not Status.KEPT or kept[listed_finding.check] <= MAX_KEPT_ROWS:
            claims = " ".join(shorten_ids(listed_finding.claims))
            rows.append(
                (
                    listed_finding.summary,
                    join((join((outcome(listed_finding), code(view.name(listed_finding))), " "), claims)),
                )
            )
    rows += [
        (f"The same of {number} subjects", join(("KEPT", code(check)), " "))
        for check, number in sorted(kept.items())
        if number > MAX_KEPT_ROWS
    ]
    return table(("Statement", "Shown by"), rows)


def finding_details(finding: Finding, view: RunView) -> Markup:
    """What was expected and found, the claims it bears on in their own words, what to do: one list, then blocks.

    Texts too long for a line stand in blocks; two of many lines as their difference.
    """
    pair = (("Expected", finding.expected), ("Found", finding.actual))
    brief = {label: text for label, text in pair if text is not None and "\n" not in text and len(text) <= MAX_LINE}
    points = [Markup("- {}: {}").format(label, code(text)) for label, text in brief.items()]
    for claim in finding.claims:
        description = view.description(claim, finding.migration)
        points.append(Markup("- Claim {}").format(join((prose(claim), quote(description) if description else ""), ": ")))
    if finding.remedy:
        points.append(Markup("- Remedy: {}").format(prose(finding.remedy)))
    blocks = _blocks([(label, text) for label, text in pair if text is not None and label not in brief])
    return join((Markup("\n").join(points), *blocks), "\n\n")


def _blocks(blocks: Sequence[tuple[str, str]]) -> Iterable[Markup]:
    if len(blocks) == 2 and all("\n" in text for _, text in blocks):
        expected, actual = (text.splitlines() for _, text in blocks)
        changed = "\n".join(difflib.unified_diff(expected, actual, "expected", "found", lineterm=""))
        if changed:
            return [fence(changed, "diff")]
    return [Markup("{}:\n\n{}").format(label, fence(text)) for label, text in blocks]


def evidence_block(evidence: Evidence) -> Markup:
    """One piece of evidence, titled: a table of at most `MAX_ROWS` rows, a block of text, a line where it is one."""
    text = evidence.text
    table_too = bool(evidence.columns or evidence.rows)
    if text is not None and evidence.language == "text" and "\n" not in text.strip() and not table_too:
        return Markup("{}: {}").format(prose(evidence.title), prose(text))
    blocks = [Markup("{}:").format(prose(evidence.title))]
    if text is not None:
        blocks.append(fence(text, evidence.language))
    if table_too:
        blocks += _rows(evidence)
    return join(blocks, "\n\n")


def _rows(evidence: Evidence) -> Iterator[Markup]:
    width = max((len(evidence.columns), *map(len, evidence.rows)))
    head, *body = ((*row, *[""] * (width - len(row))) for row in (evidence.columns, *evidence.rows[:MAX_ROWS]))
    yield table(head, body) or Markup("No row of {}.").format(join(map(code, head), ", "))
    if (more := len(evidence.rows) - MAX_ROWS) > 0:
        yield Markup(f"{more:,} more row{'s' * (more > 1)} in run.json.")  # noqa: S704


def resolved_table(findings: Sequence[Finding], view: RunView) -> Markup:
    """What was found and why it does not block, one row each; then the evidence of each, folded."""
    rows = [(code(view.name(finding)), finding.summary, finding.resolution or "") for finding in findings]
    folds = [
        fold(
            f"{view.name(finding)}: {status_label(finding)}",
            join((finding_details(finding, view), *(evidence_block(one) for one in finding.evidence)), "\n\n"),
        )
        for finding in findings
    ]
    return join((table(("Check", "What was found", "Settled"), rows), *folds), "\n\n")


def folded_evidence(findings: Iterable[Finding], view: RunView) -> Markup:
    """What the kept and the noted findings rest on, each folded behind its name. What is wrong stands in front.

    Findings of one check that rest on the same evidence share one fold.
    """
    quiet = (Status.KEPT, Status.NOTED)
    alike: dict[tuple[str, Status, tuple[Evidence, ...]], list[Finding]] = {}
    for finding in findings:
        if finding.evidence and finding.status in quiet:
            alike.setdefault((finding.check, finding.status, finding.evidence), []).append(finding)
    blocks = [
        fold(f"{_names(group, view)}: {status.name}", join((evidence_block(one) for one in evidence), "\n\n"))
        for (_, status, evidence), group in list(alike.items())[:MAX_EVIDENCE_BLOCKS]
    ]
    if len(alike) > MAX_EVIDENCE_BLOCKS:
        blocks.append(Markup(f"{len(alike) - MAX_EVIDENCE_BLOCKS:,} more exhibits are in run.json."))  # noqa: S704
    return join(blocks, "\n")


def _names(group: Sequence[Finding], view: RunView) -> str:
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return f"{view.name(group[0])}{more}"


def claims_table(claims: Iterable[ClaimResult], view: RunView) -> Markup:
    """What is claimed, word for word, what became of it, and what decided."""
    return table(("Claim", "It says", "Outcome", "Decided by"), [_claim(claim, view) for claim in claims])


def _claim(claim: ClaimResult, view: RunView) -> tuple[Markup, ...]:
    end = Markup("**REFUTED**") if claim.outcome is Outcome.REFUTED else prose(claim.outcome.value)
    quotation = quote(claim.description)
    if claim.corrected is not None:
        quotation = Markup("{}<br>In its place: {}").format(quotation, quote(claim.corrected))
    reason = "" if claim.outcome is Outcome.UPHELD else claim.reason
    name = view.claim_name(claim.id, claim.migration)
    return prose(name), quotation, end, join((reason, deciding_items(claim.decided_by)))


def deciding_items(items: Sequence[str]) -> Markup:
    """The items that decided a claim: one by its name, several by their checks and how many of each.

    Their subjects are the rows that carry the claim's id.
    """
    if len(items) < 2:
        return join(map(code, items))
    counts = Counter(item.split("[")[0] for item in items)
    return join((join((code(check), number if number > 1 else ""), " ") for check, number in counts.items()), ", ")
