"""The object that a DROP, ALTER, COMMENT ON or GRANT names: its kind and its name as the catalog spells it."""

from __future__ import annotations

from pgcontract.model.sql.create_statements import type_lookup
from pgcontract.model.sql.identifiers import dotted, quoted
from pgcontract.model.sql.text_catalog import Ledger, Path
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.model.sql.type_names import input_types

# The words that open an object's kind in DROP, ALTER and COMMENT ON, and the kind they mean; longer ones first.
_WORDS: dict[tuple[str, ...], str] = {
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
OF_A_TABLE = ("constraint", "trigger", "policy", "rule")
_OF_THE_DATABASE = ("schema", "extension", "event_trigger", "publication", "role")
RELATIONS = ("table", "view", "sequence", "index")


def read_kind(at: Cursor) -> str:
    """Moves behind the words of a kind, and says which; empty where none of those known stands here."""
    for words, kind in _WORDS.items():
        if at.takes(*words):
            return kind
    return ""


def read_object(at: Cursor, ledger: Ledger, kind: str) -> tuple[str, Path]:
    """The object named here: as it is spelled, and the raw parts of its name."""
    path = at.path()
    if kind in _OF_THE_DATABASE:
        return quoted(path[0]), path
    if kind == "function":
        return _function(at, ledger, path)
    place = ledger.existing(path, kind, *(RELATIONS if kind in RELATIONS else ()))
    return dotted(*place), place


def _function(at: Cursor, ledger: Ledger, path: Path) -> tuple[str, Path]:
    """A function with its input types; where the text leaves them out, the one of that name that the script made."""
    if at.peek() == "(":
        types = input_types(at.group(), type_lookup(ledger))
        suffix = f"({','.join(types)})"
        for schema in ledger.search_path if len(path) == 1 else ():
            if ("function", dotted(schema, *path) + suffix) in ledger.left:
                return dotted(schema, *path) + suffix, (schema, *path)
        place = ledger.new(path)
        return dotted(*place) + suffix, place
    schemas = ledger.search_path if len(path) == 1 else path[:1]
    for made in ledger.left.values():
        if made.kind == "function" and made.path[0] in schemas and made.path[-1] == path[-1]:
            return made.name, made.path
    raise Unreadable(f"function {'.'.join(path)} is named without the types of its arguments")
