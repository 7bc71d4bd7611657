"""How one finding, one claim or one exhibit reads in Markdown: the same words in every section."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from pgcontract.finding import ClaimResult, Evidence, Finding, Outcome, Status
from pgcontract.report.markup import code, fence, fold, join, prose, quote, table
from pgcontract.report.reading import spans, word

MANY = 8
MAX_EXHIBITS = 20
MAX_ROWS = 30


def outcome(finding: Finding) -> Markup:
    """**BROKEN (critical)**, KEPT: the status as a word; bold where somebody must look."""
    shown = prose(word(finding))
    loud = finding.status in (Status.BROKEN, Status.ERROR, Status.UNKNOWN) and finding.resolution is None
    return Markup("**{}**").format(shown) if loud else shown


def shown(findings: Sequence[Finding]) -> Markup:
    """The cell "Shown by" of one object: what is not kept by name, what is kept as a number, then the claims."""
    told = [join((outcome(each), code(each.check)), " ") for each in findings if each.status is not Status.KEPT]
    kept = sum(each.status is Status.KEPT for each in findings)
    if kept:
        told.append(Markup(f"KEPT, {kept} check{'s' * (kept > 1)}"))  # noqa: S704
    claims = spans(claim for each in findings for claim in each.claims)
    return join((*(told or [Markup("not shown")]), " ".join(claims)))


def asked(findings: Iterable[Finding]) -> Markup:
    """Which checks were asked, with the number of their subjects: `column.type` 10 · `column.null` 10."""
    found = Counter(each.check for each in findings)
    return join(join((code(check), number), " ") for check, number in sorted(found.items()))


def statements(findings: Sequence[Finding]) -> Markup:
    """One row a finding, what is wrong first; of a check with many kept subjects, their number alone."""
    kept = Counter(each.check for each in findings if each.status is Status.KEPT)
    rows: list[tuple[object, object]] = []
    for each in sorted(findings, key=lambda finding: -finding.status.rank):
        if each.status is not Status.KEPT or kept[each.check] <= MANY:
            rows.append((each.summary, join((outcome(each), code(each.item), " ".join(spans(each.claims))), " ")))
    rows += [
        (f"The same of {number} subjects", join(("KEPT", code(check)), " "))
        for check, number in sorted(kept.items())
        if number > MANY
    ]
    return table(("Statement", "Shown by"), rows)


def particulars(finding: Finding, says: Mapping[str, str]) -> Markup:
    """What was expected and found, the claims it bears on in their own words, what to do: one list, then blocks.

    Texts too long for a line stand in blocks; two of many lines as their difference.
    """
    pair = (("Expected", finding.expected), ("Found", finding.actual))
    given = [(label, text) for label, text in pair if text is not None]
    brief = all("\n" not in text and len(text) <= 160 for _, text in given)
    points = [Markup("- {}: {}").format(label, code(text)) for label, text in given if brief]
    for each in finding.claims:
        points.append(Markup("- Claim {}").format(join((prose(each), each in says and quote(says[each])), ": ")))
    if finding.remedy:
        points.append(Markup("- Remedy: {}").format(prose(finding.remedy)))
    return join((Markup("\n").join(points), *([] if brief else _blocks(given))), "\n\n")


def _blocks(given: Sequence[tuple[str, str]]) -> Iterable[Markup]:
    if len(given) == 2 and all("\n" in text for _, text in given):
        expected, actual = (text.splitlines() for _, text in given)
        changed = "\n".join(difflib.unified_diff(expected, actual, "expected", "found", lineterm=""))
        if changed:
            return [fence(changed, "diff")]
    return [Markup("{}:\n\n{}").format(label, fence(text)) for label, text in given]


def exhibit(evidence: Evidence) -> Markup:
    """One exhibit under its title: a table of at most `MAX_ROWS` rows, or a block of text."""
    blocks = [Markup("{}:").format(prose(evidence.title))]
    if evidence.text is not None:
        blocks.append(fence(evidence.text, evidence.language))
    if evidence.columns or evidence.rows:
        width = max((len(evidence.columns), *map(len, evidence.rows)))
        head = (*evidence.columns, *("" for _ in range(width - len(evidence.columns))))
        body = [(*row, *("" for _ in range(width - len(row)))) for row in evidence.rows[:MAX_ROWS]]
        blocks.append(table(head, body) or Markup("| {} |\n|{}\n\nNo row.").format(
            join((prose(each) for each in head), " | "), Markup("---|") * width))  # fmt: skip
        if len(evidence.rows) > MAX_ROWS:
            blocks.append(Markup(f"{len(evidence.rows) - MAX_ROWS:,} more rows are in run.json."))  # noqa: S704
    return join(blocks, "\n\n")


def exhibits(findings: Iterable[Finding]) -> Markup:
    """What the kept and the noted findings rest on, each folded behind its name. What is wrong stands in front."""
    quiet = (Status.KEPT, Status.NOTED)
    held = [each for each in findings if each.evidence and each.status in quiet]
    blocks = [
        fold(f"{each.item}: {each.status.name}", join((exhibit(one) for one in each.evidence), "\n\n"))
        for each in held[:MAX_EXHIBITS]
    ]
    if len(held) > MAX_EXHIBITS:
        blocks.append(Markup(f"{len(held) - MAX_EXHIBITS:,} more exhibits are in run.json."))  # noqa: S704
    return join(blocks, "\n")


def claims_table(claims: Iterable[ClaimResult]) -> Markup:
    """What the document says, word for word, what became of it, and what decided."""
    return table(("Claim", "The document says", "Outcome", "Decided by"), [claim_row(each) for each in claims])


def claim_row(claim: ClaimResult) -> tuple[Markup, ...]:
    loud = claim.outcome is Outcome.REFUTED
    end = Markup("**REFUTED**") if loud else prose(claim.outcome.value)
    said = quote(claim.says)
    if claim.corrected is not None:
        said = Markup("{}<br>In its place: {}").format(said, quote(claim.corrected))
    reason = "" if claim.outcome is Outcome.UPHELD else claim.reason
    return prose(claim.id), said, end, join((reason, deciders(claim.decided_by)))


def deciders(items: Sequence[str]) -> Markup:
    """The items that decided a claim; where there are more than three, their checks with how many of each."""
    if len(items) <= 3:
        return join((code(item) for item in items), ", ")
    found = Counter(item.split("[")[0] for item in items)
    return join((join((code(check), number if number > 1 else ""), " ") for check, number in found.items()), ", ")
