"""The columns and tables that behaviour is declared of: each must be one that a contract declares."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract.section import Mistake
from pgcontract.contract.toml_positions import KeyPath
from pgcontract.contract.validation_errors import nearest
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Schema


class OfColumn:
    """What a contract declares of one `column`, which it names in full, as the server spells it."""

    column: str

    @property
    def column_name(self) -> QualifiedName:
        return QualifiedName.parse(self.column)

    @property
    def table(self) -> str:
        """The column's table."""
        return str(self.column_name.parent)

    @property
    def bare_column(self) -> str:
        """The column's own name, without quotes."""
        return self.column_name.name


def undeclared_column(column: str, path: KeyPath, schema: Schema) -> Iterator[Mistake]:
    """A mistake where the path names a column that no contract declares.

    The nearest is looked for among the columns of the same table, where that is declared.
    """
    known = [known_column.name for known_column in schema.columns]
    if column not in known:
        table = str(QualifiedName.parse(column).parent)
        columns = [known_column.name for known_column in schema.columns if known_column.table == table]
        yield path, f"no column {column} is declared; {nearest(column, columns or known)}"


def undeclared_table(table: str, path: KeyPath, schema: Schema) -> Iterator[Mistake]:
    """A mistake where the path names a table that no contract declares."""
    known = [known_table.name for known_table in schema.tables]
    if table not in known:
        yield path, f"no table {table} is declared; {nearest(table, known)}"
