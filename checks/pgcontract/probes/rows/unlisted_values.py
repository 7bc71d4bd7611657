"""Values of a column that a declared list leaves out: those that its type, its rules and the tables that it refers to
know, the listed ones in another spelling, a foreign word, the empty text, null."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column
from pgcontract.probes.context import Context
from pgcontract.probes.rows.castable_values import castable_values
from pgcontract.probes.rows.rule_texts import RuleTexts

FOREIGN_WORD: Final = "elsewhere"
MAX_REFERENCED: Final = 100  # rows of a table that the column refers to
_LENGTH: Final = re.compile(r"character(?: varying)?\((\d+)\)|\"char\"|bpchar")
_TEXT: Final = re.compile(r"character|text|citext|name|\"char\"|bpchar")

# The column that a foreign key of one column leads to.
_REFERENCED_COLUMN: Final = """
    SELECT pg_catalog.format('%%I.%%I', nspname, relname), there.attname
      FROM pg_catalog.pg_constraint AS k
      JOIN pg_catalog.pg_attribute AS here ON here.attrelid = k.conrelid AND here.attnum = k.conkey[1]
      JOIN pg_catalog.pg_attribute AS there ON there.attrelid = k.confrelid AND there.attnum = k.confkey[1]
      JOIN pg_catalog.pg_class AS t ON t.oid = k.confrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
     WHERE k.conrelid = %s::pg_catalog.regclass AND k.contype = 'f'
           AND pg_catalog.cardinality(k.conkey) = 1 AND here.attname = %s
     ORDER BY 1, 2
"""


def unlisted_values(
    context: Context, connection: psycopg.Connection, column: Column, rules: RuleTexts, listed: Sequence[str]
) -> tuple[str | None, ...]:
    """Texts of values that are none of the `listed` ones, as the column's type compares them; None is null."""
    candidates = castable_values(
        connection, column.type, dict.fromkeys(_candidates(context, connection, column, rules, listed))
    )
    collation = (
        sql.SQL(" COLLATE {}").format(sql.SQL(column.collation.replace("%", "%%"))) if column.collation else sql.SQL("")
    )
    query = sql.SQL("""
        SELECT DISTINCT ON (CAST(word AS {type})) CAST(word AS {type})::pg_catalog.text, place
          FROM pg_catalog.unnest(%s::pg_catalog.text[]) WITH ORDINALITY AS given (word, place)
         WHERE NOT EXISTS (
            SELECT FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS one
             WHERE CAST(one AS {type}) = CAST(word AS {type}){collation})
         ORDER BY CAST(word AS {type}), place
    """).format(type=sql.SQL(column.type.replace("%", "%%")), collation=collation)
    known = castable_values(connection, column.type, listed)
    records = connection.execute(query, [candidates, known]).fetchall()
    return (*(word for word, _ in sorted(records, key=lambda record: record[1])), None)


def values_listed_elsewhere(
    context: Context, connection: psycopg.Connection, column: Column, rules: RuleTexts
) -> Iterator[str]:
    """An enum's labels, and what stands in the table that the column refers to, and in those that rules name (in columns
    of its type)."""
    for data_type in context.after.types:
        if data_type.is_type(column.type):
            yield from data_type.labels
    places: list[tuple[str, str]] = connection.execute(_REFERENCED_COLUMN, [column.table, column.bare_name]).fetchall()
    places += [
        (one.table, one.bare_name)
        for one in context.after.columns
        if one.type == column.type and one.table != column.table and QualifiedName.parse(one.table).name in rules.names
    ]
    for table, name in places:
        known = sql.SQL("SELECT DISTINCT {}::pg_catalog.text FROM {} ORDER BY 1 LIMIT {}").format(
            identifier(name), sql.SQL(table), sql.Literal(MAX_REFERENCED)
        )
        yield from (word for (word,) in connection.execute(known).fetchall() if word is not None)


def _candidates(
    context: Context, connection: psycopg.Connection, column: Column, rules: RuleTexts, listed: Sequence[str]
) -> Iterator[str]:
    length = re.search(r"\((\d+)\)", column.type) if _LENGTH.match(column.type) else None
    yield from values_listed_elsewhere(context, connection, column, rules)
    yield FOREIGN_WORD[: int(length[1])] if length else FOREIGN_WORD[:1] if _LENGTH.match(column.type) else FOREIGN_WORD
    known_rules = (rules.of_column(column.bare_name), rules.checked_alone(column.bare_name))
    for texts in known_rules:
        yield from texts.strings
    numbers = [
        int(word)
        for word in (*listed, *(number for texts in known_rules for number in texts.numbers))
        if re.fullmatch(r"-?\d{1,9}", word)
    ]
    if not _TEXT.match(column.type):
        numbers = [0, *numbers]
        yield from ("true", "false")
    yield from (str(number + step) for number in numbers for step in (-1, 0, 1))
    yield ""
    for word in listed:
        yield from (word.upper(), word.capitalize(), f"{word} ", f" {word}")
