"""What a contract declares besides the schema, as values: claims, examples, queries, waivers, pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pgcontract.contract.claims import Claim
from pgcontract.contract.documents import FilePins
from pgcontract.contract.section import Section
from pgcontract.contract.sections.column_formats import ColumnFormat
from pgcontract.contract.sections.datasets import Dataset
from pgcontract.contract.sections.existing_rows import ExistingRows
from pgcontract.contract.sections.flows import Flow
from pgcontract.contract.sections.presence import Presence
from pgcontract.contract.sections.queries import Query
from pgcontract.contract.sections.races import Race
from pgcontract.contract.sections.state_machines import StateMachine
from pgcontract.contract.sections.timestamps import Timestamp
from pgcontract.contract.sections.verifications import Verification
from pgcontract.contract.sections.waivers import Waiver
from pgcontract.model.schema import Origin, Schema

S = TypeVar("S", bound=Section)


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
    sections: tuple[Section, ...] = ()
    claims: tuple[Claim, ...] = ()
    origin: Origin | None = field(default=None, compare=False)

    def of(self, section: type[S]) -> tuple[S, ...]:
        """What it declares in one section, as in `contract.of(Flow)`."""
        return tuple(declared for declared in self.sections if isinstance(declared, section))

    @property
    def verifications(self) -> tuple[Verification, ...]:
        return self.of(Verification)

    @property
    def formats(self) -> tuple[ColumnFormat, ...]:
        return self.of(ColumnFormat)

    @property
    def state_machines(self) -> tuple[StateMachine, ...]:
        return self.of(StateMachine)

    @property
    def timestamps(self) -> tuple[Timestamp, ...]:
        return self.of(Timestamp)

    @property
    def presences(self) -> tuple[Presence, ...]:
        return self.of(Presence)

    @property
    def existing_rows(self) -> tuple[ExistingRows, ...]:
        return self.of(ExistingRows)

    @property
    def flows(self) -> tuple[Flow, ...]:
        return self.of(Flow)

    @property
    def races(self) -> tuple[Race, ...]:
        return self.of(Race)

    @property
    def queries(self) -> tuple[Query, ...]:
        return self.of(Query)

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        return self.of(Waiver)

    @property
    def dataset(self) -> Dataset | None:
        return next(iter(self.of(Dataset)), None)
