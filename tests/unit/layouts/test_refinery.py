"""A folder of refinery's as refinery reads it: told from Flyway's by what lies around it, in one transaction a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Status
from readings import Read, read
from written_files import write_files

CARGO = '[dependencies]\nrefinery = { version = "0.8", features = ["tokio-postgres"] }\n'
SAMPLE = {
    "Cargo.toml": CARGO,
    "migrations/V1__a.sql": "CREATE TABLE a (id int PRIMARY KEY);\n",
    "migrations/U2__b.sql": "ALTER TABLE a ADD b text;\n",
}
FOLDER = "migrations"


@pytest.mark.parametrize("path", [".", FOLDER, f"{FOLDER}/U2__b.sql"])
def test_refinery_folder_is_read_by_any_of_its_names(path: str, tmp_path: Path) -> None:
    assert Read(layout="refinery", order=["V1__a", "U2__b"], back=[], issues=[]) == read(tmp_path, SAMPLE, path)


@cases(("around", "recognised"), {
    "nothing": ({}, False),
    "Cargo.toml": ({"Cargo.toml": CARGO}, True),
    "its core alone": ({"Cargo.toml": "[dev-dependencies]\nrefinery-core = '0.8'\n"}, True),
    "its settings": ({"refinery.toml": "[main]\n"}, True),
    "another crate": ({"Cargo.toml": "[dependencies]\nsqlx = '0.8'\n"}, False),
})  # fmt: skip
def test_recognised(around: dict[str, str], recognised: bool, tmp_path: Path) -> None:
    assert recognised == (read(tmp_path, {**around, "db/V1__a.sql": "SELECT 1;"}, "db").layout == "refinery")


def test_index_cannot_be_built_concurrently(tmp_path: Path) -> None:
    files = {**SAMPLE, f"{FOLDER}/V3__c.sql": "CREATE INDEX CONCURRENTLY i ON a (id);\n"}
    run = verify(load_project(write_files(tmp_path, files)), RunOptions(only=("script.applies",)))

    assert [Status.KEPT, Status.KEPT, Status.BROKEN] == [finding.status for finding in run.findings]
