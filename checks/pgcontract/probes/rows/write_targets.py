"""Where the rows of a table are written: the table, and each partition and child table in which other rules apply.

What judges a row is what belongs to the relation that the statement names (statement triggers, rules, defaults) and to
the one that holds the row (row triggers, constraints, unique indexes, generated columns). Each pair that differs is a
target of its own, with key values by which rows get there; those that are the same are one target that names them all.
Triggers that never fire for a client (disabled, or for replicas alone) make no difference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.schema import Column
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.simple_values import any_value
from pgcontract.probes.rows.castable_values import castable_values
from pgcontract.values import dataclass

# One row is a table of the family, parents first: what of it judges a statement that names it, and rows that it holds.
# Names of the table itself are cut out, so that the copies that partitions have of a rule are equal.
_FAMILY: Final = """
    WITH RECURSIVE family AS (
        SELECT %s::pg_catalog.regclass::pg_catalog.oid AS oid, 0 AS depth
        UNION
        SELECT i.inhrelid, depth + 1 FROM pg_catalog.pg_inherits AS i JOIN family ON i.inhparent = family.oid
    ),
    member AS (
        SELECT c.oid, c.relkind, c.relispartition, min(depth) AS depth,
               pg_catalog.format('%%I.%%I', n.nspname, c.relname) AS name
          FROM family
          JOIN pg_catalog.pg_class AS c USING (oid)
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         GROUP BY 1, 2, 3, 5
    ),
    firing AS (
        SELECT tgrelid, tgtype & 1 AS for_row, tgname,
               pg_catalog.replace(pg_catalog.pg_get_triggerdef(g.oid), pg_catalog.concat(' ON ', name, ' '), ' ') AS text
          FROM pg_catalog.pg_trigger AS g
          JOIN member ON member.oid = tgrelid
         WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
    )
    SELECT name, relkind::pg_catalog.text, relispartition, pg_catalog.pg_get_partition_constraintdef(oid),
           pg_catalog.md5(pg_catalog.concat_ws('|',
               (SELECT pg_catalog.string_agg(text, '|' ORDER BY tgname) FROM firing
                 WHERE tgrelid = oid AND for_row = 0),
               (SELECT pg_catalog.string_agg(pg_catalog.replace(pg_catalog.pg_get_ruledef(r.oid), name, ''), '|'
                       ORDER BY rulename)
                  FROM pg_catalog.pg_rewrite AS r
                 WHERE ev_class = member.oid AND ev_enabled IN ('O', 'A')),
               (SELECT pg_catalog.string_agg(pg_catalog.concat(attname, pg_catalog.pg_get_expr(adbin, adrelid)), '|'
                       ORDER BY attname)
                  FROM pg_catalog.pg_attrdef
                  JOIN pg_catalog.pg_attribute ON attrelid = adrelid AND attnum = adnum
                 WHERE adrelid = member.oid AND attgenerated = '')
           )),
           pg_catalog.md5(pg_catalog.concat_ws('|',
               (SELECT pg_catalog.string_agg(text, '|' ORDER BY tgname) FROM firing
                 WHERE tgrelid = oid AND for_row = 1),
               (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), '|'
                       ORDER BY pg_catalog.pg_get_constraintdef(k.oid))
                  FROM pg_catalog.pg_constraint AS k
                 WHERE conrelid = member.oid AND contype IN ('c', 'p', 'u', 'x', 'f')),
               (SELECT pg_catalog.string_agg(definition, '|' ORDER BY definition)
                  FROM (SELECT pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(indexrelid), '^.*? USING ', '')
                          FROM pg_catalog.pg_index
                         WHERE indrelid = member.oid AND indisunique) AS i (definition)),
               (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', attname, atttypid, atttypmod, attcollation,
                       attnotnull, attgenerated, CASE WHEN attgenerated <> '' THEN
                           pg_catalog.pg_get_expr(adbin, adrelid) END), '|' ORDER BY attname)
                  FROM pg_catalog.pg_attribute
                  LEFT JOIN pg_catalog.pg_attrdef ON attrelid = adrelid AND attnum = adnum
                 WHERE attrelid = member.oid AND attnum > 0 AND NOT attisdropped)
           ))
      FROM member
     ORDER BY depth, name COLLATE "C"
"""
_STRING_OR_NUMBER: Final = re.compile(r"smallint|integer|bigint|numeric|real|double|money|oid")
_TEMPORAL: Final = re.compile(r"timestamp|date")
_HASH_TRIES: Final = 512  # a remainder of 64 that none of them has would be one case in three thousand
_CANDIDATES: Final = 1_024


@dataclass(frozen=True, kw_only=True)
class WriteTarget:
    """Rows held by `holder`, inserted and updated by statements that name `table` (an INSERT into an inheritance child
    names the child). `values` are the partition key's that lead there, `second_values` others that do too, each of
    `elsewhere` those that lead to another partition; `same` are other tables where the same rules apply, so that they are
    not asked again. `obstacle`: why no row is put there."""

    table: str
    holder: str
    values: Mapping[str, str | None]
    second_values: Mapping[str, str | None]
    elsewhere: tuple[Mapping[str, str | None], ...] = ()
    inserts_into: str | None = None
    same: tuple[str, ...] = ()
    obstacle: str | None = None

    @property
    def label(self) -> str:
        """`public.orders_b`, `public.orders_b (by its parent public.orders)`, with those that are the same."""
        name = self.holder if self.table == self.holder else f"{self.holder} (by its parent {self.table})"
        return f"{name} (the same: {', '.join(self.same)})" if self.same else name

    @property
    def note(self) -> str:
        """` in public.orders_b`, if elsewhere than in the table that the contract names."""
        return "" if not self.values and self.holder == self.table else f" in {self.label}"

    def without(self, columns: Collection[str]) -> WriteTarget:
        """The target where rows are not led by these columns: a rule that is asked writes them itself."""

        def left(values: Mapping[str, str | None]) -> Mapping[str, str | None]:
            return {name: value for name, value in values.items() if name not in columns}

        elsewhere = tuple(values for values in map(left, self.elsewhere) if values)
        return replace(self, values=left(self.values), second_values=left(self.second_values), elsewhere=elsewhere)


@dataclass(frozen=True)
class _Member:
    name: str
    kind: str
    is_partition: bool
    constraint: str | None
    statement_rules: str
    row_rules: str


def write_targets(context: Context, connection: psycopg.Connection, table: str) -> tuple[WriteTarget, ...]:
    """The targets of a table, by itself first; of a table without partitions and children there is one."""
    members = [_Member(*record) for record in connection.execute(_FAMILY, [table]).fetchall()]
    if len(members) == 1:
        return (WriteTarget(table=table, holder=table, values={}, second_values={}),)
    root = members[0]
    pairs = [(namer, holder) for namer, holder in _pairs(root, members) if holder.kind != "p"]
    keys = _PartitionKeys(context, connection, root)
    targets: dict[tuple[str, str], WriteTarget] = {}
    for namer, holder in pairs:
        key = (namer.statement_rules, holder.row_rules)
        target = targets.get(key)
        if target is None or target.obstacle:
            same = (*target.same, target.holder) if target else ()
            targets[key] = replace(_target(keys, namer, holder), same=same)
        elif holder.name not in (target.holder, *target.same):
            targets[key] = replace(target, same=(*target.same, holder.name))
            if len(target.same) == 0 and holder.is_partition and holder.kind != "f":
                keys.values(holder)  # one more where the same rules apply: rows are moved there
    return tuple(replace(target, elsewhere=keys.elsewhere(target.holder)) for target in targets.values())


def _pairs(root: _Member, members: list[_Member]) -> Iterator[tuple[_Member, _Member]]:
    """The relation that a statement names, and the one that holds the row: by the table itself first."""
    yield from ((root, member) for member in members)
    yield from ((member, member) for member in members[1:])


class _PartitionKeys:
    """The key values that lead to each partition, looked for once."""

    def __init__(self, context: Context, connection: psycopg.Connection, root: _Member) -> None:
        self.context = context
        self.connection = connection
        self.root = root
        self.known: dict[str, list[Mapping[str, str | None]]] = {}

    def values(self, holder: _Member) -> list[Mapping[str, str | None]]:
        if holder.name not in self.known:
            self.known[holder.name] = _key_values(self.context, self.connection, self.root, holder)
        return self.known[holder.name]

    def elsewhere(self, holder: str) -> tuple[Mapping[str, str | None], ...]:
        return tuple(values[0] for name, values in self.known.items() if name != holder and values and values[0])


def _target(keys: _PartitionKeys, namer: _Member, holder: _Member) -> WriteTarget:
    target = WriteTarget(table=namer.name, holder=holder.name, values={}, second_values={})
    if holder.kind == "f":
        return replace(target, obstacle="it is a foreign table")
    if not holder.is_partition:
        # An INSERT goes to the table that it names alone; an UPDATE, to its children too.
        return replace(target, inserts_into=holder.name if namer.name != holder.name else None)
    values = keys.values(holder)
    if not values:
        return replace(target, obstacle="no values of the partition key were found that lead there")
    return replace(target, values=values[0], second_values=values[-1])


def _key_values(
    context: Context, connection: psycopg.Connection, root: _Member, holder: _Member
) -> list[Mapping[str, str | None]]:
    """Two rows of partition key values at most that the partition takes: tried are the bounds and what is near them."""
    constraint = holder.constraint or "true"
    words = {token.name for token in tokens(constraint) if token.kind in (TokenKind.WORD, TokenKind.QUOTED)}
    columns = [column for column in context.after.columns if column.table == root.name and column.bare_name in words]
    if not columns:
        return [{}]
    sources = [
        sql.SQL("(VALUES {}) AS {} ({})").format(
            sql.SQL(", ").join(
                sql.SQL("(CAST({} AS {}))").format(value, sql.SQL(column.type))
                for value in _candidates(context, connection, column, constraint)
            ),
            identifier(f"pgcontract_{number}"),
            identifier(column.bare_name),
        )
        for number, column in enumerate(columns)
    ]
    texts = (sql.SQL("{}::pg_catalog.text").format(identifier(column.bare_name)) for column in columns)
    query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT 2").format(
        sql.SQL(", ").join(texts), sql.SQL(" CROSS JOIN ").join(sources), sql.SQL(constraint)
    )
    names = [column.bare_name for column in columns]
    return [dict(zip(names, record, strict=True)) for record in connection.execute(query).fetchall()]


def _candidates(
    context: Context, connection: psycopg.Connection, column: Column, constraint: str
) -> Iterator[sql.Composable]:
    """Values of the column's type: the bounds' own, one less and one more, and a series where a hash decides."""
    texts = [str(any_value(context.after, column)), *literal_values(constraint)]
    if column.type == "boolean":
        texts += ["true", "false"]
    for data_type in context.after.types:
        if data_type.is_type(column.type):
            texts += data_type.labels
    if _STRING_OR_NUMBER.match(column.type):
        numbers = [int(text) for text in texts if re.fullmatch(r"-?\d+", text)]
        texts += [str(sign * number + step) for number in numbers for sign in (1, -1) for step in (-1, 0, 1)]
    if "satisfies_hash_partition" in constraint:
        texts += [str(number) for number in range(_HASH_TRIES)]
        texts += [f"00000000-0000-4000-8000-{number:012x}" for number in range(_HASH_TRIES)]
    elif not _STRING_OR_NUMBER.match(column.type):
        texts += ["", "other", "zzz", *(text[:-1] for text in texts), *(f"{text}a" for text in texts)]
    valid = castable_values(connection, column.type, dict.fromkeys(texts))[:_CANDIDATES]
    yield from map(sql.Literal, valid)
    if _TEMPORAL.match(column.type):
        for text in valid:
            for days in ("-1 day", "1 day"):
                yield sql.SQL("CAST({} AS pg_catalog.timestamptz) + {}::pg_catalog.interval").format(
                    sql.Literal(text), sql.Literal(days)
                )
    yield sql.NULL
