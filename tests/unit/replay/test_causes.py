"""What a failure is laid to: the file's own fault, what comes from elsewhere, or an earlier file that failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import RunOptions, Status, load_project, verify

OWN = "own"
ELSEWHERE = "elsewhere"
T = "CREATE TABLE t(id bigint PRIMARY KEY, name text);"
A_AND_B = "CREATE TABLE a(id bigint PRIMARY KEY, k text); CREATE TABLE b(id bigint, a bigint NOT NULL REFERENCES a);"
# Each a chain, and what is right to say of its files but for those that are applied: a number is the cause's.
CHAINS: dict[str, tuple[list[str], dict[int, str | int]]] = {
    "two letters exchanged": (["CREATE TABLE people(id int)", "DROP TABLE poeple"], {2: OWN}),
    "another case": (['CREATE TABLE "People"(id int)', "DROP TABLE People"], {2: OWN}),
    "a quoted name": (['CREATE TABLE "People"(id intt)', 'DROP TABLE "People"'], {1: OWN, 2: 1}),
    "a dot in a name": (['CREATE TABLE "a.b"(id intt)', 'DROP TABLE "a.b"'], {1: OWN, 2: 1}),
    "a column is no table": ([T, "ALTER TABLE t ADD account int", "TABLE accounts"], {3: ELSEWHERE}),
    "a comment makes nothing": (["-- create table accounts comes first\n" + T, "TABLE accounts"], {2: ELSEWHERE}),
    "a schema nobody makes": (["CREATE TABLE users(id int)", "ALTER TABLE old.users ADD x int"], {2: ELSEWHERE}),
    "another table's column": (
        [A_AND_B, "ALTER TABLE a ADD x bigint REFERENCES elsewhere", "ALTER TABLE b DROP x", "ALTER TABLE a DROP x"],
        {2: ELSEWHERE, 3: OWN, 4: 2}),
    "rows that were not inserted": (
        [A_AND_B, "INSERT INTO a VALUES (1, 'x', 5)", "INSERT INTO b VALUES (1, 1)",
         "INSERT INTO b SELECT 2, (SELECT id FROM a WHERE k = 'x')", "INSERT INTO b VALUES (3, NULL)"],
        {2: OWN, 3: 2, 4: 2, 5: OWN},
    ),
    "rows that were not deleted": (
        ["CREATE TABLE t(id int UNIQUE)", "INSERT INTO t VALUES (1)", "DELETE FROM t WHERE nope",
         "INSERT INTO t VALUES (1)"],
        {3: OWN, 4: 3},
    ),
    "what was not dropped": (
        [T + "CREATE VIEW v AS TABLE t", "DROP TABLE t", "CREATE TABLE t(id uuid)", "CREATE VIEW v AS SELECT 1"],
        {2: OWN, 3: 2, 4: OWN}),
    "a column that was not dropped": (
        [T + "CREATE VIEW v AS TABLE t", "ALTER TABLE t DROP name", "ALTER TABLE t ADD name int"], {2: OWN, 3: 2}),
    "a name that was not given up": (
        [T, "ALTER TABLE t RENAME TO u; ALTER TABLE t RENAME TO v", "ALTER TABLE u RENAME TO t; CREATE TABLE u(id int)"],
        {2: OWN, 3: 2}),
    "dynamic SQL": (
        ["DO $$ BEGIN EXECUTE format('CREATE TABLE %I (id intt)', 'made'); END $$", "DROP TABLE made",
         "DO $$ BEGIN FOR i IN 1..2 LOOP EXECUTE 'CREATE TABLE part_' || i || '(id intt)'; END LOOP; END $$",
         "DROP TABLE part_2"],
        {1: OWN, 2: 1, 3: OWN, 4: 3},
    ),
    "a collation": (["CREATE COLLATION c (provider = icu, nonsense = 1)", "CREATE TABLE t(x text COLLATE c)"],
                    {1: OWN, 2: 1}),
    "a sequence made along": (
        ["CREATE TABLE t(id serial, x intt)", "SELECT setval('t_id_seq', 10)", "SELECT setval('u_id_seq', 10)"],
        {1: OWN, 2: 1, 3: ELSEWHERE}),
    "a view's column": (
        [T + "CREATE VIEW v AS SELECT id FROM t", "CREATE OR REPLACE VIEW v AS SELECT id, name, nope FROM t",
         "CREATE VIEW w AS SELECT name FROM v", "CREATE VIEW w AS SELECT wrong FROM v"],
        {2: OWN, 3: 2, 4: OWN},
    ),
    "an enum's label": (
        ["CREATE TYPE mood AS ENUM ('a'); CREATE TABLE m(mood mood)", "ALTER TYPE mood ADD VALUE 'b' AFTER 'z'",
         "INSERT INTO m VALUES ('b')", "INSERT INTO m VALUES ('c')"],
        {2: OWN, 3: 2, 4: OWN},
    ),
    "a key to refer to": (
        [T, "ALTER TABLE t ADD UNIQUE (name, nope)", "CREATE TABLE u(name text REFERENCES t(name))",
         "CREATE TABLE v(id int, name text); CREATE TABLE w(name text REFERENCES v(name))"],
        {2: OWN, 3: 2, 4: OWN},
    ),
    "a role": (
        [T, "CREATE ROLE triaged_role; SELECT 1/0", "GRANT SELECT ON t TO triaged_role",
         "GRANT SELECT ON t TO other_role"],
        {2: OWN, 3: 2, 4: ELSEWHERE},
    ),
    "a transaction that is never committed": (
        ["BEGIN;" + T, "ALTER TABLE t ADD x int", "CREATE TABLE u(id int)", "BEGIN; DROP TABLE u; COMMIT"],
        {1: OWN, 2: 1}),
    "another schema": (["CREATE SCHEMA s;" + T, "ALTER TABLE t SET SCHEMA s; SELECT 1/0", "ALTER TABLE s.t ADD x int"],
                       {2: OWN, 3: 2}),
    "a refusal of its own words": (
        ["CREATE TABLE apples(id int); SELECT 1 / 0", "CREATE TABLE pears(id int); SELECT 1 / 0",
         "DO $$ BEGIN IF to_regclass('apples') IS NULL THEN RAISE EXCEPTION 'no apples'; END IF; END $$",
         "DO $$ BEGIN IF to_regclass('app' || 'les') IS NULL THEN RAISE EXCEPTION 'none'; END IF; END $$"],
        {1: OWN, 2: OWN, 3: 1, 4: 1},
    ),
}  # fmt: skip


def causes(folder: Path, options: RunOptions) -> dict[int, str | int]:
    run = verify(load_project(folder), options)
    found: dict[int, str | int] = {}
    for finding in run.findings:
        if finding.status is not Status.KEPT:
            own = OWN if finding.status is Status.BROKEN else ELSEWHERE
            found[int(finding.migration[:3])] = int(finding.follows[:3]) if finding.follows else own
    return found


def write(folder: Path, chain: list[str]) -> Path:
    for number, text in enumerate(chain, 1):
        (folder / f"{number:03}_x.sql").write_text(f"{text};\n")
    return folder


@pytest.mark.parametrize(("chain", "expected"), CHAINS.values(), ids=CHAINS)
def test_a_failure_is_laid_to_its_cause(chain: list[str], expected: dict[int, str | int], tmp_path: Path) -> None:
    write(tmp_path, chain)

    assert expected == causes(tmp_path, RunOptions(only=("script.applies",)))


def test_a_name_without_its_schema_is_told_with_it(tmp_path: Path) -> None:
    write(tmp_path, ["CREATE SCHEMA app; CREATE TABLE app.t(id int)", "DROP TABLE t"])
    [_, applies] = verify(load_project(tmp_path), RunOptions(only=("script.applies",))).findings

    assert "Did you mean app.t? What sets search_path in one file is not said for the next." == applies.remedy


@cases(("names", "expected"), {
    "no digits": (("alter", "create"), "unknown"),
    "the same digits": (("1_alter", "1_create"), "unknown"),
    "digits in one": (("1_alter", "create"), "unknown"),
    "digits in both": (("1_alter", "2_create"), "broken"),
})  # fmt: skip
def test_what_is_made_later_only_by_name_is_not_the_files_fault(
    names: tuple[str, str], expected: str, tmp_path: Path
) -> None:
    for name, text in zip(names, ("ALTER TABLE t ADD x int;", T), strict=True):
        (tmp_path / f"{name}.sql").write_text(text)
    findings = verify(load_project(tmp_path), RunOptions(only=("script.applies",))).findings

    assert [expected, "kept"] == [finding.status.value for finding in findings]


def test_what_a_script_that_never_ends_would_have_made_is_its_consequence(tmp_path: Path) -> None:
    write(tmp_path, [T, "ALTER TABLE t ADD x int; SELECT pg_sleep(60)", "ALTER TABLE t DROP x", T.replace("t(", "u(")])

    assert {2: OWN, 3: 2} == causes(tmp_path, RunOptions(only=("script.applies",), timeout_ms=1000))
