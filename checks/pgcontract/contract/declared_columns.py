"""The columns that behaviour is declared of: each must be one that a contract declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
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


def undeclared_column_issues(
    column: str, path: KeyPath, schema: Schema, *, file: str, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """An error where the path names a column that no contract declares; nothing where it is declared.

    The nearest is looked for among the columns of the same table, where that is declared.
    """
    known = [known_column.name for known_column in schema.columns]
    if column in known:
        return
    table = str(QualifiedName.parse(column).parent)
    beside = [known_column.name for known_column in schema.columns if known_column.table == table]
    message = f"{spell_path(path)}: no column {column} is declared; {nearest(column, beside or known)}"
    yield ValidationIssue(file=file, line=line_of(path, lines), message=message)
