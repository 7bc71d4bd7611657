"""A folder of golang-migrate's as golang-migrate reads it: pairs of files, each sent whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import InputError, load_project
from readings import Read, read
from written_files import write_files

SAMPLE = {
    "go.mod": "module example.com/rooms\n",
    "db/migrations/000001_a.up.sql": "CREATE TABLE a (id int PRIMARY KEY);\n",
    "db/migrations/000001_a.down.sql": "DROP TABLE a;\n",
    "db/migrations/000002_b.up.sql": "ALTER TABLE a ADD b text;\n",
    "db/migrations/000002_b.down.sql": "ALTER TABLE a DROP b;\n",
}
FOLDER = "db/migrations"


@pytest.mark.parametrize("path", [FOLDER, "db"])
def test_golang_migrate_folder_is_read_in_pairs(path: str, tmp_path: Path) -> None:
    keys = ["000001_a", "000002_b"]

    assert Read(layout="golang-migrate", order=keys, back=keys, issues=[]) == read(tmp_path, SAMPLE, path)


def test_file_alone_has_its_way_back(tmp_path: Path) -> None:
    files = {"x/1_a.up.sql": "SELECT 1;", "x/1_a.down.sql": "SELECT 2;", "x/2_b.up.sql": ""}
    expected = Read(layout="golang-migrate", order=["1_a"], back=["1_a"], issues=[])

    assert expected == read(tmp_path, files, "x/1_a.up.sql")


def test_way_back_is_no_migration(tmp_path: Path) -> None:
    root = write_files(tmp_path, SAMPLE)
    with pytest.raises(InputError, match="is a rollback script; name the migration it belongs to"):
        load_project(root / FOLDER / "000001_a.down.sql")
