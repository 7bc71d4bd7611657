"""One finding, one claim or one piece of evidence as Markdown: the same in every section."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup

from pgcontract.reporting.finding_status import is_unresolved, status_label
from pgcontract.reporting.heading import number
from pgcontract.reporting.markup import MAX_CELL, MAX_SQL_LINES, code, fence, join, prose, quote, table, truncate_text
from pgcontract.reporting.run_view import RunView
from pgcontract.result import ClaimResult, Evidence, Finding, Outcome, Status
from pgcontract.result.claim_ranges import shorten_ids
from pgcontract.result.outline import OutlineSection

MAX_BRIEF_LINES = 6
MAX_IDS = 6
MAX_ALIKE = 3
MAX_BLOCKS = 8
MAX_ROWS = 60
MAX_LINE = 240
MAX_STATEMENT = 200


def outcome(finding: Finding) -> Markup:
    """**BROKEN (critical)**, KEPT: the status as a word; bold where action is needed."""
    label = prose(status_label(finding))
    highlighted = is_unresolved(finding) or finding.accepted_though_critical
    return Markup("**{}**").format(label) if highlighted else label


def shown_by(findings: Sequence[Finding], section: OutlineSection, view: RunView) -> Markup:
    """The cell "Shown by" of one object: what is not kept by name, what is kept as a number, the section's claims."""
    pieces = [
        join((outcome(finding), view.ids.of(finding)), " ") for finding in findings if finding.status is not Status.KEPT
    ]
    kept = [finding for finding in findings if finding.status is Status.KEPT]
    if kept:
        pieces.append(Markup(f"KEPT ({len(kept)}: {view.ids.of_all(kept)})"))  # noqa: S704 - numbers
    claims = shorten_ids(claim for finding in findings for claim in view.claims_of(finding, section))
    return join((*(pieces or [Markup("not shown")]), " ".join(claims)))


def check_counts(findings: Iterable[Finding]) -> Markup:
    """Which checks were run, with the number of their subjects: `column.type` 10 · `column.nullability` 10."""
    counts = Counter(finding.check for finding in findings)
    return join(join((code(check), number), " ") for check, number in sorted(counts.items()))


def statements(findings: Sequence[Finding], view: RunView) -> Markup:
    """One row a finding that is settled, one a check that tells something; then what is kept, by check. What needs a
    person has its place under Evidence."""
    rows: list[tuple[object, object]] = []
    for finding in sorted(findings, key=lambda finding: -finding.status.rank):
        if finding.status not in (Status.KEPT, Status.NOTED) and not is_unresolved(finding):
            said = prose(finding.summary, MAX_STATEMENT)
            rows.append((said, join((outcome(finding), code(view.name(finding)), view.ids.of(finding)), " ")))
    notes = (finding for finding in findings if finding.status is Status.NOTED and not finding.not_asked)
    for held in _by_check(notes).values():
        name = code(view.name(held[0]) if len(held) == 1 else held[0].check)
        others = len({finding.summary for finding in held}) - 1
        more = f" And {others} more of the kind." if others else ""
        said = prose(f"{truncate_text(held[0].summary, MAX_STATEMENT)}{more}")
        rows.append((said, join(("NOTED", name, view.ids.of_all(held)), " ")))
    kept = [finding for finding in findings if finding.status is Status.KEPT]
    unasked = [finding for finding in findings if finding.not_asked]
    lines = (_line("KEPT", kept, view), _line("Could not be asked", unasked, view))
    return join((table(("Statement", "Shown by"), rows), *lines), "\n\n")


def _line(label: str, findings: Iterable[Finding], view: RunView) -> Markup:
    """KEPT: `column.present` (E34–E43) · …"""
    words = [
        Markup("{} ({})").format(code(check), view.ids.of_all(held))
        for check, held in sorted(_by_check(findings).items())
    ]
    return Markup("{}: {}.").format(label, join(words)) if words else Markup("")


def _by_check(findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.check, []).append(finding)
    return groups


def finding_details(finding: Finding, view: RunView) -> Markup:
    """What was expected and found, the claims it bears on in their own words, what to do: one list, then blocks.

    Texts too long for a line stand in blocks; two of many lines as their difference.
    """
    pair = (("Expected", finding.expected), ("Found", finding.actual))
    brief = {label: text for label, text in pair if text is not None and "\n" not in text and len(text) <= MAX_LINE}
    points = [Markup("- {}: {}").format(label, code(text)) for label, text in brief.items()]
    claims = [prose(claim) for claim in finding.claims]
    if claims:
        points.append(Markup("- It bears on the claim{} {}").format("s" * (len(claims) > 1), join(claims, ", ")))
    if finding.remedy:
        points.append(Markup("- To do: {}").format(prose(finding.remedy)))
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


def wrong(findings: Sequence[Finding], view: RunView, full: bool, evidence: bool) -> Markup:
    """What needs a person and is not said whole on the first screen: a block each where there is something to show, but
    of a few of each check alone where the page is to be short, and of none without `evidence`; then the others, a row
    each."""
    blocks: list[Markup] = []
    rows: list[tuple[Markup, ...]] = []
    shown: Counter[str] = Counter()
    for finding in findings:
        shown[finding.check] += 1
        long = any(text and ("\n" in text or len(text) > MAX_LINE) for text in (finding.expected, finding.actual))
        room = shown[finding.check] <= MAX_ALIKE and len(blocks) < MAX_BLOCKS
        if evidence and (finding.evidence or long) and (full or room):
            blocks.append(_wrong(finding, view))
        else:
            rows.append(
                (outcome(finding), join((code(view.name(finding)), view.ids.of(finding)), " "), _in_a_row(finding))
            )
    return join((*blocks, table(("Status", "Check", "What is wrong, and what to do"), rows)), "\n\n")


def _wrong(finding: Finding, view: RunView) -> Markup:
    at = Markup(" At {}.").format(code(finding.origin)) if finding.origin else ""
    heading = Markup("#### {} ({})").format(code(view.name(finding)), view.ids.of(finding))
    said = Markup("{}: {}{}").format(outcome(finding), prose(finding.summary), at)
    return join((heading, said, finding_details(finding, view), exhibits(finding, view)), "\n\n")


def _in_a_row(finding: Finding) -> Markup:
    pair = [code(text, MAX_LINE) for text in (finding.expected, finding.actual) if text]
    compared = Markup("Expected {}, found {}.").format(*pair) if len(pair) == 2 else ""
    at = Markup("At {}.").format(code(finding.origin)) if finding.origin else ""
    return join((prose(finding.summary, MAX_CELL), compared, at, prose(finding.remedy or "", MAX_CELL)), " ")


def exhibits(finding: Finding, view: RunView) -> Markup:
    """The first block of SQL in the evidence of a finding, or else its first piece, and what is left out; run.json has
    all of it."""
    if not finding.evidence:
        return Markup("")
    first = next((one for one in finding.evidence if one.language == "sql"), finding.evidence[0])
    rows = first.rows[:MAX_BRIEF_LINES]
    lines = first.text.strip("\n").split("\n") if first.text else []
    most = MAX_SQL_LINES if first.language == "sql" else MAX_BRIEF_LINES
    text = "\n".join(lines[:most]) if first.text else first.text
    block = evidence_block(replace(first, text=text, rows=rows))
    cut = len(lines) > most or len(first.rows) > MAX_BRIEF_LINES
    more = number(len(finding.evidence) - 1, "more exhibit") if len(finding.evidence) > 1 else ""
    left = " and ".join(filter(None, ("The rest" if cut else "", more)))
    return join((block, f"{left}: deployment.html, or run.json at {view.ids.of(finding)}." if left else ""), "\n\n")


def claims_table(claims: Iterable[ClaimResult], view: RunView) -> Markup:
    """What is claimed, word for word, what became of it, and the findings that decided, the worst first."""
    return table(("Claim", "It says", "Outcome", "Shown by"), [_claim(claim, view) for claim in claims])


def _claim(claim: ClaimResult, view: RunView) -> tuple[Markup, ...]:
    quotation = quote(claim.description)
    if claim.corrected is not None:
        quotation = Markup("{}<br>In its place: {}").format(quotation, quote(claim.corrected))
    findings = view.deciding(claim)
    broken = [finding for finding in findings if finding.status is not Status.KEPT]
    kept = [finding for finding in findings if finding.status is Status.KEPT]
    ids = join((_first_ids(broken, view), _first_ids(kept, view)))
    return prose(view.claim_name(claim.id, claim.migration)), quotation, _end(claim), ids


def _first_ids(findings: Sequence[Finding], view: RunView) -> str:
    """The ids of the first few, and how many more there are."""
    more = len(findings) - MAX_IDS
    return f"{view.ids.of_all(findings[:MAX_IDS])} and {more} more" if more > 0 else view.ids.of_all(findings)


def _end(claim: ClaimResult) -> Markup:
    """The outcome, and why where no finding says it."""
    match claim.outcome:
        case Outcome.REFUTED:
            return Markup("**REFUTED**")
        case Outcome.MENDED:
            return prose(claim.reason.partition(":")[0])
        case Outcome.NOT_SHOWN | Outcome.UNTESTABLE | Outcome.WAIVED:
            return prose(f"{claim.outcome.value}: {claim.reason}")
        case _:
            return prose(claim.outcome.value)
