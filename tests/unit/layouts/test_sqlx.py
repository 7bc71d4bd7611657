"""A folder of sqlx's as sqlx reads it: one file a migration or two, each in a transaction."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, Sent, read, sent
from written_files import write_files

CARGO = '[package]\nname = "rooms"\n\n[dependencies]\nsqlx = { version = "0.8", features = ["postgres"] }\n'
SAMPLE = {
    "Cargo.toml": CARGO,
    "migrations/1_a.sql": "CREATE TABLE a (id int PRIMARY KEY);\n",
    "migrations/2_b.up.sql": "ALTER TABLE a ADD b text;\n",
    "migrations/2_b.down.sql": "ALTER TABLE a DROP b;\n",
}
FOLDER = "migrations"


@pytest.mark.parametrize("path", [".", FOLDER])
def test_sqlx_folder_is_read_with_its_ways_back(path: str, tmp_path: Path) -> None:
    assert Read(layout="sqlx", order=["1_a", "2_b"], back=["2_b"], issues=[]) == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize(
    ("around", "layout"),
    [
        pytest.param({}, "flat", id="nothing"),
        pytest.param({"Cargo.toml": CARGO}, "sqlx", id="Cargo.toml"),
        pytest.param({"Cargo.toml": "[workspace.dependencies]\nsqlx = '0.8'\n"}, "sqlx", id="a workspace"),
        pytest.param({"Cargo.toml": "[target.'cfg(unix)'.dependencies]\nsqlx = '0.8'\n"}, "sqlx", id="one target"),
        pytest.param({"Cargo.toml": "[dependencies]\ndb = { package = 'sqlx' }\n"}, "sqlx", id="renamed"),
        pytest.param({"Cargo.toml": "[dependencies]\nsqlx = { package = 'other' }\n"}, "flat", id="another's name"),
        pytest.param({"Cargo.toml": "# sqlx\n[package]\nname = 'sqlx'\n"}, "flat", id="its name alone"),
        pytest.param({"Cargo.toml": "[dependencies\nsqlx"}, "flat", id="no TOML"),
        pytest.param({".sqlx/query-1.json": "{}"}, "sqlx", id="prepared queries"),
        pytest.param({"go.mod": "module a\n"}, "flat", id="Go"),
        pytest.param({"Cargo.toml": CARGO, "db/x/0_0.sql": "-- migrate:up\n-- migrate:down\n"}, "dbmate", id="its marks"),
    ],
)
def test_recognised(around: dict[str, str], layout: str, tmp_path: Path) -> None:
    assert layout == read(tmp_path, {**around, "db/x/1_a.sql": "SELECT 1;"}, "db/x").layout


@pytest.mark.parametrize(
    ("names", "order", "issues"),
    [
        pytest.param(["9_b.sql", "10_a.sql"], ["9_b", "10_a"], [], id="by number"),
        pytest.param(
            ["1_a.sql", "01_b.up.sql"], ["01_b", "1_a"], ["migration.unique error 1_a.sql"], id="a version twice"
        ),
        pytest.param(
            ["1_a.sql", "1_a.up.sql"], ["1_a", "1_a.up"], ["migration.unique error 1_a.up.sql"], id="both ways of naming"
        ),
        pytest.param(
            ["1_a.sql", "seed_data.sql"], ["1_a"], ["migration.accepted error seed_data.sql"], id="a word for a version"
        ),
        pytest.param(
            ["1_a.sql", "9223372036854775808_b.sql"],
            ["1_a"],
            ["migration.accepted error 9223372036854775808_b.sql"],
            id="a number that is too large",
        ),
        pytest.param(
            ["1_a.sql", "seed.sql", "2_B.SQL", "old/3_c.sql", "README.md"],
            ["1_a"],
            ["migration.read warning 2_B.SQL", "migration.read warning seed.sql", "migration.read warning old"],
            id="other names are passed over",
        ),
        pytest.param(
            ["1_a.sql", "2_b.down.sql"], ["1_a"], ["migration.read warning 2_b.down.sql"], id="a way back alone"
        ),
    ],
)
def test_order_and_what_is_passed_over(names: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    files = {".sqlx/a.json": "", **{f"db/{name}": "SELECT 1;" for name in names}}

    assert Read(layout="sqlx", order=order, back=[], issues=issues) == read(tmp_path, files, "db")


@pytest.mark.parametrize(
    ("text", "transaction", "issues"),
    [
        pytest.param("SELECT 1;\r\nSELECT 2;", TransactionScope.FILE, (), id="in a transaction"),
        pytest.param("-- no-transaction\r\nSELECT 1;", TransactionScope.MESSAGE, (), id="in none"),
        pytest.param(
            "-- a\n-- no-transaction\nSELECT 1;",
            TransactionScope.FILE,
            ("migration.accepted warning 1_a.sql:2",),
            id="not the first words",
        ),
        pytest.param(
            "--no-transaction\nSELECT 1;",
            TransactionScope.FILE,
            ("migration.accepted warning 1_a.sql:1",),
            id="without the blank",
        ),
        pytest.param(
            "\ufeff-- no-transaction\nSELECT 1;",
            TransactionScope.FILE,
            ("migration.accepted error 1_a.sql:1",),
            id="behind a byte order mark",
        ),
    ],
)
def test_file_is_one_message(text: str, transaction: TransactionScope, issues: tuple[str, ...], tmp_path: Path) -> None:
    expected = Sent(up=[text.removeprefix("\ufeff")], transaction=transaction, issues=issues)

    assert expected == sent(tmp_path, {".sqlx/a.json": "", "db/1_a.sql": text}, "db")


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param("CREATE INDEX CONCURRENTLY i ON a (id);\n", Status.BROKEN, id="in a transaction"),
        pytest.param("-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.KEPT, id="in none"),
        pytest.param(
            "-- no-transaction\nSELECT 1;\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.BROKEN, id="with another"
        ),
    ],
)
def test_files_run_as_sqlx_runs_them(last: str, status: Status, tmp_path: Path) -> None:
    root = write_files(tmp_path, {**SAMPLE, "migrations/3_c.sql": last})
    run = verify(load_project(root), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status
