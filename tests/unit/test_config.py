"""`pgcontract config`: every value with where it comes from, and no secret."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
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


@pytest.mark.parametrize(("arguments", "environment", "key", "expected"), [
    pytest.param((), {}, "seed", (7, "db/sql/pgcontract.toml:2"), id="the nearest file"),
    pytest.param((), {"PGCONTRACT_SEED": "8"}, "seed", (8, "PGCONTRACT_SEED"), id="the environment before it"),
    pytest.param(("--seed", "9"), {"PGCONTRACT_SEED": "8"}, "seed", (9, "--seed"), id="an option before that"),
    pytest.param((), {}, "blocks", ("warning", "pyproject.toml:2"), id="pyproject.toml"),
    pytest.param((), {}, 'severity."lock.*"', ("error", "db/sql/pgcontract.toml:4"), id="a severity"),
    pytest.param((), {}, "leave_out", (["x", "y"], "pyproject.toml:3"), id="a list"),
    pytest.param((), {}, 'production.tables."public.a"', (5, "pyproject.toml:6"), id="a table's rows"),
    pytest.param(("--stats", "f"), {}, "production.tables", ("f", "--stats"), id="in the place of a table"),
    pytest.param((), {}, "runner.layout", ("told by looking", "default"), id="a default in words"),
    pytest.param((), {}, "runner.role", ("not said", "default"), id="no default"),
    pytest.param((), {"PGCONTRACT_PLATFORM": "postgres"}, "production.platform", ("postgres", "PGCONTRACT_PLATFORM"),
                 id="it"),
    pytest.param((), {"PGCONTRACT_PROJECT_REF": "abc"}, "document.project_ref", ("abc", "PGCONTRACT_PROJECT_REF"),
                 id="ref"),
    pytest.param((), {}, "timeout", ("120s", "default"), id="the run's own"),
    pytest.param((), {"PGCONTRACT_PG": "17"}, "pg", ("17", "PGCONTRACT_PG"), id="a server"),
])  # fmt: skip
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
