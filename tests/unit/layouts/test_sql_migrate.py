"""A folder of sql-migrate's as sql-migrate reads it: sections, statements cut by lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Status
from readings import Read, read
from written_files import write_files

SAMPLE = {
    "dbconfig.yml": "production:\n  dialect: postgres\n  dir: migrations\n",
    "migrations/1_a.sql": "-- +migrate Up\nCREATE TABLE a (id int PRIMARY KEY);\n-- +migrate Down\nDROP TABLE a;\n",
    "migrations/2_b.sql": "-- +migrate Up\nALTER TABLE a ADD b text;\n-- +migrate Down\nALTER TABLE a DROP b;\n",
}
FOLDER = "migrations"


@pytest.mark.parametrize("path", [".", FOLDER])
def test_sql_migrate_folder_is_read_both_ways(path: str, tmp_path: Path) -> None:
    keys = ["1_a", "2_b"]

    assert Read(layout="sql-migrate", order=keys, back=keys, issues=[]) == read(tmp_path, SAMPLE, path)


def test_way_back_is_the_second_half(tmp_path: Path) -> None:
    run = verify(load_project(write_files(tmp_path, SAMPLE)), RunOptions(only=("script.applies", "rollback.restores")))

    assert {Status.KEPT} == {finding.status for finding in run.findings}


def test_statement_below_a_mark_without_its_blank_is_told_to_be_dropped(tmp_path: Path) -> None:
    text = "--+migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n"
    root = write_files(tmp_path, SAMPLE | {"migrations/3_c.sql": text})

    assert [("3_c.sql", 2)] == [(issue.subject, issue.line) for issue in load_project(root / FOLDER).issues]
