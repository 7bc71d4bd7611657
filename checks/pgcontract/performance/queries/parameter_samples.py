"""The values that a query is asked with: drawn from the loaded rows, listed, or made; the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.contract import Parameter, Query, identifiers
from pgcontract.performance.queries.prepared_query import Values
from pgcontract.probes.sample_rows import as_text

LEAST: Final = 30
_OVERDRAWN: Final = 4  # so many times more rows are drawn than are wanted: a Bernoulli sample varies
_TRIED: Final = 8  # candidates for each value that is to miss


class NoValue(Exception):
    """A parameter has no value at this size; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One call's values as text, in the order of the query's parameters; `miss` where one of them is in no row."""

    values: Values
    miss: bool = False


def draw(connection: psycopg.Connection, query: Query, *, rows: int, seed: str, count: int = LEAST) -> tuple[Sample, ...]:
    """So many samples at a size of `rows`. Raises NoValue; psycopg.Error where an expression is none.

    Parameters from columns of one table have the values of one row, unless they pick values.
    """
    if not query.parameters:
        return (Sample(values=()),) * count
    drawn: dict[str, Sequence[str | None]] = {}
    together: dict[str, list[Parameter]] = {}
    for each in query.parameters:
        chance = random.Random(f"{seed}/{each.name}")  # noqa: S311 - reproducible on purpose
        if each.values is not None:
            drawn[each.name] = _listed(each.values, count, chance)
        elif each.expression is not None:
            drawn[each.name] = _made(connection, each.expression, count, chance)
        elif each.pick == "values":
            drawn[each.name] = _distinct(connection, each, count, seed)
        else:
            together.setdefault(_table(each), []).append(each)
    for table, parameters in together.items():
        drawn |= _from_rows(connection, table, parameters, rows=rows, count=count, seed=seed)
    missed: set[int] = set()
    for each in query.parameters:
        if each.misses:
            values = list(drawn[each.name])
            places = random.Random(f"{seed}/{each.name}/misses").sample(range(count), max(round(each.misses * count), 1))  # noqa: S311
            for at, value in zip(sorted(places), _missing(connection, each, values, len(places), seed), strict=True):
                values[at] = value
            drawn[each.name] = values
            missed.update(places)
    columns = [drawn[each.name] for each in query.parameters]
    return tuple(Sample(values=tuple(each), miss=at in missed) for at, each in enumerate(zip(*columns, strict=True)))


def _table(parameter: Parameter) -> str:
    assert parameter.column
    return identifiers.join(*identifiers.split(parameter.column)[:-1])


def _column(parameter: Parameter) -> sql.Identifier:
    assert parameter.column
    return sql.Identifier(identifiers.split(parameter.column)[-1])


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(*identifiers.split(table))


def _listed(values: Sequence[Any], count: int, chance: random.Random) -> list[str | None]:
    """Each as often as the other, in an order of its own."""
    told = [_text(value) for value in values]
    repeated: list[str | None] = [told[at % len(told)] for at in range(count)]
    chance.shuffle(repeated)
    return repeated


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(as_text(value))


def _made(connection: psycopg.Connection, expression: str, count: int, chance: random.Random) -> list[str | None]:
    asked = sql.SQL("SELECT ({})::text FROM unnest(%s::int4[], %s::float8[]) AS given (n, r) ORDER BY n").format(
        sql.SQL(expression.replace("%", "%%"))
    )
    given = [list(range(1, count + 1)), [chance.random() for _ in range(count)]]
    return [value for (value,) in connection.execute(asked, given)]


def _distinct(connection: psycopg.Connection, parameter: Parameter, count: int, seed: str) -> list[str | None]:
    asked = sql.SQL(
        "SELECT value::text FROM (SELECT DISTINCT {} AS value FROM {}) AS there WHERE value IS NOT NULL "
        "ORDER BY md5(value::text || %s), 1 LIMIT %s"
    ).format(_column(parameter), _named(_table(parameter)))
    found = [value for (value,) in connection.execute(asked, [seed, count])]
    if not found:
        raise NoValue(_nothing(_table(parameter), [parameter]))
    return [found[at % len(found)] for at in range(count)]


def _from_rows(
    connection: psycopg.Connection, table: str, parameters: Sequence[Parameter], *, rows: int, count: int, seed: str
) -> Mapping[str, Sequence[str | None]]:
    """The values of rows, each as likely as any other: a sample of the table's rows that the server repeats by seed."""
    columns = [_column(each) for each in parameters]
    asked = sql.SQL("SELECT {} FROM {} TABLESAMPLE BERNOULLI (%s) REPEATABLE (%s) WHERE {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(each) for each in columns),
        _named(table),
        sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(each) for each in columns),
    )
    chance = random.Random(f"{seed}/{table}")  # noqa: S311 - reproducible on purpose
    repeatable = chance.randrange(2**31)
    share = min(100 * _OVERDRAWN * count / max(rows, 1), 100)
    found = connection.execute(asked, [share, repeatable]).fetchall()
    if len(found) < count and share < 100:
        found = connection.execute(asked, [100, repeatable]).fetchall()
    if not found:
        raise NoValue(_nothing(table, parameters))
    chosen = chance.sample(found, count) if len(found) >= count else chance.choices(found, k=count)
    return {each.name: [row[at] for row in chosen] for at, each in enumerate(parameters)}


def _nothing(table: str, parameters: Iterable[Parameter]) -> str:
    columns = " and ".join(identifiers.quote(identifiers.split(each.column or "")[-1]) for each in parameters)
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


def _missing(
    connection: psycopg.Connection, parameter: Parameter, drawn: Sequence[str | None], count: int, seed: str
) -> list[str | None]:
    """Values of the column's type that no row has: made of drawn ones, and looked for in the table before use."""
    table, bare = _table(parameter), identifiers.split(parameter.column or "")[-1]
    [(category, base, spelled)] = connection.execute(_TYPE, [table, bare]).fetchall()
    changed = _CHANGED.get(base) or _CHANGED.get(category)
    if category == "E":
        candidates = sql.SQL("SELECT made FROM unnest(enum_range(NULL::{})) AS made").format(sql.SQL(base))
        given: list[Any] = []
    elif changed:
        candidates = sql.SQL(
            "SELECT ({})::{} AS made FROM unnest(%s::text[]) AS value, generate_series(1, %s) AS k"
        ).format(sql.SQL(changed.replace("%", "%%")), sql.SQL(base))
        given = [[each for each in dict.fromkeys(drawn) if each is not None], _TRIED]
    else:
        raise NoValue(
            f"of the type {spelled} of {parameter.column} no value can be made that misses; name some in `values`"
        )
    asked = sql.SQL(
        "SELECT DISTINCT made::text FROM ({}) AS candidate WHERE NOT EXISTS (SELECT FROM {} AS t WHERE t.{} = made)"
    ).format(candidates, _named(table), _column(parameter))
    found = sorted(value for (value,) in connection.execute(asked, given))
    if not found:
        raise NoValue(f"every value that was tried for {parameter.column} is in a row, so none misses; take `misses` out")
    random.Random(f"{seed}/{parameter.name}/made").shuffle(found)  # noqa: S311 - reproducible on purpose
    return [found[at % len(found)] for at in range(count)]
