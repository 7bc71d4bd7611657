"""The declarations of a table and of its columns, constraints, indexes, triggers, policies and rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from pgcontract.contract.declaration_models import (
    Callable,
    EnabledSpec,
    Grants,
    Identifier,
    IdentifierKey,
    OwnedSpec,
    PartSpec,
    Qualified,
    Scalar,
    Shorthand,
)

Action = Literal["no action", "restrict", "cascade", "set null", "set default"]


class ColumnSpec(PartSpec):
    """A column. The order of the keys in the file is the order of the columns; a later contract that names every one
    names them anew in their order."""

    renamed_from: Identifier | None = Field(
        None, description="What it was called before this migration, where no ALTER TABLE in the script says so."
    )
    type: str | None = Field(None, description="Its type with modifiers, as in varchar(255).")
    null: bool | None = Field(None, description="May it be null? Default: true; false in a primary key.")
    default: str | None = Field(None, description='An SQL expression: "\'pending\'", "now()". A literal needs quotes.')
    generated: str | None = Field(None, description="stored or virtual; the expression is the `default`.")
    identity: Literal["always", "by default"] | None = Field(None, description="GENERATED ... AS IDENTITY.")
    collation: str | None = Field(None, description="Where it is not the type's own.")
    storage: Literal["plain", "external", "extended", "main"] | None = Field(
        None, description="Where it is not the type's own."
    )
    compression: Literal["pglz", "lz4"] | None = Field(None, description="Where it is not the server's default.")
    statistics: int | None = Field(None, description="The statistics target, where one is set.")
    options: list[str] | None = Field(None, description='Attribute options, as in ["n_distinct=100"].')
    grants: Grants | None = None


class ConstraintSpec(PartSpec):
    """What every constraint may say of its state."""

    validated: bool | None = Field(None, description="False: NOT VALID, rows from before were not checked.")
    enforced: bool | None = Field(None, description="False: NOT ENFORCED (PostgreSQL 18).")
    deferrable: bool | None = Field(None, description="May a transaction defer it? Default: false.")
    initially_deferred: bool | None = Field(None, description="Is it checked at commit? Default: false.")
    no_inherit: bool | None = Field(None, description="Does it not pass on to children? Default: false.")
    inherited: bool | None = Field(None, description="Does it come from a parent table? Default: false.")


class CheckSpec(ConstraintSpec):
    """A CHECK, and values that show what it means."""

    expression: str | None = Field(None, description="What must be true (or null) of every row.")
    column: Identifier | None = Field(None, description="The column that bare values in accept and reject are for.")
    accept: list[Scalar] | None = Field(
        None, description="Rows it must let in: each a table of column values, or a bare value of its one column."
    )
    reject: list[Scalar] | None = Field(None, description="Rows it must keep out, written like those of `accept`.")


class UniqueSpec(ConstraintSpec):
    """A UNIQUE constraint; the index behind it is implied."""

    columns: list[Identifier] | None = Field(None, description="The columns that are unique together.")
    include: list[Identifier] | None = Field(None, description="Columns its index carries along.")
    nulls_not_distinct: bool | None = Field(None, description="Are two nulls equal? Default: false.")


class PrimaryKeySpec(ConstraintSpec):
    """The primary key: `["id"]`, or a table of these keys. The index behind it is implied."""

    name: Identifier | None = Field(None, description="Default: as PostgreSQL names it, <table>_pkey.")
    columns: list[Identifier] | None = Field(None, description="Its columns, in order.")
    include: list[Identifier] | None = Field(None, description="Columns its index carries along.")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """An editor may see either form."""
        return {"anyOf": [{"type": "array", "items": {"type": "string"}}, handler(core)]}


class ForeignKeySpec(ConstraintSpec):
    """A FOREIGN KEY."""

    columns: list[Identifier] | None = Field(None, description="The columns that refer.")
    references: Qualified | None = Field(None, description="The table they refer to, as in public.users.")
    to: list[Identifier] | None = Field(None, description="The columns there. Default: its primary key.")
    match: Literal["simple", "full"] | None = Field(None, description="Default: simple.")
    on_update: Action | None = Field(None, description="Default: no action.")
    on_delete: Action | None = Field(None, description="Default: no action.")
    on_delete_columns: list[Identifier] | None = Field(None, description="Which columns SET NULL or SET DEFAULT sets.")


class ExcludeSpec(ConstraintSpec):
    """An EXCLUDE constraint; the index behind it is implied."""

    definition: str | None = Field(None, description="In full: EXCLUDE USING gist (room WITH =, during WITH &&).")


class AnyConstraintSpec(ExcludeSpec):
    """Any constraint at all, by its full definition: for what the other forms cannot express."""

    form: Literal["primary key", "unique", "foreign key", "check", "exclude", "not null"] | None = Field(
        None, description="What kind of constraint it is."
    )


class IndexSpec(PartSpec):
    """An index. Its name is without schema: it lives in its table's."""

    keys: list[str] | None = Field(None, description='Columns or expressions, as in ["lower(email)", "created_at DESC"].')
    method: str | None = Field(None, description="Default: btree.")
    include: list[Identifier] | None = Field(None, description="Columns it carries along.")
    predicate: str | None = Field(None, description="Its WHERE: only these rows are in it.")
    unique: bool | None = Field(None, description="Default: false.")
    nulls_not_distinct: bool | None = Field(None, description="Are two nulls equal? Default: false.")
    valid: bool | None = Field(None, description="Default: true.")
    clustered: bool | None = Field(None, description="Is it the one CLUSTER uses? Default: false.")
    replica_identity: bool | None = Field(None, description="Does replication know rows by it? Default: false.")
    options: list[str] | None = Field(None, description='Storage parameters, as in ["fillfactor=70"].')
    tablespace: Identifier | None = Field(None, description="Where it is not the database's own.")
    constraint: Identifier | None = Field(None, description="The constraint it backs, where that does not imply it.")
    partition_of: Qualified | None = Field(None, description="The index of the partitioned table it is a part of.")


class TriggerSpec(PartSpec):
    """A trigger."""

    timing: Literal["before", "after", "instead of"] | None = Field(None, description="When it fires.")
    events: list[Literal["insert", "update", "delete", "truncate"]] | None = Field(None, description="What fires it.")
    level: Literal["row", "statement"] | None = Field(None, description="Default: statement.")
    columns: list[Identifier] | None = Field(None, description="UPDATE OF these columns only.")
    when: str | None = Field(None, description="Its WHEN condition.")
    function: Callable | None = Field(None, description="What it runs, as in public.set_updated_at().")
    arguments: list[str] | None = Field(None, description="The text arguments it gives the function.")
    enabled: EnabledSpec | None = Field(None, description="Default: origin, fires except on a replica.")
    constraint: bool | None = Field(None, description="Is it a CONSTRAINT TRIGGER? Default: false.")
    deferrable: bool | None = Field(None, description="Default: false.")
    initially_deferred: bool | None = Field(None, description="Default: false.")
    old_table: Identifier | None = Field(None, description="REFERENCING OLD TABLE AS.")
    new_table: Identifier | None = Field(None, description="REFERENCING NEW TABLE AS.")
    references: Qualified | None = Field(None, description="The table a constraint trigger refers to.")


class RuleSpec(PartSpec):
    """A rewrite rule."""

    definition: str | None = Field(None, description="CREATE RULE in full.")
    enabled: EnabledSpec | None = Field(None, description="Default: origin.")


class PolicySpec(PartSpec):
    """A row security policy."""

    command: Literal["all", "select", "insert", "update", "delete"] | None = Field(None, description="Default: all.")
    permissive: bool | None = Field(None, description="False: AS RESTRICTIVE. Default: true.")
    roles: list[Identifier] | None = Field(None, description='Default: ["public"], everybody.')
    using: str | None = Field(None, description="Which rows are seen.")
    check: str | None = Field(None, description="Which rows may be written.")


class TableSpec(OwnedSpec):
    """A table; what is not declared has the server's default."""

    renamed_from: Qualified | None = Field(
        None, description="What it was called before this migration, where no ALTER TABLE in the script says so."
    )
    form: Literal["table", "partitioned table", "foreign table"] | None = Field(None, description="Default: table.")
    persistence: Literal["permanent", "unlogged", "temporary"] | None = Field(None, description="Default: permanent.")
    access_method: str | None = Field(None, description="Where it is not the server's default.")
    partition_key: str | None = Field(None, description="Of a partitioned table, as in RANGE (created_at).")
    partition_of: Qualified | None = Field(None, description="The partitioned table it is a part of.")
    partition_bound: str | None = Field(None, description="As in FOR VALUES FROM (1) TO (10), or DEFAULT.")
    inherits: list[Qualified] | None = Field(None, description="Its parents, in order.")
    of_type: Qualified | None = Field(None, description="CREATE TABLE ... OF this composite type.")
    options: list[str] | None = Field(None, description='Storage parameters, as in ["fillfactor=70"].')
    replica_identity: Literal["default", "full", "nothing", "index"] | None = Field(None, description="Default: default.")
    row_security: bool | None = Field(None, description="Is row level security enabled? Default: false.")
    force_row_security: bool | None = Field(None, description="Does it hold for the owner too? Default: false.")
    tablespace: Identifier | None = Field(None, description="Where it is not the database's own.")
    server: Identifier | None = Field(None, description="Of a foreign table.")
    primary_key: Annotated[PrimaryKeySpec, Shorthand] | None = Field(None, description='As in ["id"].')
    columns: dict[IdentifierKey, ColumnSpec] | None = Field(None, description="Its columns, in their order.")
    checks: dict[IdentifierKey, CheckSpec] | None = Field(None, description="Its CHECK constraints.")
    uniques: dict[IdentifierKey, UniqueSpec] | None = Field(None, description="Its UNIQUE constraints.")
    foreign_keys: dict[IdentifierKey, ForeignKeySpec] | None = Field(None, description="Its FOREIGN KEYs.")
    excludes: dict[IdentifierKey, ExcludeSpec] | None = Field(None, description="Its EXCLUDE constraints.")
    constraints: dict[str, AnyConstraintSpec] | None = Field(
        None, description="Constraints by their definition, for what the other keys cannot say."
    )
    indexes: dict[IdentifierKey, IndexSpec] | None = Field(None, description="Its indexes, but those of constraints.")
    triggers: dict[IdentifierKey, TriggerSpec] | None = Field(None, description="Its triggers.")
    policies: dict[IdentifierKey, PolicySpec] | None = Field(None, description="Its row security policies.")
    rules: dict[IdentifierKey, RuleSpec] | None = Field(None, description="Its rewrite rules.")
    grants: Grants | None = None
    row_count: int | None = Field(None, ge=0, description="How many rows the migration leaves in it. Default: 0.")
    sample: dict[str, Any] | None = Field(
        None, description="One row that an INSERT takes, put in before the re-run and the rollback are rehearsed."
    )
