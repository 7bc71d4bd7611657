"""What a database consists of, as values: a Schema and its parts, whatever their source.

A Schema comes from three sources: a contract (what is promised), SQL text (what the script says it makes) and
the live catalog (what is there). Parts are flat and keyed by `name`, unique within their kind: `public.t` for a
table, `public.t.email` for its column, `public.f(integer)` for a function. Names are spelled as the server
spells them with an empty search_path: schema-qualified, quoted only where quote_ident would.

Fields with the metadata `expression` hold SQL in somebody's spelling; they are compared only once the server
has spelled both. Fields with `text` (comments, the definitions of rarer objects) are compared only where the
contract gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, fields
from functools import cached_property
from typing import Any, ClassVar, Final, TypeVar, get_args, get_type_hints

from pgcontract.model.qualified_name import QualifiedName, split_name
from pgcontract.values import dataclass

P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a part is declared. Lines and columns count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


def _expression(default: Any = None) -> Any:
    return field(default=default, metadata={"how": "expression"})


def _text() -> Any:
    return field(default=None, metadata={"how": "text"})


@dataclass(frozen=True, kw_only=True)
class Part:
    """Anything with a name in a schema. `purpose` and `origin` are reported, never compared."""

    kind: ClassVar[str]

    name: str
    comment: str | None = _text()
    purpose: str | None = field(default=None, compare=False)
    origin: Origin | None = field(default=None, compare=False)
    same_as: tuple[str, ...] = field(default=(), compare=False)

    @cached_property
    def qualified_name(self) -> QualifiedName:
        """The name taken apart; ValueError where it is a label, as a grant's or a setting's is."""
        return QualifiedName.parse(self.name)

    @property
    def bare_name(self) -> str:
        """Its own name without schema, table and quotes: what pg_class, pg_attribute and errors call it."""
        return self.qualified_name.name

    @property
    def quoted_name(self) -> str:
        """Its own name without schema and table, as quote_ident spells it."""
        return self.qualified_name.quoted_name


@dataclass(frozen=True, kw_only=True)
class Namespace(Part):
    kind = "schema"
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Extension(Part):
    kind = "extension"
    schema: str | None = None


@dataclass(frozen=True, kw_only=True)
class Table(Part):
    """`form` is table, partitioned table or foreign table; `owner` None means the role that migrates."""

    kind = "table"
    form: str = "table"
    persistence: str = "permanent"
    access_method: str | None = None
    partition_key: str | None = _expression()
    partition_of: str | None = None
    partition_bound: str | None = _expression()
    inherits: tuple[str, ...] = ()
    of_type: str | None = None
    options: tuple[str, ...] = ()
    replica_identity: str = "default"
    row_security: bool = False
    force_row_security: bool = False
    owner: str | None = None
    tablespace: str | None = None
    server: str | None = None


@dataclass(frozen=True, kw_only=True)
class Column(Part):
    """`position` counts live columns from 1; collation, storage and the like are None where they are the type's."""

    kind = "column"
    table: str
    position: int
    type: str
    null: bool = True
    default: str | None = _expression()
    generated: str | None = None
    identity: str | None = None
    collation: str | None = None
    storage: str | None = None
    compression: str | None = None
    statistics: int | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Constraint(Part):
    """`form`: primary key, unique, foreign key, check, exclude, trigger or not null. `definition` is
    pg_get_constraintdef without its state (NOT VALID, DEFERRABLE, ...), which has fields of its own. A NOT NULL is
    known by its column: its `name` is a label, `public.t.email not null`."""

    kind = "constraint"
    table: str
    form: str
    definition: str | None = _expression()
    validated: bool = True
    enforced: bool = True
    deferrable: bool = False
    initially_deferred: bool = False
    no_inherit: bool = False
    inherited: bool = False

    @property
    def quoted_name(self) -> str:
        written, rest = split_name(self.name)
        return f"{written[-1]}{rest}"


@dataclass(frozen=True, kw_only=True)
class Index(Part):
    """`keys` hold expression, collation, operator class, direction and nulls where they are not the default,
    in that order: `lower(email) COLLATE "C" text_pattern_ops DESC NULLS LAST`."""

    kind = "index"
    table: str
    method: str = "btree"
    keys: tuple[str, ...] = _expression(())
    include: tuple[str, ...] = ()
    predicate: str | None = _expression()
    unique: bool = False
    nulls_not_distinct: bool = False
    valid: bool = True
    clustered: bool = False
    replica_identity: bool = False
    options: tuple[str, ...] = ()
    tablespace: str | None = None
    constraint: str | None = None
    partition_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class Trigger(Part):
    """`events` in the order insert, update, delete, truncate; `columns` are those of UPDATE OF."""

    kind = "trigger"
    table: str
    timing: str
    events: tuple[str, ...]
    level: str = "statement"
    columns: tuple[str, ...] = ()
    when: str | None = _expression()
    function: str
    arguments: tuple[str, ...] = ()
    enabled: str = "origin"
    constraint: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    old_table: str | None = None
    new_table: str | None = None
    references: str | None = None


@dataclass(frozen=True, kw_only=True)
class Function(Part):
    """`name` ends in the input types; `arguments` is the full list with names, modes and defaults.
    `body` is the text between the quotes, or of a BEGIN ATOMIC body, as the server prints it."""

    kind = "function"
    form: str = "function"
    arguments: str = _expression("")
    returns: str | None = None
    language: str
    body: str | None = _expression()
    security: str = "invoker"
    volatility: str = "volatile"
    strict: bool = False
    parallel: str = "unsafe"
    leakproof: bool = False
    cost: float | None = None
    rows: float | None = None
    support: str | None = None
    settings: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class View(Part):
    kind = "view"
    definition: str = _expression("")
    materialized: bool = False
    populated: bool = True
    options: tuple[str, ...] = ()
    owner: str | None = None
    access_method: str | None = None
    tablespace: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule(Part):
    kind = "rule"
    table: str
    definition: str = _expression("")
    enabled: str = "origin"


@dataclass(frozen=True, kw_only=True)
class Type(Part):
    """`form`: enum (labels), composite (attributes `name type`), range (attributes `subtype = ...`), domain
    (attributes `type`, `collation`; its checks are constraints of `table` = the domain) or base."""

    kind = "type"
    form: str
    labels: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    null: bool = True
    default: str | None = _expression()
    owner: str | None = None

    def is_type(self, spelling: str) -> bool:
        """Whether a column's type is this one: spelled in full, or without the schema `public`."""
        return spelling == self.name or (self.qualified_name.schema == "public" and spelling == self.quoted_name)


@dataclass(frozen=True, kw_only=True)
class Sequence(Part):
    """`owned_by` is the column it belongs to; `identity` marks one that an identity column made."""

    kind = "sequence"
    type: str = "bigint"
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 9223372036854775807
    cache: int = 1
    cycle: bool = False
    owned_by: str | None = None
    identity: bool = False
    persistence: str = "permanent"
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Policy(Part):
    kind = "policy"
    table: str
    command: str = "all"
    permissive: bool = True
    roles: tuple[str, ...] = ("public",)
    using: str | None = _expression()
    check: str | None = _expression()


@dataclass(frozen=True, kw_only=True)
class EventTrigger(Part):
    kind = "event_trigger"
    event: str
    tags: tuple[str, ...] = ()
    function: str
    enabled: str = "origin"
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Publication(Part):
    """`tables`: each with its column list and row filter where it has them; `schemas` as FOR TABLES IN SCHEMA."""

    kind = "publication"
    all_tables: bool = False
    tables: tuple[str, ...] = _expression(())
    schemas: tuple[str, ...] = ()
    operations: tuple[str, ...] = ("insert", "update", "delete", "truncate")
    via_root: bool = False
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Statistics(Part):
    kind = "statistics"
    table: str
    kinds: tuple[str, ...] = ()
    definition: str = _expression("")
    target: int | None = None
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Grant(Part):
    """What one grantee may do to one object; `name` is `<kind> <object> to <grantee>`.

    `privileges` are lower case and sorted, each followed by ` with grant option` where that was given.
    `implied` are those that default privileges (and PostgreSQL's own defaults) give to a new object of this
    kind, owner and schema; what the migration itself granted or revoked is the difference of the two.
    """

    kind = "grant"
    on: str
    grantee: str
    privileges: tuple[str, ...] = ()
    implied: tuple[str, ...] = ()

    @property
    def object(self) -> tuple[str, str]:
        """Kind and name of what it is on."""
        kind, _, name = self.on.partition(" ")
        return kind, name


@dataclass(frozen=True, kw_only=True)
class DefaultGrant(Part):
    """ALTER DEFAULT PRIVILEGES; `name` is `<role> [in <schema>] on <kinds> to <grantee>`."""

    kind = "default_grant"
    privileges: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Role(Part):
    """A role of the whole cluster; `attributes` are those that differ from CREATE ROLE's defaults."""

    kind = "role"
    attributes: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Setting(Part):
    """ALTER ROLE / DATABASE ... SET; `name` is `<parameter> of <role> | database | <role> in database`."""

    kind = "setting"
    value: str


@dataclass(frozen=True, kw_only=True)
class Rows(Part):
    """Rows that are in a table; `name` is the table's. `digest` is over their text, independent of order."""

    kind = "rows"
    rows: int
    digest: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Other(Part):
    """Any other object (operator, cast, collation, text search, foreign server, security label ...), so that no extra
    hides. `definition` is a line for each thing that CREATE says of it, as `provider = icu`."""

    kind = "other"
    form: str
    definition: tuple[str, ...] | None = _text()
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Schema:
    """Everything that is there, each tuple sorted by name."""

    schemas: tuple[Namespace, ...] = ()
    extensions: tuple[Extension, ...] = ()
    tables: tuple[Table, ...] = ()
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    functions: tuple[Function, ...] = ()
    views: tuple[View, ...] = ()
    rules: tuple[Rule, ...] = ()
    types: tuple[Type, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    policies: tuple[Policy, ...] = ()
    event_triggers: tuple[EventTrigger, ...] = ()
    publications: tuple[Publication, ...] = ()
    statistics: tuple[Statistics, ...] = ()
    grants: tuple[Grant, ...] = ()
    default_grants: tuple[DefaultGrant, ...] = ()
    roles: tuple[Role, ...] = ()
    settings: tuple[Setting, ...] = ()
    rows: tuple[Rows, ...] = ()
    others: tuple[Other, ...] = ()

    def parts(self) -> Iterator[Part]:
        """Every part, in the order of the fields above."""
        for schema_field in fields(self):
            yield from getattr(self, schema_field.name)

    def columns_of(self, table: str) -> tuple[Column, ...]:
        """The table's columns."""
        return self._columns_by_table.get(table, ())

    @cached_property
    def _columns_by_table(self) -> Mapping[str, tuple[Column, ...]]:
        return _by(self.columns, lambda column: column.table)

    @cached_property
    def indexes_by_table(self) -> Mapping[str, tuple[Index, ...]]:
        """The indexes of each table that has any, by its name."""
        return _by(self.indexes, lambda index: index.table)

    @cached_property
    def partitions_by_parent(self) -> Mapping[str, tuple[Table, ...]]:
        """The partitions of each table that has any, by its name."""
        return _by((table for table in self.tables if table.partition_of), lambda table: str(table.partition_of))


PART_TYPES: Final[Mapping[str, type[Part]]] = {name: get_args(parts)[0] for name, parts in get_type_hints(Schema).items()}
"""Each field of Schema to what it holds."""

UNCOMMENTED: Final = frozenset(("extension", "grant", "default_grant", "role", "setting", "rows", "other"))
"""Kinds that may have a comment and need none."""


def _by(parts: Iterable[P], name: Callable[[P], str]) -> Mapping[str, tuple[P, ...]]:
    groups: dict[str, list[P]] = {}
    for part in parts:
        groups.setdefault(name(part), []).append(part)
    return {key: tuple(held) for key, held in groups.items()}
