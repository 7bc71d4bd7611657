"""The columns that behaviour is declared of: each must be one that a contract declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pgcontract.contract import identifiers
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, nearest, spell_path
from pgcontract.model.schema import Schema


def table_of(column: str) -> str:
    """`public.orders` of `public.orders.id`."""
    return identifiers.join(*identifiers.split(column)[:-1])


def column_mistake(
    column: str, path: KeyPath, schema: Schema, *, file: str, lines: Mapping[KeyPath, int]
) -> Iterator[Mistake]:
    """The mistake of naming, at this path, a column that no contract declares; none where it is there.

    The nearest is looked for among the columns of the same table, where that is declared.
    """
    known = [each.name for each in schema.columns]
    if column in known:
        return
    beside = [each for each in known if table_of(each) == table_of(column)]
    message = f"{spell_path(path)}: no column {column} is declared; {nearest(column, beside or known)}"
    yield Mistake(file=file, line=line_of(path, lines), message=message)
