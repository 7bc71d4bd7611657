"""Folders of Prisma Migrate."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import InputError, RunOptions, load_project, verify
from pgcontract.result import Status
from readings import Read, read
from written_files import write_files

LOCK = 'provider = "postgresql"\n'
INIT = 'CREATE TABLE "User" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, CONSTRAINT "User_pkey" PRIMARY KEY ("id"));\n'
SAMPLE = {
    "prisma/schema.prisma": "",
    "prisma/migrations/migration_lock.toml": LOCK,
    "prisma/migrations/20240101000000_init/migration.sql": INIT,
    "prisma/migrations/20240201000000_name/migration.sql": 'ALTER TABLE "User" ADD COLUMN "name" TEXT;\n',
}
FOLDER = "prisma/migrations"
KEYS = ["20240101000000_init", "20240201000000_name"]


@pytest.mark.parametrize(
    "path", ["prisma", FOLDER, f"{FOLDER}/20240201000000_name", f"{FOLDER}/20240201000000_name/migration.sql"]
)
def test_prisma_folder_is_read_by_any_of_its_names(path: str, tmp_path: Path) -> None:
    expected = Read(layout="prisma", order=KEYS, back=[], issues=[])

    assert expected == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize("path", ["db/1_a", "db/1_a/migration.sql"])
def test_one_migration_outside_of_a_project_is_read_alone(path: str, tmp_path: Path) -> None:
    files = {"db/migration_lock.toml": LOCK, "db/1_a/migration.sql": INIT, "db/2_b/migration.sql": INIT}

    assert Read(layout="prisma", order=["1_a"], back=[], issues=[]) == read(tmp_path, files, path)


@pytest.mark.parametrize(
    ("files", "order", "back", "issues"),
    [
        pytest.param({"1_a/migration.sql": INIT}, ["1_a"], [], [], id="without a lock"),
        pytest.param({"1_a/migration.sql": "", "migration_lock.toml": "\ufeff" + LOCK}, ["1_a"], [], [], id="empty"),
        pytest.param(
            {"9_b/migration.sql": INIT, "10_a/migration.sql": INIT},
            ["10_a", "9_b"],
            [],
            ["migration.order warning 10_a/migration.sql"],
            id="10 stands before 9",
        ),
        pytest.param(
            {"1_a/migration.sql": INIT, "1_a/down.sql": 'DROP TABLE "User";'}, ["1_a"], ["1_a"], [], id="way back"
        ),
        pytest.param(
            {"1_a/migration.sql": "\ufeff" + INIT},
            ["1_a"],
            [],
            ["migration.accepted error 1_a/migration.sql"],
            id="a byte order mark, which Prisma sends",
        ),
        pytest.param(
            {"1_a/migration.sql": INIT, "2_b/readme.md": ""},
            ["1_a"],
            [],
            ["migration.accepted error 2_b"],
            id="folder without a script",
        ),
        pytest.param(
            {"1_a/migration.sql": INIT, "seed.sql": INIT, "1_a/more.SQL": INIT},
            ["1_a"],
            [],
            ["migration.read warning seed.sql", "migration.read warning 1_a/more.SQL"],
            id="other files",
        ),
    ],
)
def test_order_and_what_is_ignored(
    files: dict[str, str], order: list[str], back: list[str], issues: list[str], tmp_path: Path
) -> None:
    expected = Read(layout="prisma", order=order, back=back, issues=issues)

    assert expected == read(tmp_path, {f"migrations/{name}": text for name, text in files.items()}, "migrations")


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        pytest.param(
            '# do not edit\nprovider = "mysql"\n',
            ":2: these migrations are for the provider 'mysql'; only those for postgresql can be verified",
            id="another database",
        ),
        pytest.param(
            "<<<<<<< HEAD\n",
            ":1: this is not TOML: Invalid statement (at line 1, column 1). Mend the line",
            id="a merge that was not ended",
        ),
    ],
)
def test_lock_that_is_refused(lock: str, expected: str, tmp_path: Path) -> None:
    root = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/migration_lock.toml": lock})
    with pytest.raises(InputError) as caught:
        load_project(root / "prisma")

    assert f"{root}/{FOLDER}/migration_lock.toml{expected}" == str(caught.value)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param('CREATE UNIQUE INDEX CONCURRENTLY a ON "User" ("email");', Status.KEPT, id="alone"),
        pytest.param('SELECT 1;\nCREATE INDEX CONCURRENTLY a ON "User" ("email");', Status.KEPT, id="with others"),
        pytest.param("SELECT 1;\nDROP INDEX CONCURRENTLY IF EXISTS a;", Status.BROKEN, id="dropped with others"),
        pytest.param("DROP INDEX CONCURRENTLY IF EXISTS a;", Status.KEPT, id="dropped alone"),
        pytest.param("SELECT 1;\nVACUUM;", Status.BROKEN, id="VACUUM with others"),
        pytest.param("COMMENT ON TABLE \"User\" IS 'a';\r\nSELECT 1;\r\n", Status.KEPT, id="CRLF"),
    ],
)
def test_script_is_one_message_unless_it_builds_an_index_concurrently(
    script: str, status: Status, tmp_path: Path
) -> None:
    root = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/20240301000000_last/migration.sql": script})
    run = verify(load_project(root / "prisma"), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status
