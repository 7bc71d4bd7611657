"""Rows behind a migration go into the tables that it reaches; of many tables the others have rows anyway."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract.contract import load_project
from pgcontract.model.sql import make_script, make_source
from pgcontract.probes import rehearsal
from pgcontract.result import Run, RunOptions
from pgcontract.runner import verify
from written_files import write_files

TABLES = "".join(f"CREATE TABLE t{number} (id int PRIMARY KEY, said text NOT NULL);\n" for number in range(24))
NEW = (
    "ALTER TABLE t3 ADD COLUMN more int;\nALTER TABLE t4 DROP COLUMN said;\nCREATE TABLE fresh (t5 int REFERENCES t5);\n"
)
BACK = "DROP TABLE fresh;\nALTER TABLE t4 ADD COLUMN said text;\nALTER TABLE t3 DROP COLUMN more;\n"


def test_rows_in_what_a_migration_does_not_reach_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"m/001_t.sql": TABLES, "m/002_new.sql": NEW, "m/002_new.down.sql": BACK})

    def said() -> Run:
        return verify(load_project(tmp_path / "m"), RunOptions(examples=5))

    few = said()
    monkeypatch.setattr(rehearsal, "_MANY", 1000)
    whole = said()

    assert whole.verdict == few.verdict
    assert ["Every table that the migration reaches took rows, so that what happens to them is seen."] == [
        finding.summary for finding in few.findings if finding not in whole.findings
    ]
    assert {"rollback.restores", "rows.made"} <= {finding.check for finding in few.findings}


@pytest.mark.parametrize(("text", "reaches"), [
    ("CREATE TABLE a (id int); CREATE UNIQUE INDEX ON a (id); COMMENT ON TABLE a IS 'CASE';", True),
    ("BEGIN; ALTER TABLE a ADD b int; COMMIT;", True),
    ("DROP TABLE a CASCADE;", False),
    ("CREATE TABLE b AS SELECT f();", False),
    ("DO $$BEGIN EXECUTE 'TRUNCATE b'; END$$;", False),
    ("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';", False),
])  # fmt: skip
def test_statements_that_reach_no_other_table(text: str, reaches: bool) -> None:
    script = make_script(make_source(text.encode(), "x.sql"))

    assert reaches is rehearsal._reaches_what_it_names(script)
