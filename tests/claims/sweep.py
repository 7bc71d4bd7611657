"""Every planted change, by every check that a claim names: minutes, so `nox -s claims` runs it and the tests do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_changes import CHANGES, Planted, refuted_by


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_planted_change_refutes_what_it_makes_false_and_nothing_else(change: Planted, tmp_path: Path) -> None:
    assert change.refuted == refuted_by(change, tmp_path)
