"""Names, comments and values of any characters break neither SQL, page nor terminal, through any door."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from command import Said, command_here
from pgcontract import load_project, verify
from pgcontract.reporting import formats, render
from pgcontract.result import Decision, Run, Status

# At most 61 bytes, since a letter is put before it where two objects share a schema.
NAME = "a\"b'c\\d|`*<b>%s{{7*7}}\x1b[31m\u202e\n$$"
LONG = f"{NAME} # h\n| x | y |\n```\n</details> @team [l](u) \x07 ::error::x {'long ' * 2000}"
STEM = '001_it\'s "ü" %s {{7}} <b>`'


def quoted(start: str = "") -> str:
    return '"' + f"{start}{NAME}".replace('"', '""') + '"'


def literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def script() -> str:
    """A schema of every common kind of object, all of them with the same name."""
    schema, table = quoted(), f"{quoted()}.{quoted('t')}"
    commented = (
        f"SCHEMA {schema}", f"TYPE {schema}.{quoted()}", f"TABLE {table}", f"COLUMN {table}.{quoted()}",
        f"COLUMN {table}.{quoted('2')}", f"COLUMN {table}.{quoted('e')}", f"CONSTRAINT {quoted('k')} ON {table}",
        f"CONSTRAINT {quoted('c')} ON {table}", f"INDEX {schema}.{quoted('i')}", f"VIEW {schema}.{quoted('v')}",
        f"FUNCTION {schema}.{quoted('f')}(text)", f"TRIGGER {quoted('g')} ON {table}", f"POLICY {quoted('p')} ON {table}",
        f"ROLE {quoted()}",
    )  # fmt: skip
    statements = f"""
        CREATE SCHEMA {schema};
        CREATE TYPE {schema}.{quoted()} AS ENUM ({literal(NAME)}, 'b');
        CREATE TABLE {table} (
            {quoted()} integer DEFAULT 1,
            {quoted("2")} text DEFAULT {literal(NAME)},
            {quoted("e")} {schema}.{quoted()} DEFAULT {literal(NAME)},
            CONSTRAINT {quoted("k")} PRIMARY KEY ({quoted()}),
            CONSTRAINT {quoted("c")} CHECK ({quoted("2")} <> {literal(LONG[:500])})
        );
        CREATE INDEX {quoted("i")} ON {table} (lower({quoted("2")})) WHERE {quoted("2")} <> {literal(NAME)};
        CREATE FUNCTION {schema}.{quoted("f")}({quoted()} text) RETURNS text LANGUAGE sql IMMUTABLE
            AS $body$ SELECT {literal(NAME)} $body$;
        CREATE FUNCTION {schema}.{quoted("g")}() RETURNS trigger LANGUAGE plpgsql
            AS $body$ BEGIN RETURN NEW; END $body$;
        CREATE TRIGGER {quoted("g")} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {schema}.{quoted("g")}();
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY {quoted("p")} ON {table} USING ({quoted("2")} <> {literal(NAME)});
        CREATE VIEW {schema}.{quoted("v")} AS SELECT {quoted()} AS {quoted("x")} FROM {table};
        CREATE ROLE {quoted()};
        GRANT SELECT ON {table} TO {quoted()};
    """
    return statements + "\n".join(f"COMMENT ON {part} IS {literal(LONG)};" for part in commented)


def steering(text: str) -> set[str]:
    """The characters in it that would move, colour or turn around what a terminal shows."""
    return {
        f"U+{ord(character):04X}"
        for character in text
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf")
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The migration in a folder that is named no better, with the contract that was drafted from it."""
    folder = tmp_path_factory.mktemp('host ile\'s "p" {x} %s')
    (folder / "migrations").mkdir()
    (folder / "migrations" / f"{STEM}.sql").write_text(script(), encoding="utf-8")
    (folder / "contracts").mkdir()
    drafted = command_here(folder)("draft", ".", "--accept")
    assert Said(code=0, out="", err=f"wrote contracts/{STEM}/contract.toml\n") == drafted
    return folder


@pytest.fixture(scope="module")
def run(project: Path) -> Run:
    return verify(load_project(project))


def test_what_is_drafted_from_hostile_names_is_kept_by_them(run: Run) -> None:
    actual = {finding.item for finding in run.findings if finding.status in (Status.UNKNOWN, Status.ERROR, Status.BROKEN)}

    assert (Decision.CLEAR, set()) == (run.verdict.decision, actual)


@pytest.mark.parametrize("form", formats())
def test_no_page_steers_a_terminal(run: Run, form: str) -> None:
    assert set() == steering(render(run, form))


@pytest.mark.parametrize("form", ["text", "github", "json"])
def test_no_refusal_steers_a_terminal(tmp_path: Path, form: str) -> None:
    said = f"RAISE EXCEPTION {literal(NAME)} USING DETAIL = {literal(LONG)}, HINT = {literal(LONG)};"
    (tmp_path / f"{STEM}.sql").write_text(f"DO $x$ BEGIN {said} END $x$;", encoding="utf-8")
    result = command_here(tmp_path)("verify", f"{STEM}.sql", "--format", form)

    assert (1, set(), "") == (result.code, steering(result.out), result.err)


def test_pytest_takes_and_tells_them(project: Path, tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    plain = ["-p", "no:hypothesispytest", "-p", "no:cacheprovider", "-rA", f"--junitxml={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, "--pgcontract", "."],
        cwd=project,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PGCONTRACT_", "PYTEST_"))},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    cases = [*ET.parse(report).iter("testcase")]

    assert (0, set(), True) == (done.returncode, steering(done.stdout + done.stderr), len(cases) > 60), done.stdout


def test_a_mistake_that_names_them_steers_nothing(tmp_path: Path) -> None:
    result = command_here(tmp_path)("verify", f"no\x1b[31m\u202e{STEM}")

    assert (2, set(), "") == (result.code, steering(result.err), result.out)
