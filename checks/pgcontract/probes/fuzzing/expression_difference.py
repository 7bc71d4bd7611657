"""Two expressions over the same rows, all in one query: the first row that they answer differently."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract.identifiers import bare
from pgcontract.formats.oracle.hostile_texts import NASTY
from pgcontract.model.schema import Constraint
from pgcontract.probes.context import Trial
from pgcontract.probes.fuzzing.column_limits import beside
from pgcontract.probes.fuzzing.insert_batches import sendable
from pgcontract.probes.fuzzing.shrinking import size
from pgcontract.probes.fuzzing.target_column import Place, mentions, type_of

Row: TypeAlias = Mapping[str, str | None]

_COMBINED: Final = 600  # rows in which several columns have other values than the first row's

# Values that a type's limits and SQL's rounding make telling, by pg_type.typcategory.
_TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "S": tuple(each.value for each in NASTY),
    "N": (
        *("0", "-0", "1", "-1", "2", "-2", "10", "100", "0.4", "0.5", "0.6", "-0.4", "-0.5", "-0.6", "1.4", "1.5", "2.5"),
        *("0.001", "1e-7", "99.995", "32767", "32768", "2147483647", "2147483648", "9223372036854775807", "NaN"),
    ),
    "B": ("true", "false"),
    "D": (
        *("infinity", "-infinity", "epoch", "2026-01-01 00:00:00+00", "2026-01-31 23:59:59.999999+00", "2024-02-29"),
        *("1999-12-31 23:59:59.999999+00", "2000-01-01", "2038-01-19 03:14:08+00", "9999-12-31", "0001-01-01 BC", "now"),
        *("00:00:00", "12:00:00", "23:59:59.999999", "24:00:00"),
    ),
    "T": ("0", "1 second", "-1 second", "1 day", "24 hours", "1 month", "30 days", "1 year"),
    "A": ("{}", "{NULL}", "{1}", "{1,2}", "{a}", "{a,b}", "{{1},{2}}", "[0:0]={1}"),
    "U": (
        *("{}", "[]", "null", "true", "0", "-1", "1.5", '"a"', '""', '{"a": 1}', '{"a": null}', "[1]", '[{"a": 1}]'),
        *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ),
    "V": ("0", "1", "101", "11111111"),
    "I": ("10.0.0.1", "192.0.2.1", "192.0.2.0/24", "::1", "2001:db8::/32"),
    "R": ("empty", "(,)", "[1,2)", "[1,1]", "[2026-01-01,2026-01-31)"),
}

# What an expression gives is its value as text, no value, or the error it ends in: three answers that may differ.
_FUNCTION: Final = """
    #variable_conflict use_column
    DECLARE
        pgcontract_row jsonb;
    BEGIN
        FOR pgcontract_row IN SELECT * FROM jsonb_array_elements(pgcontract_rows) LOOP
            BEGIN
                PERFORM {casts};
            EXCEPTION WHEN OTHERS THEN
                CONTINUE;
            END;
            pgcontract_tried := coalesce(pgcontract_tried, 0) + 1;
            BEGIN
                SELECT {first} INTO pgcontract_first FROM (SELECT {columns}) AS candidate;
            EXCEPTION WHEN OTHERS THEN
                pgcontract_first := 'error ' || SQLSTATE;
            END;
            BEGIN
                SELECT {second} INTO pgcontract_second FROM (SELECT {columns}) AS candidate;
            EXCEPTION WHEN OTHERS THEN
                pgcontract_second := 'error ' || SQLSTATE;
            END;
            IF pgcontract_first IS DISTINCT FROM pgcontract_second THEN
                pgcontract_separating := pgcontract_row;
                RETURN;
            END IF;
        END LOOP;
    END
"""
_CREATE: Final = sql.SQL("""
    CREATE FUNCTION pg_temp.pgcontract_contrast(
        pgcontract_rows jsonb, OUT pgcontract_tried integer, OUT pgcontract_separating jsonb,
        OUT pgcontract_first text, OUT pgcontract_second text
    ) LANGUAGE plpgsql AS {}
""")


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """`row` is the first that the two answer differently, `answers` what each gave for it; None where none of the
    `tried` rows does."""

    tried: int
    row: Row | None = None
    answers: tuple[str | None, str | None] = (None, None)


def contrast(
    trial: Trial, table: str, expressions: tuple[str, str], examples: Sequence[Row], *, wrapped: str = "({})::text"
) -> Contrast:
    """Both expressions over `examples`, then over rows made of their own texts and of the columns' types.

    `wrapped` says what of an expression counts: for a CHECK that it is not false, for a predicate that it is true.
    Rows come smallest first, so that the first that separates the two is small.
    """
    columns = _columns(trial, table, expressions)
    rows = [*examples, *_rows(trial, table, expressions, columns, examples)]
    casts = [
        sql.SQL("CAST(pgcontract_row->>{} AS {})").format(sql.Literal(bare(name)), sql.SQL(type_))
        for name, type_ in columns.items()
    ]
    aliased = [sql.SQL("{} AS {}").format(cast, sql.SQL(name)) for cast, name in zip(casts, columns, strict=True)]
    first, second = (sql.SQL(wrapped).format(sql.SQL(each)) for each in expressions)
    body = sql.SQL(_FUNCTION).format(
        casts=sql.SQL(", ").join(casts) if casts else sql.SQL("1"),
        columns=sql.SQL(", ").join(aliased),
        first=first,
        second=second,
    )
    with trial.workbench.rolled_back(trial.after_state) as connection:
        try:
            connection.execute(_CREATE.format(sql.Literal(body.as_string(connection))))
            found = connection.execute(
                "SELECT * FROM pg_temp.pgcontract_contrast(%s::jsonb)", [json.dumps(rows or [{}])]
            ).fetchone()
        except psycopg.Error:
            return Contrast(tried=0)
    assert found is not None
    tried, separating, *answers = found
    return Contrast(tried=tried or 0, row=separating, answers=(answers[0], answers[1]))


def _columns(trial: Trial, table: str, expressions: tuple[str, str]) -> Mapping[str, str]:
    """The columns that either expression names, as spelled, with their types; a domain's CHECK names VALUE."""
    named = {
        last_part(column.name, column.table): column.type
        for column in sorted(trial.after.columns, key=lambda each: each.position)
        if column.table == table
    }
    used = {name: type_ for name, type_ in named.items() if any(mentions(each, name) for each in expressions)}
    domain = next((each for each in trial.after.types if each.name == table and each.attributes), None)
    return {"VALUE": domain.attributes[0]} if domain is not None else used


def _rows(
    trial: Trial, table: str, expressions: tuple[str, str], columns: Mapping[str, str], examples: Sequence[Row]
) -> Iterator[Row]:
    """One column at a time away from a first row, then several at once, seeded."""
    texts = tuple(Constraint(name="", table=table, form="check", definition=each) for each in expressions)
    sample = trial.promise.samples.get(table, {})
    values: dict[str, list[str | None]] = {}
    for name, type_ in columns.items():
        given = [str(row[bare(name)]) for row in (*examples, sample) if row.get(bare(name)) is not None]
        place = replace(_place(trial, table, name, type_), sample=given[0] if given else None, checks=texts)
        labels = next((each.labels for each in trial.after.types if each.name in (type_, f"public.{type_}")), ())
        made = {*given, *beside(place, given), *_TELLING.get(place.category, ()), *labels}
        values[bare(name)] = [*sorted(filter(sendable, made), key=_plainest), None]
    first = {name: str(sample[name]) if sample.get(name) is not None else each[0] for name, each in values.items()}
    for name, each in values.items():
        yield from ({**first, name: value} for value in each)
    if len(values) > 1:
        chosen = trial.promise.random(f"contrast/{table}/{expressions[0]}")
        for _ in range(_COMBINED):
            yield {name: chosen.choice(each) for name, each in values.items()}


def _plainest(value: str) -> tuple[bool, tuple[int, int, str]]:
    """Usual values before those that are none to most people."""
    return value in ("NaN", "infinity", "-infinity"), size(value)


def _place(trial: Trial, table: str, name: str, type_: str) -> Place:
    source = sql.SQL("NULL::{}").format(sql.SQL(type_)) if name == "VALUE" else sql.SQL(name)
    of = sql.SQL("") if name == "VALUE" else sql.SQL(" FROM {} LIMIT 0").format(sql.SQL(table))
    with trial.workbench.rolled_back(trial.after_state) as connection:
        found, category, length = type_of(connection, sql.SQL("SELECT {}{}").format(source, of))
    return Place(table=table, column=bare(name), type=found, category=category, length=length, row={})
