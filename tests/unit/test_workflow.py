"""The gate's workflow is well formed and gives away nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


def lint(program: str, *arguments: str) -> tuple[int, str]:
    """Exit code, and what was printed where that code is not 0."""
    command: list[str | Path] = [SCRIPTS / program, *arguments, *WORKFLOWS]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return process.returncode, process.returncode * (process.stdout + process.stderr)


def test_workflows_are_valid_against_the_schema_github_publishes() -> None:
    actual = lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows")

    assert (0, "") == actual


def test_zizmor_finds_no_security_problem_in_the_workflows() -> None:
    actual = lint("zizmor", "--offline", "--no-progress", "--persona", "regular")

    assert (0, "") == actual
