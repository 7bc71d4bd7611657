"""Writes a contract from a catalog, for an owner to begin with: every part that is there, in the owner's own forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, Final

from pgcontract.contract import identifiers
from pgcontract.contract.constraints import backing_index, explain
from pgcontract.contract.inheritance import COLLECTIONS, primary_key_name
from pgcontract.contract.sequences import identity_sequence, sequence_defaults
from pgcontract.contract.toml_writer import write_pairs, write_table
from pgcontract.errors import InputError
from pgcontract.model.schema import Column, Constraint, Function, Grant, Index, Other, Part, Schema, Sequence

_TOP: Final = {
    "role": "roles",
    "setting": "settings",
    "schema": "schemas",
    "extension": "extensions",
    "type": "types",
    "table": "tables",
    "view": "views",
    "function": "functions",
    "sequence": "sequences",
    "statistics": "statistics",
    "event_trigger": "event_triggers",
    "publication": "publications",
    "default_grant": "default_grants",
    "other": "others",
}
_ORDER: Final = (
    *("anew", "removed", "purpose", "form", "type", "null", "default", "primary_key", "columns", "checks", "uniques"),
    *("foreign_keys", "excludes", "constraints", "indexes", "triggers", "policies", "rules", "grants", "row_count"),
)
_UNSAID: Final = frozenset(("name", "comment", "purpose", "origin", "same_as", "position"))
_UNCOMMENTED: Final = frozenset(("extension", "grant", "default_grant", "role", "setting", "rows", "other"))
_READ_ME: Final = {
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
) -> str:
    """The text of a contract.toml that declares `schema`, read back as the same parts.

    `schema` is what one migration made or changed; `inherited` is what contracts before it declare, and `removed` are
    the (kind, name) of those parts that it took away. What belongs to `owner`, the role that migrates, has no owner
    of its own. A comment becomes the part's purpose. Grants that default
    privileges give are left out. Unless `accept`, the contract says of itself that nobody has read it.
    """
    draft = _Draft(_disowned(schema, owner), inherited or Schema())
    draft.remove(list(removed))
    head: dict[str, Any] = {"migration": migration}
    if not accept:
        head["accepted"] = False
    if any(_lacks_comment(part) for part in schema.parts()):
        head["comments"] = "optional"
    tables = [
        write_table((kind, name), _sorted(draft.words[kind][name]), COLLECTIONS)
        for kind in _TOP
        for name in sorted(draft.words.get(kind, ()))
    ]
    grants = [write_table(("grant",), said, array=True) for said in draft.grants]
    return "\n".join([_READ_ME[accept] + write_pairs(head), *tables, *grants])


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


def _disowned(schema: Schema, owner: str | None) -> Schema:
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
    """`words` are what is said, {kind: {name: keys}}; `grants` those that have no part to stand in."""

    def __init__(self, schema: Schema, inherited: Schema) -> None:
        self.schema = schema
        self.inherited = inherited
        self.known = {(part.kind, part.name) for part in inherited.parts()}
        self.words: dict[str, dict[str, dict[str, Any]]] = {}
        self.grants: list[dict[str, Any]] = []
        self.tables = {each.name: each for each in (*inherited.tables, *schema.tables)}
        self.kinds = {each.name: kind for kind in ("type", "view") for each in self._both(_TOP[kind])}
        for kind, field in _TOP.items():
            if kind != "sequence":
                for part in getattr(schema, field):
                    self.top(kind)[part.name] = self.said(part)
        self.constraints()
        self.columns()
        self.sequences()
        self.indexes()
        for collection in ("triggers", "policies", "rules"):
            for part in getattr(schema, collection):
                self.inside(part.table, collection)[_inner(part)] = self.said(part)
        for rows in schema.rows:
            self.owner(rows.name)["row_count"] = rows.rows
        self.access()

    def _both(self, field: str) -> tuple[Any, ...]:
        return (*getattr(self.inherited, field), *getattr(self.schema, field))

    def top(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.words.setdefault(kind, {})

    def owner(self, name: str) -> dict[str, Any]:
        """The words of the table, view or type that something hangs on."""
        return self.top(self.kinds.get(name, "table")).setdefault(name, {})

    def inside(self, owner: str, collection: str) -> dict[str, Any]:
        found: dict[str, Any] = self.owner(owner).setdefault(collection, {})
        return found

    def said(self, part: Part, **implied: Any) -> dict[str, Any]:
        """The keys of a part that differ from what saying nothing means."""
        said: dict[str, Any] = {}
        if (part.kind, part.name) in self.known:
            said["anew"] = True
        for field in fields(part):
            if field.name in _UNSAID or (field.name == "table" and part.kind != "statistics"):
                continue
            value = getattr(part, field.name)
            silent = implied.get(field.name, field.default)
            if value is not None and (silent is MISSING or value != silent):
                said[field.name] = value
        match part:
            case Function() if part.arguments == identifiers.arguments_of(part.name):
                said.pop("arguments", None)
            case Other() if part.form == part.name.partition(" ")[0]:
                said.pop("form", None)
        if part.comment:
            said["purpose"] = part.comment
        return said

    def constraints(self) -> None:
        for each in self.schema.constraints:
            if self.passed_on(each):
                continue
            collection, words = explain(each)
            state = {key: value for key, value in self.said(each).items() if key not in ("form", "definition")}
            if collection != "primary_key":
                self.inside(each.table, collection)[_inner(each)] = {**words, **state}
                continue
            if each.name != primary_key_name(each.table, {}):
                words["name"] = _inner(each)
            whole = {**words, **state}
            self.owner(each.table)["primary_key"] = words["columns"] if [*whole] == ["columns"] else whole

    def passed_on(self, constraint: Constraint) -> bool:
        """Does a partition get it from its parent without a word?"""
        parent = self.tables[constraint.table].partition_of if constraint.table in self.tables else None
        return constraint.form == "check" and any(
            each.name == f"{parent}.{_inner(constraint)}" and _moved(each, constraint, inherited=True) == constraint
            for each in self._both("constraints")
        )

    def columns(self) -> None:
        found: dict[str, list[Column]] = {}
        for each in sorted(self.schema.columns, key=lambda each: each.position):
            found.setdefault(each.table, []).append(each)
        for owner, columns in found.items():
            table = self.tables.get(owner)
            above = [each for each in self._both("columns") if table and each.table == table.partition_of]
            given = [replace(each, statistics=None, options=()) for each in above]
            moved = sorted((_moved(each, columns[0]) for each in given), key=lambda each: each.position)
            if moved == columns and ("table", owner) not in self.known:
                continue
            key = self.owner(owner).get("primary_key", {})
            in_key = key.get("columns", ()) if isinstance(key, Mapping) else key
            for each in columns:
                self.inside(owner, "columns")[_inner(each)] = self.said(each, null=_inner(each) not in in_key)

    def sequences(self) -> None:
        """All but those that an identity column implies."""
        for each in self.schema.sequences:
            if not self.implied(each):
                self.top("sequence")[each.name] = self.said(each, **_implied_bounds(each))

    def implied(self, sequence: Sequence) -> bool:
        """Is it what an identity column brings without a word?"""
        column = next((each for each in self._both("columns") if each.name == sequence.owned_by), None)
        table = self.tables.get(column.table) if column else None
        if not sequence.identity or column is None or table is None:
            return False
        return identity_sequence(column.table, _inner(column), column.type, table, None) == replace(
            sequence, comment=None
        )

    def indexes(self) -> None:
        """All but those that a constraint implies; of one that is not quite as implied, the difference."""
        backing = {made.name: made for each in self._both("constraints") if (made := backing_index(each))}
        for each in self.schema.indexes:
            implied = backing.get(each.name)
            if implied is None:
                self.inside(each.table, "indexes")[_inner(each)] = self.said(each)
            elif implied != replace(each, comment=None):
                given = {field.name: getattr(implied, field.name) for field in fields(Index)}
                self.inside(each.table, "indexes")[_inner(each)] = self.said(each, **given)

    def access(self) -> None:
        for each in self.schema.grants:
            if each.privileges != each.implied:
                self.grant(each, each.privileges)

    def grant(self, given: Grant, privileges: tuple[str, ...]) -> None:
        """Said where the part itself is said, else on its own."""
        kind, _, name = given.on.partition(" ")
        column = next((each for each in self.schema.columns if kind == "column" and each.name == name), None)
        if column and _inner(column) in self.owner(column.table).get("columns", {}):
            inside = self.inside(column.table, "columns")[_inner(column)]
        elif kind in _TOP and name in self.words.get(kind, {}):
            inside = self.top(kind)[name]
        else:
            self.grants.append({"on": given.on, "grantee": given.grantee, "privileges": privileges})
            return
        inside.setdefault("grants", {})[given.grantee] = privileges

    def remove(self, gone: list[tuple[str, str]]) -> None:
        """`removed = true` for each part that is gone and does not go with another."""
        parts = {(part.kind, part.name): part for part in self.inherited.parts()}
        for kind, name in gone:
            part = parts.get((kind, name))
            owner = getattr(part, "table", None)
            if isinstance(part, Grant) and not any(part.on == f"{kind} {name}" for kind, name in gone):
                self.grant(part, ())
            if part is None or (isinstance(part, Sequence) and self.implied(part)):
                continue
            if kind in _TOP:
                self.top(kind)[name] = {"removed": True}
            elif any((each, owner) in gone for each in ("table", "view", "type")):
                continue
            elif isinstance(part, Constraint):
                collection, _ = explain(part)
                if collection == "primary_key":
                    self.owner(part.table)["primary_key"] = {"removed": True}
                else:
                    self.inside(part.table, collection)[_inner(part)] = {"removed": True}
            elif owner is not None and not getattr(part, "constraint", None):
                collection = {"column": "columns", "index": "indexes", "policy": "policies"}.get(kind, f"{kind}s")
                self.inside(owner, collection)[_inner(part)] = {"removed": True}


def _inner(part: Any) -> str:
    """A part's name inside the table it belongs to; an index's inside its schema."""
    outer = identifiers.schema_of(part.table) if part.kind == "index" else part.table
    return str(part.name.removeprefix(f"{outer}."))


def _moved(part: Any, like: Any, **changed: Any) -> Any:
    """A part of a parent table as it would be in the table of `like`."""
    name = f"{like.table}.{_inner(part)}"
    return replace(part, name=name, table=like.table, comment=like.comment, **changed)


def _implied_bounds(sequence: Sequence) -> dict[str, int]:
    """What the bounds would be if only those were said that differ from the type's."""
    said: dict[str, Any] = {"type": sequence.type, "increment": sequence.increment}
    implied: dict[str, int] = {}
    for bound in ("minimum", "maximum", "start"):
        implied[bound] = sequence_defaults(said)[bound]
        said[bound] = getattr(sequence, bound)
    return implied


def _lacks_comment(part: Part) -> bool:
    return not part.comment and part.kind not in _UNCOMMENTED and not (isinstance(part, Sequence) and part.identity)


def _sorted(said: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in the order in which a document would tell them; those between as they are in the model."""
    place = {key: index for index, key in enumerate(_ORDER)}
    middle = place["primary_key"] - 0.5
    return dict(sorted(said.items(), key=lambda item: place.get(item[0], middle)))
