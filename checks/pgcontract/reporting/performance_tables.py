"""The tables of what was measured: a row a query, a row a step, what each index adds, what another would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pgcontract.reporting.amounts import count, size_bytes, time_us
from pgcontract.reporting.charts import charts
from pgcontract.reporting.charts.mermaid import overview
from pgcontract.reporting.markup import code, fence, fold, join, prose, table
from pgcontract.reporting.performance_facts import MeasuredQuery, MeasuredWrite, QuerySize, WriteSize, performance
from pgcontract.result.finding import Run

MERMAID = "mermaid"
_NONE = "–"
_UNITS = {"buffers": "pages", "round_trips": "round trips"}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The pieces of the section; each is empty where nothing of it was measured."""

    conditions: str
    picture: Markup
    pictures: int
    queries: Markup
    advice: Markup
    writes: Markup
    indexes: Markup


def speed(run: Run) -> Speed | None:
    """What the section prints of the measurements; None where nothing was measured."""
    measured = performance(run)
    if not (measured.queries or measured.writes):
        return None
    chart = overview(measured)
    return Speed(
        conditions=measured.conditions,
        picture=fence(chart, MERMAID) if chart else Markup(""),
        pictures=len(charts(run)),
        queries=table(
            ("Query", "Promised", "Index", "Rows", "#Pages", "#Without it", "Exponent", "#p50", "#p95", "#p99", "#n",
             "#By a client"),
            map(_query, measured.queries),
        ),
        advice=table(
            ("Query", "Index that was tried and rolled back", "#Rows", "#Pages before", "#Pages with it"),
            [
                (
                    code(query.name),
                    code(each.ddl),
                    _stacked([_or_none(each.rows, count)]),
                    count(each.before),
                    count(each.after),
                )
                for query in measured.queries
                for each in query.advice
            ],
        ),
        writes=table(
            ("Step", "Promised", "Rows", "#WAL", "#Records", "#Pages", "#Index entries", "#HOT", "#Triggers", "#p50",
             "#p95", "#n"),
            map(_write, measured.writes),
        ),
        indexes=_indexes(measured.writes),
    )  # fmt: skip


def _query(query: MeasuredQuery) -> tuple[object, ...]:
    sizes = sorted(query.sizes, key=lambda each: each.rows)

    def column(told: Callable[[QuerySize], str | None]) -> Markup:
        return _stacked(map(told, sizes))

    budget = ", ".join(f"{value:g} {_UNITS.get(unit, unit)}" for unit, value in (query.budget or {}).items() if value)
    low, middle, high = query.exponent or (None, None, None)
    return (
        join((code(query.name), prose(query.purpose or "")), Markup("<br>")),
        join((query.growth or _NONE, f"at most {budget}" if budget else ""), Markup("<br>")),
        code(query.index) if query.index else "none is meant to",
        column(lambda each: f"{each.rows:,}"),
        column(lambda each: _or_none(each.buffers_median, count)),
        column(lambda each: _or_none(each.without_index_median, count)),
        Markup(f"{middle:.2f} ({low:.2f} to {high:.2f})" if query.exponent else "not shown"),  # noqa: S704 - numbers
        column(lambda each: _or_none(each.p50_us, time_us)),
        column(lambda each: _or_none(each.p95_us, time_us)),
        column(lambda each: _or_none(each.p99_us, time_us)),
        _once(each.n for each in sizes),
        column(lambda each: _or_none(each.client_p50_us, time_us)),
    )


def _write(write: MeasuredWrite) -> tuple[object, ...]:
    sizes = sorted(write.sizes, key=lambda each: each.rows)

    def column(told: Callable[[WriteSize], str | None]) -> Markup:
        return _stacked(map(told, sizes))

    kind = "" if write.kind == "none" else write.kind
    return (
        join((code(f"{write.flow}.{write.step}"), kind)),
        write.growth or _NONE,
        column(lambda each: f"{each.rows:,}"),
        column(lambda each: _or_none(each.wal_bytes, size_bytes)),
        column(lambda each: _or_none(each.wal_records, count)),
        column(lambda each: _or_none(each.buffers, count)),
        column(lambda each: _or_none(each.index_entries, count)),
        column(lambda each: None if each.hot_share is None else f"{each.hot_share:.0%}"),
        column(_triggers),
        column(lambda each: _or_none(each.p50_us, time_us)),
        column(lambda each: _or_none(each.p95_us, time_us)),
        _once(each.n for each in sizes),
    )


def _triggers(each: WriteSize) -> str | None:
    told = (_or_none(each.trigger_wal_bytes, size_bytes), _or_none(each.trigger_us, time_us))
    return ", ".join(part for part in told if part) or None


def _indexes(writes: Sequence[MeasuredWrite]) -> Markup:
    """What each index adds to one row of each step, a table a flow, folded: the picture shows it too."""
    tables = []
    for flow in dict.fromkeys(each.flow for each in writes):
        steps = {
            each.step: {index.name: index.wal_bytes for index in each.indexes} for each in writes if each.flow == flow
        }
        names = dict.fromkeys(name for shares in steps.values() for name in shares)
        rows = [
            (code(name), *(_stacked([_or_none(shares.get(name), size_bytes)]) for shares in steps.values()))
            for name in sorted(names)
        ]
        heads = (Markup("{}: index").format(code(flow)), *(f"#{step}" for step in steps))
        tables += [table(heads, rows)] if rows else []
    return fold("What each index adds to the log of one row", join(tables, "\n\n")) if tables else Markup("")


def _or_none(value: float | None, spell: Callable[[float], str]) -> str | None:
    return None if value is None else spell(value)


def _once(numbers: Iterable[int | None]) -> Markup:
    """How many calls, one line where every size had as many."""
    told = [_or_none(each, count) for each in numbers]
    return _stacked(told[:1] if len(set(told)) == 1 else told)


def _stacked(told: Iterable[str | None]) -> Markup:
    """One line a size, of figures in words of ours; a single dash where no size has one."""
    lines = list(told)
    return Markup("<br>").join(Markup(each or _NONE) for each in lines) if any(lines) else Markup(_NONE)  # noqa: S704
