"""When waivers end, counted from the day of the Run: what has to be decided next."""

from __future__ import annotations

import datetime as dt
from typing import Final

from markupsafe import Markup

from pgcontract.reporting.heading import number
from pgcontract.reporting.markup import code, prose
from pgcontract.result import Run, WaiverTerm

SOON_DAYS: Final = 30


def days_left(term: WaiverTerm, run: Run) -> int:
    """From the day on which the Run started to the waiver's last; below 0 where it has ended."""
    return (dt.date.fromisoformat(term.until) - dt.date.fromisoformat(run.started[:10])).days


def calendar_rows(run: Run) -> tuple[tuple[object, ...], ...]:
    """Rows of last day, what is left, what is waived, of which migration, by whom and why; those that end first before
    the others, and bold where that is soon."""
    return tuple(
        (
            term.until,
            _left(days_left(term, run)),
            code(term.item),
            run.display_name(term.migration),
            prose(f"{term.owner}: {term.reason}"),
        )
        for term in run.waivers
    )


def _left(days: int) -> Markup:
    words = "ended" if days < 0 else "its last day" if not days else number(days, "day")
    return Markup("**{}**").format(words) if days <= SOON_DAYS else prose(words)


def next_to_end(run: Run) -> str | None:
    """`2026-12-31, in 12 days: column.type[public.t.a] (001); 2 more within 30 days`; None where no waiver holds."""
    held = [term for term in run.waivers if days_left(term, run) >= 0]
    if not held:
        return None
    first, *others = held
    days = days_left(first, run)
    left = "today" if not days else f"in {number(days, 'day')}"
    soon = sum(days_left(term, run) <= SOON_DAYS for term in others)
    more = f"; {soon} more within {SOON_DAYS} days" if soon else ""
    return f"the next ends on {first.until}, {left}: {first.item} ({run.display_name(first.migration)}){more}"
