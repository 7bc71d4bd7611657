"""supabase/migrations as Supabase's command line reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import FolderOptions, InputError, RunOptions, load_project, verify
from pgcontract.result import Status
from readings import Read, read
from written_files import write_files

SAMPLE = {
    "supabase/config.toml": "",
    "supabase/migrations/20240101000000_rooms.sql": "CREATE TABLE rooms (id bigint PRIMARY KEY);\n",
    "supabase/migrations/20240201000000_floor.sql": "ALTER TABLE rooms ADD COLUMN floor integer;\n",
}
ROOMS, FLOOR = "20240101000000_rooms", "20240201000000_floor"
FOLDER = "supabase/migrations"
PLATFORM = '[production]\nplatform = "supabase"\n'
ORDERED = {
    "migrations/9_rooms.sql": "CREATE TABLE IF NOT EXISTS rooms (id bigint PRIMARY KEY);\n",
    "migrations/10_floor.sql": "ALTER TABLE rooms ADD COLUMN IF NOT EXISTS floor integer;\n",
}


def test_folder_above_says_which_one_to_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"One level down there is \S+/supabase/migrations \(supabase\): name that"):
        load_project(write_files(tmp_path, {**SAMPLE, "supabase/seed.sql": "SELECT 1;"}))


def test_file_that_opens_with_a_command_of_psql_is_refused_by_its_name(tmp_path: Path) -> None:
    root = write_files(tmp_path, {f"{FOLDER}/20240101000000_a.sql": "\\ir x.sql\nSELECT 1;\n"})

    with pytest.raises(
        InputError, match=r"is no SQL that a server reads: \\ir is psql's own command.* write the included"
    ):
        load_project(root / FOLDER)


@pytest.mark.parametrize("path", ["supabase", FOLDER, f"{FOLDER}/20240201000000_floor.sql"])
def test_supabase_folder_is_read_by_any_of_its_names(path: str, tmp_path: Path) -> None:
    assert Read(layout="supabase", order=[ROOMS, FLOOR], back=[], issues=[]) == read(tmp_path, SAMPLE, path)


def test_platform_of_the_command_line_is_as_good_as_a_declared_one(tmp_path: Path) -> None:
    root = write_files(tmp_path, {name.replace("migrations", "sql"): text for name, text in ORDERED.items()})
    project = load_project(root / "sql", options=FolderOptions(platform="supabase"))

    assert ("supabase", ["10_floor", "9_rooms"]) == (project.layout, [migration.key for migration in project.chain])


def test_numbered_project_with_rollback_scripts_is_told_the_other_order(tmp_path: Path) -> None:
    files = {"pgcontract.toml": PLATFORM, **ORDERED, "migrations/10_floor.down.sql": "SELECT 1;"}
    expected = Read(
        layout="flat", order=["9_rooms", "10_floor"], back=["10_floor"], issues=["migration.order warning 10_floor.sql"]
    )

    assert expected == read(tmp_path, files)


def test_declared_platform_fails_in_the_order_by_name(tmp_path: Path) -> None:
    project = load_project(write_files(tmp_path, {"pgcontract.toml": PLATFORM, **ORDERED}))
    run = verify(project, RunOptions(only=("migration.order", "script.applies")))

    assert [("migration.order", "10_floor"), ("script.applies", "10_floor")] == sorted(
        (finding.check, finding.migration) for finding in run.findings if finding.status is Status.BROKEN
    )


def test_index_that_no_transaction_allows_is_built_outside_of_one(tmp_path: Path) -> None:
    script = "SET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY rooms_floor ON rooms (floor);\n"
    files = {**SAMPLE, f"{FOLDER}/20240301000000_index.sql": script}
    project = load_project(write_files(tmp_path, files) / FOLDER, options=FolderOptions(platform="postgres"))
    run = verify(project, RunOptions(only=("script.applies",)))

    assert {Status.KEPT} == {finding.status for finding in run.findings}


@pytest.mark.parametrize("path", [".", "../migrations", "x/.."])
def test_folder_is_known_by_its_place_however_it_is_named(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"supabase/migrations/1_a.sql": "SELECT 1;\n", "supabase/migrations/x/y": ""})
    monkeypatch.chdir(tmp_path / "supabase/migrations")

    assert load_project(path).layout == "supabase"
