"""What the head's statements do to tables that are in use: the locks, how long they last, and the work under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pgcontract.reporting.markup import code, fence, join, prose, table
from pgcontract.reporting.run_view import RunView
from pgcontract.result import LiveLock, LiveStatement, Run, Status
from pgcontract.result.check_info import family_of

MAX_STATEMENTS = 40
MAX_TABLES = 4
MIN_DRAWN = 3  # of fewer statements the table says as much
_MAX_TEXT = 40
_ALL, _WRITES, _NOTHING = "█", "▒", "·"
_READS = "reads and writes"


@dataclass(frozen=True, kw_only=True)
class WorstLock:
    """The lock that keeps the most people out for longest: the statement that takes it, and what is done meanwhile."""

    statement: LiveStatement
    lock: LiveLock
    meanwhile: str


def find_worst_lock(run: Run) -> WorstLock | None:
    """None where no lock keeps others out, or nobody looked."""
    live = (run.effect.live if run.effect else None) or ()
    taken = [(statement, lock) for statement in live for lock in statement.locks if lock.taken]
    if not taken:
        return None
    statement, lock = max(taken, key=lambda each: _weight(live, *each))
    return WorstLock(statement=statement, lock=lock, meanwhile=_meanwhile(live, statement, lock))


def worst_lock(run: Run) -> Markup:
    """The worst lock in a sentence; that there is none, or that nobody looked."""
    if run.effect is None or run.effect.live is None:
        return Markup("Which locks it takes was not looked at in this run.")
    worst = find_worst_lock(run)
    if worst is None:
        return Markup("No statement keeps others from reading or writing a table that was there before.")
    first, last = worst.statement.line, worst.statement.until
    return Markup("Worst lock: {} on {}, {}: {} wait{}.").format(
        worst.lock.mode,
        code(worst.lock.table),
        f"lines {first} to {last}" if last > first else f"line {first}",
        worst.lock.blocks,
        f" while it {worst.meanwhile}" if worst.meanwhile else " a moment",
    )


def _weight(live: Sequence[LiveStatement], statement: LiveStatement, lock: LiveLock) -> tuple[bool, bool, int]:
    busy = bool(_meanwhile(live, statement, lock))
    return busy, lock.blocks == _READS, -statement.line


def _meanwhile(live: Sequence[LiveStatement], statement: LiveStatement, lock: LiveLock) -> str:
    """The first work that is done while it is held."""
    for each in live:
        if each.line >= statement.line and each.until == statement.until and each.work and _holds(each, lock):
            return each.work[0]
    return ""


def _holds(statement: LiveStatement, lock: LiveLock) -> bool:
    return any(held.table == lock.table for held in statement.locks)


def live_section(view: RunView) -> Markup:
    """A table of the statements, and a picture of the locks over them; nothing where no table is touched."""
    run = view.run
    live = {statement.line: statement for statement in (run.effect.live if run.effect else None) or ()}
    rows_of = _rows(run)
    lines = sorted({*(line for line, statement in live.items() if _tells(statement)), *rows_of})
    columns = ("#line", "statement", "lock", "others wait", "held to line", "work", "rows", "findings")
    rows = [_row(view, line, live.get(line), rows_of.get(line)) for line in lines[:MAX_STATEMENTS]]
    more = len(lines) - MAX_STATEMENTS
    left_out = prose(f"{more} more statements are in run.json.") if more > 0 else Markup("")
    return join((table(columns, rows), left_out, _picture([*filter(_tells, live.values())][:MAX_STATEMENTS])), "\n\n")


def _tells(statement: LiveStatement) -> bool:
    return bool(statement.work or statement.rows or any(lock.taken for lock in statement.locks))


def _row(
    view: RunView, line: int, statement: LiveStatement | None, of_rows: tuple[str, list[str]] | None
) -> tuple[object, ...]:
    text, words = of_rows or ("", [])
    if statement is None:
        return line, code(_shortened(text)), "", "", "", "", "; ".join(words), _findings(view, line)
    taken = [lock for lock in statement.locks if lock.taken]
    changed = sum(number for _, number in statement.rows)
    return (
        line,
        code(_shortened(statement.text)),
        _each(f"{lock.mode} on {lock.table}" for lock in taken),
        _each(lock.blocks for lock in taken),
        statement.until if statement.locks else "",
        _each(statement.work),
        "; ".join([*([f"writes {changed:,}"] if changed else []), *words]),
        _findings(view, line),
    )


def _rows(run: Run) -> dict[int, tuple[str, list[str]]]:
    """What rows that are there make of the head's statements, by line: where they stop it, and what is lost."""
    words: dict[int, tuple[str, list[str]]] = {}
    for stop in run.stops:
        if stop.migration == run.migration and stop.line is not None:
            words.setdefault(stop.line, (stop.statement or "", []))[1].append(f"stops at {stop.kind.value}")
    for loss in run.losses:
        if loss.migration == run.migration and loss.line is not None:
            said = f"loses {loss.lost:,} of {loss.held:,} of {loss.subject}"
            words.setdefault(loss.line, (loss.statement or "", []))[1].append(said)
    return words


def _each(words: Iterator[str] | Sequence[str]) -> Markup:
    return join(map(prose, dict.fromkeys(words)), "; ")


def _findings(view: RunView, line: int) -> Markup:
    found = [
        finding
        for finding in view.run.findings
        if family_of(finding.check) in ("lock", "rows")
        and finding.status is not Status.KEPT
        and finding.migration == view.run.migration
        and finding.origin is not None
        and finding.origin.line == line
    ]
    return prose(view.ids.of_all(found))


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _picture(live: Sequence[LiveStatement]) -> Markup:
    """A column a table, a row a statement: what others cannot do once it has run, until its transaction ends."""
    tables = list(dict.fromkeys(lock.table for statement in live for lock in statement.locks))
    if not tables or len(live) < MIN_DRAWN:
        return Markup("")
    shown = tables[:MAX_TABLES]
    width = max(len(str(statement.line)) for statement in live)
    lines = [f"{'':{width}}  {'  '.join(shown)}"]
    for statement in live:
        held = {lock.table: lock.blocks for lock in statement.locks}
        marks = [_mark(held.get(name, "")) * len(name) for name in shown]
        work = f"  {statement.work[0]}" if statement.work else ""
        lines.append(f"{statement.line:>{width}}  {'  '.join(marks)}{work}")
    legend = f"{_ALL} reads and writes of others wait   {_WRITES} writes wait   {_NOTHING} nobody waits"
    if len(tables) > MAX_TABLES:
        legend += f"   ({len(tables) - MAX_TABLES} more tables in the table above)"
    return fence("\n".join((*lines, "", legend)), "text", None)


def _mark(blocks: str) -> str:
    return _ALL if blocks == _READS else _WRITES if blocks else _NOTHING
