"""A folder of dbmate's as dbmate reads it: sections, their options, several pairs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, Sent, read, sent
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
BOTH = "-- migrate:up\nSELECT 1;\n-- migrate:down\n"


@pytest.mark.parametrize("path", [FOLDER, "db"])
def test_dbmate_folder_is_read_both_ways(path: str, tmp_path: Path) -> None:
    keys = ["20240101000000_a", "20240201000000_b"]

    assert Read(layout="dbmate", order=keys, back=keys, issues=[]) == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        pytest.param("\r\n--migrate:up\r\nSELECT 1;\r\n--  migrate:down\r\n", "dbmate", id="CRLF, other blanks"),
        pytest.param("-- by Ann\n-- migrate:up transaction:false\n-- migrate:down\n", "dbmate", id="with an option"),
        pytest.param("-- migrate:upwards\nSELECT 1;\n", "flat", id="a longer word"),
        pytest.param("-- then migrate:up\nSELECT 1;\n", "flat", id="in the words of a comment"),
        pytest.param("SELECT '\n-- migrate:up\n';\n", "flat", id="in a string"),
    ],
)
def test_recognised(text: str, layout: str, tmp_path: Path) -> None:
    assert layout == read(tmp_path, {"1_a.sql": text}).layout


@pytest.mark.parametrize(
    ("names", "order", "issues"),
    [
        pytest.param(["9_b.sql", "10_a.sql"], ["10_a", "9_b"], ["migration.order warning 10_a.sql"], id="by name"),
        pytest.param(
            ["1_a.sql", "1_b.sql"], ["1_a", "1_b"], ["migration.unique error 1_b.sql"], id="the same version twice"
        ),
        pytest.param(["01_a.sql", "1_b.sql"], ["01_a", "1_b"], [], id="versions are texts"),
        pytest.param(["1.sql", "2 b.sql", "3-c.sql"], ["1", "2 b", "3-c"], [], id="digits are enough"),
        pytest.param(
            ["1_a.sql", "seed.sql", "2_B.SQL", "old/3_c.sql"],
            ["1_a"],
            ["migration.read warning 2_B.SQL", "migration.read warning seed.sql", "migration.read warning old"],
            id="passed over",
        ),
    ],
)
def test_order_and_what_is_passed_over(names: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    assert Read(layout="dbmate", order=order, back=order, issues=issues) == read(tmp_path, dict.fromkeys(names, BOTH))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "-- migrate:up\nSELECT 1;\nSELECT 2;\n-- migrate:down\nSELECT 3;\n",
            Sent(up=["-- migrate:up\nSELECT 1;\nSELECT 2;"], down=["-- migrate:down\nSELECT 3;"]),
            id="a section is one message",
        ),
        pytest.param(
            "-- migrate:up  a:b transaction:false\nSELECT 1;\n-- migrate:down\n",
            Sent(
                up=["-- migrate:up  a:b transaction:false\nSELECT 1;"],
                down=["-- migrate:down"],
                transaction=TransactionScope.MESSAGE,
            ),
            id="no transaction",
        ),
        pytest.param(
            "-- migrate:up\nCOMMIT;\nBEGIN;\nROLLBACK AND CHAIN;\n-- migrate:down\n",
            Sent(up=["-- migrate:up\nCOMMIT;\nBEGIN;\nROLLBACK AND CHAIN;"], down=["-- migrate:down"]),
            id="a transaction is open at the end",
        ),
        pytest.param(
            "-- migrate:up transaction:FALSE\n-- migrate:down\n",
            Sent(up=["-- migrate:up transaction:FALSE"], down=["-- migrate:down"]),
            id="another word than false",
        ),
        pytest.param(
            "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"
            "-- migrate:up\nSELECT 3;\n-- migrate:down\nSELECT 4;\n",
            Sent(
                up=["SELECT 1", "SELECT 3"],
                down=["SELECT 4", "SELECT 2"],
                transaction=TransactionScope.MESSAGE,
                issues=("migration.accepted warning 1_a.sql:5",),
            ),
            id="several pairs, back in reverse",
        ),
    ],
)
def test_what_is_sent(text: str, expected: Sent, tmp_path: Path) -> None:
    assert expected == sent(tmp_path, {"1_a.sql": text}, ".")


def test_way_back_has_an_option_of_its_own(tmp_path: Path) -> None:
    text = "-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;\n"
    migration = load_project(write_files(tmp_path, {"1_a.sql": text})).head
    assert migration.down is not None

    assert [TransactionScope.FILE, TransactionScope.MESSAGE] == [
        script.execution.transaction for script in (migration.up, migration.down)
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("SELECT 1;\n", 1, id="no sections"),
        pytest.param("", 1, id="empty"),
        pytest.param("-- migrate:down\nSELECT 1;\n", 2, id="no up"),
        pytest.param("-- migrate:up\nSELECT 1;\n", 1, id="no down"),
        pytest.param("-- a\nSELECT 1;\n-- migrate:up\n-- migrate:down\n", 2, id="a statement first"),
        pytest.param("/* a */\n-- migrate:up\n-- migrate:down\n", 1, id="a block comment first"),
        pytest.param("-- migrate:down\n-- migrate:up\n", 1, id="down first"),
        pytest.param("-- migrate:up\n-- migrate:up\n-- migrate:down\n", 1, id="up twice"),
        pytest.param("-- migrate:up\n-- migrate:down\n-- migrate:down\n", 3, id="down twice"),
        pytest.param("-- migrate:up\nSELECT '\n-- migrate:down\n';\n-- migrate:down\n", 5, id="a mark in a string"),
        pytest.param("-- MIGRATE:UP\n-- migrate:down\n", 2, id="in capitals"),
        pytest.param("  -- migrate:up\n  -- migrate:down\n", 2, id="behind blanks"),
        pytest.param("\ufeff-- migrate:up\n-- migrate:down\n", 1, id="a byte order mark"),
        pytest.param("-- migrate:up\nBEGIN;\nCOMMIT;\n-- migrate:down\n", 3, id="the transaction is ended"),
    ],
)
def test_file_that_dbmate_refuses(text: str, line: int, tmp_path: Path) -> None:
    files = {**SAMPLE, f"{FOLDER}/20240301000000_c.sql": text}

    assert (f"migration.accepted error 20240301000000_c.sql:{line}",) == sent(tmp_path, files, FOLDER).issues


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param("-- migrate:up\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.BROKEN, id="in a transaction"),
        pytest.param(
            "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.KEPT, id="in none"
        ),
        pytest.param(
            "-- migrate:up transaction:false\nSELECT 1;\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
            Status.BROKEN,
            id="in one message with another",
        ),
    ],
)
def test_sections_run_as_dbmate_runs_them(last: str, status: Status, tmp_path: Path) -> None:
    folder = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/20240301000000_c.sql": f"{last}-- migrate:down\n"}) / FOLDER
    run = verify(load_project(folder), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(SAMPLE, id="a pair a file"),
        pytest.param(
            {
                f"{FOLDER}/1_a.sql": "-- migrate:up\nCREATE TABLE a (id int UNIQUE);\n-- migrate:down\nDROP TABLE a;\n"
                "-- migrate:up\nCREATE TABLE b (id int REFERENCES a (id));\n-- migrate:down\nDROP TABLE b;\n"
            },
            id="several pairs",
        ),
    ],
)
def test_way_back_is_the_second_half(files: dict[str, str], tmp_path: Path) -> None:
    folder = write_files(tmp_path, files) / FOLDER
    run = verify(load_project(folder), RunOptions(only=("script.applies", "rollback.restores")))

    assert {Status.KEPT} == {finding.status for finding in run.findings}
