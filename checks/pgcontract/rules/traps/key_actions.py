"""What a foreign key sets in the rows that referred to a row that is gone, and their columns refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import psycopg

from pgcontract.model.schema import Constraint
from pgcontract.probes.context import Context
from pgcontract.probes.populated.seeded import load_seeds
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain
from pgcontract.values import dataclass

_ACTION: Final = re.compile(r" ON (?P<event>UPDATE|DELETE) SET (?P<value>NULL|DEFAULT)(?: \((?P<columns>[^)]*)\))?")
_MAX_ASKED: Final = 200
# A row is a column of the key, with the one that it refers to.
_COLUMNS: Final = """
SELECT pg_catalog.quote_ident(a.attname), a.attnotnull OR t.typnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid),
       a.attidentity <> '' OR a.attgenerated <> '', pg_catalog.format('%%I.%%I', n.nspname, r.relname),
       pg_catalog.quote_ident(p.attname)
  FROM pg_catalog.pg_constraint AS c
 CROSS JOIN ROWS FROM (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey))
       WITH ORDINALITY AS key (own, other, place)
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = key.own
  JOIN pg_catalog.pg_attribute AS p ON p.attrelid = c.confrelid AND p.attnum = key.other
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_class AS r ON r.oid = c.confrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.contype = 'f' AND c.conrelid = %s::pg_catalog.regclass AND pg_catalog.quote_ident(c.conname) = %s
 ORDER BY key.place
"""


@dataclass(frozen=True, kw_only=True)
class _Column:
    name: str
    required: bool
    default: str | None
    numbered: bool
    parent: str
    parent_column: str


@check("foreign_key.action_possible", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "What foreign keys set may stand in their columns.")
def foreign_key_action_possible(context: Context) -> Iterator[Answer]:
    """What a foreign key sets on DELETE or UPDATE may stand in its columns.

    Why it matters: ON DELETE SET NULL over a column that is NOT NULL refuses each DELETE of a row that others refer to,
    with an error about a column that nobody wrote; so does SET DEFAULT where no row has the default as its key. Of a key
    over several columns SET NULL sets them all, the tenant's too.
    How it is measured: the foreign keys that the chain made are read from pg_constraint at its head, with NOT NULL, CHECK
    (… IS NOT NULL) and defaults of their columns; whether there is a row for a default is asked behind the migrations and
    seeds. Tables with a BEFORE UPDATE trigger, which may set something else, are left out.
    What to do: drop NOT NULL; name the columns, ON DELETE SET NULL (parent_id); or say what is meant, RESTRICT or
    CASCADE.
    """
    fixed = {
        trigger.table
        for trigger in context.after.triggers
        if (trigger.timing, trigger.level) == ("before", "row")
        and "update" in trigger.events
        and trigger.enabled != "disabled"
    }
    asked = [
        constraint
        for constraint in made_parts(context, "constraints")
        if constraint.form == "foreign key"
        and constraint.enforced
        and not constraint.inherited
        and constraint.table not in fixed
        and _ACTION.search(constraint.definition or "")
    ][:_MAX_ASKED]
    if asked:
        with context.clone(load_seeds(context).state) as connection:
            for constraint in asked:
                yield from _refused_actions(context, connection, constraint)


def _refused_actions(context: Context, connection: psycopg.Connection, constraint: Constraint) -> Iterator[Answer]:
    key = connection.execute(_COLUMNS, (constraint.table, constraint.quoted_name)).fetchall()
    columns = [
        _Column(name=name, required=required, default=default, numbered=numbered, parent=parent, parent_column=other)
        for name, required, default, numbered, parent, other in key
    ]
    for action in _ACTION.finditer(constraint.definition or ""):
        named = [name.strip() for name in (action["columns"] or "").split(",") if name.strip()]
        set_columns = [column for column in columns if not named or column.name in named]
        why = _why_refused(context, connection, constraint, columns, set_columns, action["value"])
        if why is None:
            continue
        event, words = action["event"], f"ON {action['event']} SET {action['value']}"
        fault, sqlstate, remedy = why
        yield Answer(
            Status.BROKEN,
            constraint.name,
            f"{words} {fault}: {'a DELETE' if event == 'DELETE' else 'an UPDATE of the key'} in {columns[0].parent} is "
            "refused as soon as a row refers to it.",
            expected=f"columns that take what {words} sets",
            actual=f"SQLSTATE {sqlstate}",
            remedy=remedy.format(event=event),
            origin=origin_in_chain(context.promise, "constraint", constraint.name)
            or origin_in_chain(context.promise, "table", constraint.table),
        )
        return  # one is enough to look at the key


def _why_refused(
    context: Context,
    connection: psycopg.Connection,
    constraint: Constraint,
    columns: Sequence[_Column],
    set_columns: Sequence[_Column],
    value: str,
) -> tuple[str, str, str] | None:
    """What is said of the action, the SQLSTATE, and the remedy."""
    if any(column.numbered for column in set_columns):
        return None
    nulls = [column for column in set_columns if value == "NULL" or column.default is None]
    checked = {each.definition for each in context.after.constraints if each.table == constraint.table and each.enforced}
    for column in nulls:
        in_check = f"CHECK (({column.name} IS NOT NULL))" in checked
        if column.required or in_check:
            free = [each.name for each in set_columns if not each.required]
            other = f"ON {{event}} SET NULL ({', '.join(free)})" if free and value == "NULL" else "RESTRICT or CASCADE"
            sets = "sets NULL" if value == "NULL" else "sets a default that is not there"
            return (
                f"{sets} in {constraint.table}.{column.name}, which is NOT NULL",
                "23514" if in_check and not column.required else "23502",
                f"ALTER TABLE {constraint.table} ALTER COLUMN {column.name} DROP NOT NULL; or make the key anew with "
                f"{other}.",
            )
    if nulls or len(set_columns) < len(columns):
        return None
    row = " AND ".join(f"{column.parent_column} = ({column.default})" for column in columns)
    with suppress(psycopg.Error), connection.transaction():
        query = f"SELECT EXISTS (SELECT FROM {columns[0].parent} WHERE {row})"  # noqa: S608 - spelled by the server
        there = connection.execute(query.encode()).fetchone()
        if there is not None and not there[0]:
            return (
                f"sets what no migration or seed makes a row for, {row}",
                "23503",
                f"INSERT that row into {columns[0].parent} in a migration; or make the key anew with SET NULL.",
            )
    return None
