"""Histories are the same on every run, as short as they go, and true when they are pasted."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from case_projects import Case, case
from pgcontract import RunOptions, load_project, verify
from pgcontract.contract import Flow
from pgcontract.postgres.providers import provider_for
from pgcontract.probes.scenarios.histories import draw_histories
from pgcontract.result import Finding, Status

LATE = case("flow.invariants/broken_late_event")


def flow_of(shown: Case) -> Flow:
    with shown.project() as root:
        contract = load_project(root).head.contract
    assert contract
    return contract.of(Flow)[0]


def played(shown: Case, *, seed: int | None = None) -> tuple[Finding, ...]:
    with shown.project() as root:
        return played_in(root, seed=seed)


def played_in(root: Path, *, seed: int | None = None) -> tuple[Finding, ...]:
    findings = verify(load_project(root), RunOptions(only=("flow.*",), seed=seed)).findings
    return tuple(finding for finding in findings if finding.check.startswith("flow."))


def test_the_same_seed_gives_the_same_findings() -> None:
    with LATE.project() as root:
        assert played_in(root) == played_in(root)


def test_another_seed_plays_other_histories() -> None:
    flow = flow_of(LATE)

    assert draw_histories(flow, seed="1", examples=50) != draw_histories(flow, seed="2", examples=50)


def test_another_seed_finds_the_same_shortest_history() -> None:
    actual = {
        finding.actual for seed in (1, 2, 3) for finding in played(LATE, seed=seed) if finding.check == "flow.invariants"
    }

    assert len(actual) == 1


def test_more_examples_are_more_histories() -> None:
    flow = flow_of(LATE)
    few, many = (set(draw_histories(flow, seed="1", examples=examples)) for examples in (10, 200))

    assert len(few) < len(many)


def test_no_history_is_there_twice() -> None:
    histories = draw_histories(flow_of(LATE), seed="1", examples=100)

    assert len(set(histories)) == len(histories)


@pytest.mark.parametrize("name", ["broken", "broken_late_event"])
def test_the_printed_history_shows_the_fault_when_it_is_pasted(name: str) -> None:
    shown = case(f"flow.invariants/{name}")
    subject = shown.expected["subject"]
    finding = next(
        candidate for candidate in played(shown) if candidate.subject == subject and candidate.status is Status.BROKEN
    )
    script = finding.evidence[0].text or ""
    with (
        provider_for("auto").start() as server,
        psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection,
    ):
        connection.execute(shown.files["migrations/001_tickets.sql"].encode())
        pasted = connection.execute(script.partition("ROLLBACK;")[0].encode())
        while pasted.nextset():
            pass
        rows = pasted.rowcount

    assert rows > 0
