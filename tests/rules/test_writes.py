"""What is found by writing is the same on every run, and can be pasted."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import FOLDER, check_of, name
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Finding

CASES = [
    FOLDER / case
    for case in (
        "state_machine.transitions/broken",
        "timestamp.tamper_proof/broken",
        "timestamp.increasing/broken",
        "timestamp.commit_order/broken",
        "timestamp.search_path/broken",
        "presence.holds/broken",
    )
]


def _found(case: Path) -> tuple[Finding, ...]:
    return verify(load_project(case), RunOptions(only=(check_of(case),))).findings


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_second_run_finds_the_same(case: Path) -> None:
    assert _found(case) == _found(case)
