"""A table's rows as one query: each column's SQL after those that it reads, each value computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.schema import Origin
from pgcontract.probes.row_generation.row_numbers import MakeSql
from pgcontract.probes.row_generation.target_tables import FilledColumn
from pgcontract.values import dataclass

NUMBER = sql.SQL("pgcontract_row.pgcontract_n")


@dataclass(frozen=True, kw_only=True)
class ColumnGenerator:
    """How a column gets its values: SQL over the row's number and over the columns that it `needs`, by name.

    `max_distinct` is how many different ones there are, None: as many as rows; `origin` where a data set says so.
    """

    column: FilledColumn
    make: MakeSql
    needs: frozenset[str] = frozenset()
    max_distinct: int | None = None
    origin: Origin | None = None

    def value(self, number: sql.Composable = NUMBER) -> sql.Composed:
        """Its SQL, of the column's type without its length: only an INSERT refuses what is too long."""
        return sql.SQL("({})::{}").format(self.make(number), sql.SQL(self.column.type.name))


def fits(column: FilledColumn) -> sql.Composed:
    """SQL that is true where the column's value is within its type's length or precision, which an INSERT enforces."""
    name, type_ = identifier(column.name), column.type
    tests = [sql.SQL("pg_catalog.num_nulls({}) >= 0").format(name)]
    if type_.length is not None and type_.category in "SV":
        tests.append(sql.SQL("pg_catalog.length({}) <= {}").format(name, sql.Literal(type_.length)))
    if type_.typname == "numeric" and type_.modifier >= 4:
        digits = (type_.modifier - 4 >> 16) - (type_.modifier - 4 & 0x7FF)
        tests.append(sql.SQL("pg_catalog.abs({}) < 10.0 ^ {}").format(name, sql.Literal(digits)))
    return sql.SQL("(({}) IS NOT FALSE)").format(sql.SQL(" AND ").join(tests))


def rows_query(generators: Iterable[ColumnGenerator], numbers: sql.Composable, *, number: bool = False) -> sql.Composed:
    """SELECT of the columns in the generators' order, of all rows that `numbers` (a FROM item of one column) counts.

    With `number` the row's number comes first, as pgcontract_n. Raises ValueError, with their names, for columns that
    wait for each other.
    """
    by_column = {generator.column.name: generator for generator in generators}
    needed = {name for generator in by_column.values() for name in generator.needs}
    listed = [
        identifier(name) if name in needed else sql.SQL("{} AS {}").format(generator.value(), identifier(name))
        for name, generator in by_column.items()
    ]
    if number:
        listed.insert(0, NUMBER)
    stages = [
        # OFFSET 0 keeps the planner from working the value out anew wherever it is read.
        sql.SQL("CROSS JOIN LATERAL (SELECT {} OFFSET 0) AS {}").format(
            sql.SQL(", ").join(sql.SQL("{} AS {}").format(by_column[name].value(), identifier(name)) for name in stage),
            identifier(f"pgcontract_{place}"),
        )
        for place, stage in enumerate(_stages(by_column, needed))
    ]
    return sql.SQL("SELECT {} FROM {} AS pgcontract_row(pgcontract_n) {}").format(
        sql.SQL(", ").join(listed), numbers, sql.SQL(" ").join(stages)
    )


def number_series(first: int, last: int) -> sql.Composed:
    """Row numbers in order, to be read by a FROM."""
    return sql.SQL("pg_catalog.generate_series({}::int8, {}::int8)").format(sql.Literal(first), sql.Literal(last))


def with_dependencies(generators: Mapping[str, ColumnGenerator], names: Iterable[str]) -> tuple[ColumnGenerator, ...]:
    """The generators of these columns and of all that they read, these first."""
    ordered = dict.fromkeys(names)
    waiting = list(ordered)
    while waiting:
        for name in sorted(generators[waiting.pop()].needs):
            if name not in ordered:
                ordered[name] = None
                waiting.append(name)
    return tuple(generators[name] for name in ordered)


def _stages(generators: Mapping[str, ColumnGenerator], needed: set[str]) -> list[list[str]]:
    """The wanted columns in stages, each reading only those before it."""
    stages: list[list[str]] = []
    ready: set[str] = set()
    remaining = [name for name in generators if name in needed]
    while remaining:
        stage = [name for name in remaining if generators[name].needs <= ready]
        if not stage:
            raise ValueError(", ".join(remaining))
        stages.append(stage)
        ready.update(stage)
        remaining = [name for name in remaining if name not in ready]
    return stages
