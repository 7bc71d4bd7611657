"""One engine, two doors: the command finds what pytest finds, however it is spread over workers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from command import Command, command_in
from figures import without_figures
from orders_project import write_orders
from pgcontract.reporting.json import from_json
from pgcontract.result import Run

REPORT = "reports/002_open/run.json"
COMMAND = ("verify", "{project}", "--report", "reports", "--max-examples", "5")
# The items of each worker are asked as those of one process are; what one process tells, test_outcomes.py looks at.
PYTEST = ("-n2", "{project}", "--pgcontract-report", "reports", "--pgcontract-max-examples", "5")


def judged(door: Command, words: tuple[str, ...], project: Path, folder: Path) -> Run:
    """The run without what differs from one to the next: when it was, what it measured, in which order it was asked."""
    door(*(word.format(project=project) for word in words))
    run = without_figures(from_json((folder / REPORT).read_text(encoding="utf-8")))
    findings = tuple(
        sorted(run.findings, key=lambda finding: (finding.check, finding.subject, finding.migration, finding.at))
    )
    return replace(run, started="", server={}, phases=(), findings=findings)


def test_pytest_judges_a_project_as_the_command_does(tmp_path: Path) -> None:
    project = write_orders(tmp_path / "orders")
    here, there = tmp_path / "command", tmp_path / "pytest"
    here.mkdir()
    there.mkdir()
    expected = judged(command_in(here), COMMAND, project, here)
    actual = judged(command_in(there, "-m", "pytest"), PYTEST, project, there)

    pairs = zip(expected.findings, actual.findings, strict=False)
    assert expected == actual, [pair for pair in pairs if len({*pair}) > 1]
