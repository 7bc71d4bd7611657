"""An extension that only a superuser makes is no fault of the folder; what to type supplies it."""

from __future__ import annotations

from pathlib import Path

from pgcontract import Decision, RunOptions, load_project, verify
from pgcontract.contract import FolderOptions

EXTENSION = "pg_stat_statements"  # in every build, and not trusted
TEXT = f"CREATE EXTENSION IF NOT EXISTS {EXTENSION};"


def test_an_extension_for_superusers_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "001_x.sql").write_text(TEXT)
    [applies] = verify(load_project(tmp_path), RunOptions(only=("script.applies",))).findings

    assert (
        "Where production's host does, or has it: write CREATE EXTENSION IF NOT EXISTS, and give --setup FILE with "
        f'CREATE EXTENSION "{EXTENSION}";'
    ) == applies.remedy


def test_the_setup_that_it_asks_for_supplies_it(tmp_path: Path) -> None:
    setup = tmp_path / "setup.sql"
    setup.write_text(f'CREATE EXTENSION "{EXTENSION}";')
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_x.sql").write_text(TEXT)
    run = verify(load_project(folder, options=FolderOptions(setup=setup)))

    assert Decision.CLEAR is run.verdict.decision
