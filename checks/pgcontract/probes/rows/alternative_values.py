"""Values for a column other than the one it has: as SQL over the row, the likeliest to be accepted first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from psycopg import sql

from pgcontract.model.schema import Column
from pgcontract.probes.context import Context

_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_BY_TYPE: Final = (
    (r"character|text|citext", "coalesce({0} || 'a', 'a')", "coalesce('a' || {0}, 'a')"),
    (r"uuid", "'00000000-0000-4000-8000-000000000002'"),
    (r"smallint|integer|bigint|numeric|real|double precision|money", "coalesce({0} + 1, 1)"),
    (r"boolean", "NOT coalesce({0}, false)"),
    (r"jsonb?$", "'{{\"another\": 1}}'", "'[]'"),
    (r"timestamp|date", "coalesce({0} + '1 day'::interval, now())"),
    (r"interval|time", "coalesce({0} + '1 hour'::interval, '1 hour')"),
    (r"bytea", "'\\x01'"),
    (r"bit", "~{0}"),
    (r"inet|cidr", "'192.0.2.2'"),
)


def other_values(context: Context, column: Column) -> Iterator[sql.Composable]:
    """Expressions over the row: of the column's type, an enum's labels, the texts of its CHECKs, null."""
    name = column.quoted_name
    for pattern, *expressions in _BY_TYPE:
        if re.match(pattern, column.type):
            yield from (sql.SQL(expression).format(sql.SQL(name)) for expression in expressions)
    for data_type in context.after.types:
        if data_type.is_type(column.type):
            yield from map(sql.Literal, data_type.labels)
    for constraint in context.after.constraints:
        own = constraint.table == column.table and constraint.form == "check"
        if own and constraint.definition and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", constraint.definition):
            yield from (sql.SQL(word) for word in _LITERAL.findall(constraint.definition))
    if column.null:
        yield sql.SQL("NULL")
