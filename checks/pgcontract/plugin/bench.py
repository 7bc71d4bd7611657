"""What one process holds of one project: its plan, and the session with its server, started by the first question."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pgcontract import engine
from pgcontract.contract import load_project
from pgcontract.errors import PgcontractError
from pgcontract.finding import Finding


class Bench:
    """A project under the options of this pytest run."""

    def __init__(self, config: pytest.Config, project: Path) -> None:
        self.project = project
        self.options: dict[str, Any] = {
            word: config.getoption(f"pgcontract_{word}")
            for word in ("pg", "through", "only", "skip", "seed", "strict")
        }
        self._refusal: PgcontractError | None = None

    @cached_property
    def plan(self) -> engine.Plan:
        """Every item of the whole chain, whichever of them pytest was asked for."""
        words = self.options
        return engine.plan(
            load_project(self.project), through=words["through"], only=words["only"], skip=words["skip"]
        )

    @cached_property
    def _session(self) -> engine.Session:
        return engine.Session(self.plan, pg=self.options["pg"], seed=self.options["seed"])

    def ask(self, item: engine.Item) -> tuple[Finding, ...]:
        """The session's answer. A server that could not be had is not sought again for the next item."""
        if self._refusal is not None:
            raise self._refusal
        try:
            return self._session.ask(item)
        except PgcontractError as error:
            self._refusal = error
            raise

    def observed(self) -> dict[str, Any]:
        """What this process's server showed; nothing where it was asked nothing."""
        return self._session.observed() if "_session" in vars(self) else {}

    def close(self) -> None:
        if "_session" in vars(self):
            self._session.__exit__(None, None, None)
