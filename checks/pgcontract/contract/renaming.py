"""What is declared, under the names that things have after a migration renamed them.

Names and everything that says a name move along: keys, lists of columns, references, SQL. What PostgreSQL named after a
table or a column keeps its name, so it is declared by that name from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from pgcontract.contract.inheritance import ORIGIN, Declarations, primary_key_name
from pgcontract.contract.renamed_texts import rename_everywhere
from pgcontract.contract.sequences import identity_sequence
from pgcontract.model.identifiers import quote_identifier, unquote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Sequence, Table
from pgcontract.model.sql.renamed_text import renamed_text
from pgcontract.model.sql.renames import RELATION, Rename

_RELATIONS: Final = ("table", "view", "sequence")
_COLLECTION: Final = {"trigger": "triggers", "policy": "policies", "rule": "rules"}
_CONSTRAINTS: Final = ("uniques", "excludes", "constraints", "checks", "foreign_keys")
_COLUMN_LISTS: Final = ("columns", "include", "on_delete_columns")


def declared_name(declarations: Declarations, rename: Rename) -> Rename | None:
    """The rename with its names in full, as declared; None where nothing is declared that it renames."""
    if rename.kind in ("schema", "role", "event_trigger", "publication"):
        return rename
    place = _place(rename)
    owner = next((name for kind in _owner_kinds(rename) for name in _called(declarations.get(kind, {}), place)), None)
    if owner is None and rename.kind == RELATION:
        owner = _index_place(declarations, place) or next(iter(_called(_identities(declarations), place)), None)
    if owner is None:
        return None
    full = QualifiedName.parse(owner)
    new = rename.new
    if rename.kind in (RELATION, "type", "function", "statistics"):
        schema = new.schema if new.schema and new.schema != rename.old.schema else full.schema
        return Rename(kind=rename.kind, old=full, new=QualifiedName((schema, new.name), full.arguments))
    return Rename(kind=rename.kind, old=full.member(rename.old.name), new=full.member(new.name))


RENAMED_FROM: Final = "renamed_from"


def take_renames(own: Declarations) -> tuple[Declarations, tuple[Rename, ...]]:
    """A contract's own declarations without what it says of renames, and those: tables first, then their columns."""
    tables, columns, kept = [], [], {}
    for name, part in own.get("table", {}).items():
        table = QualifiedName.parse(name)
        if RENAMED_FROM in part:
            tables.append(Rename(kind=RELATION, old=QualifiedName.parse(part[RENAMED_FROM]), new=table))
        for column, keys in part.get("columns", {}).items():
            if RENAMED_FROM in keys:
                old, new = unquote_identifier(keys[RENAMED_FROM]), unquote_identifier(column)
                columns.append(Rename(kind="column", old=table.member(old), new=table.member(new)))
        kept[name] = {key: value for key, value in part.items() if key != RENAMED_FROM}
        if "columns" in part:
            kept[name]["columns"] = {
                column: {key: value for key, value in keys.items() if key != RENAMED_FROM}
                for column, keys in part["columns"].items()
            }
    return ({**own, "table": kept}, (*tables, *columns)) if tables or columns else (own, ())


def rename_declared(declarations: Declarations, rename: Rename) -> Declarations:
    """The same declarations after a rename whose names are in full."""
    match rename.kind:
        case "column" | "attribute":
            declarations = _with_identities(declarations, str(rename.old.parent), column=rename.old.name)
            return _rename_column(declarations, rename)
        case "constraint":
            return _rename_constraint(declarations, rename)
        case "label":
            return rename_everywhere(_rename_label(declarations, rename), rename)
        case "trigger" | "policy" | "rule":
            table = str(rename.old.parent)
            return _change_owner(declarations, table, lambda one: _in_collection(one, _COLLECTION[rename.kind], rename))
        case "schema":
            return _rename_schema(declarations, rename)
    if rename.kind == RELATION:
        owner = _identities(declarations).get(str(rename.old), str(rename.old))
        declarations = _with_identities(declarations, owner)
        declarations = _rename_index(declarations, rename)
        declarations = _move_with_table(declarations, rename)
    kinds = _owner_kinds(rename)
    moved = {
        kind: _with_key(parts, str(rename.old), str(rename.new)) if kind in kinds else parts
        for kind, parts in declarations.items()
    }
    return rename_everywhere(_with_arguments(moved, rename), rename)


def without_renamed_away(own: Declarations, before: Declarations, renames: Iterable[Rename]) -> Declarations:
    """A contract's own declarations without `removed = true` of what is gone because its migration renamed it."""
    for rename in renames:
        if rename.kind in ("column", "constraint", "trigger", "policy", "rule"):
            own = _without_removed_part(own, before, rename)
        for kind in _owner_kinds(rename) if rename.kind not in ("column", "attribute", "label") else ():
            parts, name = own.get(kind, {}), str(rename.old)
            if parts.get(name, {}).get("removed") and name not in before.get(kind, {}):
                own = {**own, kind: {key: part for key, part in parts.items() if key != name}}
    return own


def _without_removed_part(own: Declarations, before: Declarations, rename: Rename) -> Declarations:
    table, name = str(rename.old.parent), quote_identifier(rename.old.name)
    for collection in ("columns", *_CONSTRAINTS, *_COLLECTION.values()):
        declared = own.get("table", {}).get(table, {}).get(collection, {})
        there = before.get("table", {}).get(table, {}).get(collection, {})
        if declared.get(name, {}).get("removed") and name not in there:
            kept = {key: part for key, part in declared.items() if key != name}
            own = _change_owner(own, table, lambda one, kept=kept, key=collection: {**one, key: kept})  # type: ignore[misc]
    return own


def _owner_kinds(rename: Rename) -> tuple[str, ...]:
    match rename.kind:
        case "column" | "trigger" | "rule" | "policy":
            return ("table", "view", "type")
        case "constraint":
            return ("table", "type")
        case "attribute" | "label":
            return ("type",)
    return _RELATIONS if rename.kind == RELATION else (rename.kind,)


def _place(rename: Rename) -> QualifiedName:
    """What the rename is about, or what that is a part of."""
    is_part = rename.kind in ("column", "constraint", "attribute", "label", "trigger", "policy", "rule")
    return rename.old.parent if is_part else rename.old


def _called(names: Iterable[str], place: QualifiedName) -> list[str]:
    """The declared names that a name in a script may mean: with its schema, else in public before any other."""
    found = []
    for name in names:
        parsed = QualifiedName.parse(name)
        if parsed.name == place.name and place.schema in ("", parsed.schema):
            found.append(name)
    return sorted(found, key=lambda name: QualifiedName.parse(name).schema != "public")


def _index_place(declarations: Declarations, place: QualifiedName) -> str | None:
    for kind in ("table", "view"):
        for name, part in declarations.get(kind, {}).items():
            schema = QualifiedName.parse(name).schema
            keys = {*part.get("indexes", {}), *(key for group in _CONSTRAINTS for key in part.get(group, {}))}
            if "primary_key" in part:
                keys.add(QualifiedName.parse(primary_key_name(name, part["primary_key"])).quoted_name)
            if place.schema in ("", schema) and quote_identifier(place.name) in keys:
                return str(QualifiedName.of(schema, place.name))
    return None


def _with_key(parts: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The same parts in their order, one of them under its new name."""
    return {new if name == old else name: part for name, part in parts.items()}


def _change_owner(declarations: Declarations, owner: str, change: Callable[[Declarations], Declarations]) -> Declarations:
    return {
        kind: {name: change(part) if name == owner else part for name, part in parts.items()}
        if kind in ("table", "view", "type")
        else parts
        for kind, parts in declarations.items()
    }


def _in_collection(part: Declarations, collection: str, rename: Rename) -> Declarations:
    if collection not in part:
        return part
    old, new = quote_identifier(rename.old.name), quote_identifier(rename.new.name)
    return {**part, collection: _with_key(part[collection], old, new)}


def _rename_constraint(declarations: Declarations, rename: Rename) -> Declarations:
    owner = str(rename.old.parent)

    def change(part: Declarations) -> Declarations:
        for collection in (*_CONSTRAINTS, "indexes"):
            part = _in_collection(part, collection, rename)
        key = part.get("primary_key")
        if key and QualifiedName.parse(primary_key_name(owner, key)).name == rename.old.name:
            part = {**part, "primary_key": {**key, "name": quote_identifier(rename.new.name)}}
        return part

    return _change_owner(declarations, owner, change)


def _rename_index(declarations: Declarations, rename: Rename) -> Declarations:
    """An index, and the constraint that it backs, which is called the same."""
    for kind in ("table", "view"):
        for owner in declarations.get(kind, {}):
            name = QualifiedName.parse(owner)
            if name.schema == rename.old.schema and str(rename.old) != owner and rename.old.schema == rename.new.schema:
                part = Rename(kind="constraint", old=name.member(rename.old.name), new=name.member(rename.new.name))
                declarations = _rename_constraint(declarations, part)
    return declarations


def _rename_label(declarations: Declarations, rename: Rename) -> Declarations:
    old, new = rename.old.name, rename.new.name

    def change(part: Declarations) -> Declarations:
        labels = part.get("labels")
        return {**part, "labels": [new if label == old else label for label in labels]} if labels else part

    return _change_owner(declarations, str(rename.old.parent), change)


def _rename_schema(declarations: Declarations, rename: Rename) -> Declarations:
    old, new = rename.old.name, rename.new.name
    moved: Declarations = {}
    for kind, parts in declarations.items():
        moved[kind] = {}
        for name, part in parts.items():
            key = name
            if kind == "schema":
                key = quote_identifier(new) if name == quote_identifier(old) else name
            elif kind in ("table", "view", "sequence", "type", "function", "statistics"):
                parsed = QualifiedName.parse(name)
                key = str(parsed.in_schema(new)) if parsed.schema == old else name
            moved[kind][key] = part
    return rename_everywhere(_with_arguments(moved, rename), rename)


def _with_arguments(declarations: Declarations, rename: Rename) -> Declarations:
    """Functions by the types that they take, after the rename."""
    functions = {}
    for name, part in declarations.get("function", {}).items():
        parsed = QualifiedName.parse(name)
        arguments = parsed.arguments and renamed_text(parsed.arguments, rename, own=rename.kind == "type")
        functions[str(QualifiedName(parsed.parts, arguments))] = part
    return {**declarations, "function": functions} if functions else declarations


def _with_identities(declarations: Declarations, owner: str, *, column: str | None = None) -> Declarations:
    """With the names that the table's key and the sequences of its identity columns have now, which they keep; with the
    sequence of one column alone."""
    table = declarations.get("table", {}).get(owner)
    if table is None:
        return declarations
    sequences = dict(declarations.get("sequence", {}))
    for part, implied in _implied_sequences(declarations, owner):
        if column is not None and QualifiedName.parse(implied.owned_by or "").name != column:
            continue
        kept = {"type": implied.type, "owned_by": implied.owned_by, "identity": True, ORIGIN: part[ORIGIN]}
        sequences[implied.name] = kept | {key: table[key] for key in ("persistence", "owner") if key in table}
    if column is None and table.get("primary_key") and "name" not in table["primary_key"]:
        name = QualifiedName.parse(primary_key_name(owner, table["primary_key"])).quoted_name
        table = {**table, "primary_key": {**table["primary_key"], "name": name}}
    tables = {**declarations["table"], owner: table}
    return {**declarations, "table": tables, **({"sequence": sequences} if sequences else {})}


def _identities(declarations: Declarations) -> dict[str, str]:
    """The tables of the sequences that identity columns imply, by the sequence's name."""
    return {
        implied.name: owner
        for owner in declarations.get("table", {})
        for _, implied in _implied_sequences(declarations, owner)
    }


def _implied_sequences(declarations: Declarations, owner: str) -> Iterator[tuple[Declarations, Sequence]]:
    """The identity columns of a table of which no sequence is declared, each with the one that it implies."""
    table = declarations["table"][owner]
    declared = {part.get("owned_by") for part in declarations.get("sequence", {}).values() if part.get("identity")}
    own = Table(name=owner, **{key: table[key] for key in ("partition_of", "persistence", "owner") if key in table})
    for column, part in table.get("columns", {}).items():
        if "identity" in part and "type" in part and f"{owner}.{column}" not in declared:
            implied = identity_sequence(owner, column, part["type"], own, part[ORIGIN])
            if implied is not None:
                yield part, implied


def _move_with_table(declarations: Declarations, rename: Rename) -> Declarations:
    """A table that moves to another schema takes along the sequences that its columns own."""
    if rename.old.schema == rename.new.schema or str(rename.old) not in declarations.get("table", {}):
        return declarations
    for name, part in declarations.get("sequence", {}).items():
        if part.get("owned_by") and QualifiedName.parse(part["owned_by"]).parent == rename.old:
            old = QualifiedName.parse(name)
            move = Rename(kind=RELATION, old=old, new=old.in_schema(rename.new.schema))
            declarations = {**declarations, "sequence": _with_key(declarations["sequence"], name, str(move.new))}
            declarations = rename_everywhere(declarations, move)
    return declarations


def _rename_column(declarations: Declarations, rename: Rename) -> Declarations:
    owner = str(rename.old.parent)
    old, new = quote_identifier(rename.old.name), quote_identifier(rename.new.name)

    def change(part: Declarations) -> Declarations:
        part = _in_collection(part, "columns", rename)
        if "sample" in part:
            part = {**part, "sample": _with_key(part["sample"], rename.old.name, rename.new.name)}
        changed = {**part}
        for collection in ("primary_key", *_CONSTRAINTS, "indexes", "triggers"):
            if collection == "primary_key" and collection in part:
                changed[collection] = _with_columns(part[collection], old, new)
            elif collection in part:
                changed[collection] = {name: _with_columns(one, old, new) for name, one in part[collection].items()}
        return changed

    children = [name for name, part in declarations.get("table", {}).items() if part.get("partition_of") == owner]
    declarations = _change_owner(declarations, owner, change)
    for child in children:
        name = QualifiedName.parse(child)
        one = Rename(kind="column", old=name.member(rename.old.name), new=name.member(rename.new.name))
        declarations = _rename_column(declarations, one)
    return rename_everywhere(declarations, rename)


def _with_columns(part: Declarations, old: str, new: str) -> Declarations:
    changed = {**part}
    for key in _COLUMN_LISTS:
        if isinstance(part.get(key), list):
            changed[key] = [new if column == old else column for column in part[key]]
    if part.get("column") == old:
        changed["column"] = new
    for key in ("accept", "reject"):
        if key in part:
            changed[key] = [_with_key(row, old, new) if isinstance(row, dict) else row for row in part[key]]
    return changed
