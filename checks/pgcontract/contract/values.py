"""What a contract declares besides the schema, as values: claims, examples, queries, waivers, pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from pgcontract.contract.claims import Claim
from pgcontract.contract.retired import Retired
from pgcontract.contract.section import Section
from pgcontract.model.schema import Origin, Schema
from pgcontract.model.sql.renames import Rename
from pgcontract.result.source_file import SourceFile
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from pgcontract.contract.documents import FilePins

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
    """What is declared of the database by then: its parts, what CHECKs mean, a row for each table that has a sample.
    `declarations` are what it was made of, and `renames` what the migration itself renamed of that, names in full."""

    schema: Schema = field(default_factory=Schema)
    examples: tuple[Examples, ...] = ()
    samples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    declarations: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    renames: tuple[Rename, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one migration promises. `declared`, `examples` and behaviour are this file's own; `samples` has a row for
    every table declared so far, by table and then by bare column name. `removed` are the (kind, name) of inherited
    parts it takes away. `accepted` is False for a draft nobody has read; `comments` is "optional" where
    parts may go without, `promises` "declared" where what is not named is judged as without a contract,
    `retired` what it takes back of the sections of earlier ones. `loses` are
    tables and columns of whose rows something may be lost. `files` are those it was read from.
    """

    path: str
    migration: str
    after: str | None = None
    accepted: bool = True
    comments: str = "required"
    promises: str = "all"
    loses: tuple[str, ...] = ()
    document: Mapping[str, str] = field(default_factory=dict)
    file: FilePins | None = None
    declared: Schema = field(default_factory=Schema)
    removed: tuple[tuple[str, str], ...] = ()
    examples: tuple[Examples, ...] = ()
    samples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    retired: tuple[Retired, ...] = ()
    claims: tuple[Claim, ...] = ()
    files: tuple[SourceFile, ...] = field(default=(), compare=False)
    origin: Origin | None = field(default=None, compare=False)

    def of(self, section: type[S]) -> tuple[S, ...]:
        """What it declares in one section, as in `contract.of(Flow)`."""
        return tuple(declared for declared in self.sections if isinstance(declared, section))
