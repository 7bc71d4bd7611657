"""Texts that a column might take: near those that were seen to pass, with its name, of the usual kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from psycopg import sql

from pgcontract.probes.row_generation.row_numbers import MakeSql, Number, ValueSeed
from pgcontract.probes.row_generation.value_candidates import CandidateGenerator, Hints, random_hex, random_uuid, wrapped
from pgcontract.probes.row_generation.value_types import ValueType

_WORD = re.compile(r"[A-Za-z]+")
_MAX_DIGITS = 18  # of a bigint
_RUN = re.compile(r"\d+|[a-z]+|[A-Z]+")
_TEXTS = (
    "{}", "user{}@example.com", "https://example.com/{}", "a{}", "A{}", "+1555{}", "/{}", "example{}.com", "#{}",
)  # fmt: skip


def text_candidates(type_: ValueType, value_seed: ValueSeed, hints: Hints) -> Iterator[CandidateGenerator]:
    """Texts with the number in them, near what was seen to pass; then the column's name, then the usual kinds."""
    max_length = type_.length
    for text in hints.texts:
        for make, max_distinct in _with_number(text):
            yield CandidateGenerator(make=make, max_distinct=max_distinct)
    named = re.sub(r"\W+", "-", value_seed.column.strip().lower())
    for template in (f"{named}-{{}}", *_TEXTS):
        if max_length is None or len(template) - 2 + len(str(hints.rows)) <= max_length:
            before, _, behind = template.partition("{}")
            yield CandidateGenerator(make=_around_number(before, behind))
    yield CandidateGenerator(make=random_hex(value_seed))
    yield CandidateGenerator(make=wrapped("{}::uuid::text", random_uuid(value_seed)))
    if max_length is not None:
        yield CandidateGenerator(
            make=lambda n: sql.SQL("pg_catalog.lpad(pg_catalog.to_hex({}), {}, '0')").format(
                n, sql.Literal(min(max_length, 16))
            ),
            max_distinct=16 ** min(max_length, 15),
        )


def _around_number(before: str, behind: str) -> MakeSql:
    return lambda n: sql.SQL("{} || {} || {}").format(sql.Literal(before), n, sql.Literal(behind))


def _with_number(text: str) -> Iterator[tuple[MakeSql, int | None]]:
    """The text with the number behind one of its words, or, as wide as they are, in place of some digits or letters."""
    ends = [word.end() for word in _WORD.finditer(text)]
    for end in dict.fromkeys((*ends, len(text))):
        yield _around_number(text[:end], text[end:]), None
    runs = list(_RUN.finditer(text))
    for run in sorted(runs, key=lambda run: (not run[0].isdigit(), -len(run[0]))):
        before, behind, width = text[: run.start()], text[run.end() :], len(run[0])
        yield _with_fixed_width(before, behind, width, run[0]), 10**width
        yield _with_any_width(before, behind, run[0]), None
    if len(runs) > 1:
        width = min(sum(len(run[0]) for run in runs), _MAX_DIGITS)
        yield _through_all(text, runs, width), 10**width


def _through_all(text: str, runs: Sequence[re.Match[str]], width: int) -> MakeSql:
    """The number's last digits in place of the last signs of all runs together, each as wide as it is."""

    def make(n: Number) -> sql.Composed:
        every = sum(len(run[0]) for run in runs)
        number = sql.SQL("pg_catalog.lpad(({} % {})::text, {}, '0')").format(
            n, sql.Literal(10**width), sql.Literal(every)
        )
        pieces, end, first = [], 0, 1
        for run in runs:
            part = sql.SQL("pg_catalog.translate(pg_catalog.substr({}, {}, {}), '0123456789', {})").format(
                number, sql.Literal(first), sql.Literal(len(run[0])), sql.Literal(_digits(run[0]))
            )
            pieces += [sql.Literal(text[end : run.start()]), part]
            end, first = run.end(), first + len(run[0])
        return sql.SQL(" || ").join([*pieces, sql.Literal(text[end:])])

    return make


def _digits(run: str) -> str:
    return "0123456789" if run.isdigit() else "abcdefghij" if run.islower() else "ABCDEFGHIJ"


def _with_any_width(before: str, behind: str, run: str) -> MakeSql:
    """The number in place of the run, however long."""
    return lambda n: sql.SQL("{} || pg_catalog.translate(({})::text, '0123456789', {}) || {}").format(
        sql.Literal(before), n, sql.Literal(_digits(run)), sql.Literal(behind)
    )


def _with_fixed_width(before: str, behind: str, width: int, run: str) -> MakeSql:
    digits = _digits(run)

    def make(n: Number) -> sql.Composed:
        number = sql.SQL("pg_catalog.lpad(({} % {})::text, {}, '0')").format(
            n, sql.Literal(10**width), sql.Literal(width)
        )
        if not run.isdigit():
            number = sql.SQL("pg_catalog.translate({}, '0123456789', {})").format(number, sql.Literal(digits))
        return sql.SQL("{} || {} || {}").format(sql.Literal(before), number, sql.Literal(behind))

    return make
