"""A row of each of two users in every table, such that nothing of one user's is the other's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.probes.roles.ties import AUTH_USERS
from pgcontract.probes.roles.users import USERS, User
from pgcontract.probes.row_generation.example_texts import example_texts
from pgcontract.probes.row_generation.row_maker import RowMaker, is_numbered, simple_value_of
from pgcontract.probes.row_generation.table_order import parents_first
from pgcontract.probes.row_generation.target_tables import FilledColumn, FilledTable
from pgcontract.values import dataclass

PRIVILEGED: Final = lazy_pattern(
    r"(?:is_?|user_?|account_?)?(?:super_?)?(?:admin|administrator|superuser|staff|moderator|owner_level)"
    r"|(?:user_?|account_?|system_?|app_?)?roles?|permissions?|privileges?|scopes?|access_?level|is_?(?:verified|approved|premium|paid)"
    r"|verified|balance|credits?|wallet_?balance|points|plan|tier|subscription_?(?:plan|tier|status|level)",
    re.IGNORECASE,
)
_POWER: Final = lazy_pattern(
    r"admin|owner|super|root|staff|moderator|manager|editor|system|service|paid|premium|pro\b", re.IGNORECASE
)
_PLAIN: Final = lazy_pattern(
    r"user|member|viewer|guest|reader|customer|client|basic|free|draft|private|pending", re.IGNORECASE
)
_TEXTS: Final = ("text", "varchar", "bpchar", "citext", "name")
_WHOLE: Final = ("int2", "int4", "int8", "numeric", "float4", "float8")
_LITERAL: Final = lazy_pattern(r"'((?:[^']|'')*)'::")
_MAX_KNOWN: Final = 2_000
_NUMBER: Final = 900  # far from what a seed counts from
# Called so that no column is.
_PLACE: Final = "pgcontract_row.tableoid::oid::text || ' ' || pgcontract_row.ctid::text"


@dataclass(frozen=True, kw_only=True)
class UsersRow:
    """A row and whose it is: `place` is its tableoid and ctid, `values` are what it holds by column, as JSON; `drawn`
    are the columns that were left to their defaults, which another run may fill with something else."""

    table: str
    user: User
    place: str
    values: Mapping[str, Any]
    drawn: frozenset[str] = frozenset()

    @property
    def given(self) -> Mapping[str, Any]:
        """What every run puts there."""
        return {name: value for name, value in self.values.items() if name not in self.drawn}


@dataclass(kw_only=True)
class UsersRows:
    """Makes the rows; `rows` by table and the user's number, `refused` the tables that took none."""

    context: Context
    connection: psycopg.Connection
    tables: Sequence[FilledTable]
    ties: Mapping[str, frozenset[str]]
    rows: dict[tuple[str, int], UsersRow] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def make(self) -> None:
        self._make_users()
        for table in parents_first(self.tables):
            if table.name == AUTH_USERS or not table.storable:
                continue
            made = [self._make(table, user) for user in USERS]
            if not any(made):
                self.refused.append(table.name)

    def values(self, table: FilledTable, user: User, number: int) -> dict[str, str]:
        """What a row of the user's holds in the columns that need a value or tell whose it is; texts and numbers carry
        `number`, so that those of two rows differ."""
        values: dict[str, str] = {}
        keys = {
            own: (key.parent, there)
            for key in table.references
            for own, there in zip(key.columns, key.parent_columns, strict=True)
        }
        for column in table.columns:
            if column.name in self.ties.get(table.name, ()):
                values[column.name] = user.id
            elif column.name in keys:
                parent, there = keys[column.name]
                row = self.rows.get((parent, user.number))
                if row is not None and row.values.get(there) is not None:
                    values[column.name] = str(row.values[there])
            elif (value := self._value(table, column, user, number)) is not None:
                values[column.name] = value
        return values

    def _value(self, table: FilledTable, column: FilledColumn, user: User, number: int) -> str | None:
        """None where the column is left to its default or to NULL."""
        needed = not column.null and column.default is None
        kind = column.type.typname
        if is_numbered(column):
            return None
        if column.type.labels:
            return _least(column.type.labels) if needed else None
        if PRIVILEGED.fullmatch(column.name) or column.name in _checked(table):
            listed = [text for text in _listed(table, column.name) if text]
            if not needed:
                return None
            return _least(listed) if listed else _simple(column, number)
        if kind == "uuid" and (needed or column.default is not None):
            return str(uuid5(NAMESPACE_URL, f"{table.name}.{column.name}/{number}"))
        if column.default is not None:
            return None
        if kind in _TEXTS:
            return _text(table, column, user, number)
        return _simple(column, number) if needed else None

    def _make(self, table: FilledTable, user: User) -> bool:
        values = self.values(table, user, user.number)
        try:
            with self.connection.transaction():
                row = self.connection.execute(_insert(table, values)).fetchone()
        except psycopg.Error:
            row = self._make_planned(table, user, values)
        if row is None:
            return False
        drawn = frozenset(
            column.name
            for column in table.columns
            if column.default is not None and column.name not in values and not is_numbered(column)
        )
        self.rows[table.name, user.number] = UsersRow(
            table=table.name, user=user, place=row[0], values=row[1], drawn=drawn
        )
        return True

    def _make_planned(self, table: FilledTable, user: User, values: Mapping[str, str]) -> tuple[Any, ...] | None:
        """With values that are derived from what the table demands, but for those that tell whose it is."""
        kept = {name for key in table.references for name in key.columns} | self.ties.get(table.name, frozenset())
        maker = RowMaker(
            promise=self.context.promise,
            connection=self.connection,
            tables=self.tables,
            table=table,
            into=table.name,
            first=_NUMBER,
            texts=example_texts(self.context.promise),
            is_empty=False,
        )
        known = {place for place, _ in self._stored(table)}
        fixed = {name: value for name, value in values.items() if name in kept}
        if maker.insert_with(fixed, _NUMBER + user.number):
            return next((row for row in self._stored(table) if row[0] not in known), None)
        # As a trigger of the sign-up has made it.
        return next((row for row in self._stored(table) if fixed and _holds(row[1], fixed)), None)

    def _stored(self, table: FilledTable) -> list[tuple[Any, ...]]:
        query = sql.SQL("SELECT {}, pg_catalog.to_jsonb(pgcontract_row) FROM {} AS pgcontract_row LIMIT {}").format(
            sql.SQL(_PLACE), sql.SQL(table.name), sql.Literal(_MAX_KNOWN)
        )
        return self.connection.execute(query).fetchall()

    def _make_users(self) -> None:
        for user in USERS:
            with suppress(psycopg.Error), self.connection.transaction():
                self.connection.execute(
                    "INSERT INTO auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data)"
                    " VALUES (%s, 'authenticated', 'authenticated', %s, '{}', '{}')",
                    [user.id, user.email],
                )
            self.rows[AUTH_USERS, user.number] = UsersRow(
                table=AUTH_USERS, user=user, place="", values={"id": user.id, "email": user.email}
            )


def _insert(table: FilledTable, values: Mapping[str, str]) -> sql.Composed:
    held: sql.Composable = sql.SQL(" DEFAULT VALUES")
    if values:
        held = sql.SQL(" ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(identifier, values)), sql.SQL(", ").join(map(sql.Literal, values.values()))
        )
    return sql.SQL("INSERT INTO {} AS pgcontract_row{} RETURNING {}, pg_catalog.to_jsonb(pgcontract_row)").format(
        sql.SQL(table.name), held, sql.SQL(_PLACE)
    )


def _holds(row: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    return all(str(row.get(name)) == value for name, value in values.items())


def _checked(table: FilledTable) -> set[str]:
    return {name for check in table.checks for name in check.columns}


def _listed(table: FilledTable, column: str) -> Iterator[str]:
    """The values that a CHECK of the column alone lists."""
    for check in table.checks:
        if check.columns == (column,):
            yield from (match[1].replace("''", "'") for match in _LITERAL.finditer(check.expression))


def _least(labels: Sequence[str]) -> str:
    """The one with the least power, by its name."""
    plain = [label for label in labels if _PLAIN.search(label) and not _POWER.search(label)]
    weak = [label for label in labels if not _POWER.search(label)]
    return (plain or weak or list(labels))[0]


def _simple(column: FilledColumn, number: int) -> str:
    if column.type.form == "array":
        return "{}"
    if column.type.typname in _WHOLE:
        return str(number)
    if column.type.typname == "bool":
        return "false"
    if column.type.typname in _TEXTS:
        return _shortened(column, f"{number}")
    if column.type.typname == "uuid":
        return str(uuid5(NAMESPACE_URL, f"{column.name}/{number}"))
    if column.type.typname in ("date", "timestamp", "timestamptz"):
        return f"2026-01-{number % 27 + 1:02}"
    return simple_value_of(column)


def _text(table: FilledTable, column: FilledColumn, user: User, number: int) -> str:
    if "mail" in column.name.lower():
        return _shortened(column, user.email if number == user.number else f"{number}.{user.email}")
    return _shortened(
        column, f"{user.email.partition('@')[0]}s {QualifiedName.parse(table.name).name}.{column.name} {number}"
    )


def _shortened(column: FilledColumn, text: str) -> str:
    length = column.type.length
    return text if length is None or len(text) <= length else f"{text[0]}{text[-1]}"[-length:]
