"""Rows that differ from the others in one column: all have a value there and they none, or none and they one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import psycopg

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Script
from pgcontract.probes.promise import Promise
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.row_maker import RowMaker, is_numbered
from pgcontract.probes.row_generation.target_tables import read_tables
from pgcontract.probes.script_words import names_in_code

_MAX_COLUMNS: Final = 8
_READS_ROWS: Final = ("SELECT", "UPDATE", "DELETE", "MERGE")


def insert_lone_values(promise: Promise, connection: psycopg.Connection, names: Iterable[str], *, first: int) -> None:
    """For each column of these tables that may be NULL and that a statement over rows names, a row in which it alone is
    NULL and one in which it alone is not: what `WHERE bio IS NOT NULL` passes over may have all else. `first` is the
    number that values are counted from."""
    texts = list(_texts(promise.script))
    chosen = [name for name in names if any(names_in_code(text, QualifiedName.parse(name).name) for text in texts)]
    tables = read_tables(connection, chosen) if chosen else ()
    for table in tables:
        if table.name not in chosen:
            continue
        columns = [column.name for column in table.columns if column.null and not is_numbered(column)]
        maker = RowMaker(
            promise=promise,
            connection=connection,
            tables=tables,
            table=table,
            into=table.name,
            first=first,
            texts=example_texts(promise),
            is_empty=False,
        )
        named = (name for name in columns if any(names_in_code(text, name) for text in texts))
        for place, name in enumerate(islice(named, _MAX_COLUMNS) if len(columns) > 1 else ()):
            number = first + 2 * place
            maker.insert_with({name: None}, number)
            values = maker.planned_values(number + 1, [name])
            if values is not None:  # what else may not be NULL is written out: a default may be the clock's
                maker.insert_with({**dict.fromkeys(columns), **values}, number + 1)


def _texts(script: Script) -> Sequence[str]:
    return [
        each.text
        for each in script.statements
        if each.words[:1] != ("ALTER",) and any(names_in_code(each.text, word) for word in _READS_ROWS)
    ]
