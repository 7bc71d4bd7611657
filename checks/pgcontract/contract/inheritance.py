"""A later contract inherits what was declared before it, and restates only the keys it changes.

A partition inherits too: its parent's columns, where it declares none, and its parent's CHECKs.

Declarations are nested mappings as in the file, {kind: {name: part}}, with names spelled as the server spells them, the
lists of `grant` keyed by name, and under ORIGIN the place where a part was last declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pgcontract.contract.declared_value import key_of
from pgcontract.contract.name_spelling import spell_name
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.model.identifiers import generated_name, quote_identifier, unquote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin

if TYPE_CHECKING:
    from pgcontract.contract.documents import ContractSpec

Declarations = dict[str, Any]

ORIGIN: Final = "@origin"
COLLECTIONS: Final = frozenset(
    (
        "columns", "checks", "uniques", "foreign_keys", "excludes", "constraints",
        "indexes", "triggers", "policies", "rules", "grants",
    )
)  # fmt: skip
_SINGLE_PARTS: Final = ("primary_key", "row_count")
_NON_IDENTIFIER_KINDS: Final = (
    "setting",
    "default_grant",
    "other",
    "grant",
    "constraints",
)  # their names are no SQL identifiers

_PARTITION_COLUMN_KEYS: Final = frozenset(
    ("purpose", "type", "null", "default", "generated", "identity", "collation", "storage", "compression")
)
_EXAMPLE_KEYS: Final = frozenset(("accept", "reject", "column", "comment"))
_NOT_SCHEMA_KEYS: Final = frozenset(
    ("migration", "after", "accepted", "comments", "promises", "retired", "loses", "document", "file")
)


def kinds() -> dict[str, str]:
    """The kinds of part that a contract may declare, by the field of the model that each stands in."""
    from pgcontract.contract.documents import ContractSpec

    fields = ContractSpec.model_fields.items()
    return {name: key_of(name, field) for name, field in fields if name not in _NOT_SCHEMA_KEYS}


def read_declarations(
    spec: ContractSpec, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]
) -> Declarations:
    """The declarations of one contract, each with its line; a name in two spellings is an error."""
    declaration = spec.model_dump(include=set(kinds()), exclude_unset=True, by_alias=True)

    def origin(path: KeyPath) -> Origin:
        return Origin(file=file, line=line_of(path, lines))

    def parts(kind: str, path: KeyPath, declared: Declarations) -> Declarations:
        declarations: Declarations = {}
        for key, value in declared.items():
            name = key if kind in _NON_IDENTIFIER_KINDS else spell_name(key, parts=(1, 9), example=key)
            part_path = (*path, key)
            if name in declarations:
                message = f"{spell_path(part_path)} is declared twice, in two spellings of {name}"
                issues.append(ValidationIssue(file=file, line=line_of(part_path, lines), message=message))
            declarations[name] = part(value if isinstance(value, dict) else {"privileges": value}, part_path)
        return declarations

    def part(declared: Declarations, path: KeyPath) -> Declarations:
        declarations: Declarations = {ORIGIN: origin(path)}
        for key, value in declared.items():
            part_path = (*path, key)
            if key in COLLECTIONS and isinstance(value, dict):
                declarations[key] = parts(key, part_path, value)
            elif key in _SINGLE_PARTS:
                declarations[key] = part(value if isinstance(value, dict) else {"rows": value}, part_path)
            elif key == "sample":
                declarations[key] = {unquote_identifier(name): sent for name, sent in value.items()}
            else:
                declarations[key] = value
        return declarations

    by_kind = {kind: parts(kind, (kind,), value) for kind, value in declaration.items() if kind != "grant"}
    grants = {}
    for index, value in enumerate(declaration.get("grant", ())):
        grants[f"{value.get('on')} to {value.get('grantee')}"] = part(value, ("grant", index))
    return {**by_kind, "grant": grants} if grants else by_kind


def inherit(before: Declarations, own: Declarations, issues: list[ValidationIssue]) -> Declarations:
    """What is declared once `own` is added to `before`."""
    result = dict(before)
    for kind, parts in own.items():
        result[kind] = _restate(before.get(kind, {}), parts, issues)
    return _without_grants_on_removed(result, own)


def _without_grants_on_removed(declarations: Declarations, own: Declarations) -> Declarations:
    """What was granted on an object goes with it, and with a table what was granted on its columns."""
    removed = {(kind, name) for kind, parts in own.items() for name, part in parts.items() if part.get("removed")}
    if not removed or "grant" not in declarations:
        return declarations

    def is_left(grant: Declarations) -> bool:
        kind, _, name = str(grant.get("on", "")).partition(" ")
        owner = str(QualifiedName.parse(name).parent) if kind == "column" else ""
        return removed.isdisjoint(((kind, name), ("table", owner), ("view", owner)))

    kept = {
        name: grant for name, grant in declarations["grant"].items() if name in own.get("grant", {}) or is_left(grant)
    }
    return {**declarations, "grant": kept}


def _restate(old: Declarations, new: Declarations, issues: list[ValidationIssue]) -> Declarations:
    result = dict(old)
    for name, part in new.items():
        if not part.get("removed"):
            result[name] = _merge(result.get(name), part, issues)
        elif name in result:
            del result[name]
        else:
            message = f"{name} is not declared before this, so it cannot be removed; {nearest(name, old)}"
            issues.append(ValidationIssue(file=part[ORIGIN].file, line=part[ORIGIN].line, message=message))
    return result


def _in_stated_order(columns: Declarations, stated: Declarations) -> Declarations:
    """A contract that names every column of a table names them in their order."""
    named = [name for name in stated if name in columns]
    return {name: columns[name] for name in named} if len(named) == len(columns) else columns


def _merge(old: Declarations | None, new: Declarations, issues: list[ValidationIssue]) -> Declarations:
    hanging = {*COLLECTIONS, *_SINGLE_PARTS}
    result = {key: value for key, value in (old or {}).items() if key in hanging or "anew" not in new}
    for key, value in new.items():
        if key in COLLECTIONS and isinstance(value, dict):
            result[key] = _restate(result.get(key, {}), value, issues)
            if key == "columns":
                result[key] = _in_stated_order(result[key], value)
        elif key in _SINGLE_PARTS:
            result |= _restate({key: result[key]} if key in result else {}, {key: value}, issues)
            if value.get("removed"):
                result.pop(key, None)
        else:
            result[key] = value
    result.pop("anew", None)
    if old and all(key in hanging or key == ORIGIN for key in new):
        result[ORIGIN] = old[ORIGIN]  # named only to reach what is in it: it stays declared where it was
    return result


def with_parent_declarations(name: str, tables: Mapping[str, Declarations]) -> Declarations:
    """A table's declaration with what a partition inherits from its parents."""
    declaration = tables[name]
    parent = str(declaration.get("partition_of"))
    if parent not in tables or parent == name:
        return declaration
    above = with_parent_declarations(
        parent, {table: declarations for table, declarations in tables.items() if table != name}
    )
    in_key = above.get("primary_key", {}).get("columns", ())
    columns = {
        column: {
            "null": column not in in_key,
            **{key: value for key, value in declarations.items() if key in _PARTITION_COLUMN_KEYS},
            ORIGIN: declaration[ORIGIN],
        }
        for column, declarations in above.get("columns", {}).items()
    }
    checks = {
        check: {key: value for key, value in declarations.items() if key not in _EXAMPLE_KEYS}
        | {"inherited": True, ORIGIN: declaration[ORIGIN]}
        for check, declarations in above.get("checks", {}).items()
        if not declarations.get("no_inherit")
    }
    return {
        **declaration,
        "columns": declaration.get("columns", columns),
        "checks": {**checks, **declaration.get("checks", {})},
    }


def primary_key_name(table: str, declaration: Mapping[str, Any]) -> str:
    """The primary key's part name, PostgreSQL's own where the owner gave none."""
    name = declaration.get("name") or quote_identifier(generated_name(QualifiedName.parse(table).name, "", "pkey"))
    return f"{table}.{name}"
