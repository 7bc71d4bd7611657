"""Twenty generated folders: each has a verdict, or an error that says what to change in it. `nox -s fuzz` goes on."""

from __future__ import annotations

import pytest
from fuzzing import REFUSED, Outcomes, inputs, judge_all

SEED = 1
# What starts a server of its own is left to the session.
OWN_SERVER = ("acid.durability", "dataset.", "index.used", "query.", "write.")


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return judge_all(inputs(SEED, 20, small=True), skip=OWN_SERVER)


def test_every_generated_folder_has_a_verdict(outcomes: Outcomes) -> None:
    assert {} == outcomes.failures


def test_generated_folders_differ(outcomes: Outcomes) -> None:
    assert outcomes.decisions[REFUSED] < outcomes.inputs / 4
    assert len(outcomes.verdicts) > 4
