"""The WAL of an execution, record by record: how much each table and index wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psycopg

from pgcontract.performance.writes.step_functions import StepExecution
from pgcontract.values import dataclass

# One row is what one relation wrote during one execution; the name is empty for what is in no file of a relation's. A
# B-tree's record that enters a key is distinguished from those that only keep its pages; any other kind of index takes
# its entry in records of several types, so that what it wrote at all is one entry.
_RECORDS: Final = """
WITH play AS (
    SELECT * FROM unnest(%(actors)s::integer[], %(began)s::pg_lsn[], %(ended)s::pg_lsn[]) AS p (actor, began, ended)
), record AS (
    SELECT start_lsn, resource_manager, record_type, description, record_length,
           substring(block_ref from 'rel [0-9]+/[0-9]+/([0-9]+) ')::oid AS file
      FROM pgcontract.pg_get_wal_records_info(%(first)s, %(last)s)
     WHERE resource_manager NOT IN ('XLOG', 'Standby', 'Transaction')
)
SELECT play.actor, CASE WHEN c.oid IS NULL THEN '' ELSE format('%%I.%%I', n.nspname, c.relname) END,
       coalesce(c.relkind IN ('i', 'I'), false), sum(record_length)::bigint,
       string_agg(record_type, ' ' ORDER BY start_lsn),
       count(*) FILTER (WHERE resource_manager = 'Btree' AND (record_type IN ('INSERT_LEAF', 'INSERT_POST')
                              OR record_type LIKE 'SPLIT%%' AND description ~ 'level:? 0')),
       bool_or(resource_manager = 'Btree')
  FROM play JOIN record ON start_lsn >= began AND start_lsn < ended
  LEFT JOIN pg_class AS c ON pg_relation_filenode(c.oid) = record.file
  LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
 GROUP BY play.actor, n.nspname, c.relname, c.oid, c.relkind
 ORDER BY play.actor, c.oid
"""


@dataclass(frozen=True, kw_only=True)
class RelationWal:
    """What one relation wrote to the WAL during one execution, in bytes with each record's header. `records` are their
    types in order, as in `LOCK UPDATE`; of an index, `entries` are the keys that were entered."""

    relation: str
    is_index: bool
    wal_bytes: int
    records: str
    entries: int


class WalReader:
    """The WAL as pg_walinspect reads it, for a superuser's connection to the database that was written."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        connection.execute("CREATE SCHEMA pgcontract")
        connection.execute("CREATE EXTENSION pg_walinspect SCHEMA pgcontract")

    def records_of(self, executions: Sequence[StepExecution]) -> tuple[tuple[RelationWal, ...], ...]:
        """What each execution wrote, in their order."""
        if not executions:
            return ()
        # What is not flushed cannot be read; a commit that wrote something is, where it is synchronous.
        self.connection.execute("SET synchronous_commit = on")
        self.connection.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'pgcontract', '')")
        values = {
            "actors": [play.actor for play in executions],
            "began": [play.began for play in executions],
            "ended": [play.ended for play in executions],
            "first": min((play.began for play in executions), key=_lsn_value),
            "last": max((play.ended for play in executions), key=_lsn_value),
        }
        by_actor: dict[int, list[RelationWal]] = {play.actor: [] for play in executions}
        for actor, name, is_index, size, records, entries, is_btree in self.connection.execute(_RECORDS, values):
            by_actor[actor].append(
                RelationWal(
                    relation=name,
                    is_index=is_index,
                    wal_bytes=size,
                    records=records,
                    entries=0 if not is_index else entries if is_btree else 1,
                )
            )
        return tuple(tuple(by_actor[play.actor]) for play in executions)


def open_wal(connection: psycopg.Connection) -> WalReader | None:
    """A reader of the WAL, or None where this server has no pg_walinspect."""
    available = connection.execute("SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_walinspect'").rowcount
    return WalReader(connection) if available else None


def _lsn_value(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
