"""A folder of dbmate's as dbmate reads it: sections, their options, several pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, read
from written_files import write_files

SAMPLE = {
    "db/migrations/20240101000000_a.sql": """-- migrate:up
CREATE TABLE a (id int PRIMARY KEY);

-- migrate:down
DROP TABLE a;
""",
    "db/migrations/20240201000000_b.sql": """-- migrate:up
ALTER TABLE a ADD b text;
-- migrate:down
ALTER TABLE a DROP b;
""",
}
FOLDER = "db/migrations"


@pytest.mark.parametrize("path", [FOLDER, "db"])
def test_dbmate_folder_is_read_both_ways(path: str, tmp_path: Path) -> None:
    keys = ["20240101000000_a", "20240201000000_b"]

    assert Read(layout="dbmate", order=keys, back=keys, issues=[]) == read(tmp_path, SAMPLE, path)


def test_way_back_has_an_option_of_its_own(tmp_path: Path) -> None:
    text = "-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;\n"
    migration = load_project(write_files(tmp_path, {"1_a.sql": text})).head
    assert migration.down is not None

    assert [TransactionScope.FILE, TransactionScope.MESSAGE] == [
        script.execution.transaction for script in (migration.up, migration.down)
    ]


@cases("files", {
    "a pair a file": SAMPLE,
    "several pairs": {
        f"{FOLDER}/1_a.sql": "-- migrate:up\nCREATE TABLE a (id int UNIQUE);\n-- migrate:down\nDROP TABLE a;\n"
        "-- migrate:up\nCREATE TABLE b (id int REFERENCES a (id));\n-- migrate:down\nDROP TABLE b;\n"},
})  # fmt: skip
def test_way_back_is_the_second_half(files: dict[str, str], tmp_path: Path) -> None:
    folder = write_files(tmp_path, files) / FOLDER
    run = verify(load_project(folder), RunOptions(only=("script.applies", "rollback.restores")))

    assert {Status.KEPT} == {finding.status for finding in run.findings}
