"""What is promised of one migration, before any server is asked."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from pgcontract.contract import Contract, Migration, Project
from pgcontract.contract.values import S
from pgcontract.model.schema import Origin, Schema
from pgcontract.model.sql import Inventory, Script, inventory
from pgcontract.values import dataclass

# Quoted text comes first, for it may hold what looks like a comment.
_COMMENT: Final = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|(?P<dollar>\$\w*\$).*?(?P=dollar)|(?P<comment>--[^\n]*|/\*.*?\*/)", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What is promised of one migration, before any server is asked. `declared` is inherited along the chain."""

    project: Project
    migration: Migration
    declared: Schema
    script: Script
    rollback: Script | None
    seed: int
    examples: int
    rows: int | None
    linters: tuple[str, ...] = ()

    @property
    def is_pending(self) -> bool:
        """Whether production does not have the migration yet: what a deploy does is judged there alone."""
        return self.migration in self.project.pending

    @property
    def contract(self) -> Contract | None:
        return self.migration.contract

    def of(self, section: type[S]) -> tuple[S, ...]:
        """What its own contract declares in one section; nothing where it has none."""
        return self.migration.of(section)

    @property
    def is_whole(self) -> bool:
        """Whether a contract promises more than what it names: all that is asked of whatever has a contract."""
        return self.contract is not None and self.contract.promises == "all"

    @cached_property
    def at_head(self) -> Promise:
        """The same promise in the names that things have at the head of the chain; itself where none is renamed."""
        project = self.project.at_head
        if project is self.project:
            return self
        migration = project.migration(self.migration.key)
        return replace(self, project=project, migration=migration, declared=project.declared(migration.key))

    @cached_property
    def without_contract(self) -> Promise:
        """The same as if nothing were declared."""
        bare = replace(self.migration, contract=None)
        chain = tuple(bare if migration is self.migration else migration for migration in self.project.chain)
        return replace(self, project=replace(self.project, chain=chain), migration=bare, declared=Schema())

    @property
    def comments(self) -> str:
        """Whether parts need comments, as its own contract says, else the last one before it."""
        so_far = self.project.chain[: [link.key for link in self.project.chain].index(self.migration.key)]
        contracts = [self.contract, *(migration.contract for migration in reversed(so_far))]
        return next((contract.comments for contract in contracts if contract), "required")

    @property
    def contract_schema(self) -> Schema:
        """What this migration's own contract declares."""
        return self.contract.declared if self.contract else Schema()

    def still_declared(self, kind: str) -> tuple[Any, ...]:
        """The parts of one kind (a field of Schema) that this contract declares and the head of the chain still does."""
        left = {part.name for part in getattr(self.project.declared(self.project.head.key), kind)}
        return tuple(part for part in getattr(self.contract_schema, kind) if part.name in left)

    @cached_property
    def samples(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared sample row of each table, a later contract's in place of an earlier one's."""
        return self.project.shape(self.migration.key).samples

    @cached_property
    def inherited_tables(self) -> frozenset[str]:
        """The tables that earlier contracts of the chain declare."""
        keys = [migration.key for migration in self.project.chain]
        number = keys.index(self.migration.key)
        earlier = self.project.declared(keys[number - 1]) if number else Schema()
        return frozenset(table.name for table in earlier.tables)

    @cached_property
    def inventory(self) -> Inventory:
        """What the script's text creates."""
        return inventory(self.script)

    def script_says(self, pattern: str) -> bool:
        """Whether a comment of the script says what the pattern does."""
        return _comments_say(self.script, pattern)

    def rollback_says(self, pattern: str) -> bool:
        """The same of the rollback script."""
        return self.rollback is not None and _comments_say(self.rollback, pattern)

    def origin_of(self, kind: str, name: str) -> Origin | None:
        """Where the script's text creates the object, for a finding to point at."""
        for created in self.inventory.created:
            if (created.kind, created.name) == (kind, name):
                return Origin(file=created.file or self.script.path, line=created.line)
        return None

    def claimed_subjects(self, check: str, *, later: bool = False) -> Iterator[str]:
        """The subjects that its claims, or those of `later` contracts, name of a check whose subjects are written in the
        claim itself."""
        at = [migration.key for migration in self.project.chain].index(self.migration.key)
        contracts = [migration.contract for migration in self.project.chain[at + 1 :]] if later else [self.contract]
        for claim in (claim for contract in contracts if contract for claim in contract.claims):
            for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ())):
                if reference.check == check and reference.subject:
                    yield reference.subject

    def is_claimed(self, check: str, subject: str) -> bool:
        """Whether a claim rests on what the check says of the subject, so that somebody promised it."""
        return any(
            reference.names(check, subject)
            for claim in (self.contract.claims if self.contract else ())
            for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ()))
        )

    def random(self, purpose: str) -> random.Random:
        """A generator of its own for each purpose, so that adding one changes no other."""
        return random.Random(f"{self.seed}/{self.migration.key}/{purpose}")  # noqa: S311 - reproducible on purpose


def _comments_say(script: Script, pattern: str) -> bool:
    comments = (match["comment"] for match in _COMMENT.finditer(script.text))
    return any(comment and re.search(pattern, comment, re.IGNORECASE) for comment in comments)
