"""What an owner says of a folder counts for every command that reads one, and what he cannot mean is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import Command, Said
from written_files import write_files

FILES = {
    "m/1_a.sql": "CREATE TABLE app.a (id integer PRIMARY KEY, team integer);",
    "m/2_b.sql": "ALTER TABLE app.a ADD FOREIGN KEY (team) REFERENCES app.team (id); CREATE INDEX ON app.a (team);",
    "setup.sql": "CREATE SCHEMA app; CREATE TABLE app.team (id integer PRIMARY KEY);",
    "broken.sql": "SELECT 1;\nCREATE TABLE t (id missing);",
    "words.sql": "zzz",
    "psql.sql": "\\set ON_ERROR_STOP on\n\\ir m/../parts/schema.psql\r\nCREATE TABLE :name.team (id int PRIMARY KEY);\n"
    'COPY :name.team (id) FROM stdin;\n1\n2\n\\.\nSELECT 1/(count(*) = 2)::integer FROM :"name".team;\n',
    "parts/schema.psql": "CREATE SCHEMA :\"name\";\nDO $$ BEGIN IF false THEN RAISE ':name'; END IF; END $$;\n",
    "shell.sql": "SELECT 1;\n\\! rm -rf /\n",
    "outside.sql": "\\ir ../outside.sql\n",
    "included.sql": "SELECT 1;\n\\ir parts/broken.psql\n",
    "parts/broken.psql": "SELECT 1;\n  SELECT nothing;\n",
}
WRONG = {
    "--setup missing": (("--setup", "set.sql"),
        "error: set.sql: no such file; in the same folder: broken.sql, included.sql, outside.sql, psql.sql, setup.sql; "
        "check the name"),
    "--setup a folder": (("--setup", "m"), "error: m: a folder, where a .sql file was expected"),
    "--setup no SQL": (("--setup", "words.sql"),
        "error: words.sql:1: is no SQL: no statement in it opens with an SQL command; check that it is the right file"),
    "--setup refused": (("--setup", "broken.sql"),
        'error: broken.sql:2: the server refuses the setup at column 20: type "missing" does not exist (SQLSTATE 42704)'),
    "--setup refused in what it includes": (("--setup", "included.sql"),
        'error: parts/broken.psql:2: the server refuses the setup at column 10: column "nothing" does not exist '
        "(SQLSTATE 42703)"),
    "--setup without a value": (("--setup", "psql.sql"),
        "error: parts/schema.psql:1: The variable name has no value, so psql sends its name. Give it with "
        "--set name=VALUE."),
    "--set without a name": (("--set", "=secret"), "error: --set: a value is given as NAME=VALUE; number 1 is not"),
    "--set without a value": (("--set", "a=b=", "--set", "secret"),
                              "error: --set: a value is given as NAME=VALUE; number 2 is not"),
    "--applied nothing": (("--applied", "9"), "error: m: no migration is called '9'; known here: 1_a, 2_b"),
    "--layout nothing": (("--layout", "flatt"), "error: --layout flatt: no layout is called so; did you mean `flat`?"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    write_files(tmp_path, FILES)
    return tmp_path


@pytest.mark.parametrize("command", ["verify", "draft"])
@pytest.mark.parametrize(("arguments", "expected"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_named(command: str, arguments: tuple[str, ...], expected: str, pgcontract: Command) -> None:
    assert Said(code=2, out="", err=f"{expected}\n") == pgcontract(command, "m", *arguments)


@pytest.mark.parametrize(("name", "words"), [("shell.sql", "\\!"), ("outside.sql", "is outside of")])
def test_what_reaches_beyond_the_database_is_refused(name: str, words: str, pgcontract: Command) -> None:
    said = pgcontract("verify", "m", "--setup", name)

    assert (2, "", True) == (said.code, said.out, said.err.startswith(f"error: {name}:") and words in said.err)


def test_a_setup_is_read_as_psql_reads_it(pgcontract: Command) -> None:
    said = pgcontract("verify", "m", "--setup", "psql.sql", "--set", "name=app", "--only", "script.applies")

    assert (0, "") == (said.code if "BLOCKED" not in said.out else said.out, said.err)


@pytest.mark.parametrize("command", ["verify", "draft"])
def test_a_platform_that_nobody_knows_is_refused(command: str, pgcontract: Command) -> None:
    said = pgcontract(command, "m", "--platform", "oracle")

    assert (2, "", True) == (said.code, said.out, "'oracle' is not one of 'postgres', 'supabase'" in said.err)


def test_a_draft_holds_what_the_migration_makes_and_not_what_the_setup_made(pgcontract: Command, folder: Path) -> None:
    said = pgcontract("draft", "m", "--through", "1_a", "--setup", "setup.sql", "-o", "draft.toml")
    draft = (folder / "draft.toml").read_text(encoding="utf-8")

    assert (0, True, False) == (said.code, '[table."app.a"]' in draft, "team_pkey" in draft)


def test_unknown_migration_of_many_names_the_newest_alone(pgcontract: Command, tmp_path: Path) -> None:
    write_files(tmp_path / "many", {f"{number:03}_a.sql": "SELECT 1;\n" for number in range(1, 61)})
    result = pgcontract("verify", "many", "--applied", "x")
    newest = ", ".join(f"{number:03}_a" for number in range(53, 61))

    assert (2, f"error: many: no migration is called 'x'; known here: 52 others, {newest}\n") == (result.code, result.err)
