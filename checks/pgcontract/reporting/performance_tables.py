"""The tables of what was measured: a row a query, a row a step, what each index adds, what another would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from markupsafe import Markup

from pgcontract.reporting import performance_brief
from pgcontract.reporting.amounts import count, size_bytes, time_us
from pgcontract.reporting.charts import charts
from pgcontract.reporting.charts.mermaid import overview
from pgcontract.reporting.markup import code, fence, fold, join, prose, table
from pgcontract.reporting.measurement_names import named_measurements
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Finding
from pgcontract.result.measurements import QueryAtSize, QueryBudget, QueryFigures, WriteAtSize, WriteFigures
from pgcontract.values import dataclass

MERMAID = "mermaid"
_NONE = "–"


@dataclass(frozen=True, kw_only=True)
class PerformanceSection:
    """The pieces of the section; each is empty where nothing of it was measured."""

    conditions: str
    picture: Markup
    pictures: int
    queries_say: str
    queries: Markup
    advice: Markup
    writes_say: str
    writes: Markup
    indexes: Markup


_QUERIES = (
    "Each query, one line a size: the median of its calls. The exponent is the slope of pages over rows on logarithmic "
    "axes, with its 95 % interval; times are the server's own, and a client's round trip (p50) beside them."
)
_WRITES = "Each step that writes, a row at a time, one line a size:"


def performance_section(view: RunView, *, full: bool) -> PerformanceSection | None:
    """What the section prints of the measurements, of each size with `full`; None where nothing was measured."""
    run, measured = view.run, named_measurements(view.run)
    if not (measured.queries or measured.writes):
        return None
    chart, ids = overview(measured), _ids(view)
    return PerformanceSection(
        conditions=measured.conditions,
        picture=fence(chart, MERMAID) if chart else Markup(""),
        pictures=len(charts(run)),
        queries_say=_QUERIES if full else performance_brief.queries_sentence(measured.queries),
        queries=(_queries(measured.queries, ids) if full else performance_brief.queries_table(measured.queries, ids)),
        advice=_advice(measured.queries) if full else Markup(""),
        writes_say=_WRITES if full else performance_brief.writes_sentence(measured.writes),
        writes=_writes(measured.writes, ids) if full else performance_brief.writes_table(measured.writes, ids),
        indexes=_indexes(measured.writes) if full else Markup(""),
    )


def _ids(view: RunView) -> Mapping[str, str]:
    """The ids of the findings about each query and step, by the name that the tables give it."""
    about: dict[str, list[Finding]] = {}
    for finding in view.measured:
        about.setdefault(view.claim_name(finding.subject, finding.migration), []).append(finding)
    return {name: view.ids.of_all(findings) for name, findings in about.items()}


def _advice(queries: Sequence[QueryFigures]) -> Markup:
    """What the notes say of indexes that were tried, as figures."""
    rows = [
        (code(query.name), code(advice.ddl), count(advice.rows), count(advice.before), count(advice.after))
        for query in queries
        for advice in query.advice
    ]
    return table(("Query", "Index that was tried and rolled back", "#Rows", "#Pages before", "#Pages with it"), rows)


def _queries(queries: Sequence[QueryFigures], ids: Mapping[str, str]) -> Markup:
    return table(
        ("Query", "Promised", "Index", "Rows", "#Pages", "#Without it", "Exponent", "#p50", "#p95", "#p99", "#n",
         "#By a client", "Shown by"),
        [(*_query(query), ids.get(query.name, "")) for query in queries],
    )  # fmt: skip


def _writes(writes: Sequence[WriteFigures], ids: Mapping[str, str]) -> Markup:
    return table(
        ("Step", "Promised", "Rows", "#WAL", "#Records", "#Pages", "#Index entries", "#HOT", "#Triggers", "#p50",
         "#p95", "#n", "Shown by"),
        [(*_write(write), ids.get(f"{write.flow}.{write.step}", "")) for write in writes],
    )  # fmt: skip


def _query(query: QueryFigures) -> tuple[object, ...]:
    sizes = sorted(query.sizes, key=lambda size: size.rows)

    def column(figure: Callable[[QueryAtSize], str | None]) -> Markup:
        return _join_lines(map(figure, sizes))

    budget = _budget(query.budget) if query.budget else ""
    low, middle, high = query.exponent or (None, None, None)
    return (
        join((code(query.name), prose(query.purpose or "")), Markup("<br>")),
        join((query.growth or _NONE, f"at most {budget}" if budget else ""), Markup("<br>")),
        code(query.index) if query.index else "none is meant to",
        column(lambda size: f"{size.rows:,}"),
        column(lambda size: _format_optional(size.buffers_median, count)),
        column(lambda size: _format_optional(size.without_index_median, count)),
        Markup(f"{middle:.2f} ({low:.2f} to {high:.2f})" if query.exponent else "not shown"),  # noqa: S704 - numbers
        column(lambda size: _format_optional(size.p50_us, time_us)),
        column(lambda size: _format_optional(size.p95_us, time_us)),
        column(lambda size: _format_optional(size.p99_us, time_us)),
        _collapse_equal(size.n for size in sizes),
        column(lambda size: _format_optional(size.client_p50_us, time_us)),
    )


def _budget(budget: QueryBudget) -> str:
    limits = ((budget.buffers, "pages"), (budget.round_trips, "round trips"), (budget.ms, "ms"))
    return ", ".join(f"{limit:g} {unit}" for limit, unit in limits if limit)


def _write(write: WriteFigures) -> tuple[object, ...]:
    sizes = sorted(write.sizes, key=lambda size: size.rows)

    def column(figure: Callable[[WriteAtSize], str | None]) -> Markup:
        return _join_lines(map(figure, sizes))

    kind = "" if write.kind == "none" else write.kind
    return (
        join((code(f"{write.flow}.{write.step}"), kind)),
        write.growth or _NONE,
        column(lambda size: f"{size.rows:,}"),
        column(lambda size: _format_optional(size.wal_bytes, size_bytes)),
        column(lambda size: _format_optional(size.wal_records, count)),
        column(lambda size: _format_optional(size.buffers, count)),
        column(lambda size: _format_optional(size.index_entries, count)),
        column(lambda size: None if size.hot_share is None else f"{size.hot_share:.0%}"),
        column(_triggers),
        column(lambda size: _format_optional(size.p50_us, time_us)),
        column(lambda size: _format_optional(size.p95_us, time_us)),
        _collapse_equal(size.n for size in sizes),
    )


def _triggers(write_size: WriteAtSize) -> str | None:
    parts = (_format_optional(write_size.trigger_wal_bytes, size_bytes), _format_optional(write_size.trigger_us, time_us))
    return ", ".join(part for part in parts if part) or None


def _indexes(writes: Sequence[WriteFigures]) -> Markup:
    """What each index adds to one row of each step, a table a flow, folded: the picture shows it too."""
    tables = []
    for flow in dict.fromkeys(write.flow for write in writes):
        steps = {
            write.step: {index.name: index.wal_bytes for index in write.indexes} for write in writes if write.flow == flow
        }
        names = dict.fromkeys(name for shares in steps.values() for name in shares)
        rows = [
            (code(name), *(_join_lines([_format_optional(shares.get(name), size_bytes)]) for shares in steps.values()))
            for name in sorted(names)
        ]
        heads = (Markup("{}: index").format(code(flow)), *(f"#{step}" for step in steps))
        tables += [table(heads, rows)] if rows else []
    return fold("What each index adds to the log of one row", join(tables, "\n\n")) if tables else Markup("")


def _format_optional(value: float | None, spell: Callable[[float], str]) -> str | None:
    return None if value is None else spell(value)


def _collapse_equal(numbers: Iterable[int | None]) -> Markup:
    """How many calls, one line where every size had as many."""
    texts = [_format_optional(number, count) for number in numbers]
    return _join_lines(texts[:1] if len(set(texts)) == 1 else texts)


def _join_lines(texts: Iterable[str | None]) -> Markup:
    """One line for each size; a single dash where no size has a value."""
    lines = list(texts)
    return Markup("<br>").join(Markup(line or _NONE) for line in lines) if any(lines) else Markup(_NONE)  # noqa: S704
