"""How one finding, one claim or one exhibit reads in Markdown: the same words in every section."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from pgcontract.reporting.markup import code, fence, fold, join, prose, quote, table
from pgcontract.reporting.run_view import Reading, word
from pgcontract.reporting.sections import Section, section_of_claim
from pgcontract.result.claim_ranges import spans
from pgcontract.result.finding import ClaimResult, Evidence, Finding, Outcome, Status

MANY = 8
MAX_EXHIBITS = 20
MAX_ROWS = 60
MAX_LINE = 240


def outcome(finding: Finding) -> Markup:
    """**BROKEN (critical)**, KEPT: the status as a word; bold where somebody must look."""
    shown = prose(word(finding))
    loud = finding.status in (Status.BROKEN, Status.ERROR, Status.UNKNOWN) and finding.resolution is None
    return Markup("**{}**").format(shown) if loud else shown


def shown(findings: Sequence[Finding], section: Section) -> Markup:
    """The cell "Shown by" of one object: what is not kept by name, what is kept as a number, the section's claims."""
    told = [join((outcome(each), code(each.check)), " ") for each in findings if each.status is not Status.KEPT]
    kept = sum(each.status is Status.KEPT for each in findings)
    if kept:
        told.append(Markup(f"KEPT ({kept})"))  # noqa: S704
    claims = spans(claim for each in findings for claim in each.claims if section_of_claim(claim) is section)
    return join((*(told or [Markup("not shown")]), " ".join(claims)))


def asked(findings: Iterable[Finding]) -> Markup:
    """Which checks were asked, with the number of their subjects: `column.type` 10 · `column.null` 10."""
    found = Counter(each.check for each in findings)
    return join(join((code(check), number), " ") for check, number in sorted(found.items()))


def statements(findings: Sequence[Finding], read: Reading) -> Markup:
    """One row a finding, what is wrong first; of a check with many kept subjects, their number alone."""
    kept = Counter(each.check for each in findings if each.status is Status.KEPT)
    rows: list[tuple[object, object]] = []
    for each in sorted(findings, key=lambda finding: -finding.status.rank):
        if each.status is not Status.KEPT or kept[each.check] <= MANY:
            claims = " ".join(spans(each.claims))
            rows.append((each.summary, join((join((outcome(each), code(read.name(each))), " "), claims))))
    rows += [
        (f"The same of {number} subjects", join(("KEPT", code(check)), " "))
        for check, number in sorted(kept.items())
        if number > MANY
    ]
    return table(("Statement", "Shown by"), rows)


def particulars(finding: Finding, read: Reading) -> Markup:
    """What was expected and found, the claims it bears on in their own words, what to do: one list, then blocks.

    Texts too long for a line stand in blocks; two of many lines as their difference.
    """
    pair = (("Expected", finding.expected), ("Found", finding.actual))
    brief = {label: text for label, text in pair if text is not None and "\n" not in text and len(text) <= MAX_LINE}
    points = [Markup("- {}: {}").format(label, code(text)) for label, text in brief.items()]
    for each in finding.claims:
        says = read.says(each, finding.migration)
        points.append(Markup("- Claim {}").format(join((prose(each), quote(says) if says else ""), ": ")))
    if finding.remedy:
        points.append(Markup("- Remedy: {}").format(prose(finding.remedy)))
    blocks = _blocks([(label, text) for label, text in pair if text is not None and label not in brief])
    return join((Markup("\n").join(points), *blocks), "\n\n")


def _blocks(given: Sequence[tuple[str, str]]) -> Iterable[Markup]:
    if len(given) == 2 and all("\n" in text for _, text in given):
        expected, actual = (text.splitlines() for _, text in given)
        changed = "\n".join(difflib.unified_diff(expected, actual, "expected", "found", lineterm=""))
        if changed:
            return [fence(changed, "diff")]
    return [Markup("{}:\n\n{}").format(label, fence(text)) for label, text in given]


def exhibit(evidence: Evidence) -> Markup:
    """One exhibit under its title: a table of at most `MAX_ROWS` rows, a block of text, a line where it is one."""
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


def settled(findings: Sequence[Finding], read: Reading) -> Markup:
    """What was found and why it does not block, one row each; then the evidence of each, folded."""
    rows = [(code(read.name(each)), each.summary, each.resolution or "") for each in findings]
    folds = [
        fold(
            f"{read.name(each)}: {word(each)}",
            join((particulars(each, read), *(exhibit(one) for one in each.evidence)), "\n\n"),
        )
        for each in findings
    ]
    return join((table(("Check", "What was found", "Settled"), rows), *folds), "\n\n")


def exhibits(findings: Iterable[Finding], read: Reading) -> Markup:
    """What the kept and the noted findings rest on, each folded behind its name. What is wrong stands in front.

    Findings of one check that rest on the same evidence share one fold.
    """
    quiet = (Status.KEPT, Status.NOTED)
    alike: dict[tuple[str, Status, tuple[Evidence, ...]], list[Finding]] = {}
    for each in findings:
        if each.evidence and each.status in quiet:
            alike.setdefault((each.check, each.status, each.evidence), []).append(each)
    blocks = [
        fold(f"{_names(group, read)}: {status.name}", join((exhibit(one) for one in evidence), "\n\n"))
        for (_, status, evidence), group in list(alike.items())[:MAX_EXHIBITS]
    ]
    if len(alike) > MAX_EXHIBITS:
        blocks.append(Markup(f"{len(alike) - MAX_EXHIBITS:,} more exhibits are in run.json."))  # noqa: S704
    return join(blocks, "\n")


def _names(group: Sequence[Finding], read: Reading) -> str:
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return f"{read.name(group[0])}{more}"


def claims_table(claims: Iterable[ClaimResult], read: Reading) -> Markup:
    """What the document says, word for word, what became of it, and what decided."""
    return table(("Claim", "The document says", "Outcome", "Decided by"), [_claim(each, read) for each in claims])


def _claim(claim: ClaimResult, read: Reading) -> tuple[Markup, ...]:
    end = Markup("**REFUTED**") if claim.outcome is Outcome.REFUTED else prose(claim.outcome.value)
    said = quote(claim.says)
    if claim.corrected is not None:
        said = Markup("{}<br>In its place: {}").format(said, quote(claim.corrected))
    reason = "" if claim.outcome is Outcome.UPHELD else claim.reason
    name = read.claim_name(claim.id, claim.migration)
    return prose(name), said, end, join((reason, deciders(claim.decided_by)))


def deciders(items: Sequence[str]) -> Markup:
    """The items that decided a claim: one by its name, several by their checks and how many of each.

    Their subjects are the rows beside which the claim's id stands.
    """
    if len(items) < 2:
        return join(map(code, items))
    found = Counter(item.split("[")[0] for item in items)
    return join((join((code(check), number if number > 1 else ""), " ") for check, number in found.items()), ", ")
