"""One engine, several doors: the command, pytest and pytest spread over workers find the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from figures import without_figures
from pgcontract.reporting.json import from_json
from pgcontract.result import Run

SCHEMA = Path(__file__).parents[2] / "schema"
REPORT = "reports/021_assessment_sessions_keep_promises/run.json"

Door = Callable[[Path], None]


def command(folder: Path) -> None:
    call = [sys.executable, "-m", "pgcontract", "verify", str(SCHEMA), "--report", "reports"]
    subprocess.run(call, cwd=folder, check=True, capture_output=True)


def pytest_door(*arguments: str) -> Door:
    def door(folder: Path) -> None:
        call = [sys.executable, "-m", "pytest", str(SCHEMA), "--pgcontract-report", "reports"]
        subprocess.run([*call, *arguments], cwd=folder, check=True, capture_output=True)

    return door


def judged(door: Door, folder: Path) -> Run:
    """The run without what differs from one to the next: when it was, what it measured, in which order it was asked."""
    folder.mkdir()
    door(folder)
    run = without_figures(from_json((folder / REPORT).read_text(encoding="utf-8")))
    findings = tuple(
        sorted(run.findings, key=lambda finding: (finding.check, finding.subject, finding.migration, finding.at))
    )
    return replace(run, started="", server={}, phases=(), findings=findings)


@pytest.fixture(scope="module")
def by_command(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return judged(command, tmp_path_factory.mktemp("doors") / "command")


@pytest.mark.parametrize("door", [pytest_door(), pytest_door("-n2")], ids=["pytest", "pytest -n2"])
def test_pytest_judges_the_shipped_chain_as_the_command_does(by_command: Run, door: Door, tmp_path: Path) -> None:
    assert by_command == judged(door, tmp_path / "pytest")
