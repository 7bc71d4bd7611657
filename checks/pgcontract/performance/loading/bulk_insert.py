"""Bulk loading as a restore does it: triggers and rules off, indexes built afterwards, then everything restored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.performance.loading.dataset_faults import check_foreign_keys, refusal_error
from pgcontract.postgres.progress import ProgressEvent, report_progress
from pgcontract.probes.row_generation.table_plan import TablePlan
from pgcontract.probes.row_generation.target_tables import count_rows
from pgcontract.values import dataclass

CHUNK_ROWS: Final = 100_000
# Rows that ANALYZE reads for each unit of a statistics target (analyze.c), and the target of whoever sets none.
_SAMPLE_FACTOR: Final = 300
_USUAL_TARGET: Final = 100
_MOST_TARGET: Final = 1_000

# The table with its partitions, each after what is above it.
_RELATIONS = """
SELECT c.oid::int8, pg_catalog.format('%%I.%%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_partition_tree(%(oid)s::pg_catalog.oid::pg_catalog.regclass) AS tree ON tree.relid = c.oid
 WHERE c.oid = %(oid)s::pg_catalog.oid OR tree.relid IS NOT NULL
 ORDER BY tree.level, 1
"""
_DISABLE_INDEXES = """
UPDATE pg_catalog.pg_index SET indisready = false, indisvalid = false
 WHERE indrelid::int8 = ANY (%s) AND indisready AND indisvalid
   AND (SELECT relkind FROM pg_catalog.pg_class WHERE oid = indexrelid) = 'i'
RETURNING indrelid::int8
"""
_TRIGGERS = """
SELECT tgrelid::int8, tgname, tgenabled::text
  FROM pg_catalog.pg_trigger
 WHERE tgrelid::int8 = ANY (%s) AND (%s OR NOT tgisinternal)
 ORDER BY pg_catalog.array_position(%s::int8[], tgrelid::int8), tgname
"""
_RULES = """
SELECT ev_class::int8, rulename, ev_enabled::text
  FROM pg_catalog.pg_rewrite
 WHERE ev_class::int8 = ANY (%s) AND (%s OR true) AND rulename <> '_RETURN'
 ORDER BY pg_catalog.array_position(%s::int8[], ev_class::int8), rulename
"""
_STATES = {"O": "ENABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS", "D": "DISABLE"}
# Sequences that belong to a numeric column of the table, and those that its default asks.
_SEQUENCES = """
SELECT s.oid::pg_catalog.regclass::text, a.attname
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid AND t.typcategory = 'N'
  LEFT JOIN pg_catalog.pg_attrdef AS e ON (e.adrelid, e.adnum) = (a.attrelid, a.attnum)
  JOIN pg_catalog.pg_depend AS d
    ON (d.classid, d.refobjid, d.refobjsubid) = ('pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum)
    OR (d.classid, d.objid) = ('pg_catalog.pg_attrdef'::pg_catalog.regclass, e.oid)
  JOIN pg_catalog.pg_class AS s
    ON s.oid = CASE WHEN d.objid = e.oid THEN d.refobjid ELSE d.objid END AND s.relkind = 'S'
 WHERE a.attrelid::int8 = %s AND a.attnum > 0 AND NOT a.attisdropped
 GROUP BY 1, 2
 ORDER BY 1
"""


@dataclass(frozen=True, kw_only=True)
class LoadingConnections:
    """`owner` writes the rows, so that no function of a migration runs as a superuser; `admin`, where there
    is a superuser, does what only he may: indexes and foreign keys off and on."""

    owner: psycopg.Connection
    admin: psycopg.Connection | None = None

    @property
    def most_privileged(self) -> psycopg.Connection:
        return self.admin or self.owner


class RowCounter:
    """Counts the rows loaded towards a total, and reports each step: a million of them take a while."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def add(self, rows: int, table: str) -> None:
        self.done += rows
        report_progress(ProgressEvent(kind="rows", name=table, done=self.done, total=self.total))


def fill_tables(
    connections: LoadingConnections,
    table_plans: Sequence[TablePlan],
    *,
    counter: RowCounter | None = None,
    whole: bool = True,
) -> dict[str, int]:
    """Insert every table's rows, in chunks, counted as they are loaded: the rows in each table afterwards, by part name.

    Unless they are not the whole set, references are followed, and the tables vacuumed and analysed. ContractError
    where a row is refused: which, by which rule, and where the data set says it.
    """
    for table_plan in table_plans:
        if not table_plan.rows:
            continue
        with _bypassing_row_security(connections), _without_triggers_and_indexes(connections, table_plan):
            for first in range(1, table_plan.rows + 1, CHUNK_ROWS):
                last = min(first + CHUNK_ROWS - 1, table_plan.rows)
                try:
                    connections.owner.execute(table_plan.insert(first, last))
                except psycopg.Error as error:
                    raise refusal_error(connections.owner, table_plan, error, first, last) from error
                if counter:
                    counter.add(last - first + 1, table_plan.table.name)
        _advance_sequences(connections.owner, table_plan)
    for table_plan in table_plans if whole else ():
        if table_plan.rows:
            check_foreign_keys(connections.most_privileged, connections.owner, table_plan)
            _vacuum_and_analyze(connections, table_plan)
    return {
        filled_table.table.name: count_rows(connections.most_privileged, filled_table.table)
        for filled_table in table_plans
    }


def stored_bytes(connection: psycopg.Connection, table_plan: TablePlan) -> int:
    """What a table, its partitions, indexes and long values take on disk."""
    oids = [*_relations(connection, table_plan)]
    query = "SELECT sum(pg_catalog.pg_total_relation_size(oid::pg_catalog.oid)) FROM unnest(%s::int8[]) AS t(oid)"
    row = connection.execute(query, [oids]).fetchone()
    return int(row[0]) if row else 0


def _relations(connection: psycopg.Connection, table_plan: TablePlan) -> dict[int, str]:
    """The name of each by its oid."""
    return dict(connection.execute(_RELATIONS, {"oid": table_plan.table.oid}).fetchall())


@contextmanager
def _without_triggers_and_indexes(connections: LoadingConnections, table_plan: TablePlan) -> Iterator[None]:
    """The table without triggers, rules and, where there is a superuser, indexes; restored afterwards.

    An index that is not ready takes no rows, and REINDEX makes it ready again: a build in place of a million searches,
    while name, comment and identity stay. Foreign keys are triggers as well; `check_foreign_keys` checks them.
    """
    connection = connections.most_privileged
    relations = _relations(connection, table_plan)
    oids = [*relations]
    internal = connections.admin is not None
    switched = [
        (kind, relations[oid], name, state)
        for kind, query in (("TRIGGER", _TRIGGERS), ("RULE", _RULES))
        for oid, name, state in connection.execute(query.encode(), [oids, internal, oids]).fetchall()
    ]
    for kind, table, name, state in switched:
        if state != "D":
            _set_firing(connection, table, kind, name, "D")
    indexed = connections.admin.execute(_DISABLE_INDEXES, [oids]).fetchall() if connections.admin else []
    yield
    for oid in sorted({oid for (oid,) in indexed}):
        try:
            connection.execute(sql.SQL("REINDEX TABLE {}").format(sql.SQL(relations[oid])))
        except psycopg.Error as error:
            raise refusal_error(connections.owner, table_plan, error, 1, table_plan.rows) from error
    for kind, table, name, state in switched:
        _set_firing(connection, table, kind, name, state)


@contextmanager
def _bypassing_row_security(connections: LoadingConnections) -> Iterator[None]:
    """The owner with BYPASSRLS, where there is a superuser to grant it: a table may have policies for its owner too."""
    owner = connections.owner.info.user
    query = "SELECT rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = %s"
    row = connections.owner.execute(query, [owner]).fetchone()
    if connections.admin is None or (row and row[0]):
        yield
        return
    alter = sql.SQL("ALTER ROLE {} {}")
    connections.admin.execute(alter.format(sql.Identifier(owner), sql.SQL("BYPASSRLS")))
    yield
    connections.admin.execute(alter.format(sql.Identifier(owner), sql.SQL("NOBYPASSRLS")))


def _set_firing(connection: psycopg.Connection, table: str, kind: str, name: str, state: str) -> None:
    connection.execute(
        sql.SQL("ALTER TABLE {} {} {} {}").format(
            sql.SQL(table), sql.SQL(_STATES[state]), sql.SQL(kind), sql.Identifier(name)
        )
    )


def _advance_sequences(connection: psycopg.Connection, table_plan: TablePlan) -> None:
    """As a restore does: what is inserted next gets a number of its own."""
    for sequence, column in connection.execute(_SEQUENCES, [table_plan.table.oid]).fetchall():
        connection.execute(
            sql.SQL("SELECT pg_catalog.setval({}, max({})::int8) FROM {} HAVING max({}) > 0").format(
                sql.Literal(sequence), identifier(column), sql.SQL(table_plan.table.name), identifier(column)
            )
        )


def _vacuum_and_analyze(connections: LoadingConnections, table_plan: TablePlan) -> None:
    """VACUUM, so that no reader has hint bits to set and index-only scans are; ANALYZE of all rows, or of very many.

    ANALYZE draws its sample at random, unless that is the whole table, as the largest target says. One of statistics
    that are dropped again says it without making the columns' own any longer than they are in production.
    """
    connection = connections.most_privileged
    target = min(-(-table_plan.rows // _SAMPLE_FACTOR) + 1, _MOST_TARGET)
    statistics: list[sql.Composable] = []
    relations = _relations(connection, table_plan) if target > _USUAL_TARGET else {}
    for oid, table in relations.items():
        name = identifier(QualifiedName.parse(table).with_name(f"pgcontract_{oid}"))
        column = identifier(table_plan.table.columns[0].name)
        on: tuple[Any, ...] = (name, column, sql.SQL(table))
        connection.execute(sql.SQL("CREATE STATISTICS {} ON ({} IS NULL) FROM {}").format(*on))
        connection.execute(sql.SQL("ALTER STATISTICS {} SET STATISTICS {}").format(name, sql.Literal(target)))
        statistics.append(name)
    connection.execute(sql.SQL("VACUUM (FREEZE, ANALYZE) {}").format(sql.SQL(table_plan.table.name)))
    for statistics_name in statistics:
        connection.execute(sql.SQL("DROP STATISTICS {}").format(statistics_name))
