"""The parts of a Schema from the declarations of contracts: declared and implied parts, and what is still missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Final, TypeVar

from pgcontract.contract.constraints import FORMS, backing_index, constraint_definition, required_keys
from pgcontract.contract.inheritance import ORIGIN, Declarations, primary_key_name, with_parent_declarations
from pgcontract.contract.sequences import identity_sequence, sequence_defaults, serial_replacement
from pgcontract.contract.validation_errors import ValidationIssue, nearest
from pgcontract.contract.values import Examples, Shape
from pgcontract.model.identifiers import quote_identifier, unquote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import (
    PART_TYPES,
    Column,
    Constraint,
    Function,
    Grant,
    Index,
    Other,
    Part,
    Policy,
    Rows,
    Rule,
    Schema,
    Sequence,
    Table,
    Trigger,
    Type,
    View,
)

P = TypeVar("P", bound=Part)

_SIMPLE: Final = tuple(
    PART_TYPES[name]
    for name in (
        "schemas",
        "extensions",
        "statistics",
        "event_triggers",
        "publications",
        "roles",
        "settings",
        "default_grants",
    )
)
_TABLE_PARTS: Final[Mapping[str, type[Part]]] = {"triggers": Trigger, "policies": Policy, "rules": Rule}
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_WORD: Final = re.compile(r'"(?:[^"]|"")+"|[^\W\d][\w$]*')
_FIELDS: Final = {part: name for name, part in PART_TYPES.items()}


def make_shape(declarations: Declarations, issues: list[ValidationIssue]) -> Shape:
    """All that is declared. What is missing or makes no sense is added to `issues`, with its place."""
    builder = _SchemaBuilder(issues)
    builder.build(declarations)
    return Shape(
        schema=make_schema(builder.parts.values()),
        examples=tuple(builder.examples),
        samples={
            name: declaration["sample"]
            for name, declaration in declarations.get("table", {}).items()
            if "sample" in declaration
        },
        declarations=declarations,
    )


@cache
def _keys(part_type: type[Part]) -> tuple[frozenset[str], tuple[str, ...]]:
    """What a part of the type may have, and what it cannot do without, in its order."""
    known = fields(part_type)
    needed = (one.name for one in known if one.default is MISSING and one.default_factory is MISSING)
    return frozenset(one.name for one in known), tuple(needed)


def make_schema(parts: Iterable[Part]) -> Schema:
    """A Schema of these parts, each tuple sorted by name."""
    by_kind: dict[str, list[Part]] = {}
    for member in parts:
        by_kind.setdefault(_FIELDS[type(member)], []).append(member)
    ordered: dict[str, Any] = {
        field: tuple(sorted(members, key=lambda part: part.name)) for field, members in by_kind.items()
    }
    return Schema(**ordered)


class _SchemaBuilder:
    def __init__(self, issues: list[ValidationIssue]) -> None:
        self.issues = issues
        self.parts: dict[tuple[str, str], Part] = {}
        self.examples: list[Examples] = []

    def build(self, declarations: Declarations) -> None:
        for part_type in _SIMPLE:
            kind = part_type.kind
            for name, declaration in declarations.get(kind, {}).items():
                self.add(part_type, name, declaration)
                self.grants(f"{kind} {name}", declaration)
        for name, declaration in declarations.get("function", {}).items():
            self.add(
                Function, name, declaration, arguments=declaration.get("arguments", QualifiedName.parse(name).arguments)
            )
            self.grants(f"function {name}", declaration)
        for name, declaration in declarations.get("other", {}).items():
            self.add(Other, name, declaration, form=declaration.get("form", name.partition(" ")[0]))
        for name, declaration in declarations.get("type", {}).items():
            self.add(Type, name, declaration)
            self.checks(name, declaration, columns=None)
            self.grants(f"type {name}", declaration)
        for name, declaration in declarations.get("view", {}).items():
            self.add(View, name, declaration)
            self.relation(name, declaration, "view")
        for name, declaration in declarations.get("sequence", {}).items():
            self.add(Sequence, name, declaration, **sequence_defaults(declaration))
            self.grants(f"sequence {name}", declaration)
        tables = declarations.get("table", {})
        for name in tables:
            self.table(name, with_parent_declarations(name, tables))
        for name, declaration in declarations.get("grant", {}).items():
            self.add(Grant, name, declaration, privileges=tuple(sorted(declaration.get("privileges", ()))))

    def add(self, part_type: type[P], name: str, declaration: Mapping[str, Any], **declared: Any) -> P | None:
        """The part, added; None where a key it cannot do without is missing."""
        known, required = _keys(part_type)  # type: ignore[arg-type]  # mypy: python/mypy#5374
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in declaration.items() if key in known
        }
        values |= {"name": name, "origin": declaration[ORIGIN], **declared}
        if missing := [key for key in required if key not in values]:
            self.issue(declaration, f"{part_type.kind} {name} has no {_enumerate(missing)}")
            return None
        part = part_type(**values)
        self.parts[part.kind, name] = part
        return part

    def issue(self, declaration: Mapping[str, Any], message: str) -> None:
        self.issues.append(ValidationIssue(file=declaration[ORIGIN].file, line=declaration[ORIGIN].line, message=message))

    def table(self, name: str, declaration: Declarations) -> None:
        table = self.add(Table, name, declaration)
        columns = declaration.get("columns", {})
        key = declaration.get("primary_key", {})
        self.relation(name, declaration, "table", in_key=key.get("columns", ()))
        for column, declarations in columns.items():
            self.column_extras(name, column, declarations, table)
        if key:
            own_name = QualifiedName.parse(primary_key_name(name, key)).quoted_name
            self.constraint("primary_key", name, own_name, key, columns)
        for collection in ("uniques", "foreign_keys", "excludes", "constraints"):
            for entry, declarations in declaration.get(collection, {}).items():
                self.constraint(collection, name, entry, declarations, columns)
        self.checks(name, declaration, columns=tuple(columns))
        self.indexes(name, declaration)  # last: an index that is declared restates the one a constraint implies

    def relation(self, name: str, declaration: Declarations, kind: str, in_key: Iterable[str] = ()) -> None:
        """What tables and views have in common."""
        for position, (column, declarations) in enumerate(declaration.get("columns", {}).items(), 1):
            null = declarations.get("null", column not in in_key)
            self.add(Column, f"{name}.{column}", declarations, table=name, position=position, null=null)
            self.grants(f"column {name}.{column}", declarations)
        for collection, part_type in _TABLE_PARTS.items():
            for entry, declarations in declaration.get(collection, {}).items():
                self.add(part_type, f"{name}.{entry}", declarations, table=name)
        if kind == "view":
            self.indexes(name, declaration)
        if declaration.get("row_count", {}).get("rows"):
            self.add(Rows, name, declaration["row_count"])
        self.grants(f"{kind} {name}", declaration)

    def column_extras(self, table: str, column: str, declaration: Declarations, owner: Table | None) -> None:
        if advice := serial_replacement(table, column, declaration.get("type", "")):
            self.issue(declaration, advice)
        if "identity" not in declaration or "type" not in declaration or owner is None:
            return
        implied = identity_sequence(table, column, declaration["type"], owner, declaration[ORIGIN])
        declared = (part for part in self.parts.values() if isinstance(part, Sequence))
        if implied and not any(part.identity and part.owned_by == implied.owned_by for part in declared):
            self.parts["sequence", implied.name] = implied

    def constraint(
        self, collection: str, table: str, name: str, declaration: Declarations, columns: Mapping[str, Any]
    ) -> None:
        definition = constraint_definition(collection, declaration)
        missing = [key for key in required_keys(collection) if key not in declaration]
        if missing:
            self.issue(declaration, f"constraint {table}.{name} has no {_enumerate(missing)}")
            return
        for column in declaration.get("columns", ()):
            if columns and column not in columns:
                self.issue(
                    declaration, f"constraint {table}.{name}: {table} has no column {column}; {nearest(column, columns)}"
                )
        form = FORMS.get(collection) or declaration["form"]
        added = self.add(Constraint, f"{table}.{name}", declaration, table=table, form=form, definition=definition)
        if added and (index := backing_index(added)):
            self.parts["index", index.name] = index

    def checks(self, owner: str, declaration: Declarations, columns: tuple[str, ...] | None) -> None:
        """The CHECKs of a table, or of a domain, whose `columns` are None."""
        for name, declarations in declaration.get("checks", {}).items():
            self.constraint("checks", owner, name, declarations, {})
            if "accept" in declarations or "reject" in declarations:
                self.example(owner, name, declarations, columns)

    def example(self, owner: str, check: str, declaration: Declarations, columns: tuple[str, ...] | None) -> None:
        column = (
            "VALUE"
            if columns is None
            else declaration.get("column") or _only_column(declaration.get("expression", ""), columns)
        )
        rows: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for key in ("accept", "reject"):
            examples: list[dict[str, Any]] = []
            for entry in declaration.get(key, ()):
                if isinstance(entry, dict) and columns is not None:
                    examples.append({unquote_identifier(name): value for name, value in entry.items()})
                elif column is not None:
                    examples.append({unquote_identifier(column): entry})
                else:
                    advice = 'write column = "...", or whole rows as { email = "ann@example.com" }'
                    self.issue(declaration, f"check {check}, {key}: which column is {entry!r} for? {advice}")
                    return
            strangers = {name for row in examples for name in row if columns and quote_identifier(name) not in columns}
            for stranger in sorted(strangers):
                hint = nearest(stranger, columns or ())
                self.issue(declaration, f"check {check}, {key}: {owner} has no column {stranger}; {hint}")
            rows[key] = tuple(examples)
        for row in rows["accept"]:
            if row in rows["reject"]:
                self.issue(
                    declaration, f"check {check} is to accept and to reject the same {dict(row)}; take it out of one"
                )
        self.examples.append(
            Examples(
                constraint=f"{owner}.{check}",
                table=owner,
                column=column,
                accept=rows["accept"],
                reject=rows["reject"],
                origin=declaration[ORIGIN],
            )
        )

    def indexes(self, owner: str, declaration: Declarations) -> None:
        """The declared indexes; one that a constraint implies needs only what is different."""
        for entry, declarations in declaration.get("indexes", {}).items():
            name = f"{QualifiedName.parse(owner).parent}.{entry}"
            implied = self.parts.get(("index", name))
            declared = (
                {field.name: getattr(implied, field.name) for field in fields(implied)} if implied else {"table": owner}
            )
            self.add(Index, name, {**declared, **declarations}, table=owner)
            if not implied and not declarations.get("keys"):
                self.issue(declarations, f"index {name} has no keys")

    def grants(self, on: str, declaration: Declarations) -> None:
        for grantee, declarations in declaration.get("grants", {}).items():
            privileges = tuple(sorted(declarations["privileges"]))
            self.add(Grant, f"{on} to {grantee}", declarations, on=on, grantee=grantee, privileges=privileges)


def _only_column(expression: str, columns: Iterable[str]) -> str | None:
    """The one column that an expression names; None where it names several, or none."""
    declarations = set(_WORD.findall(_LITERAL.sub("''", expression)))
    named = [column for column in columns if column in declarations]
    return named[0] if len(named) == 1 else None


def _enumerate(declarations: Iterable[str]) -> str:
    return " and no ".join(f"`{word}`" for word in declarations)
