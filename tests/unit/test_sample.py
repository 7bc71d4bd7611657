"""reports/SAMPLE.md is what the gate says of the shipped chain: rendered from a pinned Run that a fresh one equals.

What was measured is pinned with its figures, which are the machine's: of those checks a fresh Run gives the same answers.

After a change that is meant, PGCONTRACT_REGENERATE=1 writes both anew: read the difference before it is committed.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from figures import without_figures
from pgcontract import load_project
from pgcontract.drafting.contract_draft import draft_contract
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.reporting import render
from pgcontract.reporting.json import from_json, to_json
from pgcontract.result import Run, ServerInfo
from pgcontract.runner import changes
from shipped_run import ShippedRun

ROOT = Path(__file__).parents[2]
PINNED = ROOT / "tests/golden/shipped.run.json"
SAMPLE = ROOT / "reports/SAMPLE.md"
STARTED = "2026-01-04T00:00:00+00:00"
# The wheel's minor version moves with its releases, and none of what is promised may depend on it.
SERVER = ServerInfo(provider="wheel", version="18", major=18, storage="tmpfs", started_from="cache")


def without_places(text: str) -> str:
    """The run.json without what one more finding changes of all others: their ids, which count them, and the digest."""
    return re.sub(r'(?m)^  "digest": .*\n|"id": "E\d+", (?="check": )', "", text)


@pytest.fixture(scope="module")
def fresh(shipped: ShippedRun) -> Run:
    """The gate on the shipped chain, with what differs between runs and machines pinned."""
    run = from_json(shipped.text)
    run = replace(
        run,
        pgcontract="0",
        started=STARTED,
        server=SERVER,
        phases=(),
        findings=tuple(replace(finding, seconds=0.0) for finding in run.findings),
    )
    if os.environ.get("PGCONTRACT_REGENERATE"):
        PINNED.write_text(without_places(to_json(run)), encoding="utf-8")
        SAMPLE.write_text(render(run, "markdown"), encoding="utf-8")
    return run


def test_fresh_run_of_the_shipped_chain_is_the_pinned_one(fresh: Run) -> None:
    assert without_figures(from_json(PINNED.read_text(encoding="utf-8"))) == without_figures(fresh)


@pytest.mark.usefixtures("fresh")
def test_sample_report_is_rendered_from_the_pinned_run() -> None:
    assert render(from_json(PINNED.read_text(encoding="utf-8")), "markdown") == SAMPLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("migration", [migration.key for migration in load_project(ROOT / "schema").chain])
def test_shipped_contract_is_not_what_draft_would_write(migration: str) -> None:
    """It is written from what the document promises; a draft says what the migration does."""
    project = load_project(ROOT / "schema").through(migration)
    (change,) = changes(project, keys={migration})
    earlier = project.chain[:-1]
    drafted = draft_contract(
        change.added,
        migration=project.head.file,
        accept=True,
        owner=MIGRATOR,
        inherited=project.declared(earlier[-1].key) if earlier else None,
        removed=change.removed,
    )
    shipped = (ROOT / "schema/contracts" / migration / "contract.toml").read_text(encoding="utf-8")

    assert tomllib.loads(drafted) != tomllib.loads(shipped)
