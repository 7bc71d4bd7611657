"""Writes a contract from a catalog, for an owner to begin with: every part that is there, in the owner's own forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, Final

from pgcontract.contract.constraints import backing_index, constraint_keys
from pgcontract.contract.inheritance import COLLECTIONS, primary_key_name
from pgcontract.contract.sequences import identity_sequence, sequence_defaults
from pgcontract.contract.toml_writer import write_pairs, write_table
from pgcontract.errors import InputError
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import (
    PART_TYPES,
    UNCOMMENTED,
    Column,
    Constraint,
    Function,
    Grant,
    Index,
    Other,
    Part,
    Rows,
    Schema,
    Sequence,
)

_KIND_FIELDS: Final = {
    PART_TYPES[field].kind: field
    for field in (
        *("roles", "settings", "schemas", "extensions", "types", "tables", "views", "functions", "sequences"),
        *("statistics", "event_triggers", "publications", "default_grants", "others"),
    )
}
_ORDER: Final = (
    *("anew", "removed", "purpose", "comment", "form", "type", "null", "default", "primary_key", "columns", "checks"),
    *("uniques", "foreign_keys", "excludes", "constraints", "indexes", "triggers", "policies", "rules", "grants"),
    "row_count",
)
_OMITTED_FIELDS: Final = frozenset(("name", "comment", "purpose", "origin", "same_as", "position"))
_HEADERS: Final = {
    True: "# Drafted by pgcontract from what the migration does, and accepted as it is.\n",
    False: "# Drafted by pgcontract from what the migration does. That is no promise yet: read each part, write what is\n"
    "# meant, then delete `accepted = false`. Until then no verdict is passed on it.\n",
}


def draft_contract(
    schema: Schema,
    *,
    migration: str,
    accept: bool,
    owner: str | None = None,
    inherited: Schema | None = None,
    removed: Iterable[tuple[str, str]] = (),
    only_declared: bool = False,
    renamed: Mapping[str, str] | None = None,
) -> str:
    """The text of a contract.toml that declares `schema`, read back as the same parts.

    `schema` is what one migration made or changed; `inherited` is what contracts before it declare, and `removed` are
    the (kind, name) of those parts that it took away. What belongs to `owner`, the role that migrates, has no owner
    of its own. Grants that default
    privileges give are left out. Unless `accept`, the contract says of itself that nobody has read it; with
    `only_declared` that it promises no more than what it names. `renamed` are the columns that were called otherwise
    before, each by its name in full, with its old name alone.
    """
    draft = _Draft(_without_owner(schema, owner), inherited or Schema(), renamed or {})
    draft.remove(list(removed))
    head: dict[str, Any] = {"migration": migration}
    if not accept:
        head["accepted"] = False
    if any(_lacks_comment(part) for part in (*schema.parts(), *(inherited.parts() if inherited else ()))):
        head["comments"] = "optional"
    if only_declared:
        head["promises"] = "declared"
    tables = [
        write_table((kind, name), _in_document_order(draft.declarations[kind][name]), COLLECTIONS)
        for kind in _KIND_FIELDS
        for name in sorted(draft.declarations.get(kind, ()))
    ]
    grants = [write_table(("grant",), changed_keys, array=True) for changed_keys in draft.grants]
    return "\n".join([_HEADERS[accept] + write_pairs(head), *tables, *grants])


def write_draft(text: str, path: Path) -> None:
    """Writes the draft to a new file, with the folders above it. Raises InputError where there is a file already."""
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        if path.exists():
            message = "there is a file already, and a draft never overwrites; remove it, or name another with -o"
        else:
            message = f"cannot be written: {error.strerror}; name another place with -o"
        raise InputError(message, file=str(path)) from None


def _without_owner(schema: Schema, owner: str | None) -> Schema:
    """The schema without the owner that every part has anyway."""
    kept: dict[str, Any] = {
        field.name: tuple(
            replace(part, owner=None) if owner and getattr(part, "owner", None) == owner else part
            for part in getattr(schema, field.name)
        )
        for field in fields(schema)
    }
    return Schema(**kept)


class _Draft:
    """`declarations` are {kind: {name: keys}}; `grants` those on objects that are not declared."""

    def __init__(self, schema: Schema, inherited: Schema, renamed: Mapping[str, str]) -> None:
        self.schema = schema
        self.renamed = renamed
        self.inherited = inherited
        self.known = {(part.kind, part.name) for part in inherited.parts()}
        self.declarations: dict[str, dict[str, dict[str, Any]]] = {}
        self.grants: list[dict[str, Any]] = []
        self.tables = {table.name: table for table in (*inherited.tables, *schema.tables)}
        self.kinds = {
            declared_part.name: kind
            for kind in ("type", "view")
            for declared_part in self._inherited_and_new(_KIND_FIELDS[kind])
        }
        for kind, field in _KIND_FIELDS.items():
            if kind != "sequence":
                for part in getattr(schema, field):
                    self.kind_declarations(kind)[part.name] = self.changed_keys(part)
        self.constraints()
        self.columns()
        self.sequences()
        self.indexes()
        for collection in ("triggers", "policies", "rules"):
            for part in getattr(schema, collection):
                self.collection_of(part.table, collection)[part.quoted_name] = self.changed_keys(part)
        for rows in schema.rows:
            self.owner(rows.name)["row_count"] = rows.rows
        self.access()

    def _inherited_and_new(self, field: str) -> tuple[Any, ...]:
        return (*getattr(self.inherited, field), *getattr(self.schema, field))

    def kind_declarations(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.declarations.setdefault(kind, {})

    def owner(self, name: str) -> dict[str, Any]:
        """The declaration of the table, view or type that owns a part."""
        return self.kind_declarations(self.kinds.get(name, "table")).setdefault(name, {})

    def collection_of(self, owner: str, collection: str) -> dict[str, Any]:
        declarations: dict[str, Any] = self.owner(owner).setdefault(collection, {})
        return declarations

    def changed_keys(self, part: Part, **implied: Any) -> dict[str, Any]:
        """The keys of a part that differ from their defaults."""
        changed_keys: dict[str, Any] = {}
        if (part.kind, part.name) in self.known:
            changed_keys["anew"] = True
        for field in fields(part):
            if field.name in _OMITTED_FIELDS or (field.name == "table" and part.kind != "statistics"):
                continue
            value = getattr(part, field.name)
            silent = implied.get(field.name, field.default)
            if value is not None and (silent is MISSING or value != silent):
                changed_keys[field.name] = value
        match part:
            case Function() if part.arguments == part.qualified_name.arguments:
                changed_keys.pop("arguments", None)
            case Other() if part.form == part.name.partition(" ")[0]:
                changed_keys.pop("form", None)
        if part.comment and part.kind != "extension":  # its version brings it
            changed_keys["comment"] = part.comment
        return changed_keys

    def constraints(self) -> None:
        for constraint in self.schema.constraints:
            if self.comes_from_parent(constraint):
                continue
            collection, declarations = constraint_keys(constraint)
            state = {
                key: value for key, value in self.changed_keys(constraint).items() if key not in ("form", "definition")
            }
            if collection != "primary_key":
                self.collection_of(constraint.table, collection)[constraint.quoted_name] = {**declarations, **state}
                continue
            if constraint.name != primary_key_name(constraint.table, {}):
                declarations["name"] = constraint.quoted_name
            whole = {**declarations, **state}
            self.owner(constraint.table)["primary_key"] = declarations["columns"] if [*whole] == ["columns"] else whole

    def comes_from_parent(self, constraint: Constraint) -> bool:
        """Whether a partition inherits it from its parent."""
        parent = self.tables[constraint.table].partition_of if constraint.table in self.tables else None
        return constraint.form == "check" and any(
            parent_constraint.name == f"{parent}.{constraint.quoted_name}"
            and _as_in_table(parent_constraint, constraint, inherited=True) == constraint
            for parent_constraint in self._inherited_and_new("constraints")
        )

    def is_renamed(self, column: Column) -> bool:
        """Whether a column that is gone is there under another name."""
        return any(
            QualifiedName.parse(new).parent == QualifiedName.parse(column.table) and old == column.quoted_name
            for new, old in self.renamed.items()
        )

    def is_parents(self, column: Column) -> bool:
        """Whether a declared column is its parent's: a partition whose columns differ declares them all."""
        table = next((one for one in self.inherited.tables if one.name == column.table), None)
        if table is None or table.partition_of is None:
            return False
        own = [one.quoted_name for one in self.inherited.columns if one.table == table.name]
        above = [one.quoted_name for one in self.inherited.columns if one.table == table.partition_of]
        return sorted(own) == sorted(above)

    def columns(self) -> None:
        by_table: dict[str, list[Column]] = {}
        for column in sorted(self.schema.columns, key=lambda own_column: own_column.position):
            by_table.setdefault(column.table, []).append(column)
        for owner, columns in by_table.items():
            table = self.tables.get(owner)
            above = [
                parent_column
                for parent_column in self._inherited_and_new("columns")
                if table and parent_column.table == table.partition_of
            ]
            inherited_columns = [replace(parent_column, statistics=None, options=()) for parent_column in above]
            moved = sorted(
                (_as_in_table(parent_column, columns[0]) for parent_column in inherited_columns),
                key=lambda parent_column: parent_column.position,
            )
            uncommented = [replace(column, comment=None) for column in columns]
            if moved == uncommented and uncommented == columns and ("table", owner) not in self.known:
                continue
            key = self.owner(owner).get("primary_key", {})
            in_key = key.get("columns", ()) if isinstance(key, Mapping) else key
            for column in columns:
                keys = self.changed_keys(column, null=column.quoted_name not in in_key)
                if column.name in self.renamed:
                    keys = {"renamed_from": self.renamed[column.name], "anew": True, **keys}
                self.collection_of(owner, "columns")[column.quoted_name] = keys

    def sequences(self) -> None:
        """All but those that an identity column implies."""
        for sequence in self.schema.sequences:
            if not self.implied(sequence):
                self.kind_declarations("sequence")[sequence.name] = self.changed_keys(
                    sequence, **_implied_bounds(sequence)
                )

    def implied(self, sequence: Sequence) -> bool:
        """Whether an identity column implies it."""
        column = next(
            (candidate for candidate in self._inherited_and_new("columns") if candidate.name == sequence.owned_by), None
        )
        table = self.tables.get(column.table) if column else None
        if not sequence.identity or column is None or table is None:
            return False
        return identity_sequence(column.table, column.quoted_name, column.type, table, None) == sequence

    def indexes(self) -> None:
        """All but those that a constraint implies; of one that is not quite as implied, the difference."""
        backing = {
            backing_part.name: backing_part
            for constraint in self._inherited_and_new("constraints")
            if (backing_part := backing_index(constraint))
        }
        for index in self.schema.indexes:
            implied = backing.get(index.name)
            if implied is None:
                self.collection_of(index.table, "indexes")[index.quoted_name] = self.changed_keys(index)
            elif implied != index or self.declared_otherwise(index):
                implied_values = {field.name: getattr(implied, field.name) for field in fields(Index)}
                self.collection_of(index.table, "indexes")[index.quoted_name] = self.changed_keys(index, **implied_values)

    def declared_otherwise(self, index: Index) -> bool:
        """Whether a contract before it says something else of it: a partition's, once that is none any more."""
        before = next((one for one in self.inherited.indexes if one.name == index.name), None)
        return before is not None and before.partition_of != index.partition_of

    def access(self) -> None:
        for acl in self.schema.grants:
            if acl.privileges != acl.implied:
                self.grant(acl, acl.privileges)

    def grant(self, granted: Grant, privileges: tuple[str, ...]) -> None:
        """Declared with its object where that is declared, else on its own."""
        kind, name = granted.object
        column = next(
            (candidate for candidate in self.schema.columns if kind == "column" and candidate.name == name), None
        )
        if column and column.quoted_name in self.owner(column.table).get("columns", {}):
            collection_of = self.collection_of(column.table, "columns")[column.quoted_name]
        elif kind in _KIND_FIELDS and name in self.declarations.get(kind, {}):
            collection_of = self.kind_declarations(kind)[name]
        else:
            self.grants.append({"on": granted.on, "grantee": granted.grantee, "privileges": privileges})
            return
        collection_of.setdefault("grants", {})[granted.grantee] = privileges

    def remove(self, removed: list[tuple[str, str]]) -> None:
        """`removed = true` for each part that is gone and does not go with another."""
        parts = {(part.kind, part.name): part for part in self.inherited.parts()}
        for kind, name in removed:
            part = parts.get((kind, name))
            owner = getattr(part, "table", None)
            if isinstance(part, Rows) and ("table", name) not in removed:
                self.owner(name)["row_count"] = 0
            if isinstance(part, Grant) and not any(part.on == f"{kind} {name}" for kind, name in removed):
                self.grant(part, ())
            if part is None or (isinstance(part, Sequence) and self.implied(part)):
                continue
            if isinstance(part, Column) and (self.is_parents(part) or self.is_renamed(part)):
                continue
            if kind in _KIND_FIELDS:
                self.kind_declarations(kind)[name] = {"removed": True}
            elif any((owner_kind, owner) in removed for owner_kind in ("table", "view", "type")):
                continue
            elif isinstance(part, Constraint):
                collection, _ = constraint_keys(part)
                if collection == "primary_key":
                    self.owner(part.table)["primary_key"] = {"removed": True}
                else:
                    self.collection_of(part.table, collection)[part.quoted_name] = {"removed": True}
            elif owner is not None and not getattr(part, "constraint", None):
                collection = {"column": "columns", "index": "indexes", "policy": "policies"}.get(kind, f"{kind}s")
                self.collection_of(owner, collection)[part.quoted_name] = {"removed": True}


def _as_in_table(part: Any, like: Any, **changed: Any) -> Any:
    """A part of a parent table as it would be in the table of `like`."""
    name = f"{like.table}.{part.quoted_name}"
    return replace(part, name=name, table=like.table, comment=like.comment, **changed)


def _implied_bounds(sequence: Sequence) -> dict[str, int]:
    """The bounds that the declared ones imply, where only those are declared that differ from the type's."""
    changed_keys: dict[str, Any] = {"type": sequence.type, "increment": sequence.increment}
    implied: dict[str, int] = {}
    for bound in ("minimum", "maximum", "start"):
        implied[bound] = sequence_defaults(changed_keys)[bound]
        changed_keys[bound] = getattr(sequence, bound)
    return implied


def _lacks_comment(part: Part) -> bool:
    return not part.comment and part.kind not in UNCOMMENTED and not (isinstance(part, Sequence) and part.identity)


def _in_document_order(changed_keys: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in the order of a document; the others as they are in the model."""
    place = {key: index for index, key in enumerate(_ORDER)}
    middle = place["primary_key"] - 0.5
    return dict(sorted(changed_keys.items(), key=lambda item: place.get(item[0], middle)))
