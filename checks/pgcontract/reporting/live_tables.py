"""What pending migrations do to tables that are in use: the locks, how long they last, and the work under them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from pgcontract.model.wording import first_of
from pgcontract.reporting.markup import code, fence, join, prose, table
from pgcontract.reporting.run_view import RunView
from pgcontract.result import LiveLock, LiveStatement, Run, Status
from pgcontract.result.check_info import family_of
from pgcontract.values import dataclass

MAX_STATEMENTS = 40
MAX_TABLES = 4
MAX_LINES = 5
MIN_DRAWN = 3  # of fewer statements the table says as much
_MAX_TEXT = 40
_SENTENCE_END = re.compile(r"[.;:](?=\s|$)")
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
    taken = [(number, lock) for number, statement in enumerate(live) for lock in statement.locks if lock.taken]
    if not taken:
        return None
    number, lock = max(taken, key=lambda each: _weight(live, *each))
    return WorstLock(statement=live[number], lock=lock, meanwhile=_meanwhile(live, number, lock))


def worst_lock(run: Run) -> Markup:
    """The worst lock in a sentence; that there is none, or that nobody looked."""
    if run.effect is None or run.effect.live is None:
        return Markup("Which locks it takes was not looked at in this run.")
    worst = find_worst_lock(run)
    if worst is None:
        return Markup("No statement keeps others from reading or writing a table that was there before.")
    return Markup("Worst lock: {} on {}, {}: {} wait{}.").format(
        worst.lock.mode,
        code(worst.lock.table),
        _span(run, worst.statement),
        worst.lock.blocks,
        Markup(" while it {}").format(prose(worst.meanwhile)) if worst.meanwhile else " a moment",
    )


def place(run: Run, statement: LiveStatement) -> str:
    """`line 3`, with the migration where it is not the head: `line 3 of 001_users`."""
    other = statement.migration and statement.migration != run.migration
    return f"line {statement.line}{f' of {run.display_name(statement.migration)}' if other else ''}"


def _span(run: Run, statement: LiveStatement) -> str:
    if statement.until_in:
        return f"{place(run, statement)} to line {statement.until} of {run.display_name(statement.until_in)}"
    if statement.until > statement.line:
        return place(run, statement).replace(f"line {statement.line}", f"lines {statement.line} to {statement.until}", 1)
    return place(run, statement)


def _weight(live: Sequence[LiveStatement], number: int, lock: LiveLock) -> tuple[bool, bool, int]:
    return bool(_meanwhile(live, number, lock)), lock.blocks == _READS, -number


def _meanwhile(live: Sequence[LiveStatement], number: int, lock: LiveLock) -> str:
    """The first work that is done while it is held."""
    end = _end(live[number])
    for each in live[number:]:
        if _end(each) == end and each.work and any(held.deployed_name == lock.deployed_name for held in each.locks):
            return each.work[0]
    return ""


def _end(statement: LiveStatement) -> tuple[str, int]:
    return statement.until_in or statement.migration, statement.until


def live_section(view: RunView) -> Markup:
    """A table of the statements, a picture of the locks over them, and what their work costs at two sizes; nothing where
    no table is touched."""
    run = view.run
    statements = (run.effect.live if run.effect else None) or ()
    live = {(statement.migration or run.migration, statement.line): statement for statement in statements}
    rows_of = _rows(run)
    order = {link.key: number for number, link in enumerate(run.chain)}
    places_shown = {*(at for at, statement in live.items() if _tells(statement)), *rows_of}
    places = sorted(places_shown, key=lambda at: (order.get(at[0], 0), at[1]))
    names = _Names(run=run, several=len({key for key, _ in places}) > 1)
    columns = (
        "at" if names.several else "#line",
        "statement",
        "lock",
        "others wait",
        "held to",
        "work",
        "rows",
        "safer",
        "findings",
    )
    rows = [_row(view, names, at, live.get(at), rows_of.get(at)) for at in places[:MAX_STATEMENTS]]
    more = len(places) - MAX_STATEMENTS
    left_out = prose(f"{more} more statements are in run.json.") if more > 0 else Markup("")
    shown = [*filter(_tells, live.values())][:MAX_STATEMENTS]
    return join((table(columns, rows), left_out, _picture(names, shown), _growth_table(names, shown)), "\n\n")


@dataclass(frozen=True, kw_only=True)
class _Names:
    """How a line is called: by its number, behind its migration's name where there are several."""

    run: Run
    several: bool

    def of(self, key: str, line: int) -> str:
        return f"{self.run.display_name(key or self.run.migration)}:{line}" if self.several else str(line)

    def of_statement(self, statement: LiveStatement) -> str:
        return self.of(statement.migration, statement.line)


def _tells(statement: LiveStatement) -> bool:
    return bool(statement.work or statement.rows or any(lock.taken for lock in statement.locks))


def _row(
    view: RunView,
    names: _Names,
    at: tuple[str, int],
    statement: LiveStatement | None,
    of_rows: tuple[str, list[str]] | None,
) -> tuple[object, ...]:
    text, words = of_rows or ("", [])
    if statement is None:
        return names.of(*at), code(_shortened(text)), "", "", "", "", "; ".join(words), *_findings(view, at)
    taken = [lock for lock in statement.locks if lock.taken]
    changed = sum(number for _, number in statement.rows)
    return (
        names.of(*at),
        code(_shortened(statement.text)),
        _each(f"{lock.mode} on {lock.table}" for lock in taken),
        _each(lock.blocks for lock in taken),
        names.of(*_end(statement)) if statement.locks else "",
        _each(statement.work),
        "; ".join([*([f"writes {changed:,}"] if changed else []), *words]),
        *_findings(view, at),
    )


def _rows(run: Run) -> dict[tuple[str, int], tuple[str, list[str]]]:
    """What rows that are there make of the statements, by migration and line: where they stop it, and what is lost."""
    words: dict[tuple[str, int], tuple[str, list[str]]] = {}
    for stop in run.stops:
        if stop.line is not None:
            at = stop.migration, stop.line
            words.setdefault(at, (stop.statement or "", []))[1].append(f"stops at {stop.kind.value}")
    for loss in run.losses:
        if loss.line is not None:
            said = f"loses {loss.lost:,} of {loss.held:,} of {loss.subject}"
            words.setdefault((loss.migration, loss.line), (loss.statement or "", []))[1].append(said)
    return words


def _each(words: Iterator[str] | Sequence[str]) -> Markup:
    return join(map(prose, dict.fromkeys(words)), "; ")


def _findings(view: RunView, at: tuple[str, int]) -> tuple[Markup, Markup]:
    """What to write in its place, the first sentence of each; and the ids of what was found, where the whole stands."""
    key, line = at
    found = [
        finding
        for finding in view.run.findings
        if family_of(finding.check) in ("lock", "rows")
        and finding.status is not Status.KEPT
        and finding.migration == key
        and finding.origin is not None
        and finding.origin.line == line
    ]
    broken = (finding.remedy for finding in found if finding.status is Status.BROKEN and finding.remedy)
    return _each([_SENTENCE_END.split(remedy, maxsplit=1)[0] for remedy in broken]), prose(view.ids.of_all(found))


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _picture(names: _Names, live: Sequence[LiveStatement]) -> Markup:
    """A column a table, a row a statement: what others cannot do once it has run, until its transaction ends."""
    tables = list(dict.fromkeys(lock.deployed_name for statement in live for lock in statement.locks))
    if not tables or len(live) < MIN_DRAWN:
        return Markup("")
    shown = tables[:MAX_TABLES]
    width = max(len(names.of_statement(statement)) for statement in live)
    lines = [f"{'':{width}}  {'  '.join(shown)}"]
    for statement in live:
        held = {lock.deployed_name: lock.blocks for lock in statement.locks}
        marks = [_mark(held.get(name, "")) * len(name) for name in shown]
        work = f"  {statement.work[0]}" if statement.work else ""
        lines.append(f"{names.of_statement(statement):>{width}}  {'  '.join(marks)}{work}")
    legend = f"{_ALL} reads and writes of others wait   {_WRITES} writes wait   {_NOTHING} nobody waits"
    if len(tables) > MAX_TABLES:
        legend += f"   ({len(tables) - MAX_TABLES} more tables in the table above)"
    return fence("\n".join((*lines, "", legend)), "text", None)


def _growth_table(names: _Names, live: Sequence[LiveStatement]) -> Markup:
    """What the work of each statement costs on a table of few rows and of more, and which was not measured, and why;
    nothing where none was to be."""
    measured = [statement for statement in live if len(statement.growth) > 1]
    left_out = _not_measured(names, live)
    if not measured:
        return left_out
    few, many = measured[0].growth[0].rows, measured[0].growth[-1].rows
    intro = prose(
        f"With {few:,} and with {many:,} rows in the tables (pages of 8 kB; WAL as at wal_level = replica; the times are "
        "this machine's, and no rule judges them):"
    )
    columns = ("at" if names.several else "#line", "rows read", "pages read", "pages written", "new files", "WAL", "time")
    return join((intro, table(columns, [_growth_row(names, statement) for statement in measured]), left_out), "\n\n")


def _not_measured(names: _Names, live: Sequence[LiveStatement]) -> Markup:
    reasons: dict[str, list[str]] = {}
    for statement in live:
        if statement.not_measured:
            reasons.setdefault(statement.not_measured, []).append(names.of_statement(statement))
    if not reasons:
        return Markup("")
    return prose(f"Not measured at these sizes: {'; '.join(_lines(at, why) for why, at in reasons.items())}.")


def _lines(at: Sequence[str], why: str) -> str:
    return f"line{'s' if len(at) > 1 else ''} {first_of(at, MAX_LINES)} ({why})"


def _growth_row(names: _Names, statement: LiveStatement) -> tuple[object, ...]:
    few, many = statement.growth[0], statement.growth[-1]
    return (
        names.of_statement(statement),
        f"{few.rows_scanned:,} → {many.rows_scanned:,}",
        f"{few.pages_read:,} → {many.pages_read:,}",
        f"{few.pages_written:,} → {many.pages_written:,}",
        f"{few.files_written:,} → {many.files_written:,}",
        f"{_bytes(few.wal_bytes)} → {_bytes(many.wal_bytes)}",
        f"{few.elapsed_ms:.0f} → {many.elapsed_ms:.0f} ms",
    )


def _bytes(number: int) -> str:
    return f"{number / 1_000_000:,.1f} MB" if number >= 1_000_000 else f"{math.ceil(number / 1000):,} kB"


def _mark(blocks: str) -> str:
    return _ALL if blocks == _READS else _WRITES if blocks else _NOTHING
