"""A chain of migrations with what is promised of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from pgcontract.contract.applied_history import AppliedHistory
from pgcontract.contract.baseline import BASELINE_FILE, Baseline
from pgcontract.contract.changes_since import Scope
from pgcontract.contract.head_names import in_names_of_head
from pgcontract.contract.ignore_comments import IgnoreComment, read_ignore_comments
from pgcontract.contract.layouts import layouts
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import FolderIssue
from pgcontract.contract.platform_evidence import SUPABASE
from pgcontract.contract.platform_tables import without_platform_tables
from pgcontract.contract.report_outline import default_outline
from pgcontract.contract.sections.datasets import Dataset, merge_datasets
from pgcontract.contract.seed_commands import SeedCommand
from pgcontract.contract.severities import Severities
from pgcontract.contract.supabase_config import ExposedSchemas
from pgcontract.contract.tool_history import history_of
from pgcontract.contract.validation_errors import nearest
from pgcontract.contract.values import Shape
from pgcontract.errors import InputError
from pgcontract.model.schema import Origin, Schema
from pgcontract.model.sql import Script, WrittenSecret, inventory, written_secrets
from pgcontract.model.sql.lexer import without_comments
from pgcontract.patterns import lazy_pattern
from pgcontract.result.outline import Outline
from pgcontract.result.source_file import SourceFile
from pgcontract.values import dataclass

_LEAST_MASKED: Final = 8
_HTTP_REQUEST: Final = r'"?supabase_functions"?\s*\.\s*"?http_request\b'
_WEBHOOK: Final = lazy_pattern(rf"\bEXECUTE\s+(?:FUNCTION|PROCEDURE)\s+{_HTTP_REQUEST}", re.IGNORECASE)
_OWN_WEBHOOKS: Final = lazy_pattern(
    rf'\bCREATE\s+(?:SCHEMA\s+"?supabase_functions\b|(?:OR\s+REPLACE\s+)?FUNCTION\s+{_HTTP_REQUEST})', re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A chain, oldest first, and what holds for all of it. `postgres` is production's major version, if declared.

    `applied` is the key of the last migration that production has, where that is known. `setup` is run before the first
    migration; `seeds` are what its tool loads behind the last one, `callbacks` what it runs at each deploy.
    `table_rows` is how many rows production has in a
    table, by its qualified name, where that is known. `issues` are what the tool makes of the folder that its owner may
    not expect; `assumptions` a sentence for each thing that was told by looking. `secrets` are values that no report may
    show, with what it shows instead. `files` are those that hold for the whole chain: pgcontract.toml.
    `severities` is what its team says that broken promises weigh; `configured` a sentence for each thing that its
    configuration leaves out.
    `scope` is the commit since which changes count, with what has changed; `history` the keys that its tool's own table
    says are applied, where that was read.
    `seed_command` is how its tool makes rows where a command does.
    `exposed` are the schemas that Supabase's REST API shows.
    `ended` is the key of its head where the owner's word left others behind that out. `alone`: it is one file, whose
    neighbours were not looked at. `baseline` is what is known to be wrong, if there is such a file; `baseline_path` is
    where it is written unless another place is named. `given` are the words by which its owner said how it is read.
    """

    root: Path
    platform: str = "postgres"
    postgres: int | None = None
    locale: str | None = None
    document: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    chain: tuple[Migration, ...]
    shapes: Mapping[str, Shape] = field(default_factory=dict, repr=False)
    outline: Outline = field(default_factory=default_outline)
    layout: str = "flat"
    applied: str | None = None
    setup: Script | None = field(default=None, repr=False)
    seeds: tuple[Script, ...] = field(default=(), repr=False)
    seed_command: SeedCommand | None = None
    callbacks: tuple[Script, ...] = field(default=(), repr=False)
    exposed: ExposedSchemas = field(default_factory=ExposedSchemas)
    table_rows: Mapping[str, int] = field(default_factory=dict)
    issues: tuple[FolderIssue, ...] = ()
    assumptions: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: tuple[SourceFile, ...] = ()
    severities: Severities = field(default_factory=Severities)
    configured: tuple[str, ...] = ()
    scope: Scope | None = None
    history: AppliedHistory | None = None
    ended: str | None = field(default=None, compare=False)
    alone: bool = False
    baseline: Baseline | None = None
    baseline_path: Path = Path(BASELINE_FILE)
    given: tuple[str, ...] = field(default=(), repr=False, compare=False)  # a dsn: may hold a password

    @cached_property
    def pending(self) -> tuple[Migration, ...]:
        """Those that production does not have: behind the one that is said to be applied, else what its tool's table
        lacks, else what changed since a commit, else the last alone."""
        keys = [migration.key for migration in self.chain]
        if self.applied in keys:
            return self.chain[keys.index(self.applied) + 1 :]
        if self.history is not None:
            return tuple(migration for migration in self.chain if migration.key not in self.history.applied)
        if self.scope is not None:
            return tuple(migration for migration in self.chain if migration.key in self.scope.changes.scripts)
        return self.chain[-1:]

    @cached_property
    def written_secrets(self) -> Mapping[str, tuple[WrittenSecret, ...]]:
        """The keys, tokens and passwords that stand as text in the scripts of each migration, by its key."""
        return {
            each.key: tuple(one for script in (each.up, each.down) if script for one in written_secrets(script))
            for each in self.chain
        }

    @cached_property
    def masked(self) -> Mapping[str, str]:
        """What no report may print, each value with the words that stand for it: `secrets`, and those that scripts hold
        as text, but for what is too short to be told from other words."""
        beside = (*self.callbacks, *self.seeds, *((self.setup,) if self.setup else ()))
        found = (*self.written_secrets.values(), *map(written_secrets, beside))
        written = {one.value: f"({one.what})" for secrets in found for one in secrets}
        return {value: words for value, words in written.items() if len(value) >= _LEAST_MASKED} | dict(self.secrets)

    @cached_property
    def origins(self) -> Mapping[tuple[str, str], Origin]:
        """Where the texts of the chain make each object last, by its kind and name."""
        origins = {}
        for migration in self.chain:
            for created in inventory(migration.up).created:
                origins[created.kind, created.name] = Origin(file=created.file or migration.up.path, line=created.line)
        return origins

    @cached_property
    def has_webhooks(self) -> bool:
        """Whether Supabase's Database Webhooks are taken as switched on: triggers of the chain call their function as the
        dashboard writes it, and nothing of it makes their schema."""
        scripts = (*((self.setup,) if self.setup else ()), *(migration.up for migration in self.chain))
        texts = [without_comments(script.text) for script in scripts if "supabase_functions" in script.text]
        is_called = self.platform == SUPABASE and any(map(_WEBHOOK.search, texts))
        return is_called and not any(map(_OWN_WEBHOOKS.search, texts))

    @property
    def knows_applied(self) -> bool:
        """Whether somebody said what production has; of a commit nobody says that it is deployed."""
        return self.applied is not None or self.history is not None

    def is_judged_whole(self, migration: Migration) -> bool:
        """Whether everything is asked of it that is asked of a migration: it is pending, or has changed."""
        return migration in self.pending or (self.scope is not None and migration.key in self.scope.changes.every)

    @cached_property
    def ignore_comments(self) -> tuple[IgnoreComment, ...]:
        """The comments of the chain's SQL by which findings are accepted."""
        return tuple(comment for migration in self.chain for comment in read_ignore_comments(migration))

    def may_be_edited(self, key: str) -> bool:
        """Whether a file of that migration may have a comment more: it is pending, its tool runs it again where it has
        changed, or does not look."""
        migration = self.chain[self.places[key]]
        minds_edits = history_of(layouts()[self.layout]).minds_edits
        return migration in self.pending or migration.up.execution.repeatable or not minds_edits

    @cached_property
    def at_head(self) -> Project:
        """The same project with every contract as it stands at the head: in the names that things have there, and
        without what later ones took back. Itself where nothing is renamed or taken back."""
        retires = any(migration.contract and migration.contract.retired for migration in self.chain)
        if not retires and not any(shape.renames for shape in self.shapes.values()):
            return self
        chain, shapes = in_names_of_head(self.chain, self.shapes)
        if self.platform == SUPABASE:
            chain, shapes = without_platform_tables(chain, shapes)
        renamed = replace(self, chain=chain, shapes=shapes)
        renamed.__dict__["at_head"] = renamed  # what a later name was before is renamed no second time
        return renamed

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each migration stands in the chain, from 0, by its key."""
        return {migration.key: place for place, migration in enumerate(self.chain)}

    @property
    def head(self) -> Migration:
        """The last migration: what is deployed."""
        return self.chain[-1]

    def migration(self, name: str) -> Migration:
        """The migration that is called so, by its key before all. Raises InputError if there is none."""
        if (place := self.places.get(name)) is not None:
            return self.chain[place]
        for migration in self.chain:
            if migration.is_called(name):
                return migration
        hint = nearest(name, [migration.key for migration in self.chain])
        raise InputError(f"no migration is called {name!r}; {hint}", file=str(self.root))

    def below(self, folder: Path) -> tuple[Migration, ...]:
        """Those that lie in that folder, else all of them."""
        whole = folder.resolve()
        inside = (link for link in self.chain if Path(link.up.path).resolve().is_relative_to(whole))
        return tuple(inside) or self.chain

    def through(self, name: str) -> Project:
        """The same project with its head at that migration; what there is to tell of those behind it goes with them."""
        last = self.places[self.migration(name).key]
        behind = {migration.key for migration in self.chain[last + 1 :]}
        issues = tuple(issue for issue in self.issues if issue.key not in behind)
        seeds = () if behind else self.seeds
        command = None if behind else self.seed_command
        ended = self.chain[last].key if behind else self.ended
        return replace(
            self,
            chain=self.chain[: last + 1],
            issues=issues,
            seeds=seeds,
            seed_command=command,
            callbacks=() if behind else self.callbacks,
            ended=ended,
        )

    def declared(self, key: str) -> Schema:
        """Everything that is declared up to and including that migration."""
        return self.shapes[key].schema

    def shape(self, key: str) -> Shape:
        """The same with what all CHECKs mean and a sample row for each table that has one."""
        return self.shapes[key]

    def dataset(self, key: str) -> Dataset:
        """The rows to measure on: the data sets up to and including that migration's, later ones winning."""
        contracts = [link.contract for link in self.chain[: self.places[key] + 1] if link.contract]
        datasets = (dataset for contract in contracts for dataset in contract.of(Dataset))
        return merge_datasets(datasets, self.declared(key))
