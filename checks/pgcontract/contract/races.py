"""Transactions that several sessions run concurrently, as a contract declares them, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import Field

from pgcontract.contract.declaration_models import Qualified, Spec
from pgcontract.contract.sql_parameters import query_issues, statement_issues
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.model.schema import Origin, Schema

Level = Literal["read committed", "repeatable read", "serializable"]
LEVELS: Final[tuple[Level, ...]] = ("read committed", "repeatable read", "serializable")


class RaceStepSpec(Spec):
    """One statement of each session's transaction."""

    sql: str = Field(
        min_length=1,
        description="One statement. %(session)s is the session's number, from 1; %(name)s what an earlier step captures. "
        "A query that gives no row ends the session's work: it found nothing to do, and commits.",
    )
    captures: list[str] = Field(default=[], description="Columns of its first row that later steps have as parameters.")
    only: int | None = Field(None, ge=1, description="The one session that plays it. Default: every session.")


class RaceSpec(Spec):
    """One transaction run by several sessions at once: each step by all of them before the next by any."""

    table: Qualified = Field(description="The table they write, as in public.orders.")
    setup: list[str] = Field(default=[], description="SQL that is committed before, one statement each.")
    sessions: int = Field(2, ge=2, le=8, description="How many play it at once. Default: 2.")
    step: list[RaceStepSpec] = Field(min_length=1, description="The transaction, between BEGIN and COMMIT.")
    retries: int = Field(
        3, ge=0, le=20, description="How often a session begins anew that the server refused with 40001 or 40P01."
    )
    description: str = Field(min_length=1, description="What must hold afterwards, in a sentence.")
    violations: str = Field(
        min_length=1,
        description="A query that gives no row where it holds. The table pgcontract_log (session, committed, tries, "
        "rows, sqlstate) has a row for each session; rows is what its writes changed, 0 unless it committed.",
    )
    isolation_levels: list[Level] = Field(
        default=["serializable"], min_length=1, description="The isolation levels at which it must hold."
    )
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class RaceStep:
    sql: str
    captures: tuple[str, ...] = ()
    only: int | None = None


@dataclass(frozen=True, kw_only=True)
class Race:
    """One `[race.<name>]`."""

    name: str
    table: str
    setup: tuple[str, ...] = ()
    sessions: int
    steps: tuple[RaceStep, ...]
    retries: int
    description: str
    violations: str
    isolation_levels: tuple[Level, ...]
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)


def read_races(
    specs: Mapping[str, RaceSpec] | None, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]
) -> tuple[Race, ...]:
    """The races of one contract; a parameter without a value and an invariant that is no query are errors."""
    races = []
    for name, spec in (specs or {}).items():
        race_path: KeyPath = ("race", name)
        race = Race(
            name=name,
            table=spec.table,
            setup=tuple(spec.setup),
            sessions=spec.sessions,
            steps=tuple(
                RaceStep(sql=step_spec.sql, captures=tuple(step_spec.captures), only=step_spec.only)
                for step_spec in spec.step
            ),
            retries=spec.retries,
            description=spec.description,
            violations=spec.violations,
            isolation_levels=tuple(level for level in LEVELS if level in spec.isolation_levels),
            purpose=spec.purpose,
            origin=Origin(file=file, line=line_of(race_path, lines)),
        )
        issues += (
            ValidationIssue(
                file=file,
                line=line_of((*race_path, *path), lines),
                message=f"{spell_path((*race_path, *path))}: {message}",
            )
            for path, message in _race_issues(race)
        )
        races.append(race)
    return tuple(races)


def _race_issues(race: Race) -> Iterator[tuple[KeyPath, str]]:
    known = ["session"]
    for at, step in enumerate(race.steps):
        for message in statement_issues(step.sql, known):
            yield ("step", at, "sql"), message
        if step.only is not None and step.only > race.sessions:
            yield ("step", at, "only"), f"there is no session {step.only}; there are {race.sessions}"
        known += step.captures
    for message in query_issues(race.violations):
        yield ("violations",), message


def race_issues(races: Iterable[Race], schema: Schema, lines: Mapping[KeyPath, int]) -> Iterator[ValidationIssue]:
    """An error for each race for a table that no contract declares."""
    known = [table.name for table in schema.tables]
    for race in races:
        assert race.origin
        if race.table not in known:
            path: KeyPath = ("race", race.name, "table")
            message = f"{spell_path(path)}: no table {race.table} is declared; {nearest(race.table, known)}"
            yield ValidationIssue(file=race.origin.file, line=line_of(path, lines), message=message)
