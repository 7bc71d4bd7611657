"""What a contract declares besides the schema, as values: claims, examples, queries, waivers, pins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgcontract.contract.column_formats import ColumnFormat
from pgcontract.contract.datasets import Dataset
from pgcontract.contract.existing_rows import ExistingRows
from pgcontract.contract.flows import Flow
from pgcontract.contract.presence import Presence
from pgcontract.contract.queries import Query
from pgcontract.contract.races import Race
from pgcontract.contract.state_machines import StateMachine
from pgcontract.contract.timestamps import Timestamp
from pgcontract.model.schema import Origin, Schema


@dataclass(frozen=True, kw_only=True)
class CheckRef:
    """A check a claim rests on; `subject` is a glob, None for all subjects."""

    check: str
    subject: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.check if self.subject is None else f"{self.check}[{self.subject}]"


@dataclass(frozen=True, kw_only=True)
class Correction:
    """The true statement in place of one that is not, and the checks that show it."""

    description: str
    checks: tuple[CheckRef, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of the document. `untestable` and `pending` give their reason; `section` is the id of the report's
    section that it stands in, where it names one."""

    id: str
    description: str
    section: str | None = None
    checks: tuple[CheckRef, ...] = ()
    untestable: str | None = None
    pending: str | None = None
    corrected: Correction | None = None
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Rows that a CHECK must let in and keep out, each a mapping from bare column name to value.

    `constraint` is the part's name (`public.t.email_format`), `table` what it is of. Of a domain's CHECK a row is
    {"VALUE": value} and `table` the domain. `column` is the one that bare values were written for.
    """

    constraint: str
    table: str
    column: str | None = None
    accept: tuple[Mapping[str, Any], ...] = ()
    reject: tuple[Mapping[str, Any], ...] = ()
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A query to run after the migration. `expect` is its rows, None where not given; `after` names the query
    it follows in the same rolled-back transaction."""

    id: str
    description: str
    sql: str
    expect: tuple[tuple[Any, ...], ...] | None = None
    row_count: int | None = None
    columns: tuple[str, ...] | None = None
    varies: tuple[str, ...] = ()
    limitations: str | None = None
    after: str | None = None
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A broken promise that is accepted up to and including the day `until`; `subject` is a glob."""

    check: str
    subject: str
    reason: str
    owner: str
    until: dt.date
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class FilePins:
    """Facts of the migration's file."""

    lines: int | None = None
    sha256: str | None = None
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is declared of the database: its parts, what CHECKs mean, a row for each table that has a sample."""

    schema: Schema = field(default_factory=Schema)
    examples: tuple[Examples, ...] = ()
    samples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one migration promises. `declared`, `examples` and behaviour are this file's own; `samples` has a row for
    every table declared so far, by table and then by bare column name. `removed` are the (kind, name) of inherited
    parts it takes away. `accepted` is False for a draft nobody has read; `comments` is "optional" where
    parts may go without.
    """

    path: str
    migration: str
    after: str | None = None
    accepted: bool = True
    comments: str = "required"
    document: Mapping[str, str] = field(default_factory=dict)
    file: FilePins | None = None
    declared: Schema = field(default_factory=Schema)
    removed: tuple[tuple[str, str], ...] = ()
    examples: tuple[Examples, ...] = ()
    samples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    verifications: tuple[Verification, ...] = ()
    formats: tuple[ColumnFormat, ...] = ()
    state_machines: tuple[StateMachine, ...] = ()
    timestamps: tuple[Timestamp, ...] = ()
    presences: tuple[Presence, ...] = ()
    existing_rows: tuple[ExistingRows, ...] = ()
    flows: tuple[Flow, ...] = ()
    races: tuple[Race, ...] = ()
    queries: tuple[Query, ...] = ()
    dataset: Dataset | None = None
    waivers: tuple[Waiver, ...] = ()
    claims: tuple[Claim, ...] = ()
    origin: Origin | None = field(default=None, compare=False)
