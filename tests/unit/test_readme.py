"""What a newcomer types is what CI types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q 'nox[uv]' && .venv/bin/nox -s {session}"


def set_up_commands() -> list[str]:
    """The commands in the first block of the section Set-up."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^## Set-up\n.*?^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert block
    return block[1].splitlines()


def test_readme_sets_a_fresh_machine_up_with_two_commands() -> None:
    assert [SET_UP.format(session=session) for session in ("verify", "tests")] == set_up_commands()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert set_up_commands()[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_ci_script_may_be_run() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_of_a_page_lead_to_files_that_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]

    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_architecture_is_read_in_two_minutes() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 100
