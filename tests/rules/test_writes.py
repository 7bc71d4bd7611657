"""What is found by writing is the same on every run, and can be pasted."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest
from case_projects import Case, case
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Finding
from pgcontract.result.observations import RowStop

pytestmark = pytest.mark.usefixtures("one_server")
CASES = [
    case(case_id)
    for case_id in (
        "state_machine.transitions/broken",
        "timestamp.tamper_proof/broken",
        "timestamp.increasing/broken",
        "timestamp.commit_order/broken",
        "timestamp.search_path/broken",
        "rows.accepted/broken_drawn_defaults",
        "presence.holds/broken",
    )
]


def _found(case: Case, root: Path) -> tuple[tuple[Finding, ...], tuple[RowStop, ...]]:
    run = verify(load_project(root), RunOptions(only=(case.check,)))
    return run.findings, run.stops


@pytest.mark.parametrize("case", CASES, ids=attrgetter("id"))
def test_a_second_run_finds_the_same(case: Case) -> None:
    with case.project() as root:
        assert _found(case, root) == _found(case, root)
