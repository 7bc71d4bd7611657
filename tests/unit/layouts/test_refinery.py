"""A folder of refinery's as refinery reads it: told from Flyway's by what lies around it, in one transaction a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, Sent, read, sent
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


@pytest.mark.parametrize(
    ("around", "recognised"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"Cargo.toml": CARGO}, True, id="Cargo.toml"),
        pytest.param({"Cargo.toml": "[dev-dependencies]\nrefinery-core = '0.8'\n"}, True, id="its core alone"),
        pytest.param({"refinery.toml": "[main]\n"}, True, id="its settings"),
        pytest.param({"Cargo.toml": "[dependencies]\nsqlx = '0.8'\n"}, False, id="another crate"),
    ],
)
def test_recognised(around: dict[str, str], recognised: bool, tmp_path: Path) -> None:
    layout = read(tmp_path, {**around, "db/V1__a.sql": "SELECT 1;"}, "db").layout

    assert recognised == (layout == "refinery")


@pytest.mark.parametrize(
    ("names", "order", "issues"),
    [
        pytest.param(["V9__b.sql", "V10__a.sql"], ["V9__b", "V10__a"], [], id="by number"),
        pytest.param(["V2__b.sql", "old/deep/V1__a.sql"], ["V1__a", "V2__b"], [], id="folders in it too"),
        pytest.param(
            ["V1__a.sql", "U01__b.sql"], ["U01__b", "V1__a"], ["migration.unique error V1__a.sql"], id="a version twice"
        ),
        pytest.param(
            ["V1__a.sql", "old/V1__a.sql"],
            ["V1__a", "old.V1__a"],
            ["migration.unique error old/V1__a.sql"],
            id="a name twice",
        ),
        pytest.param(
            ["V1__a.sql", "V1.5__b.sql", "V20240101000000__c.sql"],
            ["V1__a", "V1.5__b", "V20240101000000__c"],
            ["migration.accepted warning V1.5__b.sql", "migration.accepted warning V20240101000000__c.sql"],
            id="numbers that it may not read",
        ),
        pytest.param(
            ["V1__a.sql", "V2_b.sql", "v3__c.sql", "R__d.sql", "V4__e.SQL", "old/x.sql", "V5__f.rs", "mod.rs"],
            ["V1__a"],
            [
                "migration.read warning R__d.sql",
                "migration.read warning V2_b.sql",
                "migration.read warning V4__e.SQL",
                "migration.read warning V5__f.rs",
                "migration.read warning v3__c.sql",
                "migration.read warning old/x.sql",
            ],
            id="other names are passed over",
        ),
    ],
)
def test_order_and_what_is_passed_over(names: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    files = {"refinery.toml": "", **{f"db/{name}": "SELECT 1;" for name in names}}

    assert Read(layout="refinery", order=order, back=[], issues=issues) == read(tmp_path, files, "db")


@pytest.mark.parametrize(
    ("text", "issues"),
    [
        pytest.param("SELECT 1;\r\nSELECT 2;", (), id="CRLF"),
        pytest.param("\ufeffSELECT 1;", ("migration.accepted error V1__a.sql:1",), id="a byte order mark"),
    ],
)
def test_file_is_one_message_in_a_transaction(text: str, issues: tuple[str, ...], tmp_path: Path) -> None:
    expected = Sent(up=[text.removeprefix("\ufeff")], transaction=TransactionScope.FILE, issues=issues)

    assert expected == sent(tmp_path, {"refinery.toml": "", "db/V1__a.sql": text}, "db")


def test_index_cannot_be_built_concurrently(tmp_path: Path) -> None:
    files = {**SAMPLE, f"{FOLDER}/V3__c.sql": "CREATE INDEX CONCURRENTLY i ON a (id);\n"}
    run = verify(load_project(write_files(tmp_path, files)), RunOptions(only=("script.applies",)))

    assert [Status.KEPT, Status.KEPT, Status.BROKEN] == [finding.status for finding in run.findings]
