"""Every character there is as a value of its own: what the CHECKs accept, as ranges, from one SELECT."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract.identifiers import bare
from pgcontract.formats import Language
from pgcontract.probes.context import Trial
from pgcontract.probes.fuzzing.target_column import Place, mentions
from pgcontract.probes.sample_rows import as_text

Ranges: TypeAlias = tuple[tuple[int, int], ...]

LAST: Final = 0x10FFFF
SURROGATES: Final = (0xD800, 0xDFFF)
CHARACTERS: Final = LAST - (SURROGATES[1] - SURROGATES[0] + 1)  # without U+0000, which no text holds

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


def refused_characters(trial: Trial, place: Place) -> Ranges | None:
    """The code points that the column's CHECKs refuse as a value of one character; None where they cannot be asked so.

    U+0000 and surrogates are left out: no text can hold them.
    """
    if place.category != "S":
        return None
    if not place.checks:
        return ()
    definitions = [each.definition.removeprefix("CHECK").strip() for each in place.checks if each.definition]
    expression = sql.SQL(" AND ").join(sql.SQL("coalesce({}, true)").format(sql.SQL(each)) for each in definitions)
    columns = []
    if any(mentions(each, "VALUE") for each in definitions):
        # A domain's CHECK calls its value VALUE, which a query reads as this name.
        columns.append(sql.SQL("chr(code)::{} AS value").format(sql.SQL(place.type)))
    for column in trial.after.columns:
        name = last_part(column.name, column.table)
        if column.table != place.table:
            continue
        if bare(name) == place.column:
            columns.append(sql.SQL("chr(code)::{} AS {}").format(sql.SQL(column.type), sql.SQL(name)))
        elif any(mentions(each, name) for each in definitions):
            value = sql.Literal(as_text(place.row.get(bare(name))))
            columns.append(sql.SQL("CAST({} AS {}) AS {}").format(value, sql.SQL(column.type), sql.SQL(name)))
    query = sql.SQL(_SWEEP).format(columns=sql.SQL(", ").join(columns), expression=expression)
    with trial.workbench.rolled_back(trial.after_state) as connection:
        try:
            return tuple(connection.execute(query).fetchall())
        except psycopg.Error:
            return None


@cache
def characters_not_meant(language: Language[Any]) -> Ranges:
    """The same of an oracle: the code points that it does not mean as a value of one character."""
    codes = (*range(1, SURROGATES[0]), *range(SURROGATES[1] + 1, LAST + 1))
    reasons = map(language.why_not, map(chr, codes))
    return _as_ranges(code for code, reason in zip(codes, reasons, strict=True) if reason is not None)


def _as_ranges(codes: Iterable[int]) -> Ranges:
    """Rising numbers as ranges of neighbours; the surrogates part what stands around them."""
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return tuple(ranges)


def beyond(ours: Ranges, theirs: Ranges) -> Ranges:
    """What `ours` holds and `theirs` does not."""
    left: list[tuple[int, int]] = []
    for start, end in ours:
        at = start
        for first, last in theirs:
            if last < at or first > end:
                continue
            if first > at:
                left.append((at, first - 1))
            at = last + 1
        if at <= end:
            left.append((at, end))
    return tuple(left)


def count(ranges: Ranges) -> int:
    """How many code points are in them."""
    return sum(end - start + 1 for start, end in ranges)


def edges(ranges: Ranges) -> tuple[str, ...]:
    """The characters on both sides of each range's ends."""
    codes = {code for start, end in ranges for code in (start - 1, start, end, end + 1)}
    return tuple(chr(code) for code in sorted(codes) if 1 <= code <= LAST and not SURROGATES[0] <= code <= SURROGATES[1])


def tell_ranges(ranges: Ranges, most: int = 12) -> str:
    """`U+0009–U+000D, U+0085 and 3 more ranges`."""
    told = [f"U+{start:04X}" if start == end else f"U+{start:04X}–U+{end:04X}" for start, end in ranges[:most]]
    more = f" and {len(ranges) - most} more ranges" if len(ranges) > most else ""
    return ", ".join(told) + more
