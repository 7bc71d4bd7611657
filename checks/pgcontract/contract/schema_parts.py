"""The parts of a Schema from the words of contracts: what is said, what it implies, and what is still missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, TypeVar

from pgcontract.contract import identifiers
from pgcontract.contract.constraints import FORMS, backing_index, define, needed
from pgcontract.contract.inheritance import ORIGIN, Words, as_partition, primary_key_name
from pgcontract.contract.sequences import identity_sequence, sequence_defaults, serial_advice
from pgcontract.contract.validation_errors import Mistake, nearest
from pgcontract.contract.values import Examples, Shape
from pgcontract.model.schema import (
    Column,
    Constraint,
    DefaultGrant,
    EventTrigger,
    Extension,
    Function,
    Grant,
    Index,
    Namespace,
    Other,
    Part,
    Policy,
    Publication,
    Role,
    Rows,
    Rule,
    Schema,
    Sequence,
    Setting,
    Statistics,
    Table,
    Trigger,
    Type,
    View,
)

P = TypeVar("P", bound=Part)

_SIMPLE: Final[Mapping[str, type[Part]]] = {
    "schema": Namespace,
    "extension": Extension,
    "statistics": Statistics,
    "event_trigger": EventTrigger,
    "publication": Publication,
    "role": Role,
    "setting": Setting,
    "default_grant": DefaultGrant,
}
_HANGING: Final[Mapping[str, type[Part]]] = {"triggers": Trigger, "policies": Policy, "rules": Rule}
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_WORD: Final = re.compile(r'"(?:[^"]|"")+"|[^\W\d][\w$]*')
FIELDS: Final[Mapping[type[Part], str]] = {
    Namespace: "schemas",
    Extension: "extensions",
    Table: "tables",
    Column: "columns",
    Constraint: "constraints",
    Index: "indexes",
    Trigger: "triggers",
    Function: "functions",
    View: "views",
    Rule: "rules",
    Type: "types",
    Sequence: "sequences",
    Policy: "policies",
    EventTrigger: "event_triggers",
    Publication: "publications",
    Statistics: "statistics",
    Grant: "grants",
    DefaultGrant: "default_grants",
    Role: "roles",
    Setting: "settings",
    Rows: "rows",
    Other: "others",
}


def make_shape(words: Words, mistakes: list[Mistake]) -> Shape:
    """All that the words declare. What is missing or makes no sense is added to `mistakes`, with its place."""
    maker = _Maker(mistakes)
    maker.make(words)
    return Shape(
        schema=make_schema(maker.parts.values()),
        examples=tuple(maker.examples),
        samples={name: said["sample"] for name, said in words.get("table", {}).items() if "sample" in said},
    )


def make_schema(parts: Iterable[Part]) -> Schema:
    """A Schema of these parts, each tuple sorted by name."""
    found: dict[str, list[Part]] = {}
    for each in parts:
        found.setdefault(FIELDS[type(each)], []).append(each)
    ordered: dict[str, Any] = {field: tuple(sorted(each, key=lambda part: part.name)) for field, each in found.items()}
    return Schema(**ordered)


class _Maker:
    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        self.parts: dict[tuple[str, str], Part] = {}
        self.examples: list[Examples] = []

    def make(self, words: Words) -> None:
        for kind, part_type in _SIMPLE.items():
            for name, said in words.get(kind, {}).items():
                self.add(part_type, name, said)
                self.grants(f"{kind} {name}", said)
        for name, said in words.get("function", {}).items():
            self.add(Function, name, said, arguments=said.get("arguments", identifiers.arguments_of(name)))
            self.grants(f"function {name}", said)
        for name, said in words.get("other", {}).items():
            self.add(Other, name, said, form=said.get("form", name.partition(" ")[0]))
        for name, said in words.get("type", {}).items():
            self.add(Type, name, said)
            self.checks(name, said, columns=None)
            self.grants(f"type {name}", said)
        for name, said in words.get("view", {}).items():
            self.add(View, name, said)
            self.relation(name, said, "view")
        for name, said in words.get("sequence", {}).items():
            self.add(Sequence, name, said, **sequence_defaults(said))
            self.grants(f"sequence {name}", said)
        tables = words.get("table", {})
        for name in tables:
            self.table(name, as_partition(name, tables))
        for name, said in words.get("grant", {}).items():
            self.add(Grant, name, said, privileges=tuple(sorted(said.get("privileges", ()))))

    def add(self, part_type: type[P], name: str, said: Mapping[str, Any], **given: Any) -> P | None:
        """The part, added; None where a key it cannot do without is missing."""
        wanted = {each.name: each for each in fields(part_type)}
        values: dict[str, Any] = {
            key: tuple(said[key]) if isinstance(said[key], list) else said[key] for key in wanted if key in said
        }
        values |= {"name": name, "origin": said[ORIGIN], **given}
        missing = [
            key
            for key, each in wanted.items()
            if key not in values and each.default is MISSING and each.default_factory is MISSING
        ]
        if missing:
            self.mistake(said, f"{part_type.kind} {name} has no {_enumerate(missing)}")
            return None
        part = part_type(**values)
        self.parts[part.kind, name] = part
        return part

    def mistake(self, said: Mapping[str, Any], message: str) -> None:
        self.mistakes.append(Mistake(file=said[ORIGIN].file, line=said[ORIGIN].line, message=message))

    def table(self, name: str, said: Words) -> None:
        table = self.add(Table, name, said)
        columns = said.get("columns", {})
        key = said.get("primary_key", {})
        self.relation(name, said, "table", in_key=key.get("columns", ()))
        for column, words in columns.items():
            self.column_extras(name, column, words, table)
        if key:
            bare = identifiers.split(primary_key_name(name, key))[-1]
            self.constraint("primary_key", name, identifiers.quote(bare), key, columns)
        for collection in ("uniques", "foreign_keys", "excludes", "constraints"):
            for each, words in said.get(collection, {}).items():
                self.constraint(collection, name, each, words, columns)
        self.checks(name, said, columns=tuple(columns))
        self.indexes(name, said)  # last: an index that is declared restates the one a constraint implies

    def relation(self, name: str, said: Words, kind: str, in_key: Iterable[str] = ()) -> None:
        """What tables and views have in common."""
        for position, (column, words) in enumerate(said.get("columns", {}).items(), 1):
            null = words.get("null", column not in in_key)
            self.add(Column, f"{name}.{column}", words, table=name, position=position, null=null)
            self.grants(f"column {name}.{column}", words)
        for collection, part_type in _HANGING.items():
            for each, words in said.get(collection, {}).items():
                self.add(part_type, f"{name}.{each}", words, table=name)
        if kind == "view":
            self.indexes(name, said)
        if said.get("row_count", {}).get("rows"):
            self.add(Rows, name, said["row_count"])
        self.grants(f"{kind} {name}", said)

    def column_extras(self, table: str, column: str, said: Words, owner: Table | None) -> None:
        if advice := serial_advice(table, column, said.get("type", "")):
            self.mistake(said, advice)
        if "identity" not in said or "type" not in said or owner is None:
            return
        implied = identity_sequence(table, column, said["type"], owner, said[ORIGIN])
        declared = (each for each in self.parts.values() if isinstance(each, Sequence))
        if implied and not any(each.identity and each.owned_by == implied.owned_by for each in declared):
            self.parts["sequence", implied.name] = implied

    def constraint(self, collection: str, table: str, name: str, said: Words, columns: Mapping[str, Any]) -> None:
        definition = define(collection, said)
        missing = [key for key in needed(collection) if key not in said]
        if missing:
            self.mistake(said, f"constraint {table}.{name} has no {_enumerate(missing)}")
            return
        for column in said.get("columns", ()):
            if columns and column not in columns:
                self.mistake(
                    said, f"constraint {table}.{name}: {table} has no column {column}; {nearest(column, columns)}"
                )
        form = FORMS.get(collection) or said["form"]
        made = self.add(Constraint, f"{table}.{name}", said, table=table, form=form, definition=definition)
        if made and (index := backing_index(made)):
            self.parts["index", index.name] = index

    def checks(self, owner: str, said: Words, columns: tuple[str, ...] | None) -> None:
        """The CHECKs of a table, or of a domain, whose `columns` are None."""
        for name, words in said.get("checks", {}).items():
            self.constraint("checks", owner, name, words, {})
            if "accept" in words or "refuse" in words:
                self.example(owner, name, words, columns)

    def example(self, owner: str, check: str, said: Words, columns: tuple[str, ...] | None) -> None:
        column = "VALUE" if columns is None else said.get("column") or _only_column(said.get("expression", ""), columns)
        rows: dict[str, tuple[Mapping[str, Any], ...]] = {}
        for key in ("accept", "refuse"):
            found: list[dict[str, Any]] = []
            for each in said.get(key, ()):
                if isinstance(each, dict) and columns is not None:
                    found.append({identifiers.bare(name): value for name, value in each.items()})
                elif column is not None:
                    found.append({identifiers.bare(column): each})
                else:
                    advice = 'write column = "...", or whole rows as { email = "ann@example.com" }'
                    self.mistake(said, f"check {check}, {key}: which column is {each!r} for? {advice}")
                    return
            strangers = {name for row in found for name in row if columns and identifiers.quote(name) not in columns}
            for stranger in sorted(strangers):
                hint = nearest(stranger, columns or ())
                self.mistake(said, f"check {check}, {key}: {owner} has no column {stranger}; {hint}")
            rows[key] = tuple(found)
        for row in rows["accept"]:
            if row in rows["refuse"]:
                self.mistake(said, f"check {check} is to accept and to refuse the same {dict(row)}; take it out of one")
        self.examples.append(
            Examples(
                constraint=f"{owner}.{check}",
                table=owner,
                column=column,
                accept=rows["accept"],
                refuse=rows["refuse"],
                origin=said[ORIGIN],
            )
        )

    def indexes(self, owner: str, said: Words) -> None:
        """The declared indexes; one that a constraint implies needs only what is different."""
        for each, words in said.get("indexes", {}).items():
            name = f"{identifiers.schema_of(owner)}.{each}"
            implied = self.parts.get(("index", name))
            given = (
                {field.name: getattr(implied, field.name) for field in fields(implied)} if implied else {"table": owner}
            )
            self.add(Index, name, {**given, **words}, table=owner)
            if not implied and not words.get("keys"):
                self.mistake(words, f"index {name} has no keys")

    def grants(self, on: str, said: Words) -> None:
        for grantee, words in said.get("grants", {}).items():
            privileges = tuple(sorted(words["privileges"]))
            self.add(Grant, f"{on} to {grantee}", words, on=on, grantee=grantee, privileges=privileges)


def _only_column(expression: str, columns: Iterable[str]) -> str | None:
    """The one column that an expression names; None where it names several, or none."""
    words = set(_WORD.findall(_LITERAL.sub("''", expression)))
    named = [each for each in columns if each in words]
    return named[0] if len(named) == 1 else None


def _enumerate(words: Iterable[str]) -> str:
    return " and no ".join(f"`{each}`" for each in words)
