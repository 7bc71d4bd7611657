"""Prints a Run on a terminal: verdict, what is wrong and what to do, then the counts.

Text that comes from a database or a file is never taken for rich's markup, and its control characters are shown.
Colour follows the terminal and NO_COLOR; `render` is the same page at 80 columns without any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pgcontract.reporting.finding_status import counts, status_label
from pgcontract.reporting.markup import MAX_SQL_LINES, truncate_text, visible
from pgcontract.reporting.role_table import role_line
from pgcontract.reporting.run_view import NOTEWORTHY_OUTCOMES, OUTCOMES_WORST_FIRST, RunView, decision_meaning
from pgcontract.reporting.text_lines import Lines, Printer, evidence_rows, first_lines, grid
from pgcontract.reporting.waiver_calendar import next_to_end
from pgcontract.result import Decision, Evidence, Finding, Phase, Run, Status
from pgcontract.values import dataclass

FORMAT = "text"
WIDTH = 80
LINTED = "script.linted"
MAX_PHASES = 5
MAX_LINES = 40
MIN_ENTRY_LINES = 24
MIN_SHARE = 10
MAX_NAMES = 6
MAX_SETTLED = 4
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
    """The page of a Run, plain and at 80 columns."""
    return render_page(run, width=WIDTH)


def render_page(run: Run, *, width: int, verbose: bool = False, color: bool = False) -> str:
    """The page at that width. What is wrong stands first, each rule and cause with as much as 40 lines hold; `verbose`
    shows all of it, however long."""
    view = RunView(run)
    printer = Printer(width, color=color)
    head = printer.lines(*_heading(view, verbose=verbose))
    foot = printer.lines(*_resolved(view, verbose=verbose), _totals(view))
    entries = _entries(view)
    room = max(MAX_LINES - len(head) - len(foot), MIN_ENTRY_LINES)
    body = [line for entry in entries for line in printer.lines(*entry.full(view))] if verbose else None
    if body is None:
        body = _fit(entries, view, printer, room)
    return "\n".join((*head, *body, *foot)) + "\n"


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """Findings of one rule that weigh the same; a script that was not applied stands by itself, with what follows."""

    findings: tuple[Finding, ...]
    following: tuple[str, ...] = ()
    unasked: int = 0

    @property
    def first(self) -> Finding:
        return self.findings[0]

    def line(self, view: RunView) -> Iterator[RenderableType]:
        """One line, cut where it is longer than the page is wide: what is wrong before where it is."""
        mark, style = _mark(self.first)
        weight = self.first.severity.value if self.first.severity else self.first.status.value
        weight += ", critical by itself" if self.first.critical and self.first.reweighed else ""
        words = (view.name(self.first), *self._numbers(), truncate_text(self.first.summary), _place(self.first))
        said = " ".join(visible(word) for word in words if word)
        line = Text.assemble((f"{mark} {weight}", f"bold {style}"), " ", said, no_wrap=True, overflow="ellipsis")
        yield Padding(line, 0)  # a bare Text would be joined with others, and wrapped

    def brief(self, view: RunView) -> Iterator[RenderableType]:
        """The same with what is wrong, and what to do, in a line each below what it is called and where it is."""
        said = " ".join(visible(word) for word in (*self._numbers(), _place(self.first)) if word)
        yield Padding(Text.assemble(*_label(self.first, view), " ", said, no_wrap=True, overflow="ellipsis"), 0)
        for words in filter(None, (self.first.summary, self.first.remedy)):
            shown = Text(visible(truncate_text(" ".join(words.split()))), no_wrap=True, overflow="ellipsis")
            yield Padding(shown, (0, 0, 0, 2))

    def _numbers(self) -> Iterator[str]:
        """How many more there are of it, and how many follow from it."""
        if len(self.findings) > 1:
            yield f"(and {len(self.findings) - 1} more)"
        if counted := len(self.following):
            yield f"({counted} more {'follows' if counted == 1 else 'follow'})"

    def medium(self, view: RunView) -> Iterator[RenderableType]:
        """What is wrong, where, and what to do."""
        yield from _finding(self.first, view, with_evidence=False)
        if len(self.findings) > 1:
            subjects = [*dict.fromkeys(finding.subject for finding in self.findings[1:])]
            names = ", ".join(map(visible, subjects[:MAX_NAMES]))
            more = ", …" if len(subjects) > MAX_NAMES else ""
            yield Padding(Text(f"and {len(self.findings) - 1} more: {names}{more}", overflow="fold"), (0, 0, 0, 2))
        if self._following():
            yield Padding(Text(self._following(), overflow="fold"), (0, 0, 0, 2))
        yield Text("")

    def full(self, view: RunView) -> Iterator[RenderableType]:
        """Every finding with its evidence."""
        for finding in self.findings:
            yield from _finding(finding, view)
            if self._following():
                yield Padding(Text(self._following(), overflow="fold"), (0, 0, 0, 2))
            yield Text("")

    def _following(self) -> str:
        words = []
        if self.following:
            names = ", ".join(self.following[:MAX_NAMES]) + (", …" if len(self.following) > MAX_NAMES else "")
            words.append(f"{len(self.following)} {'follows' if len(self.following) == 1 else 'follow'} from it: {names}")
        if self.unasked:
            words.append(f"{self.unasked} check{'s' * (self.unasked > 1)} could not be asked because of it")
        return "; ".join(words)


def _entries(view: RunView) -> list[_Entry]:
    """The rules and causes, worst first."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in view.causes:
        own = (finding.migration, finding.subject) if finding.check in view.first_checks else ()
        weight = finding.severity, finding.critical
        groups.setdefault((finding.check, finding.status, weight, *own), []).append(finding)
    return [
        _Entry(
            findings=tuple(findings),
            following=view.following(findings[0]) if findings[0].check in view.first_checks else (),
            unasked=view.unasked(findings[0]) if findings[0].check in view.first_checks else 0,
        )
        for findings in groups.values()
    ]


def _fit(entries: Sequence[_Entry], view: RunView, printer: Printer, room: int) -> list[str]:
    """As much of each entry as there is room for, the worst first."""
    shown = [printer.lines(*entry.line(view)) for entry in entries]
    if len(entries) > room:
        more = f"… {len(entries) - room + 2} more rules and causes: --verbose shows them"
        return [line for lines in shown[: room - 2] for line in lines] + printer.lines(Text(more, style="dim"), Text(""))
    left = room - len(entries) - 3  # what follows the entries
    complete = True
    for number, entry in enumerate(entries):
        # The worst may take half of what is left for its evidence, so that something is left for the others.
        share = left if number == len(entries) - 1 else max(left // 2, MIN_SHARE)
        # A finding has two lines at least: what cannot fit is not laid out first.
        fits = 2 * len(entry.findings) <= share
        whole = printer.lines(*entry.full(view)) if fits else []
        fits = fits and len(whole) - 1 <= share
        chosen = whole if fits else printer.lines(*entry.medium(view))
        complete &= fits
        if len(chosen) - 1 > left:
            chosen = printer.lines(*entry.brief(view))
        if len(chosen) - 1 <= left:
            left -= len(chosen) - 1
            shown[number] = chosen
    body = [line for lines in shown for line in lines]
    if body and body[-1]:
        body.append("")
    if not complete:
        body += printer.lines(Text("More of each: --verbose, or --report DIR.", style="dim"), Text(""))
    return body


def _resolved(view: RunView, *, verbose: bool) -> Iterator[RenderableType]:
    """What does not count as it is; where it is much, its number stands below."""
    resolved = view.resolved if verbose else [one for one in view.resolved if not view.run.is_folded(one)]
    if resolved and (verbose or len(resolved) <= MAX_SETTLED):
        yield Text("Settled", style="bold")
        yield _list(resolved, view)
        yield Text("")


def _heading(view: RunView, *, verbose: bool) -> Iterator[RenderableType]:
    run = view.run
    decision = run.verdict.decision
    server = f"on PostgreSQL {run.server.version} ({run.server.provider})" if run.server else "without a server"
    verdict = (f" {decision.value} ", f"bold {_STYLE[decision]}")
    yield Text.assemble(verdict, " ", (visible(run.migration), "bold"), visible(f" {server}"))
    yield Text(decision_meaning(run), style="dim")
    for sentence in run.assumptions:
        yield Text(visible(sentence), style="dim", overflow="fold")
    for sentence in run.configured:
        yield Text(visible(sentence), style="yellow", overflow="fold")
    yield Text("")
    if view.failures:
        yield Text(view.failures, style="bold")
        yield Text("")
    if view.reasons:
        yield grid((("•", reason, "") for reason in view.reasons), label=1)
        yield Text("")
    if run.fault:
        yield Text(f"! {visible(run.fault)}", style="bold red", overflow="fold")
        yield Text("")
    if run.on_trust:
        yield Text("Taken on trust", style="bold")
        if verbose:
            yield grid((("~", sentence, "yellow") for sentence in run.on_trust), label=1)
        else:
            for sentence in run.on_trust:
                line = Text.assemble(("~ ", "dim"), (visible(sentence), "yellow"), no_wrap=True, overflow="ellipsis")
                yield Padding(line, 0)
        yield Text("")


def _mark(finding: Finding) -> tuple[str, str]:
    mark, style = _MARK[finding.status]
    return mark, style if finding.blocks or finding.status is not Status.BROKEN else "yellow"


def _label(finding: Finding, view: RunView) -> tuple[str | tuple[str, str], ...]:
    mark, style = _mark(finding)
    return (f"{mark} {visible(status_label(finding))}", f"bold {style}"), " ", (visible(view.name(finding)), "bold")


def _place(finding: Finding) -> str:
    return str(finding.origin) if finding.origin else ""


def _finding(finding: Finding, view: RunView, *, with_evidence: bool = True) -> Iterator[RenderableType]:
    yield Text.assemble(*_label(finding, view))
    yield Padding(Text(visible(finding.summary, lines=True), overflow="fold"), (0, 0, 0, 2))
    claim_texts = ((claim, view.description(claim, finding.migration)) for claim in finding.claims)
    claims = [("claim", f"{name} “{words}”" if words else name, "") for name, words in claim_texts]
    if finding.origin:
        yield Lines([(f"at       {visible(_place(finding))}", "cyan")], indent=2)
    rows = [
        ("expected", finding.expected, ""),
        ("found", finding.actual, ""),
        *claims,
    ]
    yield Padding(grid((label, text, tone) for label, text, tone in rows if text is not None), (0, 0, 0, 2))
    for evidence in finding.evidence if with_evidence else ():
        yield from _evidence(evidence)
    if finding.accepted_though_critical:
        yield Padding(grid([("accepted", finding.resolution or "", "yellow")]), (0, 0, 0, 2))
    if finding.remedy:
        yield Padding(grid([("remedy", finding.remedy, "green")]), (0, 0, 0, 2))


def _evidence(evidence: Evidence) -> Iterator[RenderableType]:
    lines = visible(evidence.text, lines=True).strip("\n").split("\n") if evidence.text else []
    yield Padding(Text(visible(evidence.title)), (0, 0, 0, 2))
    if lines and evidence.language == "sql":  # it is copied: a comment that is wrapped would become a statement
        yield Lines([(truncate_text(line), "dim") for line in first_lines(lines, MAX_SQL_LINES)], indent=4)
    elif lines:
        shown = Text("\n".join(map(truncate_text, first_lines(lines))), style="dim", overflow="fold")
        yield Padding(shown, (0, 0, 0, 4))
    if evidence.columns:
        yield evidence_rows(evidence)


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
    if (calendar := next_to_end(view.run)) is not None:
        sums.append(("waivers", calendar))
    if said := [finding for finding in view.run.findings if finding.check == LINTED]:
        sums.append(("linters", _linted(said)))
    if roles := role_line(view.run):
        sums.append(("roles", f"{roles} (in the report)"))
    if view.run.phases:
        sums.append(("cost", _cost(view.run.phases)))
    return grid((label, text, "") for label, text in sums)


def _linted(said: Sequence[Finding]) -> str:
    """`squawk: prefer-robust-stmts, ban-char-field`: the rules by which other programs speak."""
    rules = [finding.subject for finding in said if finding.status is Status.NOTED]
    return f"{', '.join(rules)} (in the report)" if rules else "nothing more"


def _cost(phases: Sequence[Phase]) -> str:
    """CPU of the tool and its servers, the wall, and the phases that took most of the CPU."""
    dearest = sorted(phases, key=lambda phase: -phase.cpu_ms)[:MAX_PHASES]
    named = ", ".join(f"{phase.name} {phase.cpu_ms / 1000:.1f}" for phase in dearest)
    cpu_s, wall_s = (sum(getattr(phase, kind) for phase in phases) / 1000 for kind in ("cpu_ms", "wall_ms"))
    return f"{cpu_s:.1f} s of CPU, {wall_s:.1f} s wall (most: {named})"
