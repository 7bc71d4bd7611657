"""A folder of sqlx's as sqlx reads it: one file a migration or two, each in a transaction."""

from __future__ import annotations

from pathlib import Path

import pytest
from readings import Read, read

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
