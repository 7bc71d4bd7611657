"""A long chain with planted failures is sorted exactly: causes, consequences, and what is applied all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from generated_chain import APPLIED, CONSEQUENCE, OUTSIDE, OWN, generate_chain, write_chain
from pgcontract import RunOptions, Status, load_project, verify

SAID = {Status.KEPT: APPLIED, Status.BROKEN: OWN, Status.UNKNOWN: OUTSIDE, Status.NOTED: CONSEQUENCE}


@pytest.mark.parametrize(("length", "seed", "failures"), [(300, 1, 12), (60, 2, 9)])
def test_planted_failures_are_sorted_exactly(length: int, seed: int, failures: int, tmp_path: Path) -> None:
    chain = generate_chain(length, seed=seed, failures=failures)
    write_chain(chain, tmp_path)
    run = verify(load_project(tmp_path), RunOptions(only=("script.applies",)))
    found = {finding.migration: finding for finding in run.findings}
    expected = {planned.key: planned.verdict for planned in chain}

    assert expected == {key: CONSEQUENCE if finding.follows else SAID[finding.status] for key, finding in found.items()}
    followed = {planned.key: planned.causes for planned in chain if planned.verdict == CONSEQUENCE}
    assert {} == {key: found[key].follows for key, causes in followed.items() if found[key].follows not in causes}
