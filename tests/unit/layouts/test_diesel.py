"""A folder of diesel's as diesel reads it: a folder a migration, its metadata, versions as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import InputError, load_project
from readings import Read, read
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
