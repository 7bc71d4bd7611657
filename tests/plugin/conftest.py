"""The small project, where pytest is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def project(pytester: pytest.Pytester, write_project: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """As `schema`, beside nothing else: no setting of pgcontract in the environment."""
    for name in ("PGCONTRACT_PG", "PGCONTRACT_DEBUG", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    return write_project(pytester.path / "schema")
