"""The shipped chain: what its verdict is at its head and after 020, and that its claims can be refuted."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from command import Command
from planted_changes import CHANGES, SCHEMA, Planted, decided_claims, refuted_by
from shipped_run import ShippedRun

# One of each kind: a column, a comment, the way back, a trigger; and at the head of the chain states and times.
# `nox -s claims` plants them all, and asks every check that a claim names.
HANDFUL = {
    "first_name is longer": ("*",),
    "a comment is missing": ("object.commented",),
    "the function stays": ("rollback.*",),
    "the trigger fires after the write": ("*",),
    "a row may start as failed": ("state_machine.*",),
    "an insert keeps the caller's time": ("timestamp.set_on_insert", "timestamp.tamper_proof"),
}


def outcomes(run: dict[str, Any]) -> dict[str, str]:
    """The claims that came out so, by outcome, each as `020:T2`, in their order."""
    by_outcome: dict[str, list[str]] = defaultdict(list)
    for claim in run["claims"]:
        by_outcome[claim["outcome"]].append(f"{claim['migration'][:3]}:{claim['id']}")
    return {outcome: " ".join(ids) for outcome, ids in by_outcome.items() if outcome != "upheld"}


def test_head_of_the_chain_may_be_deployed_by_who_has_read_the_reasons(shipped: ShippedRun) -> None:
    run = json.loads(shipped.text)
    expected = {
        "mended": "020:H2 020:H3 020:T5 020:T9 020:T10 020:V2 020:V3 020:V4 020:I1 020:I3 020:G3 020:G4 020:A2 020:Z5",
        "not shown": "020:D3",
        "corrected": "020:C4 020:C6 020:S3 020:F1 020:F4 020:F6",
        "untestable": "020:H1 020:V5 020:D2 020:Z7 020:Z8 020:N2",
    }

    assert (0, "CAUTION", expected) == (shipped.code, run["verdict"]["decision"], outcomes(run))


def test_020_alone_is_blocked_by_what_it_breaks(pgcontract: Command) -> None:
    """All but what measures: of that 020 breaks nothing that no correction names."""
    measured = ("--skip", "dataset.*", "--skip", "query.*", "--skip", "write.*")
    said = pgcontract("verify", SCHEMA, "--through", "020", *measured, "--format", "json")
    run = json.loads(said.out)
    refuted = "020:H2 020:H3 020:T5 020:T9 020:T10 020:V2 020:V3 020:V4 020:I1 020:I3 020:G3 020:G4 020:S3 020:A2 020:Z5"
    listed = {reason.partition(":")[0] for reason in run["verdict"]["reasons"]}
    broken = {
        f"{finding['check']}[{finding['subject']}]"
        for finding in run["findings"]
        if finding["status"] == "broken"
        and finding["severity"] in ("error", "critical")
        and finding["resolution"] is None
    }

    assert (1, "BLOCKED", refuted, broken) == (said.code, run["verdict"]["decision"], outcomes(run)["refuted"], listed)


@pytest.mark.parametrize(
    "change",
    [planted_change for planted_change in CHANGES if planted_change.name in HANDFUL],
    ids=lambda planted_change: planted_change.name,
)
def test_planted_change_refutes_what_it_makes_false_and_nothing_else(change: Planted, tmp_path: Path) -> None:
    assert change.refuted == refuted_by(change, tmp_path, only=HANDFUL[change.name])


def test_every_claim_that_checks_decide_has_a_planted_change() -> None:
    refutable = frozenset[str]().union(*(change.refuted for change in CHANGES))

    assert set() == set(decided_claims()) - refutable
