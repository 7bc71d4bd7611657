"""Prints a Run on a terminal: verdict, what is wrong and what to do, then the counts.

Text that comes from a database or a file is never taken for rich's markup, and its control characters are shown.
Colour follows the terminal and NO_COLOR; `render` is the same page at 80 columns without any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pgcontract.reporting.markup import truncate_text, visible
from pgcontract.reporting.run_view import (
    DECISION_MEANING,
    NOTEWORTHY_OUTCOMES,
    OUTCOMES_WORST_FIRST,
    RunView,
    counts,
    status_label,
)
from pgcontract.result import Decision, Evidence, Finding, Phase, Run, Status

FORMAT = "text"
WIDTH = 80
MAX_EVIDENCE_LINES = 12
MAX_TEXT = 1200
MAX_PHASES = 5
_MORE = "… {} more in run.json"
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
    page = StringIO()
    show(run, Console(file=page, width=WIDTH, no_color=True, force_terminal=False))
    return "\n".join(line.rstrip() for line in page.getvalue().split("\n"))


def write(run: Run, stream: TextIO) -> None:
    """Prints the Run as wide and as colourful as a terminal is; as 80 plain columns to anything else."""
    width = None if stream.isatty() else WIDTH
    show(run, Console(file=stream, width=width))


def show(run: Run, console: Console) -> None:
    for renderable in _page(RunView(run)):
        console.print(renderable, highlight=False)


def _page(view: RunView) -> Iterator[RenderableType]:
    yield from _heading(view)
    for finding in view.unresolved:
        yield from _finding(finding, view)
    if view.resolved:
        yield Text("Settled", style="bold")
        yield _list(view.resolved, view)
        yield Text("")
    yield _totals(view)


def _heading(view: RunView) -> Iterator[RenderableType]:
    run = view.run
    decision = run.verdict.decision
    server = f"on PostgreSQL {run.server.version} ({run.server.provider})" if run.server else "without a server"
    verdict = (f" {decision.value} ", f"bold {_STYLE[decision]}")
    yield Text.assemble(verdict, " ", (visible(run.migration), "bold"), visible(f" {server}"))
    yield Text(DECISION_MEANING[decision], style="dim")
    yield Text("")
    if view.reasons:
        yield _grid((("•", reason, "") for reason in view.reasons), label=1)
        yield Text("")
    if run.fault:
        yield Text(f"! {visible(run.fault)}", style="bold red", overflow="fold")
        yield Text("")
    if run.on_trust:
        yield Text("Taken on trust", style="bold")
        yield _grid((("~", sentence, "yellow") for sentence in run.on_trust), label=1)
        yield Text("")


def _mark(finding: Finding) -> tuple[str, str]:
    mark, style = _MARK[finding.status]
    return mark, style if finding.blocks or finding.status is not Status.BROKEN else "yellow"


def _finding(finding: Finding, view: RunView) -> Iterator[RenderableType]:
    mark, style = _mark(finding)
    yield Text.assemble(
        (f"{mark} {visible(status_label(finding))}", f"bold {style}"), " ", (visible(view.name(finding)), "bold")
    )
    yield Padding(Text(visible(finding.summary, lines=True), overflow="fold"), (0, 0, 0, 2))
    claim_texts = ((claim, view.description(claim, finding.migration)) for claim in finding.claims)
    claims = [("claim", f"{name} “{words}”" if words else name, "") for name, words in claim_texts]
    rows = [
        ("at", str(finding.origin) if finding.origin else None, "cyan"),
        ("expected", finding.expected, ""),
        ("found", finding.actual, ""),
        *claims,
    ]
    yield Padding(_grid((label, text, tone) for label, text, tone in rows if text is not None), (0, 0, 0, 2))
    for evidence in finding.evidence:
        yield Padding(_evidence(evidence), (0, 0, 0, 2))
    if finding.remedy:
        yield Padding(_grid([("remedy", finding.remedy, "green")]), (0, 0, 0, 2))
    yield Text("")


def _evidence(evidence: Evidence) -> RenderableType:
    lines = visible(evidence.text, lines=True).strip("\n").split("\n") if evidence.text else []
    shown = Text("\n".join(map(truncate_text, _first_lines(lines))), style="dim", overflow="fold")
    blocks: list[RenderableType] = [shown] if lines else []
    if evidence.columns:
        blocks.append(_rows(evidence))
    return Group(Text(visible(evidence.title)), *(Padding(block, (0, 0, 0, 2)) for block in blocks))


def _rows(evidence: Evidence) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, style="dim", header_style="dim bold")
    for column in evidence.columns:
        table.add_column(Text(visible(column)), overflow="fold")
    for row in evidence.rows[:MAX_EVIDENCE_LINES]:
        table.add_row(*(Text(visible(truncate_text(cell))) for cell in row[: len(evidence.columns)]))
    more = len(evidence.rows) - MAX_EVIDENCE_LINES
    return Group(table, Text(_MORE.format(more), style="dim")) if more > 0 else table


def _first_lines(lines: Sequence[str]) -> Sequence[str]:
    more = len(lines) - MAX_EVIDENCE_LINES
    return lines if more <= 0 else [*lines[:MAX_EVIDENCE_LINES], _MORE.format(more)]


def _list(findings: Sequence[Finding], view: RunView) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        mark, style = _mark(finding)
        why = f" ({finding.resolution})" if finding.resolution else ""
        sentence = Text.assemble(
            (visible(view.name(finding)), "bold"), " ", visible(truncate_text(finding.summary)), visible(why)
        )
        grid.add_row(Text(mark, style=style), sentence)
    return grid


def _totals(view: RunView) -> RenderableType:
    """Claims and checks by how they ended, the ids only where somebody has to look."""
    claims = []
    for outcome in OUTCOMES_WORST_FIRST:
        which = f" ({' '.join(view.claim_ids_by(outcome))})" if outcome in NOTEWORTHY_OUTCOMES else ""
        claims += [f"{len(held)} {outcome.value}{which}"] if (held := view.claims_by(outcome)) else []
    sums = [("claims", ", ".join(claims) or "none"), ("checks", counts(view.distinct_findings) or "none")]
    if view.run.phases:
        sums.append(("cost", _cost(view.run.phases)))
    return _grid((label, text, "") for label, text in sums)


def _cost(phases: Sequence[Phase]) -> str:
    """CPU of the tool and its servers, the wall, and the phases that took most of the CPU."""
    dearest = sorted(phases, key=lambda phase: -phase.cpu_ms)[:MAX_PHASES]
    named = ", ".join(f"{phase.name} {phase.cpu_ms / 1000:.1f}" for phase in dearest)
    cpu_s, wall_s = (sum(getattr(phase, kind) for phase in phases) / 1000 for kind in ("cpu_ms", "wall_ms"))
    return f"{cpu_s:.1f} s of CPU, {wall_s:.1f} s wall (most: {named})"


def _grid(rows: Iterable[tuple[str, str, str]], *, label: int = 8) -> RenderableType:
    """Rows of label, text and style, the text wrapped next to its label."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=label, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, text, style in rows:
        grid.add_row(name, Text(visible(truncate_text(text, MAX_TEXT), lines=True), style=style))
    return grid
