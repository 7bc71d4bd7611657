"""A folder of node-pg-migrate's SQL as it reads it: sections, numbers that are times, one transaction for all."""

from __future__ import annotations

from pathlib import Path

import pytest
from readings import Read, read

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


@pytest.mark.parametrize("path", [".", FOLDER])
def test_node_pg_migrate_folder_is_read_both_ways(path: str, tmp_path: Path) -> None:
    assert Read(layout="node-pg-migrate", order=[A, B], back=[A], issues=[]) == read(tmp_path, SAMPLE, path)
