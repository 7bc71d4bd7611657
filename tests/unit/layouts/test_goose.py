"""A folder of goose's as goose reads it: annotations, statements cut by lines, one transaction a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import FolderOptions, RunOptions, load_project, verify
from pgcontract.result import Status
from readings import Read, Sent, read, sent
from written_files import write_files

SAMPLE = {
    "db/migrations/00001_a.sql": "-- +goose Up\nCREATE TABLE a (id int PRIMARY KEY);\n\n-- +goose Down\nDROP TABLE a;\n",
    "db/migrations/00002_b.sql": "-- +goose Up\nALTER TABLE a ADD b text;\n-- +goose Down\nALTER TABLE a DROP b;\n",
}
FOLDER = "db/migrations"
UP = "-- +goose Up\nSELECT 1;\n"


@pytest.mark.parametrize("path", [FOLDER, "db"])
def test_goose_folder_is_read_both_ways(path: str, tmp_path: Path) -> None:
    expected = Read(layout="goose", order=["00001_a", "00002_b"], back=["00001_a", "00002_b"], issues=[])

    assert expected == read(tmp_path, SAMPLE, path)


def test_file_alone_is_read_both_ways(tmp_path: Path) -> None:
    alone = {"any.sql": SAMPLE["db/migrations/00001_a.sql"]}
    expected = Read(layout="goose", order=["any"], back=["any"], issues=["migration.read warning any.sql"])

    assert expected == read(tmp_path, alone, "any.sql")


def test_file_without_annotations_is_refused_among_others(tmp_path: Path) -> None:
    files = {**SAMPLE, f"{FOLDER}/00003_c.sql": "SELECT 1;\n"}

    assert ("migration.accepted error 00003_c.sql:1",) == sent(tmp_path, files, FOLDER).issues


def test_file_that_goose_refuses_is_told_however_old_it_is(tmp_path: Path) -> None:
    files = {"1_a.sql": "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '$A'\n", "2_b.sql": UP, "3_c.sql": UP}
    run = verify(load_project(write_files(tmp_path, files)), RunOptions(only=("migration.*",)))

    assert [("1_a", "migration.accepted", "1_a.sql"), ("1_a", "migration.placeholders", "A")] == [
        (finding.migration, finding.check, finding.subject) for finding in run.findings if finding.status is Status.BROKEN
    ]


VARIABLES = "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '{}';\n-- +goose ENVSUB OFF\nSELECT '$A';\n"


@cases(("written", "value", "issues"), {
    "bare": ("$A", "one", ()),
    "braced": ("${A}s", "ones", ()),
    "a default": ("${B:-two}", "two", ()),
    "a default for an empty one": ("${EMPTY:-two}${EMPTY-two}", "two", ()),
    "no names": ("$$ $1 $", "$$ $1 $", ()),
    "no value": ("$B", "", ("migration.placeholders warning B:3",)),
    "no value, required": ("${B?}", "", ("migration.placeholders warning B:3", "migration.accepted error 1_a.sql:3")),
})  # fmt: skip
def test_variables_are_replaced_where_envsub_is_on(
    written: str, value: str, issues: tuple[str, ...], tmp_path: Path
) -> None:
    expected = Sent(up=[f"SELECT '{value}'", "SELECT '$A'"], issues=issues)

    assert expected == sent(tmp_path, {"1_a.sql": VARIABLES.replace("{}", written)}, ".", A="one", EMPTY="")


def test_place_behind_a_value_is_that_of_the_file(tmp_path: Path) -> None:
    text = "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '$A'; SELECT no_such;\nSELECT 1;\n"
    folder = write_files(tmp_path, {"1_a.sql": text})
    run = verify(load_project(folder, options=FolderOptions(values={"A": "a\nb"})), RunOptions(only=("script.applies",)))

    assert [(3, 21)] == [(finding.origin.line, finding.origin.column) for finding in run.findings if finding.origin]


def test_way_back_is_the_second_half(tmp_path: Path) -> None:
    folder = write_files(tmp_path, SAMPLE) / FOLDER
    run = verify(load_project(folder), RunOptions(only=("script.applies", "rollback.restores")))

    assert {Status.KEPT} == {finding.status for finding in run.findings}


@pytest.mark.parametrize("values", [{}, {"S": "app"}], ids=["without a value", "with one"])
@pytest.mark.parametrize("statement", ["UPDATE $S.t SET x = 1;", "DELETE FROM ${S}.t;"])
def test_name_that_opens_every_statement_is_sql(statement: str, values: dict[str, str], tmp_path: Path) -> None:
    root = write_files(tmp_path, {"1_a.sql": f"-- +goose Up\n-- +goose ENVSUB ON\n{statement}\n"})

    assert len(load_project(root, options=FolderOptions(values=values)).head.up.statements) == 1


def test_what_is_wrong_behind_the_head_is_not_told(tmp_path: Path) -> None:
    broken = {"db/migrations/00003_c.sql": "-- +goose Down\nSELECT 1;\n"}

    assert not load_project(write_files(tmp_path, SAMPLE | broken) / "db/migrations/00002_b.sql").issues
