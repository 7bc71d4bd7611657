"""The time-out holds for every phase: a trigger that never returns is stopped whoever writes the row."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Status

SCRIPT = """
CREATE TABLE t (id bigint PRIMARY KEY, note text NOT NULL CHECK (note <> ''));
CREATE FUNCTION endless() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(36000); RETURN NEW; END';
CREATE TRIGGER endless BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION endless();
"""
CONTRACT = """
migration = "001_t.sql"
[table."public.t"]
sample = { id = 1, note = "a" }
[table."public.t".columns.id]
type = "bigint"
[table."public.t".columns.note]
type = "text"
[format.note]
column = "public.t.note"
standard = "not_blank"
"""


def test_trigger_that_never_returns_hangs_no_check(tmp_path: Path) -> None:
    (tmp_path / "001_t.sql").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "001_t.contract.toml").write_text(CONTRACT, encoding="utf-8")
    options = RunOptions(timeout_ms=300, only=("acid.*", "format.*", "error_detail.*"))
    run = verify(load_project(tmp_path), options)
    stopped = {finding.check for finding in run.findings if "statement timeout" in finding.summary}

    assert {
        "acid.durability",
        "error_detail.hides_rows",
        "format.accepts_valid",
        "format.rejects_invalid",
        "format.round_trip",
    } == stopped


FILL = """
DO $$ BEGIN LOOP
    UPDATE t SET word = {value} WHERE id IN (SELECT id FROM t WHERE word IS NULL LIMIT 100);
    EXIT WHEN NOT FOUND;
END LOOP; END $$;
"""


@pytest.mark.parametrize(
    ("value", "timeout_ms", "expected"), [("note", 400, Status.BROKEN), ("coalesce(note, '')", 4_000, Status.KEPT)]
)
def test_loop_that_chooses_the_same_rows_again_is_told(
    tmp_path: Path, value: str, timeout_ms: int, expected: Status
) -> None:
    (tmp_path / "001_t.sql").write_text("CREATE TABLE t (id bigint PRIMARY KEY, note text, word text);", encoding="utf-8")
    (tmp_path / "002_word.sql").write_text(FILL.format(value=value), encoding="utf-8")
    run = verify(load_project(tmp_path), RunOptions(timeout_ms=timeout_ms, only=("rows.accepted",)))

    assert [expected] == [finding.status for finding in run.findings]


STUBBORN = """
CREATE TABLE t (id integer PRIMARY KEY);
CREATE FUNCTION stubborn() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
    LOOP BEGIN PERFORM pg_sleep(36000); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;
END $$;
"""
RACE = """
migration = "001_t.sql"
[table."public.t"]
primary_key = ["id"]
columns.id = { type = "integer" }
[race.r]
table = "public.t"
description = "It ends"
violations = "SELECT id FROM public.t WHERE id > 5"
[[race.r.step]]
sql = "UPDATE public.t SET id = 1 WHERE id = 1"
[[race.r.step]]
sql = "SELECT public.stubborn()"
"""


def test_statement_that_catches_its_cancellation_ends_its_session_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "001_t.sql").write_text(STUBBORN, encoding="utf-8")
    (tmp_path / "001_t.contract.toml").write_text(RACE, encoding="utf-8")
    options = RunOptions(timeout_ms=300, only=("acid.isolation", "index.present"))
    found = {finding.check: finding for finding in verify(load_project(tmp_path), options).findings}

    assert (Status.UNKNOWN, True, Status.KEPT) == (
        found["acid.isolation"].status,
        "it was doing: SELECT public.stubborn()" in found["acid.isolation"].summary,
        found["index.present"].status,
    )
