"""What the write-ahead log holds of a play, record by record: which table and which index wrote how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from pgcontract.performance.writes.step_functions import Play

# One row is what one relation wrote during one play; the name is empty for what is in no file of a relation's. A
# B-tree's record that enters a key is told from those that only keep its pages; any other kind of index takes its entry
# in records of several types, so that what it wrote at all is one entry.
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
class Written:
    """What one relation wrote to the log during one play, in bytes with each record's own head. `records` are their types
    in order, as in `LOCK UPDATE`; of an index, `entries` are the keys that were entered."""

    relation: str
    is_index: bool
    wal_bytes: int
    records: str
    entries: int


class Log:
    """The log as pg_walinspect reads it, for a superuser's connection to the database that was written."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        connection.execute("CREATE SCHEMA pgcontract")
        connection.execute("CREATE EXTENSION pg_walinspect SCHEMA pgcontract")

    def of(self, plays: Sequence[Play]) -> tuple[tuple[Written, ...], ...]:
        """What each play wrote, in the order of the plays."""
        if not plays:
            return ()
        # What is not flushed cannot be read; a commit that wrote something is, where it is synchronous.
        self.connection.execute("SET synchronous_commit = on")
        self.connection.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'pgcontract', '')")
        values = {
            "actors": [each.actor for each in plays],
            "began": [each.began for each in plays],
            "ended": [each.ended for each in plays],
            "first": min((each.began for each in plays), key=_place),
            "last": max((each.ended for each in plays), key=_place),
        }
        found: dict[int, list[Written]] = {each.actor: [] for each in plays}
        for actor, name, is_index, size, records, entries, is_btree in self.connection.execute(_RECORDS, values):
            found[actor].append(
                Written(
                    relation=name,
                    is_index=is_index,
                    wal_bytes=size,
                    records=records,
                    entries=0 if not is_index else entries if is_btree else 1,
                )
            )
        return tuple(tuple(found[each.actor]) for each in plays)


def open_log(connection: psycopg.Connection) -> Log | None:
    """The log, or None where this server has no pg_walinspect."""
    there = connection.execute("SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_walinspect'").rowcount
    return Log(connection) if there else None


def _place(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
