"""Names as parts of a statement: the one place where psycopg gets them from."""

from __future__ import annotations

from psycopg import sql

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName


def identifier(name: QualifiedName | str) -> sql.SQL:
    """A name, or one bare identifier, in quotes only where it needs them: statements are shown to people too."""
    return sql.SQL(str(name) if isinstance(name, QualifiedName) else quote_identifier(name))
