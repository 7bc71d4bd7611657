"""The object that a DROP, ALTER or GRANT names: its kind and its name as the catalog spells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.create_statements import type_lookup
from pgcontract.model.sql.text_catalog import TextCatalog
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.model.sql.type_names import input_types

# The words that open an object's kind in DROP, ALTER and GRANT, and the kind they mean; longer ones first.
KIND_WORDS: Final[Mapping[tuple[str, ...], str]] = {
    ("FOREIGN", "TABLE"): "table",
    ("TABLE",): "table",
    ("CONSTRAINT",): "constraint",
    ("INDEX",): "index",
    ("MATERIALIZED", "VIEW"): "view",
    ("VIEW",): "view",
    ("SEQUENCE",): "sequence",
    ("SCHEMA",): "schema",
    ("EXTENSION",): "extension",
    ("TYPE",): "type",
    ("DOMAIN",): "type",
    ("FUNCTION",): "function",
    ("PROCEDURE",): "function",
    ("ROUTINE",): "function",
    ("AGGREGATE",): "function",
    ("EVENT", "TRIGGER"): "event_trigger",
    ("TRIGGER",): "trigger",
    ("POLICY",): "policy",
    ("RULE",): "rule",
    ("PUBLICATION",): "publication",
    ("STATISTICS",): "statistics",
    ("ROLE",): "role",
    ("USER",): "role",
    ("GROUP",): "role",
    ("COLLATION",): "other",
    ("SERVER",): "other",
}
TABLE_PARTS = ("constraint", "trigger", "policy", "rule")
_DATABASE_OBJECTS = ("schema", "extension", "event_trigger", "publication", "role")
RELATIONS = ("table", "view", "sequence", "index")


def read_kind(cursor: Cursor) -> str:
    """Moves behind the words of a kind, and says which; empty where none of those known stands here."""
    for words, kind in KIND_WORDS.items():
        if cursor.consume(*words):
            return kind
    return ""


def read_object(cursor: Cursor, catalog: TextCatalog, kind: str) -> QualifiedName:
    """The object named here; a function with its input types."""
    path = cursor.path()
    if kind in _DATABASE_OBJECTS:
        return path
    if kind == "function":
        return _function(cursor, catalog, path)
    return catalog.existing_path(path, kind, *(RELATIONS if kind in RELATIONS else ()))


def _function(cursor: Cursor, catalog: TextCatalog, path: QualifiedName) -> QualifiedName:
    """A function with its input types; where the text leaves them out, the one of that name that the script made."""
    if cursor.peek() == "(":
        types = input_types(cursor.group(), type_lookup(catalog))
        for schema in () if path.schema else catalog.search_path:
            function = QualifiedName.of(schema, path.name).with_arguments(types)
            if ("function", str(function)) in catalog.remaining:
                return function
        return catalog.new_path(path).with_arguments(types)
    schemas = (path.schema,) if path.schema else catalog.search_path
    for created in catalog.remaining.values():
        if created.kind == "function" and created.path.schema in schemas and created.path.name == path.name:
            return created.path
    raise Unreadable(f"function {path} is named without the types of its arguments")
