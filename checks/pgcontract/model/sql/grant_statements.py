"""Reads GRANT and REVOKE: who may do something to which object."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.object_references import read_kind, read_object
from pgcontract.model.sql.text_catalog import TextCatalog
from pgcontract.model.sql.token_cursor import Cursor


def read_grant(cursor: Cursor, catalog: TextCatalog, *, revoke: bool = False) -> None:
    """Records a grant as `<kind> <object> to <grantee>`; a REVOKE of everything takes it away again."""
    if revoke and cursor.consume("GRANT", "OPTION", "FOR"):
        return
    first = cursor.position
    if cursor.seek("ON", "TO", "FROM") != "ON":
        # Membership in a role is no privilege on an object.
        return
    privileges = cursor.tokens[first : cursor.position]
    everything = [token.upper for token in privileges] in (["ALL"], ["ALL", "PRIVILEGES"])
    cursor.next()
    objects = list(_granted_objects(cursor, catalog))
    if columns := _columns(Cursor(privileges)):
        objects = [("column", relation.member(column)) for _, relation in objects for column in columns]
    cursor.seek("TO", "FROM")
    cursor.next()
    for grantee in _grantees(cursor):
        for kind, name in objects:
            if not revoke:
                catalog.add_annotation("grant", f"{kind} {name} to {grantee}", (kind, str(name)))
            elif everything:
                catalog.drop("grant", f"{kind} {name} to {grantee}")


def _granted_objects(cursor: Cursor, catalog: TextCatalog) -> Iterator[tuple[str, QualifiedName]]:
    """What a GRANT is on: kind and name."""
    if cursor.consume("ALL"):
        yield from _all_in_schema(cursor, catalog)
        return
    kind = read_kind(cursor)
    if not kind and cursor.peek() in ("DATABASE", "LANGUAGE", "LARGE", "FOREIGN", "PARAMETER", "TABLESPACE"):
        catalog.mark_unread(f"GRANT ON {cursor.peek()} is not followed here")
        cursor.seek("TO", "FROM")
        return
    while True:
        if kind in ("", "table"):
            relation = catalog.existing_path(cursor.path(), "table", "view", "sequence")
            others = (other for other in ("view", "sequence") if (other, str(relation)) in catalog.remaining)
            yield next(others, "table"), relation
        else:
            yield kind, read_object(cursor, catalog, kind)
        if not cursor.consume(","):
            return


def _all_in_schema(cursor: Cursor, catalog: TextCatalog) -> Iterator[tuple[str, QualifiedName]]:
    """ALL TABLES IN SCHEMA and its like: those that the script created; others are not in the text."""
    words = cursor.next().upper
    kinds = {"TABLES": ("table", "view"), "SEQUENCES": ("sequence",)}.get(words, ("function",))
    cursor.consume("IN", "SCHEMA")
    schemas = [path.name for path in cursor.paths()]
    catalog.mark_unread(f"ALL {words} IN SCHEMA reaches objects that the text does not name")
    for created in list(catalog.remaining.values()):
        if created.kind in kinds and created.path.schema in schemas:
            yield created.kind, created.path


def _columns(privileges: Cursor) -> tuple[str, ...]:
    """The columns that column privileges name, once each."""
    names: dict[str, None] = {}
    while privileges:
        if privileges.peek() == "(":
            names.update(dict.fromkeys(path.name for path in privileges.group().paths()))
        else:
            privileges.next()
    return tuple(names)


def _grantees(cursor: Cursor) -> Iterator[str]:
    while cursor:
        cursor.consume("GROUP")
        yield "public" if cursor.peek() == "PUBLIC" else quote_identifier(cursor.name())
        if not cursor.consume(","):
            return
