"""Every Unicode character as a value of its own: which ones the CHECKs refuse, as ranges, from one SELECT."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.formats import Format
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.target_column import TargetColumn, mentions_column
from pgcontract.probes.sample_rows import as_text

CodePointRanges: TypeAlias = tuple[tuple[int, int], ...]

LAST_CODE_POINT: Final = 0x10FFFF
SURROGATES: Final = (0xD800, 0xDFFF)
CHARACTER_COUNT: Final = LAST_CODE_POINT - (SURROGATES[1] - SURROGATES[0] + 1)  # without U+0000, which no text holds

# Ranges of what is refused, because that is the smaller side more often than not and only it is sorted into ranges.
# OFFSET 0 keeps the planner from computing chr() once for each time that an expression names the column.
_SWEEP = """
    SELECT min(code), max(code)
      FROM (SELECT code, code - row_number() OVER () AS island
              FROM (SELECT code, {columns}
                      FROM generate_series(1, 1114111) AS code
                     WHERE code NOT BETWEEN 55296 AND 57343
                    OFFSET 0) AS candidate
             WHERE NOT coalesce({expression}, true)) AS refused
     GROUP BY island
     ORDER BY 1
"""


def refused_characters(context: Context, target: TargetColumn) -> CodePointRanges | None:
    """The code points that the column's CHECKs refuse as a value of one character; None where the query fails.

    U+0000 and surrogates are left out: no text can hold them.
    """
    if target.category != "S":
        return None
    if not target.checks:
        return ()
    definitions = [check.definition.removeprefix("CHECK").strip() for check in target.checks if check.definition]
    expression = sql.SQL(" AND ").join(
        sql.SQL("coalesce({}, true)").format(sql.SQL(definition)) for definition in definitions
    )
    columns = []
    if any(mentions_column(definition, "VALUE") for definition in definitions):
        # A domain's CHECK calls its value VALUE, which a query reads as this name.
        columns.append(sql.SQL("chr(code)::{} AS value").format(sql.SQL(target.type)))
    for column in context.after.columns:
        name = column.quoted_name
        if column.table != target.table:
            continue
        if column.bare_name == target.column:
            columns.append(sql.SQL("chr(code)::{} AS {}").format(sql.SQL(column.type), sql.SQL(name)))
        elif any(mentions_column(definition, name) for definition in definitions):
            value = sql.Literal(as_text(target.row.get(column.bare_name)))
            columns.append(sql.SQL("CAST({} AS {}) AS {}").format(value, sql.SQL(column.type), sql.SQL(name)))
    query = sql.SQL(_SWEEP).format(columns=sql.SQL(", ").join(columns), expression=expression)
    with context.sandbox.rolled_back(context.after_state) as connection:
        try:
            return tuple(connection.execute(query).fetchall())
        except psycopg.Error:
            return None


@cache
def characters_not_meant(column_format: Format[Any]) -> CodePointRanges:
    """The same of an oracle: the code points that it does not mean as a value of one character."""
    codes = (*range(1, SURROGATES[0]), *range(SURROGATES[1] + 1, LAST_CODE_POINT + 1))
    reasons = map(column_format.why_not, map(chr, codes))
    return _as_ranges(code for code, reason in zip(codes, reasons, strict=True) if reason is not None)


def _as_ranges(codes: Iterable[int]) -> CodePointRanges:
    """Ascending numbers as ranges of adjacent ones; the surrogates separate the ranges around them."""
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return tuple(ranges)


def subtract_ranges(ranges: CodePointRanges, others: CodePointRanges) -> CodePointRanges:
    """What `ranges` holds and `removed` does not."""
    remaining: list[tuple[int, int]] = []
    for start, end in ranges:
        at = start
        for first, last in others:
            if last < at or first > end:
                continue
            if first > at:
                remaining.append((at, first - 1))
            at = last + 1
        if at <= end:
            remaining.append((at, end))
    return tuple(remaining)


def count_characters(ranges: CodePointRanges) -> int:
    """How many code points the ranges hold."""
    return sum(end - start + 1 for start, end in ranges)


def edge_characters(ranges: CodePointRanges) -> tuple[str, ...]:
    """The characters on both sides of each range's ends."""
    codes = {code for start, end in ranges for code in (start - 1, start, end, end + 1)}
    return tuple(
        chr(code) for code in sorted(codes) if 1 <= code <= LAST_CODE_POINT and not SURROGATES[0] <= code <= SURROGATES[1]
    )


def describe_ranges(ranges: CodePointRanges, limit: int = 12) -> str:
    """`U+0009–U+000D, U+0085 and 3 more ranges`."""
    parts = [f"U+{start:04X}" if start == end else f"U+{start:04X}–U+{end:04X}" for start, end in ranges[:limit]]
    more = f" and {len(ranges) - limit} more ranges" if len(ranges) > limit else ""
    return ", ".join(parts) + more
