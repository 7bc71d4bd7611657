"""The parameter values of a query's calls: drawn from the loaded rows, listed, or made; the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Query, QueryParameter
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.performance.queries.prepared_query import Values
from pgcontract.probes.sample_rows import as_text, escape_percent_signs
from pgcontract.values import dataclass

MIN_SAMPLES: Final = 30
_SAMPLING_FACTOR: Final = 4  # so many times more rows are drawn than are wanted: a Bernoulli sample varies
_CANDIDATES_PER_MISS: Final = 8  # candidates for each value that is to miss


class NoValue(Exception):
    """A parameter has no value at this size; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One call's values as text, in the order of the query's parameters; `miss` where one of them is in no row."""

    values: Values
    miss: bool = False


def draw_samples(
    connection: psycopg.Connection, query: Query, *, rows: int, seed: str, count: int = MIN_SAMPLES
) -> tuple[Sample, ...]:
    """So many samples at a size of `rows`. Raises NoValue; psycopg.Error where an expression is none.

    Parameters from columns of one table have the values of one row, unless they pick values.
    """
    if not query.parameters:
        return (Sample(values=()),) * count
    drawn: dict[str, Sequence[str | None]] = {}
    by_table: dict[QualifiedName, list[QueryParameter]] = {}
    for parameter in query.parameters:
        generator = random.Random(f"{seed}/{parameter.name}")  # noqa: S311 - reproducible on purpose
        if parameter.values is not None:
            drawn[parameter.name] = _listed_values(parameter.values, count, generator)
        elif parameter.expression is not None:
            drawn[parameter.name] = _expression_values(connection, parameter.expression, count, generator)
        elif parameter.pick == "values":
            drawn[parameter.name] = _distinct_values(connection, parameter, count, seed)
        else:
            by_table.setdefault(parameter.column_name.parent, []).append(parameter)
    for table, parameters in by_table.items():
        drawn |= _row_values(connection, table, parameters, rows=rows, count=count, seed=seed)
    missed: set[int] = set()
    for parameter in query.parameters:
        if parameter.miss_ratio:
            values = list(drawn[parameter.name])
            generator = random.Random(f"{seed}/{parameter.name}/misses")  # noqa: S311
            places = generator.sample(range(count), max(round(parameter.miss_ratio * count), 1))
            for at, value in zip(
                sorted(places), _absent_values(connection, parameter, values, len(places), seed), strict=True
            ):
                values[at] = value
            drawn[parameter.name] = values
            missed.update(places)
    columns = [drawn[parameter.name] for parameter in query.parameters]
    return tuple(Sample(values=tuple(item), miss=at in missed) for at, item in enumerate(zip(*columns, strict=True)))


def _listed_values(values: Sequence[Any], count: int, generator: random.Random) -> list[str | None]:
    """Each value equally often, in random order."""
    texts = [_value_text(value) for value in values]
    repeated: list[str | None] = [texts[at % len(texts)] for at in range(count)]
    generator.shuffle(repeated)
    return repeated


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(as_text(value))


def _expression_values(
    connection: psycopg.Connection, expression: str, count: int, generator: random.Random
) -> list[str | None]:
    query = sql.SQL("SELECT ({})::text FROM unnest(%s::int4[], %s::float8[]) AS given (n, r) ORDER BY n").format(
        sql.SQL(expression.replace("%", "%%"))
    )
    arguments = [list(range(1, count + 1)), [generator.random() for _ in range(count)]]
    return [value for (value,) in connection.execute(query, arguments)]


def _name(name: str | QualifiedName) -> sql.SQL:
    """As it stands in a statement with parameters."""
    return escape_percent_signs(identifier(name))


def _distinct_values(
    connection: psycopg.Connection, parameter: QueryParameter, count: int, seed: str
) -> list[str | None]:
    column = parameter.column_name
    query = sql.SQL(
        "SELECT value::text FROM (SELECT DISTINCT {} AS value FROM {}) AS there WHERE value IS NOT NULL "
        "ORDER BY md5(value::text || %s), 1 LIMIT %s"
    ).format(_name(column.name), _name(column.parent))
    values = [value for (value,) in connection.execute(query, [seed, count])]
    if not values:
        raise NoValue(_no_value_message(column.parent, [parameter]))
    return [values[at % len(values)] for at in range(count)]


def _row_values(
    connection: psycopg.Connection,
    table: QualifiedName,
    parameters: Sequence[QueryParameter],
    *,
    rows: int,
    count: int,
    seed: str,
) -> Mapping[str, Sequence[str | None]]:
    """The values of rows, each as likely as any other: a sample of the table's rows that the server repeats by seed."""
    columns = [_name(parameter.column_name.name) for parameter in parameters]
    query = sql.SQL("SELECT {} FROM {} TABLESAMPLE BERNOULLI (%s) REPEATABLE (%s) WHERE {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(column) for column in columns),
        _name(table),
        sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(column) for column in columns),
    )
    generator = random.Random(f"{seed}/{table}")  # noqa: S311 - reproducible on purpose
    repeatable = generator.randrange(2**31)
    share = min(100 * _SAMPLING_FACTOR * count / max(rows, 1), 100)
    sampled = connection.execute(query, [share, repeatable]).fetchall()
    if len(sampled) < count and share < 100:
        sampled = connection.execute(query, [100, repeatable]).fetchall()
    if not sampled:
        raise NoValue(_no_value_message(table, parameters))
    chosen = generator.sample(sampled, count) if len(sampled) >= count else generator.choices(sampled, k=count)
    return {parameter.name: [row[at] for row in chosen] for at, parameter in enumerate(parameters)}


def _no_value_message(table: QualifiedName, parameters: Iterable[QueryParameter]) -> str:
    columns = " and ".join(parameter.column_name.quoted_name for parameter in parameters)
    return f"no row of {table} has a value in {columns} to draw; declare values for it in [dataset.table]"


_TYPE: Final = """
SELECT t.typcategory, pg_catalog.format_type(t.oid, NULL), pg_catalog.format_type(a.atttypid, NULL)
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_type AS d ON d.oid = a.atttypid
  JOIN pg_catalog.pg_type AS t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
 WHERE a.attrelid = %s::pg_catalog.regclass AND a.attname = %s"""
# A value of the column's type made from a drawn one, `value`, and a number, `k`. Texts end in what few words end in.
_CHANGED: Final = {
    "S": "value::text || '~' || k::text",
    "N": "value::numeric + k * 7919 * (1 - k % 2 * 2)",
    "smallint": "greatest(least(value::int8 + k * 79 * (1 - k % 2 * 2), 32767), -32768)",
    "integer": "greatest(least(value::int8 + k * 7919 * (1 - k % 2 * 2), 2147483647), -2147483648)",
    "D": "value::timestamp + k * interval '1 day 1 microsecond'",
    "uuid": "md5(value || k::text)::uuid",
    "date": "value::date + k * 7919",
    "timestamp with time zone": "value::timestamptz + k * interval '1 day 1 microsecond'",
    "boolean": "(k % 2)::bool",
}


def _absent_values(
    connection: psycopg.Connection, parameter: QueryParameter, drawn: Sequence[str | None], count: int, seed: str
) -> list[str | None]:
    """Values of the column's type that no row has: made of drawn ones, and looked for in the table before use."""
    column = parameter.column_name
    [(category, base, spelled)] = connection.execute(_TYPE, [str(column.parent), column.name]).fetchall()
    changed = _CHANGED.get(base) or _CHANGED.get(category)
    if category == "E":
        candidates = sql.SQL("SELECT made FROM unnest(enum_range(NULL::{})) AS made").format(
            escape_percent_signs(sql.SQL(base))
        )
        arguments: list[Any] = []
    elif changed:
        candidates = sql.SQL(
            "SELECT ({})::{} AS made FROM unnest(%s::text[]) AS value, generate_series(1, %s) AS k"
        ).format(sql.SQL(changed.replace("%", "%%")), escape_percent_signs(sql.SQL(base)))
        arguments = [[value for value in dict.fromkeys(drawn) if value is not None], _CANDIDATES_PER_MISS]
    else:
        raise NoValue(
            f"of the type {spelled} of {parameter.column} no value can be made that misses; name some in `values`"
        )
    query = sql.SQL(
        "SELECT DISTINCT made::text FROM ({}) AS candidate WHERE NOT EXISTS (SELECT FROM {} AS t WHERE t.{} = made)"
    ).format(candidates, _name(column.parent), _name(column.name))
    missing = sorted(value for (value,) in connection.execute(query, arguments))
    if not missing:
        raise NoValue(
            f"every value that was tried for {parameter.column} is in a row, so none misses; take `miss_ratio` out"
        )
    random.Random(f"{seed}/{parameter.name}/made").shuffle(missing)  # noqa: S311 - reproducible on purpose
    return [missing[at % len(missing)] for at in range(count)]
