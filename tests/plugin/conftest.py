"""The small project, where pytest is started, and an environment without settings of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pgcontract.rules.registry import checks

# An inner run in this process forgets what it was first to import, but not what was registered: it imports nothing.
checks()


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
