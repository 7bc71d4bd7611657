"""A folder of diesel's as diesel reads it: a folder a migration, its metadata, versions as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import InputError, RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, Sent, read, sent
from written_files import write_files

SAMPLE = {
    "diesel.toml": '[migrations_directory]\ndir = "migrations"\n',
    "migrations/.keep": "",
    "migrations/00000000000000_setup/up.sql": "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
    "migrations/00000000000000_setup/down.sql": "DROP FUNCTION one();\n",
    "migrations/2024-01-01-000000_a/up.sql": "CREATE TABLE a (id int PRIMARY KEY);\n",
    "migrations/2024-01-01-000000_a/down.sql": "DROP TABLE a;\n",
}
FOLDER = "migrations"
LAST = "2024-01-01-000000_a"


@pytest.mark.parametrize("path", [".", FOLDER, f"{FOLDER}/{LAST}", f"{FOLDER}/{LAST}/up.sql"])
def test_diesel_folder_is_read_by_any_of_its_names(path: str, tmp_path: Path) -> None:
    keys = ["00000000000000_setup", LAST]

    assert Read(layout="diesel", order=keys, back=keys, issues=[]) == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize("path", ["x", "x/up.sql"])
def test_folder_of_one_migration_is_read_alone(path: str, tmp_path: Path) -> None:
    files = {"x/up.sql": "SELECT 1;", "x/down.sql": "SELECT 2;"}

    assert Read(layout="diesel", order=["x"], back=["x"], issues=[]) == read(tmp_path, files, path)


def test_way_back_is_no_migration(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"x/up.sql": "", "x/down.sql": ""})
    with pytest.raises(InputError, match=r"is a rollback script; name up\.sql beside it"):
        load_project(root / "x" / "down.sql")


@pytest.mark.parametrize(
    ("files", "order", "issues"),
    [
        pytest.param(
            ["9_b/up.sql", "10_a/up.sql"], ["10_a", "9_b"], ["migration.order warning 10_a/up.sql"], id="as text"
        ),
        pytest.param(
            ["2024-02-01_b/up.sql", "20240101_a/up.sql"], ["20240101_a", "2024-02-01_b"], [], id="without hyphens"
        ),
        pytest.param(
            ["1_a/up.sql", "1_b/up.sql"], ["1_b"], ["migration.unique warning 1_a"], id="one of a version is run"
        ),
        pytest.param(
            ["1_a/up.sql", "2_b/down.sql", ".git/x"], ["1_a"], ["migration.accepted error 2_b"], id="without up.sql"
        ),
        pytest.param(
            ["1_a/up.sql", "1_a/more.sql", "seed.sql", "README.md"],
            ["1_a"],
            ["migration.read warning seed.sql", "migration.read warning 1_a/more.sql"],
            id="other files",
        ),
    ],
)
def test_order_and_what_is_passed_over(files: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    expected = Read(layout="diesel", order=order, back=[], issues=issues)

    assert expected == read(tmp_path, {f"db/{name}": "SELECT 1;" for name in files}, "db")


@pytest.mark.parametrize(
    ("metadata", "transaction", "issues"),
    [
        pytest.param(None, TransactionScope.FILE, (), id="no metadata"),
        pytest.param("run_in_transaction = true\n", TransactionScope.FILE, (), id="in a transaction"),
        pytest.param("# why\r\nrun_in_transaction = false\r\n", TransactionScope.MESSAGE, (), id="in none"),
        pytest.param("", TransactionScope.MESSAGE, ("migration.accepted warning 1_a/up.sql:1",), id="it does not say"),
        pytest.param(
            "\nrun_in_transaction = 1\n",
            TransactionScope.FILE,
            ("migration.accepted error 1_a/up.sql:2",),
            id="no boolean",
        ),
        pytest.param(
            "\nrun in transaction\n", TransactionScope.FILE, ("migration.accepted error 1_a/up.sql:2",), id="no TOML"
        ),
    ],
)
def test_metadata_says_whether_there_is_a_transaction(
    metadata: str | None, transaction: TransactionScope, issues: tuple[str, ...], tmp_path: Path
) -> None:
    files = {"db/1_a/up.sql": "SELECT 1;\nSELECT 2;"}
    files |= {"db/1_a/metadata.toml": metadata} if metadata is not None else {}

    assert Sent(up=["SELECT 1;\nSELECT 2;"], transaction=transaction, issues=issues) == sent(tmp_path, files, "db")


@pytest.mark.parametrize(
    ("text", "issues"),
    [
        pytest.param("", ("migration.accepted error 1_a/up.sql:1",), id="empty"),
        pytest.param("-- nothing\n", (), id="a comment"),
        pytest.param("\ufeffSELECT 1;", ("migration.accepted error 1_a/up.sql:1",), id="a byte order mark"),
    ],
)
def test_file_that_diesel_refuses(text: str, issues: tuple[str, ...], tmp_path: Path) -> None:
    assert issues == sent(tmp_path, {"db/1_a/up.sql": text}, "db").issues


@pytest.mark.parametrize(
    ("metadata", "script", "status"),
    [
        pytest.param("", "CREATE INDEX CONCURRENTLY i ON a (id);", Status.KEPT, id="in no transaction"),
        pytest.param("", "SELECT 1; CREATE INDEX CONCURRENTLY i ON a (id);", Status.BROKEN, id="with another"),
        pytest.param("run_in_transaction = true", "CREATE INDEX CONCURRENTLY i ON a (id);", Status.BROKEN, id="in one"),
    ],
)
def test_files_run_as_diesel_runs_them(metadata: str, script: str, status: Status, tmp_path: Path) -> None:
    last = {f"{FOLDER}/20250101_b/metadata.toml": metadata, f"{FOLDER}/20250101_b/up.sql": script}
    run = verify(load_project(write_files(tmp_path, {**SAMPLE, **last})), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status
