"""The commands that ask no server: list, explain, schema, help."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from command import Command, Said
from pgcontract.runner import check_infos


def test_version_is_the_distributions(process: Command) -> None:
    assert Said(code=0, out=f"pgcontract {version('pgcontract')}\n", err="") == process("--version")


def test_list_names_every_check_once(process: Command) -> None:
    assert list(check_infos()) == [line.split()[0] for line in process("list").out.splitlines()]


def test_explain_prints_the_words_of_the_check(process: Command) -> None:
    info = check_infos()["claim.decided"]
    words = (
        f"claim.decided · error\n\n{info.title}.\n\nWhy it matters: {info.why}\n\n"
        f"How it is measured: {info.how}\n\nWhat to do: {info.remedy}\n"
    )

    said, _, _ = process("explain", "claim.decided").out.partition("\n\nKept:\n")

    assert words.split() == said.split()


def test_explain_takes_an_item_as_a_report_names_it(pgcontract: Command) -> None:
    assert pgcontract("explain", "column.type") == pgcontract("explain", "column.type[email]")


@pytest.mark.parametrize("file", ["contract.toml", "claims.toml", "pgcontract.toml", "run.json"])
def test_schema_is_a_json_schema_of_that_file(pgcontract: Command, file: str) -> None:
    actual = json.loads(pgcontract("schema", file.partition(".")[0]).out)

    assert ("https://json-schema.org/draft/2020-12/schema", file) == (actual["$schema"], actual["title"])


def test_no_arguments_print_the_help(process: Command) -> None:
    assert process("--help") == process()


@pytest.mark.parametrize("command", ["verify", "list", "explain", "draft", "report", "doctor", "schema"])
def test_help_names_every_command(pgcontract: Command, command: str) -> None:
    assert f"\n  {command} " in pgcontract().out
