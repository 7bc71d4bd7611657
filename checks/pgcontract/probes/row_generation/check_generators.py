"""Values of columns of which nothing is declared: the first that their types and CHECKs take, also those of several
columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.row_generation.row_numbers import (
    Number,
    sometimes_null,
)
from pgcontract.probes.row_generation.row_query import (
    ColumnGenerator,
    with_dependencies,
)
from pgcontract.probes.row_generation.target_tables import FilledColumn
from pgcontract.probes.row_generation.type_generators import repeating_candidates, unique_candidates
from pgcontract.probes.row_generation.value_candidates import CandidateGenerator

if TYPE_CHECKING:
    from pgcontract.probes.row_generation.dataset_planner import TablePlanner

_NULL_SHARE = 0.25
_MAX_CANDIDATES = 6  # candidates of one column that satisfy its own CHECKs, for the CHECKs of several columns


def derive_generator(planner: TablePlanner, column: FilledColumn) -> None:
    place = planner.value_seed(column.name)
    hints = planner.hints(column)
    ways: Iterator[CandidateGenerator] = repeating_candidates(column.type, place, hints)
    if column.identity or (column.default and "nextval(" in column.default):
        ways = itertools.chain(unique_candidates(column.type, place, hints), ways)
    if column.null:
        ways = itertools.chain(ways, [CandidateGenerator(make=lambda n: sql.SQL("NULL"), max_distinct=0)])
    if column.default is not None:
        text = column.default
        ways = itertools.chain(ways, [CandidateGenerator(make=lambda n: sql.SQL(text))])
    accepted = planner.accepted(column, ways)
    shared = any(column.name in check.columns and len(check.columns) > 1 for check in planner.table.checks)
    candidates = list(itertools.islice(accepted, _MAX_CANDIDATES if shared else 1))
    if not candidates:
        raise planner.derivation_error(column.name, "no value that was tried passes its type and CHECKs")
    planner.candidates[column.name] = candidates
    planner.generators[column.name] = ColumnGenerator(
        column=column, make=candidates[0].make, max_distinct=candidates[0].max_distinct
    )


def satisfy_checks(planner: TablePlanner) -> None:
    """For CHECKs of several columns: a derived column takes, row by row, the first value that satisfies them."""
    for check in planner.table.checks:
        if len(check.columns) < 2 or planner.holds([check]):
            continue
        for name in sorted(check.columns, key=lambda column: not planner.table.column(column).null):
            if name in planner.candidates and _choose_by_row(planner, name):
                break
        else:
            raise planner.derivation_error(check.columns[-1], f"no values that were tried pass {check.name} together")


def leave_some_null(planner: TablePlanner) -> None:
    """Of derived columns that may be NULL some are: a query that asks for it finds some rows, and not all."""
    kept = {*planner.references, *(name for key in planner.table.keys for name in key.columns)}
    for column in planner.table.columns:
        before = planner.generators[column.name]
        if not column.null or column.name in kept or column.name not in planner.candidates or before.max_distinct == 0:
            continue
        salt, value = planner.value_seed(column.name).salt("null"), before.value
        planner.generators[column.name] = replace(
            before,
            make=lambda n, value=value, salt=salt: sometimes_null(value(n), n, salt, _NULL_SHARE),  # type: ignore[misc]
        )
        checks = [check for check in planner.table.checks if column.name in check.columns]
        if checks and not planner.holds(checks):
            planner.generators[column.name] = before


def _choose_by_row(planner: TablePlanner, name: str) -> bool:
    """Choose the column's value row by row from the other columns; whether all CHECKs that name it then hold."""
    before = planner.generators[name]
    checks = [check for check in planner.table.checks if name in check.columns]
    others = {column for check in checks for column in check.columns} - {name}
    if any(name in generator.needs for generator in with_dependencies(planner.generators, others)):
        return False
    ways = [*planner.candidates[name], *_neighbouring_values(planner, before.column, sorted(others))]
    if before.column.null:
        ways.append(CandidateGenerator(make=lambda n: sql.SQL("NULL")))
    own, typed = identifier(name), sql.SQL(before.column.type.name)
    passes = sql.SQL(" AND ").join(sql.SQL("(({}) IS NOT FALSE)").format(sql.SQL(check.expression)) for check in checks)

    def make(n: Number) -> sql.Composable:
        listed = sql.SQL(", ").join(
            sql.SQL("({}, ({})::{})").format(sql.Literal(place), candidate.make(n), typed)
            for place, candidate in enumerate(ways)
        )
        return sql.SQL(
            "(SELECT {0} FROM (VALUES {1}) AS pgcontract_way(pgcontract_place, {0}) WHERE {2} "
            "ORDER BY pgcontract_place LIMIT 1)"
        ).format(own, listed, passes)

    needs = frozenset(others).union(*(candidate.needs for candidate in ways))
    planner.generators[name] = replace(before, make=make, needs=needs)
    if planner.holds(checks):
        return True
    planner.generators[name] = before
    return False


def _neighbouring_values(
    planner: TablePlanner, column: FilledColumn, others: Sequence[str]
) -> Iterator[CandidateGenerator]:
    """Values equal to or just next to another column's of the row, where both are numbers or times."""
    for name in others:
        other = planner.table.column(name)
        if other.type.category != column.type.category or column.type.category not in "ND":
            if other.type.name == column.type.name:
                yield _from_other_column(name, "{}")
            continue
        step = "1" if column.type.category == "N" or column.type.typname == "date" else "interval '1 hour'"
        for text in (f"{{}} + {step}", "{}", f"{{}} - {step}"):
            yield _from_other_column(name, text)


def _from_other_column(name: str, text: str) -> CandidateGenerator:
    return CandidateGenerator(make=lambda n: sql.SQL(text).format(identifier(name)), needs=frozenset([name]))
