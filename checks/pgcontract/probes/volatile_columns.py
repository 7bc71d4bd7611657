"""Columns that a default or a trigger sets from the clock or at random: the same write twice gives two values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.held_clock import move_clock, moved_text
from pgcontract.probes.rehearsal import rehearse
from pgcontract.values import dataclass

# Every column with its default, or its domain's; none that asks a sequence, whose numbers are keys, no chance.
_COLUMNS: Final = """
SELECT a.attname, a.attgenerated <> '' OR a.attidentity = 'a',
       CASE WHEN a.attgenerated = '' THEN coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), t.typdefault) END,
       EXISTS (SELECT FROM pg_catalog.pg_depend AS s JOIN pg_catalog.pg_class AS c ON c.oid = s.refobjid
                WHERE s.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND s.objid = d.oid
                  AND s.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.relkind = 'S')
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
 WHERE a.attrelid = pg_catalog.to_regclass(%s)::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""
# On the table, and on the partitions or children below it.
_HAS_TRIGGERS: Final = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_trigger AS g
     WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
       AND g.tgrelid IN (SELECT pg_catalog.to_regclass(%(table)s)::pg_catalog.oid
                         UNION SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%(table)s)))
)
"""


_NEAR: Final = timedelta(minutes=10)  # longer than a rehearsal lasts, shorter than what time zones are apart


@dataclass(frozen=True, kw_only=True)
class VolatileColumn:
    """A column that gets another value each time. `values` are some of them, as text; `by_trigger`, also on UPDATE."""

    values: frozenset[str]
    by_trigger: bool

    @property
    def is_clock(self) -> bool:
        """Whether its values are times."""
        return any(_moment(value) for value in self.values)

    def may_set(self, value: str | None) -> bool:
        """Whether the value may be one that it set by itself: of times, one that is as far from now as those are."""
        moment, set_by_itself = _moment(value), [moment for text in self.values if (moment := _moment(text))]
        return not set_by_itself or moment is None or any(abs(moment - other) < _NEAR for other in set_by_itself)


@cached_fact
def volatile_columns(context: Context, table: str) -> Mapping[str, VolatileColumn]:
    """The table's columns, by bare name, that the clock or chance sets by itself before or after the migration."""
    rehearsal = rehearse(context)
    states = {filled.state.database: filled.state for filled in (rehearsal.before, rehearsal.after)}
    written = [pair for state in states.values() for pair in _volatile_values(context, table, state)]
    return {
        column: VolatileColumn(
            values=frozenset(value for _, name, value in written if name == column and value is not None),
            by_trigger=any(way == "update" for way, name, _ in written if name == column),
        )
        for _, column, _ in written
    }


def _volatile_values(context: Context, table: str, state: DatabaseState) -> Iterator[tuple[str, str, str | None]]:
    """The way, the column and the value where two transactions that do the same, each undone, differ."""
    first, second = (_written(context, table, state, moved=moved) for moved in (False, True))
    for (way, row), values in first.items():
        again = second.get((way, row), {})
        for column, value in values.items():
            if column in again and again[column] != value:
                yield way, column, value
                yield way, column, again[column]


def _moment(text: str | None) -> datetime | None:
    """A timestamp as the server prints it, in UTC; None of anything else."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _written(
    context: Context, table: str, state: DatabaseState, *, moved: bool
) -> dict[tuple[str, int], dict[str, str | None]]:
    """The value of each default, and each row after an UPDATE that changes nothing and as it goes in again; `moved`: at
    another time, by another chance."""
    written: dict[tuple[str, int], dict[str, str | None]] = {}
    with context.sandbox.rolled_back(state) as connection:
        connection.execute("SET seed = 0.25")
        columns = connection.execute(_COLUMNS, [table]).fetchall()
        for name, _, default, asks_sequence in columns:
            if default is not None and not asks_sequence:
                expression = moved_text(default) if moved else default
                query = sql.SQL("SELECT ({})::text").format(sql.SQL(expression))
                for row in _rows_of(connection, query):
                    written[f"default of {name}", 0] = {name: row[0]}
        if connection.execute(_HAS_TRIGGERS, {"table": table}).fetchone() != (True,):
            return written
        if moved:
            move_clock(connection)
        names = [name for name, *_ in columns]
        free = [name for name, fixed, *_ in columns if not fixed]
        if not free:
            return written
        source = identifier(QualifiedName.parse(table))
        listed = sql.SQL(", ").join(map(sql.Identifier, free))
        texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
        same = sql.SQL(", ").join(sql.SQL("{0} = {0}").format(sql.Identifier(name)) for name in free)
        again = sql.SQL(
            "WITH pgcontract_row AS (DELETE FROM {0} WHERE (tableoid, ctid) = "
            "(SELECT tableoid, ctid FROM {0} ORDER BY tableoid, ctid LIMIT 1) RETURNING *) "
            "INSERT INTO {0} ({1}) SELECT {1} FROM pgcontract_row RETURNING {2}"
        )
        for way, query in (
            ("update", sql.SQL("UPDATE {} SET {} RETURNING {}").format(source, same, texts)),
            ("insert", again.format(source, listed, texts)),
        ):
            for number, row in enumerate(_rows_of(connection, query)):
                written[way, number] = dict(zip(names, row, strict=True))
    return written


def _rows_of(connection: psycopg.Connection, query: sql.Composed) -> list[tuple[str | None, ...]]:
    """The query's rows, its effects undone; none where it is refused."""
    with suppress(psycopg.Error), connection.transaction(force_rollback=True):
        return connection.execute(query).fetchall()
    return []
