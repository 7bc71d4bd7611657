"""A folder of sql-migrate's as sql-migrate reads it: sections, statements cut by lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.result import Status
from readings import Read, Sent, read, sent
from written_files import write_files

SAMPLE = {
    "dbconfig.yml": "production:\n  dialect: postgres\n  dir: migrations\n",
    "migrations/1_a.sql": "-- +migrate Up\nCREATE TABLE a (id int PRIMARY KEY);\n-- +migrate Down\nDROP TABLE a;\n",
    "migrations/2_b.sql": "-- +migrate Up\nALTER TABLE a ADD b text;\n-- +migrate Down\nALTER TABLE a DROP b;\n",
}
FOLDER = "migrations"
UP = "-- +migrate Up\nSELECT 1;\n"
BODY = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;"


@pytest.mark.parametrize("path", [".", FOLDER])
def test_sql_migrate_folder_is_read_both_ways(path: str, tmp_path: Path) -> None:
    keys = ["1_a", "2_b"]

    assert Read(layout="sql-migrate", order=keys, back=keys, issues=[]) == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        pytest.param("-- by Ann\r\n-- +migrate Up notransaction\r\nSELECT 1;\r\n", "sql-migrate", id="CRLF, an option"),
        pytest.param("--+migrate Up\nSELECT 1;\n", "flat", id="without the blank"),
        pytest.param("-- +migrate up\nSELECT 1;\n", "flat", id="in small letters"),
        pytest.param("SELECT '\n-- +migrate Up\n';\n", "flat", id="in a string"),
    ],
)
def test_recognised(text: str, layout: str, tmp_path: Path) -> None:
    assert layout == read(tmp_path, {"1_a.sql": text}).layout


@pytest.mark.parametrize(
    ("names", "order", "issues"),
    [
        pytest.param(["9_b.sql", "10_a.sql", "last.sql"], ["9_b", "10_a", "last"], [], id="numbers first"),
        pytest.param(["1_b.sql", "01_a.sql", "1_a.sql"], ["01_a", "1_a", "1_b"], [], id="the same number by name"),
        pytest.param(
            ["1_a.sql", "2_B.SQL", "old/3_c.sql", "README.md"],
            ["1_a"],
            ["migration.read warning 2_B.SQL", "migration.read warning old"],
            id="passed over",
        ),
        pytest.param(
            ["9223372036854775808_a.sql"],
            ["9223372036854775808_a"],
            ["migration.accepted error 9223372036854775808_a.sql"],
            id="a number that is too large",
        ),
    ],
)
def test_order_and_what_is_passed_over(names: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    expected = Read(layout="sql-migrate", order=order, back=[], issues=issues)

    assert expected == read(tmp_path, dict.fromkeys(names, UP))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "-- +migrate Up\n-- a\nSELECT 1; -- one\nSELECT\n  2;\n\n-- +migrate Down\nSELECT 3;\n",
            Sent(up=["SELECT 1", "SELECT\n  2"], down=["SELECT 3"]),
            id="a statement a line",
        ),
        pytest.param(
            f"-- +migrate Up\n-- +migrate StatementBegin\n{BODY}\nSELECT 1;\n-- +migrate StatementEnd\nSELECT 2;\n",
            Sent(up=[f"{BODY}\nSELECT 1", "SELECT 2"]),
            id="a block is one message",
        ),
        pytest.param(
            f"-- +migrate Up\n{BODY}\n",
            Sent(up=["CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;", "END $$;"]),
            id="a body without a block is cut",
        ),
        pytest.param(
            "-- +migrate Up notransaction\r\nSELECT 1;\r\n-- +migrate Down\r\n",
            Sent(up=["SELECT 1"], down=[], transaction=TransactionScope.MESSAGE),
            id="no transaction, CRLF",
        ),
        pytest.param(
            "-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n-- +migrate Up\nSELECT 3;\n",
            Sent(up=["SELECT 1", "SELECT 3"], down=["SELECT 2"]),
            id="Up twice",
        ),
        pytest.param(
            "-- +migrate Up\nSELECT 1;\n\n-- +migrate Down\n\n-- +migrate Up\n",
            Sent(up=["SELECT 1"], down=[]),
            id="blank lines between",
        ),
        pytest.param("-- +migrate Down\nSELECT 1;\n", Sent(up=[], down=["SELECT 1"]), id="Down alone"),
        pytest.param("-- +migrate Up\n-- +migrate Upp\n", Sent(up=[]), id="an unknown command"),
        pytest.param(
            "\ufeff-- by Ann\n-- +migrate Up\nSELECT 1;\n", Sent(up=["SELECT 1"]), id="a byte order mark before a comment"
        ),
    ],
)
def test_what_is_sent(text: str, expected: Sent, tmp_path: Path) -> None:
    assert expected == sent(tmp_path, {"1_a.sql": text}, ".")


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        pytest.param("SELECT 1;\n", "migration.accepted error 2_b.sql:1", id="no sections"),
        pytest.param(
            "-- +migrate Up\nSELECT 1\n-- +migrate Down\n", "migration.accepted error 2_b.sql:2", id="no semicolon"
        ),
        pytest.param(
            "-- +migrate Up\nSELECT 1;\n--end\n", "migration.accepted error 2_b.sql:3", id="a comment at the end"
        ),
        pytest.param(
            "-- +migrate Up\n-- +migrate StatementBegin\nSELECT 1;\n", "migration.accepted error 2_b.sql:3", id="no end"
        ),
        pytest.param("-- +migrate Up\n-- +migrate \n", "migration.accepted error 2_b.sql:2", id="no word"),
        pytest.param(
            "\ufeff-- +migrate Up\nSELECT 1;\n-- +migrate Down\n",
            "migration.accepted error 2_b.sql:1",
            id="byte order mark",
        ),
        pytest.param(
            "-- +migrate Down\n\nSELECT 1;\n-- +migrate\n-- +migrate Up\n", None, id="sections in another order"
        ),
        pytest.param("-- +migrate Up\nCOMMIT;\n", "migration.accepted error 2_b.sql:2", id="the transaction is ended"),
        pytest.param("-- +migrate Up notransaction\nCOMMIT;\n", None, id="no transaction is ended"),
        pytest.param("\nSELECT 1;\n-- +migrate Up\n", "migration.read warning 2_b.sql:2", id="a statement before them"),
    ],
)
def test_what_sql_migrate_refuses_or_drops(text: str, issue: str | None, tmp_path: Path) -> None:
    issues = sent(tmp_path, {"1_a.sql": UP, "2_b.sql": text}, ".").issues

    assert ((issue,) if issue else ()) == issues


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param("-- +migrate Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.BROKEN, id="in a transaction"),
        pytest.param(
            "-- +migrate Up notransaction\nSELECT 1;\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.KEPT, id="in none"
        ),
        pytest.param(
            "-- +migrate Up notransaction\nSELECT 1; CREATE INDEX CONCURRENTLY i ON a (id);\n",
            Status.BROKEN,
            id="in one message with another",
        ),
        pytest.param(f"-- +migrate Up\n{BODY}\n", Status.BROKEN, id="a body that is cut"),
        pytest.param(
            "-- +migrate Up\nCREATE TABLE c (b text DEFAULT '\n-- x\n');\n", Status.KEPT, id="a string of lines"
        ),
    ],
)
def test_statements_run_as_sql_migrate_runs_them(last: str, status: Status, tmp_path: Path) -> None:
    root = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/3_c.sql": last})
    run = verify(load_project(root), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status


def test_way_back_is_the_second_half(tmp_path: Path) -> None:
    run = verify(load_project(write_files(tmp_path, SAMPLE)), RunOptions(only=("script.applies", "rollback.restores")))

    assert {Status.KEPT} == {finding.status for finding in run.findings}


def test_statement_below_a_mark_without_its_blank_is_told_to_be_dropped(tmp_path: Path) -> None:
    text = "--+migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n"
    root = write_files(tmp_path, SAMPLE | {"migrations/3_c.sql": text})

    issues = load_project(root / FOLDER).issues

    assert [("3_c.sql", 2)] == [(issue.subject, issue.line) for issue in issues]
