"""Reads what changes or drops an object: ALTER, DROP."""

from __future__ import annotations

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.implied_objects import add_child, add_column, add_constraint, add_identity
from pgcontract.model.sql.object_references import RELATIONS, TABLE_PARTS, read_kind, read_object
from pgcontract.model.sql.table_elements import (
    ColumnElement,
    ConstraintElement,
    is_constraint,
    read_column,
    read_constraint,
)
from pgcontract.model.sql.text_catalog import TextCatalog
from pgcontract.model.sql.token_cursor import Cursor


def read_drop(cursor: Cursor, catalog: TextCatalog) -> None:
    """Records every object that a DROP names."""
    kind = read_kind(cursor)
    if not kind:
        catalog.mark_unread(f"DROP {cursor.peek()} is not followed here")
        return
    cursor.consume("CONCURRENTLY")
    cursor.consume("IF", "EXISTS")
    if kind in TABLE_PARTS:
        name = cursor.name()
        cursor.consume("ON")
        table = catalog.existing_path(cursor.path(), "table", "view")
        catalog.drop(kind, str(table.member(name)))
        return
    while cursor:
        start = cursor.position
        path = read_object(cursor, catalog, kind)
        if kind in RELATIONS and catalog.is_temporary(Cursor(cursor.tokens[start:]).path()):
            pass
        elif kind == "schema":
            catalog.drop_schema(path)
        else:
            catalog.drop(kind, str(path))
        if not cursor.consume(","):
            break


def read_alter(cursor: Cursor, catalog: TextCatalog) -> None:
    """Records what an ALTER adds, drops or renames; most of them change only how an object is."""
    if cursor.consume("DEFAULT", "PRIVILEGES"):
        catalog.mark_unread("ALTER DEFAULT PRIVILEGES acts on objects and roles that the text does not name")
        return
    kind = read_kind(cursor)
    if kind in TABLE_PARTS:
        name = cursor.name()
        cursor.consume("ON")
        table = catalog.existing_path(cursor.path(), "table", "view")
        if cursor.consume("RENAME", "TO"):
            catalog.rename(kind, table.member(name), table.member(cursor.name()))
        return
    if not kind:
        return
    cursor.consume("IF", "EXISTS")
    cursor.consume("ONLY")
    start = cursor.position
    if kind in RELATIONS and catalog.is_temporary(Cursor(cursor.tokens[start:]).path()):
        return
    path = read_object(cursor, catalog, kind)
    cursor.consume("*")
    if cursor.consume("RENAME", "TO"):
        _rename(cursor, catalog, kind, path)
    elif cursor.consume("SET", "SCHEMA"):
        catalog.rename(kind, path, path.in_schema(cursor.name()))
    elif kind == "table":
        _alter_table(cursor, catalog, path)
    elif kind == "type":
        _alter_type(cursor, catalog, path)


def _rename(cursor: Cursor, catalog: TextCatalog, kind: str, path: QualifiedName) -> None:
    new = path.with_name(cursor.name())
    if kind == "index":
        # An index that keeps a constraint has the constraint's name.
        for created in list(catalog.remaining.values()):
            if (
                created.kind == "constraint"
                and created.keys
                and created.path.schema == path.schema
                and created.path.name == path.name
            ):
                catalog.rename("constraint", created.path, created.path.with_name(new.name))
                return
    catalog.rename(kind, path, new)


def _alter_table(cursor: Cursor, catalog: TextCatalog, table: QualifiedName) -> None:
    if cursor.consume("RENAME"):
        kind = "constraint" if cursor.consume("CONSTRAINT") else "column"
        cursor.consume("COLUMN")
        old = cursor.name()
        cursor.consume("TO")
        catalog.rename(kind, table.member(old), table.member(cursor.name()))
        return
    if cursor.consume("ATTACH", "PARTITION"):
        catalog.heirs[table].append(child := catalog.existing_path(cursor.path(), "table"))
        catalog.partitions[table].append(child)
        catalog.mark_unread(f"{child} takes over keys, indexes and triggers of {table} that it lacks")
        return
    if cursor.consume("DETACH", "PARTITION"):
        child = catalog.existing_path(cursor.path(), "table")
        for family in (catalog.heirs, catalog.partitions):
            family[table] = [member for member in family[table] if member != child]
        return
    for action in cursor.parts():
        _read_action(action, catalog, table)


def _read_action(action: Cursor, catalog: TextCatalog, table: QualifiedName) -> None:
    """One of the comma-separated actions of ALTER TABLE."""
    known = catalog.columns(table)
    if action.consume("ADD"):
        if is_constraint(action):
            add_constraint(catalog, table, read_constraint(action, catalog, known))
            return
        action.consume("COLUMN")
        if_not_exists = action.consume("IF", "NOT", "EXISTS")
        add_column(catalog, table, read_column(action, catalog, known), if_not_exists=if_not_exists)
    elif action.consume("DROP", "CONSTRAINT"):
        action.consume("IF", "EXISTS")
        name = action.name()
        for member in (table, *catalog.heirs[table]):
            catalog.drop("constraint", str(member.member(name)))
    elif action.consume("DROP"):
        action.consume("COLUMN")
        action.consume("IF", "EXISTS")
        catalog.drop_column(table, action.name())
    elif action.consume("ALTER"):
        action.consume("COLUMN")
        _alter_column(action, catalog, table)
    elif action.consume("INHERIT"):
        add_child(catalog, catalog.existing_path(action.path(), "table"), table, partition=False)


def _alter_column(action: Cursor, catalog: TextCatalog, table: QualifiedName) -> None:
    offset, name = action.offset, action.name()
    if action.consume("ADD", "GENERATED"):
        add_identity(catalog, table, ColumnElement(name=name, offset=offset, generator="identity"))
    elif action.consume("DROP", "IDENTITY"):
        for sequence in catalog.parts(table, "sequence"):
            if sequence.form == "identity" and sequence.columns == (name,):
                catalog.drop("sequence", sequence.name)


def _alter_type(cursor: Cursor, catalog: TextCatalog, path: QualifiedName) -> None:
    """Of types, only a domain's constraints are objects."""
    if cursor.consume("ADD"):
        offset = cursor.offset
        name = cursor.name() if cursor.consume("CONSTRAINT") else None
        if cursor.consume("CHECK"):
            add_constraint(catalog, path, ConstraintElement(form="check", name=name, offset=offset))
    elif cursor.consume("DROP", "CONSTRAINT"):
        cursor.consume("IF", "EXISTS")
        catalog.drop("constraint", str(path.member(cursor.name())))
    elif cursor.consume("RENAME", "CONSTRAINT"):
        old = cursor.name()
        cursor.consume("TO")
        catalog.rename("constraint", path.member(old), path.member(cursor.name()))
