"""Values of a column as the data set declares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from pgcontract.contract import ColumnRows
from pgcontract.probes.row_generation.foreign_key_generators import parent_key
from pgcontract.probes.row_generation.json_documents import document
from pgcontract.probes.row_generation.row_numbers import (
    Number,
    sometimes_null,
    spread_out,
    substituted,
    timestamp_between,
    uniform,
    weighted,
    zipf_rank,
)
from pgcontract.probes.row_generation.row_query import (
    ColumnGenerator,
)
from pgcontract.probes.row_generation.target_tables import FilledColumn, named_in
from pgcontract.probes.row_generation.type_generators import unique_candidates

if TYPE_CHECKING:
    from pgcontract.probes.row_generation.dataset_planner import TablePlanner


def declared_generator(planner: TablePlanner, column: FilledColumn, declaration: ColumnRows) -> ColumnGenerator | None:
    place, rows = planner.value_seed(column.name), sql.Literal(planner.rows)
    others = {other.name for other in planner.table.columns} - {column.name}

    def words(n: Number, purpose: str) -> Mapping[str, sql.Composable]:
        return {"n": n, "rows": rows, "r": uniform(n, place.salt(purpose))}

    def generator(make: object, needs: Iterable[str] = (), max_distinct: int | None = None) -> ColumnGenerator:
        value_maker = ColumnGenerator(
            column=column,
            make=make,  # type: ignore[arg-type]
            needs=frozenset(needs),
            max_distinct=max_distinct,
            origin=declaration.origin,
        )
        return nullable(planner, value_maker, declaration) if declaration.null else value_maker

    if declaration.expression is not None:
        text = declaration.expression
        return generator(lambda n: substituted(text, words(n, "value")), (named_in(text) - {"n", "r", "rows"}) & others)
    if declaration.weights:
        pairs = [(sql.Literal(value), weight) for value, weight in declaration.weights]
        return generator(lambda n: weighted(n, place.salt("value"), pairs))
    if declaration.since is not None and declaration.until is not None:
        since, until, word = declaration.since, declaration.until, column.type.name
        return generator(
            lambda n: timestamp_between(n, place.salt("value"), rows=planner.rows, since=since, until=until, word=word)
        )
    if declaration.document is not None:
        needs = set().union(*(named_in(text) for _, text in declaration.document)) if declaration.document else set()
        return generator(document(declaration, place, words), (needs - {"n", "r", "rows"}) & others)
    if declaration.distinct is not None:
        count = (
            declaration.distinct
            if isinstance(declaration.distinct, int)
            else max(round(declaration.distinct * planner.rows), 1)
        )
        reference = planner.references.get(column.name)
        if reference is not None:
            make, parents = parent_key(planner, reference, column.name)
            count = min(count, parents)
            return generator(
                lambda n: make(spread_out(zipf_rank(n, place.salt("rank"), count, declaration.skew), count)),
                max_distinct=count,
            )
        below = planner.first_accepted(column, unique_candidates(column.type, place, planner.hints(column)))
        return generator(
            lambda n: below.make(zipf_rank(n, place.salt("rank"), count, declaration.skew)), max_distinct=count
        )
    return None


def nullable(planner: TablePlanner, generator: ColumnGenerator, declaration: ColumnRows) -> ColumnGenerator:
    salt, share, make = planner.value_seed(declaration.name).salt("null"), declaration.null or 0.0, generator.make
    return replace(generator, make=lambda n: sometimes_null(make(n), n, salt, share), origin=declaration.origin)
