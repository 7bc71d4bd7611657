"""The small project, where pytest is started, and an environment without settings of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pgcontract.postgres.providers.local.directories import cache_directory
from pgcontract.rules.registry import checks

# An inner run in this process forgets what it was first to import, but not what was registered: it imports nothing.
checks()
# Beside the home that an inner run is given, where there is none.
CACHE = cache_directory()


@pytest.fixture(autouse=True)
def bare(one_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of pgcontract; and hypothesis, whose plugin takes a second to load, stays out of the inner runs.

    Their servers come out of the cache, and in this process are one.
    """
    for name in ("PGCONTRACT_PG", "PGCONTRACT_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE.parent))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:cacheprovider")


@pytest.fixture
def project(pytester: pytest.Pytester, write_project: Callable[[Path], Path]) -> Path:
    """As `schema`, beside nothing else."""
    return write_project(pytester.path / "schema")
