"""Gives a Run as a person reads it in a terminal: verdict, what is wrong and what to do, then the counts.

Text that comes from a database or a file is never taken for rich's markup, and its control characters are shown.
Colour follows the terminal and NO_COLOR; `render` is the same page at 80 columns without any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pgcontract.finding import Decision, Evidence, Finding, Run, Status
from pgcontract.report.markup import cut, visible
from pgcontract.report.reading import LOUD, MEANING, WORST_FIRST, Reading, counts, spans, word

FORMAT = "text"
WIDTH = 80
MAX_EVIDENCE_LINES = 12
MAX_TEXT = 1200
_STYLE = {
    Decision.CLEAR: "black on green",
    Decision.CAUTION: "black on yellow",
    Decision.INCOMPLETE: "white on magenta",
    Decision.BLOCKED: "white on red",
}
_MARK = {
    Status.KEPT: ("✓", "green"),
    Status.NOTED: ("·", "cyan"),
    Status.UNKNOWN: ("?", "magenta"),
    Status.WAIVED: ("~", "yellow"),
    Status.BROKEN: ("✗", "red"),
    Status.ERROR: ("!", "red"),
}


def render(run: Run) -> str:
    console = Console(file=StringIO(), width=WIDTH, no_color=True, force_terminal=False, highlight=False)
    show(run, console)
    page = console.file
    assert isinstance(page, StringIO)
    return "\n".join(line.rstrip() for line in page.getvalue().split("\n"))


def show(run: Run, console: Console, *, verbose: bool = False) -> None:
    """Prints the Run; `verbose` adds a line for every finding that is kept or noted."""
    read = Reading(run)
    for each in _page(read, verbose=verbose):
        console.print(each, soft_wrap=False, highlight=False)


def _page(read: Reading, *, verbose: bool) -> Iterator[RenderableType]:
    run = read.run
    yield from _heading(run)
    for finding in read.wrong:
        yield from _finding(finding, read)
    groups = [("Settled", read.settled)]
    if verbose:
        groups.append(("Noted", tuple(each for each in run.findings if each.status is Status.NOTED)))
        groups.append(("Kept", tuple(each for each in run.findings if each.status is Status.KEPT)))
    for title, findings in groups:
        if findings:
            yield Text(title, style="bold")
            yield _list(findings)
            yield Text("")
    yield _sums(read)


def _heading(run: Run) -> Iterator[RenderableType]:
    decision = run.verdict.decision
    version = run.server.get("version") or run.server.get("major")
    server = f"PostgreSQL {version} ({run.server.get('provider')})" if run.server else "no server"
    verdict = (f" {decision.value} ", f"bold {_STYLE[decision]}")
    yield Text.assemble(verdict, " ", (visible(run.migration), "bold"), visible(f" on {server}"))
    yield Text(MEANING[decision], style="dim")
    yield Text("")
    if run.verdict.reasons:
        yield _grid((("•", reason, "") for reason in run.verdict.reasons), label=1)
        yield Text("")


def _finding(finding: Finding, read: Reading) -> Iterator[RenderableType]:
    mark, style = _MARK[finding.status]
    yield Text.assemble((f"{mark} {visible(word(finding))}", f"bold {style}"), " ", (visible(finding.item), "bold"))
    yield Padding(Text(visible(finding.summary, lines=True), overflow="fold"), (0, 0, 0, 2))
    claims = [("claim", f"{id} “{read.says[id]}”" if id in read.says else id, "") for id in finding.claims]  # noqa: A001
    told = [
        ("at", str(finding.origin) if finding.origin else None, "cyan"),
        ("expected", finding.expected, ""),
        ("found", finding.actual, ""),
        *claims,
    ]
    yield Padding(_grid((label, text, tone) for label, text, tone in told if text is not None), (0, 0, 0, 2))
    for evidence in finding.evidence:
        yield Padding(_evidence(evidence), (0, 0, 0, 2))
    if finding.remedy:
        yield Padding(_grid([("remedy", finding.remedy, "green")]), (0, 0, 0, 2))
    yield Text("")


def _evidence(evidence: Evidence) -> RenderableType:
    text = visible(evidence.text, lines=True).strip("\n").split("\n") if evidence.text else []
    rows = [" | ".join(map(visible, row)) for row in (evidence.columns, *evidence.rows) if row]
    lines = [cut(line) for line in (*text, *rows)]
    if (more := len(lines) - MAX_EVIDENCE_LINES) > 0:
        lines[MAX_EVIDENCE_LINES:] = [f"… {more} more lines are in run.json"]
    shown = Text("\n".join(lines), style="dim", overflow="fold")
    return Group(Text(visible(evidence.title)), Padding(shown, (0, 0, 0, 2)))


def _list(findings: Sequence[Finding]) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for each in findings:
        mark, style = _MARK[each.status]
        why = f" ({each.resolution})" if each.resolution else ""
        told = Text.assemble((visible(each.item), "bold"), " ", visible(cut(each.summary)), visible(why))
        grid.add_row(Text(mark, style=style), told)
    return grid


def _sums(read: Reading) -> RenderableType:
    """Claims and checks by how they ended, the ids only where somebody has to look."""
    claims = []
    for outcome in WORST_FIRST:
        ids = [claim.id for claim in read.claims_by(outcome)]
        which = f" ({' '.join(spans(ids))})" if outcome in LOUD else ""
        claims += [f"{len(ids)} {outcome.value}{which}"] if ids else []
    checks = [f"{number} {status.value}" for status, number in counts(read.run.findings).items()]
    sums = (("claims", claims), ("checks", checks))
    return _grid((label, ", ".join(parts) or "none", "") for label, parts in sums)


def _grid(rows: Iterable[tuple[str, str, str]], *, label: int = 8) -> RenderableType:
    """Rows of label, text and style, the text wrapped beside its label."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=label, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, text, style in rows:
        grid.add_row(name, Text(visible(cut(text, MAX_TEXT), lines=True), style=style))
    return grid
