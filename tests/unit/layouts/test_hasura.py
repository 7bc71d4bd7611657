"""A project of Hasura's, whose folders look like diesel's."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract.contract.layouts import deploy_command
from readings import Read, read

SAMPLE = {
    "config.yaml": "version: 3\nendpoint: http://localhost:8080\nmetadata_directory: metadata\n",
    "migrations/default/1700000000000_init/up.sql": "CREATE TABLE a (id int PRIMARY KEY);\n",
    "migrations/default/1700000000000_init/down.sql": "DROP TABLE a;\n",
    "migrations/default/1700000000001_more/up.sql": "ALTER TABLE a ADD COLUMN b int;\n",
}
FOLDER = "migrations/default"


@pytest.mark.parametrize(
    ("path", "order"),
    [(FOLDER, ["1700000000000_init", "1700000000001_more"]), (f"{FOLDER}/1700000000000_init", ["1700000000000_init"])],
    ids=["the folder", "one migration"],
)
def test_folder_of_hasuras_is_read(path: str, order: list[str], tmp_path: Path) -> None:
    assert Read(layout="hasura", order=order, back=order[:1], issues=[]) == read(tmp_path, SAMPLE, path)


def test_two_folders_of_one_timestamp_are_told(tmp_path: Path) -> None:
    files = {**SAMPLE, "migrations/default/1700000000001_again/up.sql": "ALTER TABLE a ADD COLUMN c int;\n"}
    found = read(tmp_path, files, FOLDER)

    assert ["1700000000000_init", "1700000000001_more"] == found.order
    assert ["migration.unique warning 1700000000001_again"] == found.issues


def test_without_hasuras_settings_the_same_folder_is_diesels(tmp_path: Path) -> None:
    assert "diesel" == read(tmp_path, {**SAMPLE, "config.yaml": "other: true\n"}, FOLDER).layout


def test_hasuras_own_command_deploys_it() -> None:
    assert "hasura migrate apply --all-databases" == deploy_command("hasura", [FOLDER])
