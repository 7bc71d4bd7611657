"""The columns that behaviour is declared of: each must be one that a contract declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pgcontract.contract import identifiers
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.model.schema import Schema


def table_of(column: str) -> str:
    """`public.orders` of `public.orders.id`."""
    return identifiers.join(*identifiers.split(column)[:-1])


def undeclared_column_issues(
    column: str, path: KeyPath, schema: Schema, *, file: str, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """An error where the path names a column that no contract declares; nothing where it is declared.

    The nearest is looked for among the columns of the same table, where that is declared.
    """
    known = [known_column.name for known_column in schema.columns]
    if column in known:
        return
    beside = [name for name in known if table_of(name) == table_of(column)]
    message = f"{spell_path(path)}: no column {column} is declared; {nearest(column, beside or known)}"
    yield ValidationIssue(file=file, line=line_of(path, lines), message=message)
