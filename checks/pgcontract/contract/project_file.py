"""pgcontract.toml, whole: read without contract.toml's models, which cost a run without a contract more than itself."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pgcontract.contract.declaration_models import QualifiedKey, Spec
from pgcontract.contract.report_outline import ReportSpec

RowCount = Annotated[int, Field(ge=0)]


def _in_quotes(word: object) -> object:
    """`lock.no_scan = "error"` is TOML for a table in a table."""
    if isinstance(word, dict):
        raise ValueError('a check\'s id has a dot in it; put it in quotes, as in "lock.no_scan" = "warning"')
    return word


Weight = Literal["critical", "error", "warning", "info"]


def _day(value: object) -> object:
    """A TOML date is as good as its text."""
    return value.isoformat() if isinstance(value, dt.date) else value


class DocumentSpec(Spec):
    """What the report prints at its head."""

    title: str | None = Field(None, description="The report's title.")
    date: Annotated[str, BeforeValidator(_day)] | None = Field(None, description="When the document was written.")
    status: str | None = Field(None, description="What its author called it, as in `prepared for execution`.")
    purpose: str | None = Field(None, description="What the migration is for.")
    owner: str | None = Field(None, description="Who answers for it.")


class ProjectDocumentSpec(DocumentSpec):
    """What every report of the project prints."""

    project_ref: str | None = Field(None, description="The Supabase project. PGCONTRACT_PROJECT_REF has precedence.")


class ProductionSpec(Spec):
    """Where the migrations are to run."""

    platform: Literal["postgres", "supabase"] = Field("postgres", description="Whose roles and default privileges.")
    postgres: int | None = Field(None, ge=10, le=99, description="Production's major version, as in 17.")
    locale: str | None = Field(None, min_length=1, description="Its locale, as in en_US.UTF-8. Default: C.UTF-8.")
    tables: dict[QualifiedKey, RowCount] = Field(
        default_factory=dict, description='How many rows a table has there, as in "public.orders" = 5_000_000.'
    )


class RunnerSpec(Spec):
    """How a runner of your own runs the migrations; what is left out is as the layout has it."""

    layout: str | None = Field(None, min_length=1, description="Which layout it reads the folder by, as in flyway.")
    transaction: Literal["file", "all", "message", "statement"] | None = Field(
        None,
        description="What is one transaction: each `file`, `all` that are pending, each `message` (a file without "
        "BEGIN around it), or each `statement`, sent alone.",
    )
    repeats: bool | None = Field(None, description="Does it run every file again and again, at each start?")
    applied: str | None = Field(None, min_length=1, description="The last migration that production has.")
    role: str | None = Field(None, min_length=1, description="The role that it runs them as, by SET ROLE.")


class ProjectSpec(Spec):
    """pgcontract.toml, or [tool.pgcontract] of pyproject.toml: what holds for the whole chain."""

    seed: int = Field(0, description="The seed of everything random.")
    production: ProductionSpec = Field(
        default_factory=ProductionSpec.model_construct, description="Where the migrations are to run."
    )
    runner: RunnerSpec = Field(
        default_factory=RunnerSpec.model_construct, description="How a runner of your own runs them."
    )
    severity: dict[str, Annotated[Weight, BeforeValidator(_in_quotes)]] = Field(
        default_factory=dict,
        description='What a broken promise weighs, by check, as in "lock.*" = "error"; the last that matches counts.',
    )
    leave_out: list[str] = Field(
        default=[],
        description="Files that are no migrations, as globs: with a / from this file's folder, ** for any number of "
        "folders; without one a name anywhere below it.",
    )
    blocks: Weight = Field("error", description="The least severity that blocks.")
    document: ProjectDocumentSpec = Field(
        default_factory=ProjectDocumentSpec.model_construct, description="What every report prints."
    )
    report: ReportSpec = Field(default_factory=ReportSpec.model_construct, description="How the report is laid out.")
