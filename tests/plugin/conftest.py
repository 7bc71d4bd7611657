"""The small project, where pytest is started, and an environment without settings of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of pgcontract; and hypothesis, whose plugin takes a second to load, stays out of the inner runs."""
    for name in ("PGCONTRACT_PG", "PGCONTRACT_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:cacheprovider")


@pytest.fixture
def project(pytester: pytest.Pytester, write_project: Callable[[Path], Path]) -> Path:
    """As `schema`, beside nothing else."""
    return write_project(pytester.path / "schema")
