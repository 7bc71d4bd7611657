"""Histories are the same on every run, as short as they go, and true when they are pasted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import psycopg
import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.contract import Flow
from pgcontract.postgres.providers import provider_for
from pgcontract.probes.scenarios.histories import draw_histories
from pgcontract.result import Finding, Status

CASES = Path(__file__).parents[1] / "cases"
LATE = CASES / "flow.invariants" / "broken_late_event"


def flow_of(case: Path) -> Flow:
    contract = load_project(case).head.contract
    assert contract
    return contract.flows[0]


def played(case: Path, *, seed: int | None = None) -> tuple[Finding, ...]:
    findings = verify(load_project(case), RunOptions(only=("flow.*",), seed=seed)).findings
    return tuple(finding for finding in findings if finding.check.startswith("flow."))


def test_the_same_seed_gives_the_same_findings() -> None:
    assert played(LATE) == played(LATE)


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


@pytest.mark.parametrize("case", ["broken", "broken_late_event"])
def test_the_printed_history_shows_the_fault_when_it_is_pasted(case: str) -> None:
    folder = CASES / "flow.invariants" / case
    subject = tomllib.loads((folder / "expect.toml").read_text("utf-8"))["subject"]
    finding = next(
        candidate for candidate in played(folder) if candidate.subject == subject and candidate.status is Status.BROKEN
    )
    script = finding.evidence[0].text or ""
    with (
        provider_for("auto").start() as server,
        psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection,
    ):
        connection.execute((folder / "migrations" / "001_tickets.sql").read_bytes())
        pasted = connection.execute(script.partition("ROLLBACK;")[0].encode())
        while pasted.nextset():
            pass
        rows = pasted.rowcount

    assert rows > 0
