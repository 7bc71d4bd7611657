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


@pytest.mark.parametrize("path", ["supabase", FOLDER, f"{FOLDER}/20240201000000_floor.sql"])
def test_supabase_folder_is_read_by_any_of_its_names(path: str, tmp_path: Path) -> None:
    expected = Read(layout="supabase", order=[ROOMS, FLOOR], back=[], issues=[])

    assert expected == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize(
    ("files", "path", "layout"),
    [
        pytest.param(
            {"supabase/config.toml": "", "sql/20240101000000_a.sql": ""}, "sql", "supabase", id="below its configuration"
        ),
        pytest.param(
            {"supabase/config.toml": "", "sql/1_a.sql": ""}, "sql", "flat", id="numbers below its configuration"
        ),
        pytest.param({"sql/20240101000000_a.sql": ""}, "sql", "flat", id="times alone"),
        pytest.param({"pgcontract.toml": PLATFORM, "migrations/1_a.sql": ""}, ".", "supabase", id="declared platform"),
        pytest.param({"migrations/1_a.sql": ""}, ".", "flat", id="no platform"),
        pytest.param(
            {"pgcontract.toml": PLATFORM, "migrations/1_a.sql": "", "migrations/1_a.down.sql": ""},
            ".",
            "flat",
            id="declared platform and a rollback script",
        ),
    ],
)
def test_recognised(files: dict[str, str], path: str, layout: str, tmp_path: Path) -> None:
    assert layout == read(tmp_path, files, path).layout


@pytest.mark.parametrize(
    ("names", "order", "issues"),
    [
        pytest.param(
            ["9_b.sql", "10_a.sql"], ["10_a", "9_b"], ["migration.order warning 10_a.sql"], id="10 stands before 9"
        ),
        pytest.param(["09_b.sql", "10_a.sql"], ["09_b", "10_a"], [], id="as many digits"),
        pytest.param(["01_b.sql", "1_a.sql"], ["01_b", "1_a"], [], id="the version is a text"),
        pytest.param(
            ["1_a.sql", "1_b.sql"], ["1_a", "1_b"], ["migration.unique error 1_b.sql"], id="the same version twice"
        ),
        pytest.param(
            ["1_a.sql", "1_a.down.sql"],
            ["1_a.down", "1_a"],
            ["migration.unique error 1_a.sql"],
            id="a rollback script is a migration",
        ),
        pytest.param(
            ["1_a.sql", "seed.sql", "2_B.SQL", "README.md", "3.sql"],
            ["1_a"],
            ["migration.read warning 2_B.SQL", "migration.read warning 3.sql", "migration.read warning seed.sql"],
            id="other names are skipped",
        ),
        pytest.param(
            ["20210101000000_init.sql", "20210101000001_init.sql"],
            ["20210101000001_init"],
            ["migration.read warning 20210101000000_init.sql"],
            id="an old init is skipped, the first alone",
        ),
        pytest.param(["20211209000000_init.sql"], ["20211209000000_init"], [], id="a later init is not"),
        pytest.param(["1_a.sql", "old/0_a.sql"], ["1_a"], ["migration.read warning old"], id="folders are skipped"),
        pytest.param(["1_.sql"], ["1_"], [], id="no name behind the digits"),
    ],
)
def test_order_and_what_is_skipped(names: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    expected = Read(layout="supabase", order=order, back=[], issues=issues)

    assert expected == read(tmp_path, {f"{FOLDER}/{name}": "SELECT 1;" for name in names}, FOLDER)


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
