"""Columns that a migration renamed without saying so in its text: they stand where no new column can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pgcontract.model.schema import Column, Schema


def renamed_columns(before: Schema, after: Schema) -> dict[str, str]:
    """Each such column by its name in full, with its old name alone. PostgreSQL adds a column behind all others: one that
    is new and stands before one that was there is one of those that are gone from that place."""
    was, now = _by_table(before), _by_table(after)
    return dict(pair for table in sorted(was.keys() & now.keys()) for pair in _renamed(was[table], now[table]))


def reordered_tables(declared: Schema, after: Schema, renamed: Mapping[str, str]) -> set[str]:
    """The tables whose columns do not stand as those that are declared, with what is new behind them: they were made
    anew."""
    was, now = _by_table(declared), _by_table(after)
    found = set()
    for table in was.keys() & now.keys():
        names = [column.name for column in now[table]]
        old = {renamed.get(name, ""): name for name in names}
        kept = [old.get(column.quoted_name, column.name) for column in was[table]]
        kept = [name for name in kept if name in names]
        if names[: len(kept)] != kept:
            found.add(table)
    return found


def _by_table(schema: Schema) -> dict[str, list[Column]]:
    tables: dict[str, list[Column]] = {}
    for column in sorted(schema.columns, key=lambda one: one.position):
        tables.setdefault(column.table, []).append(column)
    return tables


def _renamed(was: Sequence[Column], now: Sequence[Column]) -> Iterator[tuple[str, str]]:
    kept = {column.name for column in was} & {column.name for column in now}
    gone, new = _between(was, kept), _between(now, kept)
    for name in [column.name for column in now if column.name in kept]:
        left = list(gone.get(name, ()))
        for column in new.get(name, ()):
            alike = [one for one in left if one.type == column.type] or left
            if alike:
                left.remove(alike[0])
                yield column.name, alike[0].quoted_name


def _between(columns: Sequence[Column], kept: set[str]) -> dict[str, list[Column]]:
    """The columns right before each that was kept."""
    found: dict[str, list[Column]] = {}
    waiting: list[Column] = []
    for column in columns:
        if column.name in kept:
            found[column.name], waiting = waiting, []
        else:
            waiting.append(column)
    return found
