"""A folder of goose's as goose reads it: annotations, statements cut by lines, one transaction a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import FolderOptions, RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
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


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        pytest.param("/* by Ann */\n-- a table\r\n\r\n--+goose UP\r\nSELECT 1;\r\n", "goose", id="behind comments, CRLF"),
        pytest.param("-- +goose NO TRANSACTION\n-- +goose Up\n", "goose", id="another annotation first"),
        pytest.param("-- +GOOSE Up\nSELECT 1;\n", "flat", id="in capitals"),
        pytest.param("-- taken over from +goose Up\nSELECT 1;\n", "flat", id="in the words of a comment"),
        pytest.param("/*\n-- +goose Up\n*/\nSELECT 1;\n", "flat", id="in a block comment"),
        pytest.param("SELECT '\n-- +goose Up\n';\n", "flat", id="in a string"),
        pytest.param("DO $$\n-- +goose Up\nBEGIN END $$;\n", "flat", id="in a body"),
    ],
)
def test_recognised(text: str, layout: str, tmp_path: Path) -> None:
    assert layout == read(tmp_path, {"1_a.sql": text}).layout


@pytest.mark.parametrize(
    ("names", "order", "issues"),
    [
        pytest.param(["9_b.sql", "10_a.sql"], ["9_b", "10_a"], [], id="by number"),
        pytest.param(
            ["1_b.sql", "001_a.sql"], ["001_a", "1_b"], ["migration.unique error 1_b.sql"], id="the same number twice"
        ),
        pytest.param(
            ["1_a.sql", "seed.sql", "0_z.sql", "3.sql", "4_C.SQL", "README.md"],
            ["1_a"],
            [
                "migration.read warning 0_z.sql",
                "migration.read warning 3.sql",
                "migration.read warning 4_C.SQL",
                "migration.read warning seed.sql",
            ],
            id="without a number",
        ),
        pytest.param(
            ["1_a.sql", "2_b.go", "3_c_test.go", "main.go"], ["1_a"], ["migration.read warning 2_b.go"], id="code in Go"
        ),
        pytest.param(
            ["1_a.sql", "old/2_b.sql"], ["1_a"], ["migration.read warning old"], id="folders are not looked into"
        ),
    ],
)
def test_order_and_what_is_passed_over(names: list[str], order: list[str], issues: list[str], tmp_path: Path) -> None:
    expected = Read(layout="goose", order=order, back=[], issues=issues)

    assert expected == read(tmp_path, dict.fromkeys(names, UP))


BODY = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "-- +goose Up\n-- a\nSELECT 1; -- one\nSELECT\n  2;\n\n-- +goose Down\nSELECT 3;\n",
            Sent(up=["SELECT 1", "SELECT\n  2"], down=["SELECT 3"]),
            id="a statement a line",
        ),
        pytest.param(
            "-- +goose Up\nSELECT 1; SELECT 2;\n", Sent(up=["SELECT 1; SELECT 2"]), id="two on a line are one message"
        ),
        pytest.param(
            f"-- +goose Up\n-- +goose StatementBegin\n{BODY}\nSELECT 1;\n-- +goose StatementEnd\nSELECT 2;\n",
            Sent(up=[f"{BODY}\nSELECT 1", "SELECT 2"]),
            id="a block is one message",
        ),
        pytest.param(
            f"-- +goose Up\n{BODY}\n",
            Sent(up=["CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;", "END $$;"]),
            id="a body without a block is cut",
        ),
        pytest.param(
            "-- +goose up\r\nSELECT 1;\r\n-- +goose DOWN\r\nSELECT 2;\r\n",
            Sent(up=["SELECT 1"], down=["SELECT 2"]),
            id="CRLF, any case",
        ),
        pytest.param(
            "-- +goose Up\nSELECT 1;\n-- +goose Down\n-- +goose NO TRANSACTION\nSELECT 2;\n",
            Sent(up=["SELECT 1"], down=["SELECT 2"], transaction=TransactionScope.MESSAGE),
            id="NO TRANSACTION goes for both ways",
        ),
        pytest.param("-- +goose Up\n-- nothing\n-- +goose Down\n", Sent(up=[], down=[]), id="nothing in it"),
        pytest.param("-- +goose Up", Sent(up=[]), id="no newline"),
        pytest.param(
            "-- +goose Up\nSELECT ';\n-- +goose Down\n';\n",
            Sent(up=["SELECT ';"], down=["';"]),
            id="no quote is looked at",
        ),
    ],
)
def test_what_is_sent(text: str, expected: Sent, tmp_path: Path) -> None:
    assert expected == sent(tmp_path, {"1_a.sql": text}, ".")


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        pytest.param("-- +goose Up\nSELECT 1\n-- +goose Down\n", "error 1_a.sql:2", id="no semicolon"),
        pytest.param("-- +goose Up\nSELECT 1;\nSELECT 2; SELECT 3", "error 1_a.sql:3", id="no semicolon at the end"),
        pytest.param("-- +goose Up\nSELECT 1 /* ; */\n", "error 1_a.sql:2", id="a semicolon in a comment"),
        pytest.param("-- +goose Up\n-- +goose Down\nSELECT 2\n", "warning 1_a.sql:3", id="no semicolon on the way back"),
        pytest.param("-- +goose Up\n-- +goose StatementEnd\n", "error 1_a.sql:2", id="an end without a beginning"),
        pytest.param("-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n", "error 1_a.sql:3", id="a beginning alone"),
        pytest.param("-- +goose Up\n-- +goose Up\n", "error 1_a.sql:2", id="Up twice"),
        pytest.param("-- +goose Down\nSELECT 1;\n-- +goose Up\n", "error 1_a.sql:1", id="Down first"),
        pytest.param("-- +goose Up\n -- +goose Down\n", "error 1_a.sql:2", id="behind a blank"),
        pytest.param("-- +goose Up\n-- +goose Upp\n", "error 1_a.sql:2", id="unknown"),
        pytest.param("-- +goose Up\n-- see +goose for more\n", "error 1_a.sql:2", id="in the words of a comment"),
        pytest.param("-- +goose NO TRANSACTION\nSELECT 1;\n-- +goose Up\n", "error 1_a.sql:2", id="a statement first"),
        pytest.param("\ufeff-- +goose Up\nSELECT 1;\n", "error 1_a.sql:1", id="a byte order mark"),
    ],
)
def test_file_that_goose_refuses(text: str, issue: str, tmp_path: Path) -> None:
    assert (f"migration.accepted {issue}",) == sent(tmp_path, {"1_a.sql": text}, ".").issues


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


@pytest.mark.parametrize(
    ("written", "value", "issues"),
    [
        pytest.param("$A", "one", (), id="bare"),
        pytest.param("${A}s", "ones", (), id="braced"),
        pytest.param("${B:-two}", "two", (), id="a default"),
        pytest.param("${EMPTY:-two}${EMPTY-two}", "two", (), id="a default for an empty one"),
        pytest.param("$$ $1 $", "$$ $1 $", (), id="no names"),
        pytest.param("$B", "", ("migration.placeholders warning B:3",), id="no value"),
        pytest.param(
            "${B?}",
            "",
            ("migration.placeholders warning B:3", "migration.accepted error 1_a.sql:3"),
            id="no value, required",
        ),
    ],
)
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


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param("-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\n", Status.BROKEN, id="in a transaction"),
        pytest.param(
            "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON a (id);\nSELECT 1;\n",
            Status.KEPT,
            id="in none",
        ),
        pytest.param(
            "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1; CREATE INDEX CONCURRENTLY i ON a (id);\n",
            Status.BROKEN,
            id="in one message with another",
        ),
        pytest.param(f"-- +goose Up\n{BODY}\n", Status.BROKEN, id="a body that is cut"),
        pytest.param(
            f"-- +goose Up\n-- +goose StatementBegin\n{BODY}\n-- +goose StatementEnd\n",
            Status.KEPT,
            id="a body in a block",
        ),
        pytest.param("-- +goose Up\nCREATE TABLE c (b text DEFAULT ';\n');\n", Status.BROKEN, id="a string that is cut"),
    ],
)
def test_statements_run_as_goose_runs_them(last: str, status: Status, tmp_path: Path) -> None:
    folder = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/00003_last.sql": last}) / FOLDER
    run = verify(load_project(folder), RunOptions(only=("script.applies",)))

    assert status is run.findings[-1].status


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
    root = write_files(tmp_path, SAMPLE | broken)

    assert not load_project(root / "db/migrations/00002_b.sql").issues
