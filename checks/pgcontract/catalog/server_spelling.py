"""The declared shape in the server's own spelling, obtained by making it in scratch schemas.

Every expression and type name a contract holds is handed to the server, which parses it and prints it back its own
way: `IN (...)` becomes `= ANY (ARRAY[...])`, casts appear. What the server will not make in a scratch schema
(because it needs an object that is not there, say) stays as written and is listed in `refused_declarations`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from pgcontract.catalog import read_catalog
from pgcontract.catalog.part_ddl import (
    column_ddl,
    create_constraint,
    create_function,
    create_index,
    create_policy,
    create_trigger,
    create_type,
    create_view,
)
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import (
    PART_TYPES,
    Function,
    Part,
    Schema,
    Table,
)
from pgcontract.values import dataclass

SCRATCH = "pgcontract_scratch_"

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, kw_only=True)
class RefusedDeclaration:
    """One declaration that the server refused to create in the scratch schema, with its message."""

    kind: str
    name: str
    message: str


@dataclass(frozen=True, kw_only=True)
class ServerSpelling:
    schema: Schema
    refused_declarations: tuple[RefusedDeclaration, ...] = ()


def read_server_spelling(connection: psycopg.Connection, declared: Schema) -> ServerSpelling:
    """Spell `declared` the server's way; the connection's transaction is the caller's to roll back."""
    return _ScratchSchemas(connection, declared).run()


def with_texts_of(spelled: Schema, other: Schema, names: Collection[tuple[str, str]]) -> Schema:
    """The spelled schema with the texts of another in the parts of these (kind, name)s, to be spelled in their turn."""
    others = {(part.kind, part.name): part for part in other.parts()}
    kinds: dict[str, tuple[Part, ...]] = {
        kind: tuple(
            replace(part, **{field: getattr(others[part.kind, part.name], field) for field in texts})
            if (part.kind, part.name) in names and (part.kind, part.name) in others
            else part
            for part in getattr(spelled, kind)
        )
        for kind, texts in ((kind, tuple(set(texts) - {"name"})) for kind, texts in _SPELLED_FIELDS.items())
    }
    return replace(spelled, **kinds)  # type: ignore[arg-type]


# What is taken from the server's spelling, by kind; everything else stays as declared.
_SPELLED_FIELDS: dict[str, tuple[str, ...]] = {
    "tables": ("partition_key", "partition_bound"),
    "columns": ("type", "default"),
    "constraints": ("definition",),
    "indexes": ("keys", "predicate"),
    "triggers": ("when", "arguments"),
    "functions": ("name", "arguments", "returns", "body", "settings"),
    "views": ("definition",),
    "types": ("attributes", "default"),
    "policies": ("using", "check"),
}
_SPELLED_FIELDS_BY_KIND = {PART_TYPES[name].kind: spelled for name, spelled in _SPELLED_FIELDS.items()}


def is_spelled(kind: str, field: str) -> bool:
    """Whether the server's spelling has that field of parts of that kind; everything else stays as it was declared."""
    return field in _SPELLED_FIELDS_BY_KIND.get(kind, ()) and field != "name"


class _ScratchSchemas:
    def __init__(self, connection: psycopg.Connection, declared: Schema) -> None:
        self.connection = connection
        self.declared = declared
        self.refused_declarations: list[RefusedDeclaration] = []
        self.scratch: dict[str, str] = {}
        self.functions: dict[str, str] = {}

    def run(self) -> ServerSpelling:
        declared = self.declared
        self.connection.execute("SET LOCAL check_function_bodies = off")
        for part in (*declared.types, *declared.functions, *declared.tables, *declared.views):
            self._create_scratch_schema(part.qualified_name.schema)
        self._create_each(declared.types, create_type)
        for table in _parents_first(declared.tables):
            self._create_table(table)
        self._create_each(declared.functions, create_function)
        domains = {data_type.name for data_type in declared.types if data_type.form == "domain"}
        self._create_each(
            declared.constraints, lambda part, relation: create_constraint(part, relation, domain=part.table in domains)
        )
        self._create_each((index for index in declared.indexes if not index.constraint), create_index)
        self._create_each((trigger for trigger in declared.triggers if trigger.when or trigger.arguments), create_trigger)
        self._create_each(declared.policies, create_policy)
        self._create_each(declared.views, create_view)
        return ServerSpelling(schema=self._read_back(), refused_declarations=tuple(self.refused_declarations))

    def _create_scratch_schema(self, schema: str) -> None:
        if schema not in self.scratch:
            self.scratch[schema] = f"{SCRATCH}{len(self.scratch) + 1}"
            self.connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.SQL(self.scratch[schema])))

    def _create_each(self, parts: Iterable[P], make: Callable[[P, QualifiedName], str]) -> None:
        """Create each part in its scratch schema, recording those that the server refuses."""
        for part in parts:
            relation = QualifiedName.parse(getattr(part, "table", part.name))
            if relation.schema in self.scratch:
                self._execute(part, make(part, self._scratch_name(relation)))

    def _scratch_name(self, name: QualifiedName) -> QualifiedName:
        return name.in_schema(self.scratch[name.schema])

    def _execute(self, part: Part, *statements: str) -> bool:
        try:
            with self.connection.transaction():
                for statement in statements:
                    self.connection.execute(statement.encode())
        except psycopg.Error as error:
            self.refused_declarations.append(
                RefusedDeclaration(kind=part.kind, name=part.name, message=error.diag.message_primary or str(error))
            )
            return False
        return True

    def _create_table(self, table: Table) -> None:
        """The whole table in one statement, or, where the server refuses one column, column by column."""
        name = self._scratch_name(table.qualified_name)
        columns = [column for column in self.declared.columns if column.table == table.name]
        columns.sort(key=lambda column: column.position)
        tail = f" PARTITION BY {table.partition_key}" if table.partition_key else ""
        parent = QualifiedName.parse(table.partition_of) if table.partition_of else None
        if parent and table.partition_bound and parent.schema in self.scratch:
            statement = f"CREATE TABLE {name} PARTITION OF {self._scratch_name(parent)} {table.partition_bound}{tail}"
            if self._execute(table, statement):
                return
        whole = f"CREATE TABLE {name} ({', '.join(map(column_ddl, columns))}){tail}"
        before = len(self.refused_declarations)
        if self._execute(table, whole):
            return
        del self.refused_declarations[before:]
        self._execute(table, f"CREATE TABLE {name} ()")
        for column in columns:
            if not self._execute(column, f"ALTER TABLE {name} ADD COLUMN {column_ddl(column)}"):
                untyped_default = replace(column, default=None, generated=None)
                with_type = f"ALTER TABLE {name} ADD COLUMN {column_ddl(untyped_default)}"
                before = len(self.refused_declarations)
                self._execute(column, with_type)
                del self.refused_declarations[before:]

    def _read_back(self) -> Schema:
        spelled = read_catalog(self.connection, rows=False, kinds=_SPELLED_FIELDS)
        schemas = {scratch: quote_identifier(schema) for schema, scratch in self.scratch.items()}
        parts: dict[str, tuple[Part, ...]] = {}
        for kind, names in _SPELLED_FIELDS.items():
            spelled_parts = {part.name: part for part in _with_declared_schemas(getattr(spelled, kind), schemas)}
            if kind == "functions":
                spelled_parts = self._by_declared_name(spelled_parts)
            parts[kind] = tuple(
                _with_spelling_of(part, spelled_parts[part.name], names) if part.name in spelled_parts else part
                for part in getattr(self.declared, kind)
            )
        return replace(self.declared, **parts)  # type: ignore[arg-type]

    def _by_declared_name(self, spelled_parts: dict[str, Part]) -> dict[str, Part]:
        """Functions keyed by the name the contract gives them: its types may be spelled another way."""
        keyed = dict(spelled_parts)
        for part in self.declared.functions:
            if part.name not in spelled_parts and (part_spelled := spelled_parts.get(self._server_signature(part))):
                keyed[part.name] = part_spelled
        return keyed

    def _server_signature(self, part: Function) -> str:
        """The function's name with its types as the server spells them; empty where it knows no such function."""
        query = (
            "SELECT pg_catalog.to_regprocedure(%s)::pg_catalog.text FROM pg_catalog.set_config('search_path', '', true)"
        )
        try:
            with self.connection.transaction():
                row = self.connection.execute(query, [str(self._scratch_name(part.qualified_name))]).fetchone()
        except psycopg.Error:  # the types in the name are no types
            row = None
        schemas = {scratch: quote_identifier(schema) for schema, scratch in self.scratch.items()}
        return _restore_schema_names(row[0], schemas) if row and row[0] else ""


def _with_spelling_of(declared: Part, spelled: Part, names: tuple[str, ...]) -> Part:
    """The declared part with the server's spelling of what it declares; what it leaves out stays left out."""
    nothing = (None, ())
    taken = {
        name: getattr(spelled, name)
        for name in names
        if getattr(declared, name) not in nothing and getattr(spelled, name) not in nothing
    }
    return replace(declared, **taken)


def _with_declared_schemas(parts: Iterable[Part], schemas: dict[str, str]) -> Iterator[Part]:
    """The parts of the scratch schemas, with every mention of a scratch schema put back."""
    for part in parts:
        if not part.name.startswith(SCRATCH):
            continue
        values: dict[str, Any] = {}
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, str):
                values[field.name] = _restore_schema_names(value, schemas)
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                values[field.name] = tuple(_restore_schema_names(text_value, schemas) for text_value in value)
        yield replace(part, **values)


def _restore_schema_names(text: str, schemas: dict[str, str]) -> str:
    if SCRATCH in text:
        for scratch, schema in sorted(schemas.items(), reverse=True):
            text = text.replace(f"{scratch}.", f"{schema}.")
    return text


def _parents_first(tables: Iterable[Table]) -> list[Table]:
    """Partitioned parents before their partitions, so that a bound can be spelled."""
    by_name = {table.name: table for table in tables}

    def depth(table: Table) -> int:
        parent = by_name.get(table.partition_of or "")
        return 1 + depth(parent) if parent is not None else 0

    return sorted(by_name.values(), key=lambda table: (depth(table), table.name))
