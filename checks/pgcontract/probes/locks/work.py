"""What a statement does to a table that was there before the deploy, and under which locks. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import TypeAlias

from pgcontract.catalog.live_tables import LiveColumn, LiveConstraint, LiveIndex
from pgcontract.model.lock_mode import LockMode
from pgcontract.model.sql import Statement
from pgcontract.values import dataclass


class WorkKind(Enum):
    """Work that takes longer the more rows a table has."""

    REWRITE = "rewrites every row of"
    SCAN = "reads every row of"
    BUILD = "builds an index of"
    QUERY = "goes through every row of"


@dataclass(frozen=True, kw_only=True)
class ColumnAdded:
    column: LiveColumn


@dataclass(frozen=True, kw_only=True)
class ColumnRetyped:
    """`indexes`, by oid, and `constraints` are those that it is part of; `pointed_at` where foreign keys are among what
    points at its table, `inherited` where child tables have it too."""

    before: LiveColumn
    after: LiveColumn
    indexes: tuple[tuple[int, LiveIndex], ...] = ()
    constraints: tuple[LiveConstraint, ...] = ()
    pointed_at: bool = False
    inherited: bool = False


@dataclass(frozen=True, kw_only=True)
class ColumnRequired:
    """A column that became NOT NULL; `new` where the script itself adds it."""

    column: LiveColumn
    new: bool = False


@dataclass(frozen=True, kw_only=True)
class ConstraintAdded:
    """`references` is the name of the table that a foreign key points at, `new` are columns of it that the script
    adds. `replaces` where one of that name was there before the script, `again` where it is that very one."""

    constraint: LiveConstraint
    references: str = ""
    new: tuple[LiveColumn, ...] = ()
    replaces: bool = False
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class ConstraintValidated:
    """One that was there, NOT VALID; `enforced` where it was NOT ENFORCED."""

    constraint: LiveConstraint
    enforced: bool = False


@dataclass(frozen=True, kw_only=True)
class IndexBuilt:
    """`constraint` is the one that the index is of, if any, and `required` are columns that it makes NOT NULL; `new` are
    columns of it that the script adds, `parts` the indexes of partitions, each with its table. `rebuilt` where
    it was there before; `replaces` names the index or constraint of before the script whose name or place it takes."""

    index: LiveIndex
    constraint: LiveConstraint | None = None
    required: tuple[LiveColumn, ...] = ()
    new: tuple[LiveColumn, ...] = ()
    parts: tuple[tuple[str, LiveIndex], ...] = ()
    rebuilt: bool = False
    replaces: str = ""


@dataclass(frozen=True, kw_only=True)
class ViewFilled:
    """A materialised view; `has_key` is whether a unique index tells all its rows apart, `was_filled` and `is_filled`
    whether it could be read before and can be after: WITH NO DATA it cannot."""

    has_key: bool
    was_filled: bool
    is_filled: bool


@dataclass(frozen=True, kw_only=True)
class PartitionJoined:
    """A table that became a partition, and what holds for its rows since, as SQL."""

    partition: str
    bounds: str


Change: TypeAlias = (
    ColumnAdded
    | ColumnRetyped
    | ColumnRequired
    | ConstraintAdded
    | ConstraintValidated
    | IndexBuilt
    | PartitionJoined
    | ViewFilled
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Work on one table: under which lock on it, and why, where the catalog tells. `kind_of_table` is pg_class's
    letter, `partitions` are those of a partitioned table that it was done on."""

    kind: WorkKind
    table: str
    lock: LockMode
    change: Change | None = None
    kind_of_table: str = "r"
    partitions: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether others wait for it because of what it is, and not only of what was locked before it."""
        if self.kind is WorkKind.QUERY or (isinstance(self.change, ConstraintValidated) and not self.change.enforced):
            return False
        return self.lock.blocks_reads if self.kind_of_table == "m" else self.lock.blocks_writes

    @property
    def subject(self) -> str:
        """What it is about: the constraint, index or column, else the table."""
        match self.change:
            case ColumnAdded(column=column) | ColumnRequired(column=column) | ColumnRetyped(after=column):
                return f"{self.table}.{column.name}"
            case ConstraintAdded(constraint=constraint) | ConstraintValidated(constraint=constraint):
                return f"{self.table}.{constraint.name}"
            case IndexBuilt(index=index, constraint=None):
                return index.name
            case IndexBuilt(constraint=LiveConstraint(name=name)):
                return f"{self.table}.{name}"
            case _:
                return self.table


@dataclass(frozen=True, kw_only=True)
class TracedStatement:
    """One statement: the lock on each table that it took or made stronger, all that are held once it has run, what it did
    under them, and how many rows of tables that were there it inserted, updated and deleted. `transaction` is the same
    for those that nobody sees one without the other. `has_timeout` is whether it gives up waiting for a lock."""

    statement: Statement
    transaction: int
    taken: Mapping[str, LockMode]
    held: Mapping[str, LockMode]
    work: tuple[Work, ...]
    rows: Mapping[str, int]
    has_timeout: bool


@dataclass(frozen=True, kw_only=True)
class CarriedLock:
    """A lock that a statement of an earlier file, `path`, took in the transaction that goes on in this one."""

    mode: LockMode
    taken: TracedStatement
    path: str


@dataclass(frozen=True, kw_only=True)
class LockTrace:
    """The script's statements in their order, as far as they ran; `stopped` says why the rest did not. `root_of` names
    the partitioned table at the top of each partition. `carried` are the locks, by table, that earlier files of the
    first transaction left it; `joined` is whether there are such files, `goes_on` whether the last transaction does in
    the next one. `deployed_names` is what production calls the tables that earlier pending files have renamed. A sequence
    is locked as a table is, below the one that it belongs to; `sequences` are their names."""

    statements: tuple[TracedStatement, ...] = ()
    stopped: str = ""
    root_of: Mapping[str, str] = field(default_factory=dict)
    deployed_names: Mapping[str, str] = field(default_factory=dict)
    sequences: frozenset[str] = frozenset()
    carried: Mapping[str, CarriedLock] = field(default_factory=dict)
    joined: bool = False
    goes_on: bool = False

    def deployed_name(self, table: str) -> str:
        """What production calls the table."""
        return self.deployed_names.get(table, table)
