"""Two expressions evaluated over the same rows in one query: the first row for which their results differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

import psycopg
from psycopg import sql

from pgcontract.formats.oracle.hostile_texts import HOSTILE_TEXTS
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.schema import Constraint
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.column_limits import limit_values
from pgcontract.probes.fuzzing.insert_batches import sendable
from pgcontract.probes.fuzzing.shrinking import simplicity
from pgcontract.probes.fuzzing.target_column import TargetColumn, mentions_column, read_column_type
from pgcontract.values import dataclass

CandidateRow: TypeAlias = Mapping[str, str | None]

_COMBINED_ROWS: Final = 600  # rows in which several columns have other values than the first row's

# Boundary values by pg_type.typcategory: at a type's limits and where SQL rounds.
_BOUNDARY_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "S": tuple(known_value.value for known_value in HOSTILE_TEXTS),
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
class ExpressionComparison:
    """`row` is the first for which the two results differ, `answers` are both results; None where none of the `tried`
    rows does."""

    tried: int
    row: CandidateRow | None = None
    answers: tuple[str | None, str | None] = (None, None)


def compare_expressions(
    context: Context,
    table: str,
    expressions: tuple[str, str],
    examples: Sequence[CandidateRow],
    *,
    answer_template: str = "({})::text",
) -> ExpressionComparison:
    """Evaluates both expressions over `examples`, then over rows made from their own texts and the columns' types.

    `answer_template` says what of an expression counts: for a CHECK that it is not false, for a predicate that it is
    true. Rows come smallest first, so that the first that tells the two apart is small.
    """
    columns = _named_columns(context, table, expressions)
    rows = [*examples, *_candidate_rows(context, table, expressions, columns, examples)]
    casts = [
        sql.SQL("CAST(pgcontract_row->>{} AS {})").format(sql.Literal(unquote_identifier(name)), sql.SQL(type_))
        for name, type_ in columns.items()
    ]
    aliased = [sql.SQL("{} AS {}").format(cast, sql.SQL(name)) for cast, name in zip(casts, columns, strict=True)]
    first, second = (sql.SQL(answer_template).format(sql.SQL(expression)) for expression in expressions)
    body = sql.SQL(_FUNCTION).format(
        casts=sql.SQL(", ").join(casts) if casts else sql.SQL("1"),
        columns=sql.SQL(", ").join(aliased),
        first=first,
        second=second,
    )
    with context.sandbox.rolled_back(context.after_state) as connection:
        try:
            connection.execute(_CREATE.format(sql.Literal(body.as_string(connection))))
            row = connection.execute(
                "SELECT * FROM pg_temp.pgcontract_contrast(%s::jsonb)", [json.dumps(rows or [{}])]
            ).fetchone()
        except psycopg.Error:
            return ExpressionComparison(tried=0)
    assert row is not None
    tried, separating, *answers = row
    return ExpressionComparison(tried=tried or 0, row=separating, answers=(answers[0], answers[1]))


def _named_columns(context: Context, table: str, expressions: tuple[str, str]) -> Mapping[str, str]:
    """The columns that either expression names, as spelled, with their types; a domain's CHECK names VALUE."""
    named = {
        column.quoted_name: column.type
        for column in sorted(context.after.columns, key=lambda column: column.position)
        if column.table == table
    }
    used = {
        name: type_
        for name, type_ in named.items()
        if any(mentions_column(expression, name) for expression in expressions)
    }
    domain = next(
        (data_type for data_type in context.after.types if data_type.name == table and data_type.attributes), None
    )
    return {"VALUE": domain.attributes[0]} if domain is not None else used


def _candidate_rows(
    context: Context,
    table: str,
    expressions: tuple[str, str],
    columns: Mapping[str, str],
    examples: Sequence[CandidateRow],
) -> Iterator[CandidateRow]:
    """Rows that differ from a first row in one column, then in several at once, seeded."""
    texts = tuple(Constraint(name="", table=table, form="check", definition=expression) for expression in expressions)
    sample = context.promise.samples.get(table, {})
    values: dict[str, list[str | None]] = {}
    for name, type_ in columns.items():
        literals_given = [
            str(row[unquote_identifier(name)])
            for row in (*examples, sample)
            if row.get(unquote_identifier(name)) is not None
        ]
        target = replace(
            _target_column(context, table, name, type_),
            sample=literals_given[0] if literals_given else None,
            checks=texts,
        )
        labels = next((data_type.labels for data_type in context.after.types if data_type.is_type(type_)), ())
        candidates = {
            *literals_given,
            *limit_values(target, literals_given),
            *_BOUNDARY_VALUES.get(target.category, ()),
            *labels,
        }
        values[unquote_identifier(name)] = [*sorted(filter(sendable, candidates), key=_plainness), None]
    first = {name: str(sample[name]) if sample.get(name) is not None else value[0] for name, value in values.items()}
    for name, column_values in values.items():
        yield from ({**first, name: value} for value in column_values)
    if len(values) > 1:
        chosen = context.promise.random(f"contrast/{table}/{expressions[0]}")
        for _ in range(_COMBINED_ROWS):
            yield {name: chosen.choice(value) for name, value in values.items()}


def _plainness(value: str) -> tuple[bool, tuple[int, int, str]]:
    """A sorting key: ordinary values before NaN and infinities, then the simpler first."""
    return value in ("NaN", "infinity", "-infinity"), simplicity(value)


def _target_column(context: Context, table: str, name: str, type_: str) -> TargetColumn:
    source = sql.SQL("NULL::{}").format(sql.SQL(type_)) if name == "VALUE" else sql.SQL(name)
    of = sql.SQL("") if name == "VALUE" else sql.SQL(" FROM {} LIMIT 0").format(sql.SQL(table))
    with context.sandbox.rolled_back(context.after_state) as connection:
        type_name, category, length = read_column_type(connection, sql.SQL("SELECT {}{}").format(source, of))
    return TargetColumn(
        table=table, column=unquote_identifier(name), type=type_name, category=category, length=length, row={}
    )
