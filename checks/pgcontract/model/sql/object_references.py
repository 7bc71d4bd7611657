"""The object that a DROP, ALTER, COMMENT ON or GRANT names: its kind and its name as the catalog spells it."""

from __future__ import annotations

from pgcontract.model.sql.create_statements import type_lookup
from pgcontract.model.sql.identifiers import dotted, quoted
from pgcontract.model.sql.text_catalog import NamePath, TextCatalog
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.model.sql.type_names import input_types

# The words that open an object's kind in DROP, ALTER and COMMENT ON, and the kind they mean; longer ones first.
_KIND_WORDS: dict[tuple[str, ...], str] = {
    ("FOREIGN", "TABLE"): "table",
    ("TABLE",): "table",
    ("COLUMN",): "column",
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
    ("COLLATION",): "other",
    ("SERVER",): "other",
}
TABLE_PARTS = ("constraint", "trigger", "policy", "rule")
_DATABASE_OBJECTS = ("schema", "extension", "event_trigger", "publication", "role")
RELATIONS = ("table", "view", "sequence", "index")


def read_kind(cursor: Cursor) -> str:
    """Moves behind the words of a kind, and says which; empty where none of those known stands here."""
    for words, kind in _KIND_WORDS.items():
        if cursor.consume(*words):
            return kind
    return ""


def read_object(cursor: Cursor, catalog: TextCatalog, kind: str) -> tuple[str, NamePath]:
    """The object named here: as it is spelled, and the raw parts of its name."""
    path = cursor.path()
    if kind in _DATABASE_OBJECTS:
        return quoted(path[0]), path
    if kind == "function":
        return _function(cursor, catalog, path)
    line_and_column = catalog.existing_path(path, kind, *(RELATIONS if kind in RELATIONS else ()))
    return dotted(*line_and_column), line_and_column


def _function(cursor: Cursor, catalog: TextCatalog, path: NamePath) -> tuple[str, NamePath]:
    """A function with its input types; where the text leaves them out, the one of that name that the script made."""
    if cursor.peek() == "(":
        types = input_types(cursor.group(), type_lookup(catalog))
        suffix = f"({','.join(types)})"
        for schema in catalog.search_path if len(path) == 1 else ():
            if ("function", dotted(schema, *path) + suffix) in catalog.remaining:
                return dotted(schema, *path) + suffix, (schema, *path)
        line_and_column = catalog.new_path(path)
        return dotted(*line_and_column) + suffix, line_and_column
    schemas = catalog.search_path if len(path) == 1 else path[:1]
    for function in catalog.remaining.values():
        if function.kind == "function" and function.path[0] in schemas and function.path[-1] == path[-1]:
            return function.name, function.path
    raise Unreadable(f"function {'.'.join(path)} is named without the types of its arguments")
