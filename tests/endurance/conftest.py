"""Projects, and the cache that the gates share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def kept(tmp_path: Path, write_project: Callable[[Path], Path]) -> Path:
    """A project whose verdict is CLEAR."""
    return write_project(tmp_path / "kept")


@pytest.fixture
def broken(tmp_path: Path, write_project: Callable[[Path], Path]) -> Path:
    """The same with a promise that the migration breaks: BLOCKED."""
    project = write_project(tmp_path / "broken")
    contract = project / "contracts" / "001_note" / "contract.toml"
    contract.write_text(contract.read_text("utf-8").replace('"text"', '"bytea"'), encoding="utf-8")
    return project
