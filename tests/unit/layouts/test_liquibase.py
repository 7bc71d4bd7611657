"""What Liquibase's formatted SQL and its changelogs make of a folder; as 4.27 was seen to run them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import load_project
from readings import Read, read
from refusals import refusal
from written_files import write_files

SQL = "--liquibase formatted sql\n--changeset ann:1\nCREATE TABLE {0} (id int);\n--rollback DROP TABLE {0};\n"
SAMPLE = {"changes/2_b.sql": SQL.format("b"), "changes/10_a.sql": SQL.format("a"), "plain/x.sql": "SELECT 1; SELECT 2;"}
FOLDER = "changes"
XML = '<databaseChangeLog><!-- <include file="x"/> --><include file="changes/2_b.sql"/><include file="o.yml"/>'
YAML = "databaseChangeLog:\n- include: {file: changes/10_a.sql, relativeToChangelogFile: true}\n"
JSON = '{"databaseChangeLog": [{"includeAll": {"path": "classpath:plain"}}, {"include": {"file": "changes/2_b.sql"}}]}'
CREATED = "databaseChangeLog:\n- changeSet:\n    id: 1\n"


@pytest.mark.parametrize(
    ("more", "path", "order", "back", "issues"),
    [
        ({}, "changes", ["10_a-1", "2_b-1"], 2, []),
        ({}, "changes/2_b.sql", ["2_b-1"], 1, []),
        ({"changes/3.sql": "SELECT 1;"}, "changes", ["10_a-1", "2_b-1"], 2, ["migration.read warning 3.sql"]),
        ({"changes/2_b.sql": SQL.format("b") + SQL.format("c")[26:]}, "changes/2_b.sql", ["2_b-1", "2_b-ann-1"], 2,
         ["migration.unique error ann:1"]),
        ({"master.xml": XML, "o.yml": YAML}, ".", ["2_b-1", "10_a-1"], 2, []),
        ({"o.yml": YAML, "1.sql": "SELECT 1;"}, ".", ["10_a-1"], 1, ["migration.read warning 1.sql"]),
        ({"db/c.json": JSON, "liquibase.properties": "changeLogFile=db/c.json"}, ".", ["x-raw", "2_b-1"], 1, []),
    ],
    ids=["by name", "one file", "one that is not formatted", "an id twice", "in XML",
         "in YAML, beside another", "in JSON, by settings"],
)  # fmt: skip
def test_order(more: dict[str, str], path: str, order: list[str], back: int, issues: list[str], tmp_path: Path) -> None:
    project = read(tmp_path, {**SAMPLE, **more}, path)

    assert Read(layout="liquibase", order=order, back=order[len(order) - back :], issues=issues) == project


@pytest.mark.parametrize(("more", "path", "words"), [
    ({"c.yml": CREATED}, ".", "c.yml:2: this changeset is written in YML, and only formatted SQL is read. "),
    ({"c.yml": CREATED, "d.yml": YAML}, ".", "holds several changelogs, and none includes the others: name one: `pg"),
    ({"c.yml": YAML.replace("10", "11")}, "c.yml", "c.yml:2: includes changes/11_a.sql, which is not to be found"),
    ({"c.yml": "databaseChangeLog: [{includeAll: {path: plain/}}]"}, "plain", "is in c.yml, a changelog. Name "),
], ids=["a changeset in YAML", "several", "a file that is gone", "plain SQL that one includes"])  # fmt: skip
def test_changelog_that_is_refused(more: dict[str, str], path: str, words: str, tmp_path: Path) -> None:
    assert words in refusal(load_project, write_files(tmp_path, {**SAMPLE, **more}) / path)
