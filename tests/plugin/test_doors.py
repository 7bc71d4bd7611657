"""One engine, several doors: the command, pytest and pytest spread over workers find the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from figures import without_figures
from orders_project import write_orders
from pgcontract.reporting.json import from_json
from pgcontract.result import Run

REPORT = "reports/002_open/run.json"
COMMAND = ("pgcontract", "verify", "{project}", "--report", "reports")
PYTEST = ("pytest", "{project}", "--pgcontract-report", "reports")


def judged(door: Sequence[str], project: Path, folder: Path) -> Run:
    """The run without what differs from one to the next: when it was, what it measured, in which order it was asked."""
    folder.mkdir()
    arguments = [argument.format(project=project) for argument in door]
    subprocess.run([sys.executable, "-m", *arguments], cwd=folder, check=False, capture_output=True)
    run = without_figures(from_json((folder / REPORT).read_text(encoding="utf-8")))
    findings = tuple(
        sorted(run.findings, key=lambda finding: (finding.check, finding.subject, finding.migration, finding.at))
    )
    return replace(run, started="", server={}, phases=(), findings=findings)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_orders(tmp_path_factory.mktemp("doors") / "orders")


@pytest.fixture(scope="module")
def by_command(project: Path) -> Run:
    return judged(COMMAND, project, project.parent / "command")


@pytest.mark.parametrize("door", [PYTEST, (*PYTEST, "-n2")], ids=["pytest", "pytest -n2"])
def test_pytest_judges_a_project_as_the_command_does(
    by_command: Run, door: Sequence[str], project: Path, tmp_path: Path
) -> None:
    assert by_command == judged(door, project, tmp_path / "pytest")
