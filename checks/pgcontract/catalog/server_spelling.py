"""The declared shape in the server's own spelling, obtained by making it in scratch schemas.

Every expression and type name a contract holds is handed to the server, which parses it and prints it back its own
way: `IN (...)` becomes `= ANY (ARRAY[...])`, casts appear. What the server will not make in a scratch schema
(because it needs an object that is not there, say) stays as written and is told in `unspelled`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from pgcontract.catalog import read_catalog
from pgcontract.model.schema import Column, Constraint, Function, Index, Part, Policy, Schema, Table, Trigger, Type, View

SCRATCH = "pgcontract_scratch_"

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, kw_only=True)
class Unspelled:
    """One declaration the server would not make in the scratch schema, and its words."""

    kind: str
    name: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Spelling:
    schema: Schema
    unspelled: tuple[Unspelled, ...] = ()


def spell(connection: psycopg.Connection, declared: Schema) -> Spelling:
    """Spell `declared` the server's way; the connection's transaction is the caller's to roll back."""
    return _Speller(connection, declared).run()


# What is taken from the server's spelling, by kind; everything else stays as declared.
_SPELLED: dict[str, tuple[str, ...]] = {
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


class _Speller:
    def __init__(self, connection: psycopg.Connection, declared: Schema) -> None:
        self.connection = connection
        self.declared = declared
        self.unspelled: list[Unspelled] = []
        self.scratch: dict[str, str] = {}
        self.functions: dict[str, str] = {}

    def run(self) -> Spelling:
        declared = self.declared
        self.connection.execute("SET LOCAL check_function_bodies = off")
        for part in (*declared.types, *declared.functions, *declared.tables, *declared.views):
            self._schema_of(part.name)
        self._each(declared.types, _create_type)
        for table in _parents_first(declared.tables):
            self._table(table)
        self._each(declared.functions, _create_function)
        domains = {each.name for each in declared.types if each.form == "domain"}
        self._each(declared.constraints, lambda part, home: _create_constraint(part, home, domain=part.table in domains))
        self._each((index for index in declared.indexes if not index.constraint), _create_index)
        self._each((each for each in declared.triggers if each.when or each.arguments), _create_trigger)
        self._each(declared.policies, _create_policy)
        self._each(declared.views, _create_view)
        return Spelling(schema=self._merged(), unspelled=tuple(self.unspelled))

    def _schema_of(self, name: str) -> None:
        schema = split_name(name)[0]
        if schema not in self.scratch:
            self.scratch[schema] = f"{SCRATCH}{len(self.scratch) + 1}"
            self.connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.SQL(self.scratch[schema])))

    def _each(self, parts: Iterable[P], make: Callable[[P, str], str]) -> None:
        """Make each part in its scratch schema, remembering those that the server refuses."""
        for part in parts:
            home = getattr(part, "table", part.name)
            schema, _ = split_name(home)
            if schema in self.scratch:
                self._try(part, make(part, self._moved(home)))

    def _moved(self, name: str) -> str:
        schema, rest = split_name(name)
        return f"{self.scratch[schema]}.{rest}"

    def _try(self, part: Part, *statements: str) -> bool:
        try:
            with self.connection.transaction():
                for statement in statements:
                    self.connection.execute(statement.encode())
        except psycopg.Error as error:
            self.unspelled.append(
                Unspelled(kind=part.kind, name=part.name, message=error.diag.message_primary or str(error))
            )
            return False
        return True

    def _table(self, table: Table) -> None:
        """The whole table in one statement, or, where the server refuses one column, column by column."""
        name = self._moved(table.name)
        columns = [column for column in self.declared.columns if column.table == table.name]
        columns.sort(key=lambda column: column.position)
        tail = f" PARTITION BY {table.partition_key}" if table.partition_key else ""
        parent = table.partition_of
        if parent and table.partition_bound and split_name(parent)[0] in self.scratch:
            made = f"CREATE TABLE {name} PARTITION OF {self._moved(parent)} {table.partition_bound}{tail}"
            if self._try(table, made):
                return
        whole = f"CREATE TABLE {name} ({', '.join(map(_column_ddl, columns))}){tail}"
        before = len(self.unspelled)
        if self._try(table, whole):
            return
        del self.unspelled[before:]
        self._try(table, f"CREATE TABLE {name} ()")
        for column in columns:
            if not self._try(column, f"ALTER TABLE {name} ADD COLUMN {_column_ddl(column)}"):
                bare = replace(column, default=None, generated=None)
                with_type = f"ALTER TABLE {name} ADD COLUMN {_column_ddl(bare)}"
                before = len(self.unspelled)
                self._try(column, with_type)
                del self.unspelled[before:]

    def _merged(self) -> Schema:
        spelled = read_catalog(self.connection, rows=False, transaction=False)
        home = {scratch: schema for schema, scratch in self.scratch.items()}
        parts: dict[str, tuple[Part, ...]] = {}
        for kind, names in _SPELLED.items():
            found = {part.name: part for part in _homed(getattr(spelled, kind), home)}
            if kind == "functions":
                found = self._by_declared_name(found)
            parts[kind] = tuple(
                _respelled(part, found[part.name], names) if part.name in found else part
                for part in getattr(self.declared, kind)
            )
        return replace(self.declared, **parts)  # type: ignore[arg-type]

    def _by_declared_name(self, found: dict[str, Part]) -> dict[str, Part]:
        """Functions keyed by the name the contract gives them: its types may be spelled another way."""
        keyed = dict(found)
        for part in self.declared.functions:
            if part.name not in found and (there := found.get(self._regprocedure(part))):
                keyed[part.name] = there
        return keyed

    def _regprocedure(self, part: Function) -> str:
        """The function's name with its types as the server spells them; empty where it knows no such function."""
        query = (
            "SELECT pg_catalog.to_regprocedure(%s)::pg_catalog.text FROM pg_catalog.set_config('search_path', '', true)"
        )
        try:
            with self.connection.transaction():
                found = self.connection.execute(query, [self._moved(part.name)]).fetchone()
        except psycopg.Error:  # the types in the name are no types
            found = None
        home = {scratch: schema for schema, scratch in self.scratch.items()}
        return _put_back(found[0], home) if found and found[0] else ""


def _respelled(declared: Part, found: Part, names: tuple[str, ...]) -> Part:
    """The declared part with the server's spelling of what it declares; what it leaves out stays left out."""
    nothing = (None, ())
    taken = {
        name: getattr(found, name)
        for name in names
        if getattr(declared, name) not in nothing and getattr(found, name) not in nothing
    }
    return replace(declared, **taken)


def _homed(parts: Iterable[Part], home: dict[str, str]) -> Iterator[Part]:
    """The parts of the scratch schemas, with every mention of a scratch schema put back."""
    for part in parts:
        if not part.name.startswith(SCRATCH):
            continue
        values: dict[str, Any] = {}
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, str):
                values[field.name] = _put_back(value, home)
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                values[field.name] = tuple(_put_back(each, home) for each in value)
        yield replace(part, **values)


def _put_back(text: str, home: dict[str, str]) -> str:
    if SCRATCH in text:
        for scratch, schema in sorted(home.items(), reverse=True):
            text = text.replace(f"{scratch}.", f"{schema}.")
    return text


def split_name(name: str) -> tuple[str, str]:
    """`public.t.email` as (`public`, `t.email`); a quoted schema may hold dots."""
    if name.startswith('"'):
        end = name.index('"', 1)
        while name[end + 1 : end + 2] == '"':
            end = name.index('"', end + 2)
        return name[: end + 1], name[end + 2 :]
    schema, _, rest = name.partition(".")
    return schema, rest


def last_part(name: str, table: str) -> str:
    """The part's own name, without the table's in front."""
    return name[len(table) + 1 :] if name.startswith(f"{table}.") else split_name(name)[1]


def _parents_first(tables: Iterable[Table]) -> list[Table]:
    """Partitioned parents before their partitions, so that a bound can be spelled."""
    by_name = {table.name: table for table in tables}

    def depth(table: Table) -> int:
        parent = by_name.get(table.partition_of or "")
        return 1 + depth(parent) if parent is not None else 0

    return sorted(by_name.values(), key=lambda table: (depth(table), table.name))


def _column_ddl(column: Column) -> str:
    ddl = f"{last_part(column.name, column.table)} {column.type}"
    if column.collation:
        ddl += f" COLLATE {column.collation}"
    if column.generated:
        ddl += f" GENERATED ALWAYS AS ({column.default}) {column.generated.upper()}"
    elif column.default is not None:
        ddl += f" DEFAULT {column.default}"
    return ddl


def _create_type(part: Type, name: str) -> str:
    attributes = ", ".join(part.attributes)
    match part.form:
        case "enum":
            labels = ", ".join("'" + label.replace("'", "''") + "'" for label in part.labels)
            return f"CREATE TYPE {name} AS ENUM ({labels})"
        case "range":
            return f"CREATE TYPE {name} AS RANGE ({attributes})"
        case "domain":
            default = f" DEFAULT {part.default}" if part.default is not None else ""
            return f"CREATE DOMAIN {name} AS {' COLLATE '.join(part.attributes)}{default}"
        case _:
            return f"CREATE TYPE {name} AS ({attributes})"


def _create_function(part: Function, name: str) -> str:
    stem = name.partition("(")[0]
    word = "PROCEDURE" if part.form == "procedure" else "FUNCTION"
    returns = f" RETURNS {part.returns}" if part.returns and word == "FUNCTION" else ""
    settings = "".join(f" SET {setting.replace('=', ' TO ', 1)}" for setting in part.settings)
    body = part.body or ""
    if body.lstrip()[:12].upper().startswith(("BEGIN ATOMIC", "RETURN ")):
        quoted = body
    else:
        tag = "$pgcontract$"
        while tag in body:
            tag = f"{tag[:-1]}_$"
        quoted = f"AS {tag}{body}{tag}"
    return f"CREATE {word} {stem}({part.arguments}){returns} LANGUAGE {part.language}{settings} {quoted}"


def _create_constraint(part: Constraint, home: str, *, domain: bool) -> str:
    name = last_part(part.name, part.table)
    return f"ALTER {'DOMAIN' if domain else 'TABLE'} {home} ADD CONSTRAINT {name} {part.definition}"


def _create_index(part: Index, table: str) -> str:
    name = split_name(part.name)[1]
    ddl = f"CREATE {'UNIQUE ' if part.unique else ''}INDEX {name} ON {table} USING {part.method}"
    ddl += f" ({', '.join(part.keys)})"
    return ddl + (f" WHERE {part.predicate}" if part.predicate else "")


def _create_trigger(part: Trigger, table: str) -> str:
    name = last_part(part.name, part.table)
    columns = f" OF {', '.join(part.columns)}" if part.columns else ""
    events = " OR ".join(event.upper() + (columns if event == "update" else "") for event in part.events)
    word = "CONSTRAINT TRIGGER" if part.constraint else "TRIGGER"
    tables = [
        f"{word} TABLE AS {transition}"
        for word, transition in (("OLD", part.old_table), ("NEW", part.new_table))
        if transition
    ]
    referencing = f" REFERENCING {' '.join(tables)}" if tables else ""
    when = f" WHEN ({part.when})" if part.when else ""
    stem = part.function.partition("(")[0]
    arguments = ", ".join("'" + each.replace("'", "''") + "'" for each in part.arguments)
    return (
        f"CREATE {word} {name} {part.timing} {events} ON {table}{referencing} FOR EACH {part.level}{when} "
        f"EXECUTE FUNCTION {stem}({arguments})"
    )


def _create_policy(part: Policy, table: str) -> str:
    ddl = f"CREATE POLICY {last_part(part.name, part.table)} ON {table} FOR {part.command}"
    ddl += f" USING ({part.using})" if part.using else ""
    return ddl + (f" WITH CHECK ({part.check})" if part.check else "")


def _create_view(part: View, name: str) -> str:
    word = "MATERIALIZED VIEW" if part.materialized else "VIEW"
    return f"CREATE {word} {name} AS {part.definition.strip().removesuffix(';')}" + (
        " WITH NO DATA" if part.materialized else ""
    )
