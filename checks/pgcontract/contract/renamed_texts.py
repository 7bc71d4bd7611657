"""A rename in every name and every text of what is declared: references, types, SQL, grants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pgcontract.contract.inheritance import Declarations, primary_key_name
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.renamed_text import renamed_text
from pgcontract.model.sql.renames import RELATION, Rename

_NAME_KEYS: Final = frozenset(("references", "partition_of", "inherits", "of_type", "table", "owned_by"))
_TYPE_KEYS: Final = frozenset(("type", "returns", "arguments", "attributes"))
_SQL_KEYS: Final = frozenset(
    (
        "expression", "definition", "keys", "predicate", "default", "when", "using", "check", "partition_key", "tables",
        "function", "same_as", *_TYPE_KEYS,
    )
)  # fmt: skip
_REMEMBERED: Final = 4096  # parts
_SQL_BODIES: Final = ("BEGIN ATOMIC", "RETURN ")


def rename_everywhere(declarations: Declarations, rename: Rename) -> Declarations:
    """The rename in every name and every text of the declarations; the keys have been moved."""
    others = tables_with(declarations, rename)
    owners = _owners_of_texts(declarations, rename)

    def walk(value: Any, key: str, own: bool, kind: str) -> Any:
        if isinstance(value, dict):
            named = _with_referenced_columns(value, rename)
            return {
                _grant_key(name, rename) if key == "grant" else name: walk(
                    part, name if key != "grant" else "", own, kind
                )
                for name, part in named.items()
            }
        if isinstance(value, list | tuple):
            return type(value)(walk(one, key, own, kind) for one in value)
        if not isinstance(value, str):
            return value
        if key in _NAME_KEYS:
            return renamed_path(value, rename)
        if key == "on":
            return _granted(value, rename)
        is_sql_body = key == "body" and value.lstrip()[:12].upper().startswith(_SQL_BODIES)
        if key in _SQL_KEYS or is_sql_body:
            is_type = rename.kind == "type" and key in _TYPE_KEYS
            return renamed_text(value, rename, own=own or is_type, others=others, output=kind == "view")
        return value

    result: Declarations = {}
    for kind, parts in declarations.items():
        if kind == "grant":
            result[kind] = walk(parts, "grant", False, kind)
        else:
            result[kind] = {
                name: walk(part, "", kind == "table" and name in owners, kind) if _may_say(part, rename) else part
                for name, part in parts.items()
            }
    return result


@dataclass(frozen=True, eq=False)
class _Same:
    """A part that is equal to itself alone: the shapes along a chain share those that nothing changed."""

    part: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.part is other.part

    def __hash__(self) -> int:
        return id(self.part)


@lru_cache(maxsize=_REMEMBERED)
def _texts_of(same: _Same) -> tuple[str, str]:
    """All texts in the part, and the same in lower case."""
    texts: list[str] = []

    def gather(value: Any) -> None:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            texts.extend(value)
            for one in value.values():
                gather(one)
        elif isinstance(value, list | tuple):
            for one in value:
                gather(one)

    gather(same.part)
    text = "\n".join(texts)
    read = text.replace("''", "'")
    return f"{text}\n{read}", text.lower()


def _may_say(part: Any, rename: Rename) -> bool:
    """Whether a text of the part has the old name in it, as a name or by chance."""
    text, lowered = _texts_of(_Same(part))
    name = rename.old.name
    return name in text or rename.old.quoted_name.strip('"') in text or name in lowered


def _owners_of_texts(declarations: Declarations, rename: Rename) -> Collection[str]:
    """The tables whose own texts say the name without any other beside it."""
    if rename.kind == "column":
        return (str(rename.new.parent),)
    return tables_of_type(declarations, str(rename.old.parent)) if rename.kind == "label" else ()


def tables_of_type(declarations: Declarations, name: str) -> Collection[str]:
    """The tables that have a column of a type."""
    names = (name, QualifiedName.parse(name).quoted_name)
    return {
        table
        for table, part in declarations.get("table", {}).items()
        if any(column.get("type", "").removesuffix("[]") in names for column in part.get("columns", {}).values())
    }


def tables_with(declarations: Declarations, rename: Rename) -> Collection[str]:
    """The bare names of other tables that have a column called as the one that is renamed was."""
    if rename.kind != "column":
        return ()
    column, table = quote_identifier(rename.old.name), rename.old.parent
    named = (
        QualifiedName.parse(name)
        for name, part in declarations.get("table", {}).items()
        if column in part.get("columns", {})
    )
    return {name.name for name in named if name != table}


def moves_with(declarations: Declarations, rename: Rename) -> Collection[str]:
    """The indexes, in full, of a table that moves to another schema: they move with it."""
    part = declarations.get("table", {}).get(str(rename.old))
    if rename.kind != RELATION or part is None or rename.old.schema == rename.new.schema:
        return ()
    keys = [*part.get("indexes", {}), *(key for group in ("uniques", "excludes") for key in part.get(group, {}))]
    if "primary_key" in part:
        keys.append(QualifiedName.parse(primary_key_name(str(rename.old), part["primary_key"])).quoted_name)
    return {f"{quote_identifier(rename.old.schema)}.{key}" for key in keys}


def renamed_path(name: str, rename: Rename) -> str:
    """A name in full, after the rename."""
    try:
        parsed = QualifiedName.parse(name)
    except ValueError:
        return name
    if rename.kind == "schema":
        return str(parsed.in_schema(rename.new.name)) if parsed.schema == rename.old.name else name
    if rename.kind in (RELATION, "column", "attribute", "type") and parsed.is_in(rename.old):
        return str(parsed.moved(rename.old, rename.new))
    return name


def _with_referenced_columns(part: Declarations, rename: Rename) -> Declarations:
    """A foreign key to the table whose column is renamed names it in `to`."""
    if rename.kind == "column" and "to" in part and part.get("references") == str(rename.old.parent):
        old, new = quote_identifier(rename.old.name), quote_identifier(rename.new.name)
        return {**part, "to": [new if column == old else column for column in part["to"]]}
    return part


def _granted(on: str, rename: Rename) -> str:
    kind, _, name = on.partition(" ")
    if kind == rename.kind == "schema":
        return f"{kind} {quote_identifier(rename.new.name)}" if name == quote_identifier(rename.old.name) else on
    return f"{kind} {renamed_path(name, rename)}" if name else on


def _grant_key(key: str, rename: Rename) -> str:
    on, to, grantee = key.rpartition(" to ")
    return f"{_granted(on, rename)}{to}{grantee}"
