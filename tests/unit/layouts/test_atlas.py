"""Folders of Atlas, beside their atlas.sum."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import load_project
from pgcontract.model.sql import TransactionScope, messages
from readings import Read, read
from written_files import write_files

SUM = "h1:c3Vt=\n20260101000000_rooms.sql h1:YQ==\n20260102000000.sql h1:Yg==\n"
SAMPLE = {
    "atlas.hcl": 'env "local" {}\n',
    "migrations/atlas.sum": SUM,
    "migrations/20260101000000_rooms.sql": '-- Create "rooms" table\nCREATE TABLE rooms (id bigint PRIMARY KEY);\n',
    "migrations/20260102000000.sql": "ALTER TABLE rooms ADD COLUMN floor int;\n",
}
FOLDER = "migrations"
ORDER = ["20260101000000_rooms", "20260102000000"]
LATER = "20260103000000_x"


@pytest.mark.parametrize(
    ("text", "listed", "order", "issues"),
    [
        pytest.param(None, "", ORDER, [], id="sample"),
        pytest.param("SELECT 1;", f"{LATER}.sql h1:Yw==\n", [*ORDER, LATER], [], id="listed"),
        pytest.param("SELECT 1;", "", [*ORDER, LATER], [f"migration.accepted error {LATER}.sql"], id="not listed"),
        pytest.param("-- atlas:sum ignore\n\nSELECT 1;", "", [*ORDER, LATER], [], id="need not be listed"),
        pytest.param(None, "gone.sql h1:Yw==\n", ORDER, ["migration.accepted error gone.sql"], id="gone"),
        pytest.param(
            "-- atlas:checkpoint\n\nSELECT 1;", f"{LATER}.sql h1:Yw==\n", ORDER, [f"migration.read note {LATER}.sql"],
            id="a checkpoint",
        ),
        pytest.param(
            "-- atlas:txmode none\nSELECT 1;", f"{LATER}.sql h1:Yw==\n", [*ORDER, LATER],
            [f"migration.accepted warning {LATER}.sql"], id="no empty line behind a directive",
        ),
    ],
)  # fmt: skip
def test_folder_is_read_by_name(
    text: str | None, listed: str, order: list[str], issues: list[str], tmp_path: Path
) -> None:
    files = {**SAMPLE, "migrations/atlas.sum": SUM + listed}
    files |= {f"migrations/{LATER}.sql": text} if text else {}

    assert Read(layout="atlas", order=order, back=[], issues=issues) == read(tmp_path, files, FOLDER)


@pytest.mark.parametrize(
    ("text", "sent", "transaction"),
    [
        ("SELECT 1;\nSELECT 2;", ["SELECT 1", "SELECT 2"], TransactionScope.FILE),
        ("-- atlas:txmode none\n\nSELECT 1;", ["SELECT 1"], TransactionScope.MESSAGE),
        ("-- atlas:delimiter \\n\\n\n\nSELECT 1\n\nSELECT 2;\n", ["SELECT 1", "SELECT 2"], TransactionScope.FILE),
    ],
    ids=["by statement", "txmode none", "a delimiter"],
)  # fmt: skip
def test_what_is_sent(text: str, sent: list[str], transaction: TransactionScope, tmp_path: Path) -> None:
    script = load_project(write_files(tmp_path, {**SAMPLE, "migrations/20260102000000.sql": text}) / FOLDER).head.up

    assert (sent, transaction) == ([message.text for message in messages(script)], script.execution.transaction)
