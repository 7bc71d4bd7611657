"""What a file's comments promise is read where its tool sends a part of the file alone."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from pgcontract import load_project
from written_files import write_files


@cases("text", {
    "goose": "-- a\n-- +goose Up\n-- b\nSELECT 1;\n-- +goose Down\n-- c\nSELECT 2;\n",
    "dbmate": "-- a\n-- migrate:up\n-- b\nSELECT 1;\n-- migrate:down\n-- c\nSELECT 2;\n",
    "sql-migrate": "-- a\n-- +migrate Up\n-- b\nSELECT 1;\n-- +migrate Down\n-- c\nSELECT 2;\n",
    "node-pg-migrate": "-- a\n-- Up Migration\n-- b\nSELECT 1;\n-- Down Migration\n-- c\nSELECT 2;\n",
})  # fmt: skip
def test_each_way_keeps_its_comments(text: str, tmp_path: Path) -> None:
    migration = load_project(write_files(tmp_path, {"1_a.sql": text})).head
    assert migration.down is not None

    assert [["-- a", "-- b", "SELECT 1;"], ["-- c", "SELECT 2;"]] == [
        [line for line in script.text.split("\n") if line.strip() and "igra" not in line and "goose" not in line]
        for script in (migration.up, migration.down)
    ]
