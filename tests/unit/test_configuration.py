"""Configuration: where it is found, two files read as one, and every mistake with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract.contract.configuration import place_in_repository, read_configuration
from pgcontract.contract.project import Project
from pgcontract.contract.project_loading import load_project
from pgcontract.errors import ContractError, InputError
from refusals import refusal
from written_files import write_files

PYPROJECT = """
[project]
name = "shop"

[tool.pgcontract.production]
postgres = 16
tables = { "public.a" = 5_000_000 }

[tool.other]
seed = 4
"""
BARE = {"db/sql/1_a.sql": "CREATE TABLE a (id integer);", "db/sql/2_b.sql": "CREATE TABLE b (id integer);"}
REPOSITORY = {".git/HEAD": "", **BARE}


def _project(tmp_path: Path, files: dict[str, str], path: str = "db/sql") -> Project:
    return load_project(write_files(tmp_path, files) / path)


@cases("files", {
    "pyproject.toml at the repository's root": {"pyproject.toml": PYPROJECT},
    "pyproject.toml above the folder": {"db/pyproject.toml": PYPROJECT},
    "pyproject.toml in the folder": {"db/sql/pyproject.toml": PYPROJECT},
    "pgcontract.toml in the folder": {
        "db/sql/pgcontract.toml": '[production]\npostgres = 16\n[production.tables]\n"public.a" = 5_000_000'},
    "some keys in each": {"pyproject.toml": PYPROJECT.replace("postgres = 16", ""),
        "db/pgcontract.toml": "production.postgres = 16"},
    "the nearest, and no other of its name": {
        "db/pgcontract.toml": 'production = {postgres = 16, tables."public.a" = 5000000}', "pgcontract.toml": "no"},
    "the nearest pyproject.toml that has the table": {"db/pyproject.toml": "[project]\nname = 'pgcontract'",
        "pyproject.toml": PYPROJECT},
})  # fmt: skip
def test_a_bare_folder_has_what_its_configuration_says(files: dict[str, str], tmp_path: Path) -> None:
    project = _project(tmp_path, {**REPOSITORY, **files})

    assert (16, {"public.a": 5_000_000}, "flat") == (project.postgres, project.table_rows, project.layout)


def test_a_bare_folder_has_every_key_of_a_project(tmp_path: Path) -> None:
    toml = """
    seed = 7
    [runner]
    layout = "flyway"
    applied = "1"
    transaction = "all"
    [production]
    platform = "supabase"
    locale = "en_US.UTF-8"
    [document]
    owner = "Ann"
    """
    files = {"V1__a.sql": "CREATE TABLE a (id integer);", "V2__b.sql": "SELECT 1;", "pgcontract.toml": toml}
    project = _project(tmp_path, files, ".")
    expected = (7, "flyway", "V1__a", "supabase", "en_US.UTF-8", "Ann")

    assert expected == (
        project.seed, project.layout, project.applied, project.platform, project.locale, project.document["owner"],
    )  # fmt: skip


@cases(("files", "cwd"), {
    "a repository": ({"pgcontract.toml": "no", "repo/.git/HEAD": ""}, "repo"),
    "a worktree or submodule": ({"pgcontract.toml": "no", "repo/.git": "gitdir: elsewhere"}, "."),
    "no repository, but the working folder": ({"pgcontract.toml": "no"}, "repo"),
})  # fmt: skip
def test_nothing_is_looked_for_outside(
    files: dict[str, str], cwd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_files(tmp_path, {f"repo/{name}": text for name, text in BARE.items()} | files)
    write_files(root / "repo", {"pyproject.toml": PYPROJECT})
    monkeypatch.chdir(root / cwd)

    assert load_project(root / "repo" / "db" / "sql").postgres == 16


def test_without_a_repository_the_folder_alone_is_asked(tmp_path: Path) -> None:
    assert _project(tmp_path, {**BARE, "db/pgcontract.toml": "no"}).files == ()


def test_the_home_folder_is_the_last_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {".git/HEAD": "", "pgcontract.toml": "no"})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert _project(tmp_path / "home" / "work", BARE).files == ()


@cases(("files", "expected"), {
    "a key in both": ({"pgcontract.toml": "# why\n[production]\npostgres = 17\n", "pyproject.toml": PYPROJECT},
        "{}/pgcontract.toml:3: `production.postgres` is said at {}/pyproject.toml:6 too; keep one"),
    "a key in both, in two folders": (
        {"db/sql/pgcontract.toml": '[production.tables]\n"public.a" = 1\n', "pyproject.toml": PYPROJECT},
        '{}/db/sql/pgcontract.toml:2: `production.tables."public.a"` is said at {}/pyproject.toml:7 too; keep one'),
    "a key that is not known": ({"pyproject.toml": "[tool.pgcontract.prodution]\npostgres = 17"},
        "{}/pyproject.toml:1: `prodution` is not known at the top of the file; did you mean `production`?"),
    "a key that stands in a table": ({"pyproject.toml": "[tool.pgcontract]\nlayuot = 'flyway'"},
        "{}/pyproject.toml:2: `layuot` is not known at the top of the file; did you mean `runner.layout`?"),
    "no table": ({"pyproject.toml": "[tool]\npgcontract = 3"},
        "{}/pyproject.toml:2: tool.pgcontract: expected a table of keys"),
    "no TOML": ({"pyproject.toml": "[tool.pgcontract]\nseed = \n"},
        "{}/pyproject.toml:2: this is not TOML: Invalid value. Mend the line"),
    "a migration that is none": ({"pyproject.toml": "[tool.pgcontract.runner]\napplied = '3'\n"},
        "{}/pyproject.toml:2: runner.applied: no migration is called '3'; known here: 1_a, 2_b"),
    "a layout that is none": ({"pyproject.toml": "[tool.pgcontract.runner]\nlayout = 'flywya'\n"},
        "{}/pyproject.toml:2: runner.layout: no layout is called 'flywya'; did you mean `flyway`?"),
    "an outline": ({"pyproject.toml": PYPROJECT + '[[tool.pgcontract.report.section]]\nid = "mine"'},
        "{}/pyproject.toml:11: section mine has no `title`; give it one, or name a default section: "),
})  # fmt: skip
def test_a_mistake_has_its_file_and_line(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert refusal(_project, tmp_path, {**REPOSITORY, **files}).startswith(expected.replace("{}", str(tmp_path)))


def test_another_ones_file_may_be_no_toml(tmp_path: Path) -> None:
    assert _project(tmp_path, {**REPOSITORY, "pyproject.toml": "= 3"}).files == ()


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret.toml": "seed = 3", **{f"repo/{name}": text for name, text in REPOSITORY.items()}})
    (tmp_path / "repo" / "pgcontract.toml").symlink_to(tmp_path / "secret.toml")

    with pytest.raises(InputError, match="symbolic link that leads out"):
        read_configuration(tmp_path / "repo" / "db")


def test_the_rest_of_pyproject_changes_no_digest(tmp_path: Path) -> None:
    before = _project(tmp_path, {**REPOSITORY, "pyproject.toml": PYPROJECT}).files
    more = _project(tmp_path, {"pyproject.toml": PYPROJECT.replace("seed = 4", "seed = 5")}).files
    changed = _project(tmp_path, {"pyproject.toml": PYPROJECT.replace("16", "17")}).files

    assert (True, False) == (before == more, before == changed)


def test_farther_files_are_told(tmp_path: Path) -> None:
    write_files(tmp_path, {**REPOSITORY, "pgcontract.toml": "no", "db/sql/pgcontract.toml": "seed = 3"})

    assert (tmp_path / "pgcontract.toml",) == read_configuration(tmp_path / "db" / "sql").passed_over


def test_a_project_reads_what_is_above_it(tmp_path: Path) -> None:
    files = {".git/HEAD": "", "db/migrations/1_a.sql": "CREATE TABLE a (id integer);", "pyproject.toml": PYPROJECT}

    assert _project(tmp_path, files, "db").postgres == _project(tmp_path, files, "db/migrations/1_a.sql").postgres == 16


def test_one_file_needs_not_be_the_one_that_is_applied(tmp_path: Path) -> None:
    files = {**BARE, "db/sql/pgcontract.toml": "runner.applied = '1'\nproduction.postgres = 16"}
    project = _project(tmp_path, files, "db/sql/2_b.sql")

    assert (16, None) == (project.postgres, project.applied)


def test_a_refusal_of_a_whole_file_is_a_contract_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError):
        _project(tmp_path, {**REPOSITORY, "pgcontract.toml": "seed = 'x'"})


@pytest.mark.parametrize(
    ("repository", "expected"), [("", "back/api"), ("back", "api"), ("back/api", ""), (None, "")], ids=str
)
def test_working_folder_is_placed_in_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: str | None, expected: str
) -> None:
    (tmp_path / "back/api").mkdir(parents=True)
    if repository is not None:
        (tmp_path / repository / ".git").write_text("gitdir: elsewhere", encoding="utf-8")  # as a worktree has it
    monkeypatch.chdir(tmp_path / "back/api")

    assert expected == place_in_repository()
