"""One process's plan and session of one project; the first check starts the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgcontract import runner
from pgcontract.contract import FolderOptions, load_project, read_values
from pgcontract.errors import PgcontractError
from pgcontract.model.duration import read_duration
from pgcontract.performance.loading import read_rows
from pgcontract.reporting.output_folder import require_writable
from pgcontract.result import Finding, Observations, RunOptions


def run_options(config: pytest.Config) -> RunOptions:
    """What the options of pytest say of a run. InputError for a time or a number that is none."""
    option = config.option
    rows = read_rows(option.pgcontract_rows, option="--pgcontract-rows") if option.pgcontract_rows else None
    return RunOptions(
        pg=option.pgcontract_pg,
        pg_run_as=option.pgcontract_pg_run_as,
        through=option.pgcontract_through,
        only=tuple(option.pgcontract_only),
        skip=tuple(option.pgcontract_skip),
        seed=option.pgcontract_seed,
        examples=RunOptions.examples if option.pgcontract_max_examples is None else option.pgcontract_max_examples,
        rows=rows,
        timeout_ms=read_duration(option.pgcontract_timeout, option="--pgcontract-timeout"),
        strict=option.pgcontract_strict,
    )


def folder_options(config: pytest.Config) -> FolderOptions:
    """What they say of a folder of migrations. InputError for a value without a name."""
    option, here = config.option, config.invocation_params.dir
    setup, stats = option.pgcontract_setup, option.pgcontract_stats
    return FolderOptions(
        layout=option.pgcontract_layout,
        platform=option.pgcontract_platform,
        values=read_values(option.pgcontract_set, option="--pgcontract-set"),
        applied=option.pgcontract_applied,
        since=option.pgcontract_since,
        history=option.pgcontract_history,
        setup=here / setup if setup is not None else None,
        stats=here / stats if stats is not None else None,
    )


class SharedSession:
    """A project under the options of this pytest run. InputError where a thing that they name cannot be had."""

    def __init__(self, config: pytest.Config, project: Path) -> None:
        if (folder := config.option.pgcontract_report) is not None:
            require_writable(config.invocation_params.dir / folder, "report folder")
        self.project = project
        self.plan = runner.plan(load_project(project, options=folder_options(config)), run_options(config))
        self._session = runner.Session(self.plan)
        self._refusal: PgcontractError | None = None

    def ask(self, item: runner.Item) -> tuple[Finding, ...]:
        """The session's answer. After a server failed to start, no other item tries again."""
        if self._refusal is not None:
            raise self._refusal
        try:
            return self._session.ask(item)
        except PgcontractError as error:
            self._refusal = error
            raise

    def observed(self) -> Observations:
        """What this process's server showed; empty without a server."""
        try:
            return Observations() if self._refusal else self._session.observed()
        except PgcontractError:
            return Observations()

    def close(self) -> None:
        self._session.__exit__(None, None, None)
