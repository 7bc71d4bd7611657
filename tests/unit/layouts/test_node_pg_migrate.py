"""A folder of node-pg-migrate's SQL as it reads it: sections, numbers that are times, one transaction for all."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, Sent, read, sent
from written_files import write_files

PACKAGE = '{"dependencies": {"pg": "8"}, "devDependencies": {"node-pg-migrate": "^9"}}'
SAMPLE = {
    "package.json": PACKAGE,
    "migrations/1700000000000_a.sql": """-- Up Migration
CREATE TABLE a (id int PRIMARY KEY);

-- Down Migration
DROP TABLE a;
""",
    "migrations/1700000000001_b.sql": "-- Up Migration\nALTER TABLE a ADD b text;\n",
}
FOLDER = "migrations"
A, B = "1700000000000_a", "1700000000001_b"
UP = "-- Up Migration\nSELECT 1;\n"
BOTH = f"{UP}-- Down Migration\nSELECT 2;\n"


@pytest.mark.parametrize("path", [".", FOLDER])
def test_node_pg_migrate_folder_is_read_both_ways(path: str, tmp_path: Path) -> None:
    assert Read(layout="node-pg-migrate", order=[A, B], back=[A], issues=[]) == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize(
    ("files", "layout"),
    [
        pytest.param({"x/1_a.sql": BOTH}, "node-pg-migrate", id="both marks"),
        pytest.param({"x/1_a.sql": BOTH.upper().replace("\n", "\r\n")}, "node-pg-migrate", id="in capitals, CRLF"),
        pytest.param({"x/1_a.sql": UP}, "flat", id="one mark"),
        pytest.param({"package.json": PACKAGE, "x/1_a.sql": UP}, "node-pg-migrate", id="one mark and package.json"),
        pytest.param({"package.json": PACKAGE, "x/1_a.sql": "SELECT 1;"}, "node-pg-migrate", id="package.json"),
        pytest.param({"package.json": PACKAGE, "x/a.sql": "SELECT 1;"}, "flat", id="package.json, no number"),
        pytest.param({"package.json": "{}", "x/1_a.sql": UP}, "flat", id="another package.json"),
        pytest.param({"package.json": "[", "x/1_a.sql": UP}, "flat", id="no JSON"),
        pytest.param(
            {"package.json": PACKAGE, "x/1_a.up.sql": "", "x/1_a.down.sql": ""}, "golang-migrate", id="pairs of files"
        ),
        pytest.param({"package.json": PACKAGE, "x/1_a.sql": "-- +goose Up\n"}, "goose", id="goose's annotations"),
        pytest.param({"x/1_a.sql": "SELECT '\n-- Up Migration\n-- Down Migration\n';\n"}, "flat", id="in a string"),
    ],
)
def test_recognised(files: dict[str, str], layout: str, tmp_path: Path) -> None:
    assert layout == read(tmp_path, files, "x").layout


@pytest.mark.parametrize(
    ("names", "order", "issues"),
    [
        pytest.param(["9_b.sql", "10_a.sql"], ["9_b", "10_a"], [], id="by number"),
        pytest.param(
            ["1700000000001_b.sql", "20231114221320000_a.sql"],
            ["20231114221320000_a", "1700000000001_b"],
            [],
            id="17 digits are a time",
        ),
        pytest.param(
            ["01_b10.sql", "1_B.sql", "1_a.sql", "1_a_c.sql", "1_a1.sql", "1_b.sql", "1_b9.sql"],
            ["1_a1", "1_a_c", "1_a", "1_b9", "01_b10", "1_b", "1_B"],
            [],
            id="the same number by name, as people do",
        ),
        pytest.param(["1_a.sql", "b.sql"], ["b", "1_a"], ["migration.accepted warning b.sql"], id="no number"),
        pytest.param(
            ["1_a.sql", "2_b.ts", "3_C.SQL", ".hidden.sql", "README.md", "old/4_d.sql"],
            ["1_a"],
            [
                "migration.read warning 2_b.ts",
                "migration.read warning 3_C.SQL",
                "migration.read warning README.md",
                "migration.read warning old",
            ],
            id="what is no SQL",
        ),
    ],
)
def test_order_and_what_is_not_read(names: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    expected = Read(layout="node-pg-migrate", order=order, back=order, issues=issues)

    assert expected == read(tmp_path, dict.fromkeys(names, BOTH))


@pytest.mark.parametrize(
    ("text", "up", "down", "issues"),
    [
        pytest.param(BOTH, UP, "-- Down Migration\nSELECT 2;", [], id="up and down"),
        pytest.param(
            "-- Down Migration\nSELECT 2;\n---- up  migration\nSELECT 1;\n",
            "---- up  migration\nSELECT 1;",
            "-- Down Migration\nSELECT 2;",
            [],
            id="down and up",
        ),
        pytest.param("SELECT 1;", "SELECT 1;", None, [], id="no marks"),
        pytest.param(
            "\nSELECT 0;\n" + UP, UP, None, ["migration.read warning 2_b.sql:2"], id="what stands before is dropped"
        ),
        pytest.param(
            "SELECT 1;\n-- Down Migration\nSELECT 2;\n",
            "SELECT 1;\n-- Down Migration\nSELECT 2;",
            "-- Down Migration\nSELECT 2;",
            ["migration.accepted warning 2_b.sql:2"],
            id="down alone runs both",
        ),
        pytest.param("\ufeff" + UP, UP, None, ["migration.accepted error 2_b.sql:1"], id="a byte order mark"),
        pytest.param("\ufeff-- by Ann\n" + UP, "-- by Ann\n" + UP, None, [], id="a byte order mark before a comment"),
    ],
)
def test_section_is_one_message(text: str, up: str, down: str | None, issues: list[str], tmp_path: Path) -> None:
    files = {"package.json": PACKAGE, "x/1_a.sql": BOTH, "x/2_b.sql": text}
    expected = Sent(
        up=[up.strip()], down=[down] if down else None, transaction=TransactionScope.ALL, issues=tuple(issues)
    )

    assert expected == sent(tmp_path, files, "x")


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param("SELECT 1;\nSELECT 2;", Status.KEPT, id="two statements"),
        pytest.param("CREATE INDEX CONCURRENTLY i ON a (id);", Status.BROKEN, id="what no transaction allows"),
    ],
)
def test_files_run_in_one_transaction(last: str, status: Status, tmp_path: Path) -> None:
    root = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/1700000000002_c.sql": last})
    run = verify(load_project(root), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status
