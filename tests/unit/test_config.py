"""`pgcontract config`: every value with where it comes from, and no secret."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from case_tables import cases
from command import command_here
from pgcontract.contract.configuration import Configuration, read_configuration
from pgcontract.contract.project_file import ProjectSpec
from pgcontract.contract.settings import settings
from written_files import write_files

FILES = {
    ".git/HEAD": "",
    "db/sql/1_a.sql": "SELECT 1;",
    "db/sql/pgcontract.toml": '# ours\nseed = 7\n[severity]\n"lock.*" = "error"\n',
    "pyproject.toml": '[tool.pgcontract]\nblocks = "warning"\nleave_out = ["x", "y"]\n[tool.pgcontract.production]\n'
    'platform = "supabase"\ntables = { "public.a" = 5 }\n',
    "pgcontract.toml": "seed = 1\n",
    "x": "",
    "y": "",
}


def said(root: Path, *arguments: str, **environment: str) -> dict[str, tuple[Any, str]]:
    run = command_here(write_files(root, FILES))
    document = json.loads(run("config", "db/sql", "--format", "json", *arguments, **environment).out)
    return {one["key"]: (one["value"], one["from"]) for one in document["settings"]}


@cases(("arguments", "environment", "key", "expected"), {
    "the nearest file": ((), {}, "seed", (7, "db/sql/pgcontract.toml:2")),
    "the environment before it": ((), {"PGCONTRACT_SEED": "8"}, "seed", (8, "PGCONTRACT_SEED")),
    "an option before that": (("--seed", "9"), {"PGCONTRACT_SEED": "8"}, "seed", (9, "--seed")),
    "pyproject.toml": ((), {}, "blocks", ("warning", "pyproject.toml:2")),
    "a severity": ((), {}, 'severity."lock.*"', ("error", "db/sql/pgcontract.toml:4")),
    "a list": ((), {}, "leave_out", (["x", "y"], "pyproject.toml:3")),
    "a table's rows": ((), {}, 'production.tables."public.a"', (5, "pyproject.toml:6")),
    "in the place of a table": (("--stats", "f"), {}, "production.tables", ("f", "--stats")),
    "a default in words": ((), {}, "runner.layout", ("told by looking", "default")),
    "no default": ((), {}, "runner.role", ("not said", "default")),
    "it": ((), {"PGCONTRACT_PLATFORM": "postgres"}, "production.platform", ("postgres", "PGCONTRACT_PLATFORM")),
    "ref": ((), {"PGCONTRACT_PROJECT_REF": "abc"}, "document.project_ref", ("abc", "PGCONTRACT_PROJECT_REF")),
    "the run's own": ((), {}, "timeout", ("120s", "default")),
    "a server": ((), {"PGCONTRACT_PG": "17"}, "pg", ("17", "PGCONTRACT_PG")),
})  # fmt: skip
def test_a_value_says_where_it_is_from(
    arguments: tuple[str, ...], environment: dict[str, str], key: str, expected: tuple[Any, str], tmp_path: Path
) -> None:
    assert expected == said(tmp_path, *arguments, **environment)[key]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_printed(form: str, tmp_path: Path) -> None:
    run = command_here(write_files(tmp_path, FILES))
    secrets = {"PGCONTRACT_PG": "dsn:postgresql://u:hunter2@h/d", "PGCONTRACT_PG_RUN_AS": "postgresql://w:hunter2@h/d"}
    given = ("--set", "name=hunter2", "--history", "dsn:host=h password=hunter2")
    printed = run("config", "db/sql", "--format", form, *given, **secrets)

    assert (0, False, True) == (printed.code, "hunter2" in printed.out + printed.err, "PGCONTRACT_PG" in printed.out)


def test_glob_that_matches_nothing_is_refused_as_verify_does(tmp_path: Path) -> None:
    root = write_files(tmp_path, FILES)
    (root / "y").unlink()
    printed = command_here(root)("config", "db/sql")

    assert (2, True) == (printed.code, "leave_out[2]: 'y' matches no file below" in printed.err)


def test_the_page_names_the_files(tmp_path: Path) -> None:
    printed = command_here(write_files(tmp_path, FILES))("config", "db/sql").out.splitlines()
    expected = [
        "Read for db/sql: pyproject.toml, db/sql/pgcontract.toml",
        "Not read: pgcontract.toml, as there is a nearer one",
    ]

    assert expected == printed[:2]


def test_a_mistake_is_one_error(tmp_path: Path) -> None:
    files = {**FILES, "db/sql/pgcontract.toml": "blocks = 'warning'"}
    printed = command_here(write_files(tmp_path, files))("config", "db/sql")
    expected = "error: db/sql/pgcontract.toml:1: `blocks` is said at pyproject.toml:2 too; keep one\n"

    assert (2, "", expected) == (printed.code, printed.out, printed.err)


def test_every_key_is_told(tmp_path: Path) -> None:
    told = {setting.key.partition(".")[0] for setting in settings(read_configuration(tmp_path))}

    assert set(ProjectSpec.model_fields) == told


def test_the_page_of_the_configuration_has_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))

    assert {setting.key for setting in settings(Configuration())} == rows
