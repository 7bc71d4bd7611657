"""What is printed to type for the same run again is what was typed, but for where the answer goes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
from command import Command
from pgcontract.cli.verify import command
from pgcontract.reporting.again import again_command
from pgcontract.reporting.json import from_json
from test_since import begin_repository
from written_files import write_files

# What only says where the answer goes, or what becomes of a file.
ELSEWHERE = {"report", "json_file", "destinations", "verbose", "watch", "write_baseline", "prune_baseline"}
PLAIN = {
    "--layout": "flat",
    "--set": "password=geheim zu halten",
    "--setup": "set up.sql",
    "--since": "main",
    "--stats": "rows.csv",
    "--platform": "supabase",
    "--baseline": "known.toml",
    "--pg": "none",
    "--seed": "7",
    "--max-examples": "3",
    "--rows": "1000",
    "--timeout": "1500ms",
    "--through": "002",
    "--only": "table.*",
    "--skip": "column.*",
}
FILES = {
    "m/001_a.sql": "CREATE TABLE a (id int);\n",
    "m/002_b.sql": "CREATE TABLE b (id int);\n",
    "set up.sql": "SELECT 1;\n",
    "p/migration_lock.toml": 'provider = "postgresql"\n',
    "p/1_kites/migration.sql": "CREATE TABLE kites (tail text);\n",
    "applied.csv": "migration_name,checksum,finished_at,rolled_back_at\n1_kites,c3,2026-01-01,\n",
    "rows.csv": "table,rows\npublic.a,5\n",
    "known.toml": "format = 1\n",
    "a.contract.toml": 'migration = "001_a.sql"\n',
}


@pytest.fixture
def again(pgcontract: Command, tmp_path: Path) -> Callable[..., list[str]]:
    """What is printed to type after a run by these words."""
    write_files(tmp_path, FILES)
    begin_repository(tmp_path)

    def run(*words: str) -> list[str]:
        pgcontract("verify", *words, "--json", "run.json")
        page = pgcontract("report", "--first-screen", "run.json").out
        (line,) = [line for line in page.splitlines() if "Run it again" in line]
        return shlex.split(line.split("`")[1])

    return run


@pytest.mark.parametrize("words", [
    ["m", *(word for pair in PLAIN.items() for word in pair)],
    ["m", "--applied", "001_a", "--no-baseline", "--strict", "--pg", "none", "--seed", "0"],
    ["p", "--history", "applied.csv", "--pg", "none", "--seed", "0"],
    ["m/001_a.sql", "--contract", "a.contract.toml", "--pg", "none", "--seed", "0"],
], ids=["most", "what does not go with these", "a history", "a contract"])  # fmt: skip
def test_each_option_that_changes_what_is_asked_is_repeated(words: list[str], again: Callable[..., list[str]]) -> None:
    typed = again(*words)

    shown = [word.replace("geheim zu halten", "${password}") for word in words]
    assert sorted(["pgcontract", "verify", *shown]) == sorted(typed)


def test_what_needs_a_server_or_a_program_is_repeated() -> None:
    run = from_json((Path(__file__).parents[1] / "golden/shipped.run.json").read_text("utf-8"))
    options = replace(run.options, pg="dsn:host=h", pg_run_as="user=u", linters=("squawk",))
    usual, typed = (shlex.split(again_command(one)) for one in (run, replace(run, options=options)))

    assert ["--pg", "dsn:host=h", "--pg-run-as", "user=u", "--with", "squawk"] == [
        word for word in typed if word not in usual
    ]


def test_every_option_is_repeated_or_says_where_the_answer_goes() -> None:
    known = {*PLAIN, "--history", "--applied", "--no-baseline", "--strict", "--contract", "--pg-run-as", "--with"}
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]

    assert ELSEWHERE == {str(option.name) for option in options if not known & set(option.opts)}
