"""An extension that only a superuser makes is no fault of the folder; what to type supplies it."""

from __future__ import annotations

from pathlib import Path

from pgcontract import Decision, RunOptions, load_project, verify
from pgcontract.contract import FolderOptions
from pgcontract.result import Status

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

    assert Decision.CLEAR is verify(load_project(folder, options=FolderOptions(setup=setup))).verdict.decision


def test_a_setting_for_superusers_is_asked_for_and_supplied(tmp_path: Path) -> None:
    setup, folder = tmp_path / "setup.sql", tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_x.sql").write_text("SET LOCAL session_replication_role = replica; SELECT 1;")
    setup.write_text("GRANT SET ON PARAMETER session_replication_role TO PUBLIC;")
    asks = RunOptions(only=("script.applies",))
    [refused] = verify(load_project(folder), asks).findings
    [supplied] = verify(load_project(folder, options=FolderOptions(setup=setup)), asks).findings

    assert (Status.UNKNOWN, setup.read_text(), Status.KEPT) == (
        refused.status,
        (refused.remedy or "").partition("--setup FILE with ")[2].partition(" else ")[0],
        supplied.status,
    )


def test_the_triggers_of_foreign_keys_are_a_superusers(tmp_path: Path) -> None:
    (tmp_path / "001_x.sql").write_text(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a); ALTER TABLE b DISABLE TRIGGER ALL;"
    )
    [applies] = verify(load_project(tmp_path), RunOptions(only=("script.applies",))).findings

    assert (Status.UNKNOWN, True) == (applies.status, "DISABLE TRIGGER USER" in str(applies.remedy))
