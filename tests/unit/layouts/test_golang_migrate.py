"""A folder of golang-migrate's as golang-migrate reads it: pairs of files, each sent whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import InputError, RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, Sent, read, sent
from written_files import write_files

SAMPLE = {
    "go.mod": "module example.com/rooms\n",
    "db/migrations/000001_a.up.sql": "CREATE TABLE a (id int PRIMARY KEY);\n",
    "db/migrations/000001_a.down.sql": "DROP TABLE a;\n",
    "db/migrations/000002_b.up.sql": "ALTER TABLE a ADD b text;\n",
    "db/migrations/000002_b.down.sql": "ALTER TABLE a DROP b;\n",
}
FOLDER = "db/migrations"
CARGO = '[dependencies]\nsqlx = { version = "0.8", features = ["postgres"] }\n'


@pytest.mark.parametrize("path", [FOLDER, "db"])
def test_golang_migrate_folder_is_read_in_pairs(path: str, tmp_path: Path) -> None:
    keys = ["000001_a", "000002_b"]

    assert Read(layout="golang-migrate", order=keys, back=keys, issues=[]) == read(tmp_path, SAMPLE, path)


def test_file_alone_has_its_way_back(tmp_path: Path) -> None:
    files = {"x/1_a.up.sql": "SELECT 1;", "x/1_a.down.sql": "SELECT 2;", "x/2_b.up.sql": ""}
    expected = Read(layout="golang-migrate", order=["1_a"], back=["1_a"], issues=[])

    assert expected == read(tmp_path, files, "x/1_a.up.sql")


@pytest.mark.parametrize(
    ("files", "layout"),
    [
        pytest.param({"x/1_a.up.sql": ""}, "golang-migrate", id="nothing around"),
        pytest.param({"x/1_a.sql": "", "x/1_a.down.sql": ""}, "flat", id="no .up"),
        pytest.param({"x/V1_a.up.sql": ""}, "flat", id="a letter in front"),
        pytest.param({"x/1_a.UP.sql": ""}, "flat", id="in capitals"),
        pytest.param({"Cargo.toml": CARGO, "x/1_a.up.sql": ""}, "sqlx", id="sqlx in Cargo.toml"),
        pytest.param({"Cargo.toml": "[dependencies]\n", "x/1_a.up.sql": ""}, "golang-migrate", id="another Cargo.toml"),
        pytest.param({"Cargo.toml": CARGO, "s/go.mod": "", "s/x/1_a.up.sql": ""}, "golang-migrate", id="a nearer go.mod"),
        pytest.param({"go.mod": "", "s/Cargo.toml": CARGO, "s/x/1_a.up.sql": ""}, "sqlx", id="a nearer Cargo.toml"),
        pytest.param({"x/1_a.up.sql": "-- +goose Up\n"}, "goose", id="goose's annotations"),
    ],
)
def test_recognised(files: dict[str, str], layout: str, tmp_path: Path) -> None:
    folder = next(Path(name).parent for name in files if name.endswith(".sql"))

    assert layout == read(tmp_path, files, str(folder)).layout


@pytest.mark.parametrize(
    ("names", "order", "back", "issues"),
    [
        pytest.param(["9_b.up.sql", "10_a.up.sql"], ["9_b", "10_a"], [], [], id="by number"),
        pytest.param(["0_a.up.sql", "1_b.up.sql"], ["0_a", "1_b"], [], [], id="from 0 on"),
        pytest.param(["1_a.up.sql", "01_other.down.sql"], ["1_a"], ["1_a"], [], id="the version pairs, not the name"),
        pytest.param(
            ["1_a.up.sql", "01_b.up.sql"],
            ["01_b", "1_a"],
            [],
            ["migration.unique error 1_a.up.sql"],
            id="a version twice",
        ),
        pytest.param(
            ["1_a.up.sql", "1_a.up.sql.bak"],
            ["1_a"],
            [],
            ["migration.unique error 1_a.up.sql.bak"],
            id="any ending is a migration",
        ),
        pytest.param(
            ["1_a.up.sql", "2_b.sql", "seed.sql", "3_C.UP.SQL", "old/4_d.up.sql", "README.md"],
            ["1_a"],
            [],
            [
                "migration.read warning 2_b.sql",
                "migration.read warning 3_C.UP.SQL",
                "migration.read warning seed.sql",
                "migration.read warning old",
            ],
            id="other names are passed over",
        ),
        pytest.param(
            ["1_a.up.sql", "2_b.down.sql"], ["1_a"], [], ["migration.read warning 2_b.down.sql"], id="a way back alone"
        ),
        pytest.param(
            ["1_a.up.sql", "18446744073709551616_b.up.sql"],
            ["1_a"],
            [],
            ["migration.read warning 18446744073709551616_b.up.sql"],
            id="a number that is too large",
        ),
    ],
)
def test_order_and_what_is_passed_over(
    names: list[str], order: list[str], back: list[str], issues: list[str], tmp_path: Path
) -> None:
    expected = Read(layout="golang-migrate", order=order, back=back, issues=issues)

    assert expected == read(tmp_path, dict.fromkeys(names, "SELECT 1;"))


def test_file_is_one_message(tmp_path: Path) -> None:
    text = "SELECT 1;\r\n-- two\r\nSELECT 2;"

    assert Sent(up=[text], transaction=TransactionScope.MESSAGE) == sent(tmp_path, {"1_a.up.sql": text}, ".")


def test_byte_order_mark_is_sent_with_the_rest(tmp_path: Path) -> None:
    assert ("migration.accepted error 1_a.up.sql:1",) == sent(tmp_path, {"1_a.up.sql": "\ufeffSELECT 1;"}, ".").issues


def test_way_back_is_no_migration(tmp_path: Path) -> None:
    root = write_files(tmp_path, SAMPLE)
    with pytest.raises(InputError, match="is a rollback script; name the migration it belongs to"):
        load_project(root / FOLDER / "000001_a.down.sql")


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param("CREATE INDEX CONCURRENTLY i ON a (id);\n", Status.KEPT, id="alone"),
        pytest.param("SELECT 1;\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.BROKEN, id="with another"),
        pytest.param("BEGIN;\nALTER TABLE a ADD c text;\nCOMMIT;\n", Status.KEPT, id="a transaction of its own"),
        pytest.param("-- nothing yet\n", Status.KEPT, id="nothing in it"),
    ],
)
def test_files_run_as_golang_migrate_runs_them(last: str, status: Status, tmp_path: Path) -> None:
    folder = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/000003_c.up.sql": last}) / FOLDER
    run = verify(load_project(folder), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status
