"""Nothing is written where the command runs, whatever Hypothesis and pytest would keep there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Said, command_in

FORMATS = """
[format.body_is_email]
column = "public.note.body"
standard = "email"

[format.body_is_not_blank]
column = "public.note.body"
standard = "not_blank"
"""
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--pgcontract-only", "format.*")
DOORS = {"command": ("-m", "pgcontract", "verify"), "pytest": PYTEST, "pytest -n1": (*PYTEST, "-n1")}


@pytest.fixture
def formats(project: Path) -> Path:
    """The small project, asked what values its column takes."""
    with (project / "contracts" / "001_note" / "contract.toml").open("a", encoding="utf-8") as file:
        file.write(FORMATS)
    return project


@pytest.fixture
def working_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder that nobody may write to; root may, and is seen to have left it alone."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def fuzzed(said: Said) -> bool:
    return "format." in said.out + said.err


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_run_that_fuzzes_leaves_the_folder_it_runs_in_empty(
    door: tuple[str, ...], formats: Path, working_folder: Path, cache: Path
) -> None:
    shutil.rmtree(cache / "hypothesis", ignore_errors=True)  # what an earlier run has kept
    said = command_in(working_folder, *door)(formats, PGCONTRACT_CACHE=str(cache), PYTEST_ADDOPTS="")

    assert (1, True, [], True) == (
        said.code,
        fuzzed(said),
        sorted(working_folder.rglob("*")),
        (cache / "hypothesis").is_dir(),
    ), said
