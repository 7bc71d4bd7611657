"""PATH left out: the one project or folder of migrations below the working folder, or what to type."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from case_tables import cases
from command import command_here
from pgcontract.cli import commands
from pgcontract.contract.found_folder import find_folder, folder_below
from pgcontract.errors import InputError
from refusals import refusal
from written_files import write_files

SQL = "CREATE TABLE public.a (id integer PRIMARY KEY);"


def found(root: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch, at: str = ".") -> tuple[str, str]:
    monkeypatch.chdir(write_files(root, {name: text or SQL for name, text in files.items()}) / at)
    folder = find_folder("pgcontract verify")
    return str(folder.path), folder.name


@cases(("files", "expected"), {
    "project": ({"schema/migrations/1_a.sql": "", "schema/contracts/x/y": " "}, ("schema", "project")),
    "settings beside it": ({"a/migrations/1_a.sql": "", "a/pgcontract.toml": " "}, ("a", "project")),
    "the working folder": ({"migrations/1_a.sql": "", "contracts/x": " "}, (".", "project")),
    "called so": ({"db/migrations/1_a.sql": ""}, ("db/migrations", "flat")),
    "all in order": ({"db/patches/001_a.sql": ""}, ("db/patches", "flat")),
    "within it": ({"1_a.sql": "", "2_b.sql": ""}, (".", "flat")),
    "in order": ({"migrations/v1/1_a.sql": "", "migrations/v2/1_b.sql": ""}, ("migrations", "flat")),
    "most in order": ({"x/1_a.sql": "", "x/2_b.sql": "", "x/tmp.sql": ""}, ("x", "flat")),
    "flyway": ({"x/db/migration/V1__a.sql": ""}, ("x/db/migration", "flyway")),
    "golang-migrate": ({"db/1_a.up.sql": "", "db/1_a.down.sql": ""}, ("db", "golang-migrate")),
    "prisma": ({"prisma/migrations/1_a/migration.sql": "", "prisma/migrations/2_b/migration.sql": "", "prisma/x": " "},
        ("prisma/migrations", "prisma")),
    "diesel, whatever it is called": (
        {"diesel/1_a/up.sql": "", "diesel/1_a/down.sql": "", "diesel/2_b/up.sql": "", "diesel/2_b/down.sql": ""},
        ("diesel", "diesel")),
    "not dependencies, hidden folders, tests and examples": (
        {f"{name}/migrations/1_a.sql": "" for name in ("db", "vendor", ".x", "tests", "examples")},
        ("db/migrations", "flat")),
    "not a virtual environment": ({"db/migrations/1_a.sql": "", "py/pyvenv.cfg": " ", "py/migrations/1_a.sql": ""},
        ("db/migrations", "flat")),
    "not whatever is SQL": (
        {"db/migrations/1_a.sql": "", "sql/report.sql": "SELECT 1;", "db/seeds/1_s.sql": "", "db/schema.sql": ""},
        ("db/migrations", "flat")),
    "not what `pgcontract release` wrote": (
        {"db/migrations/1_a.sql": "", "rel/.pgcontract.json": "{}", "rel/sql/1_a.sql": "", "rel/back/1_a.sql": ""},
        ("db/migrations", "flat")),
})  # fmt: skip
def test_the_one_folder_is_found(
    files: dict[str, str], expected: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert expected == found(tmp_path, files, monkeypatch)


def test_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"db/migrations/1_a.sql": SQL})
    (tmp_path / "db" / "again").symlink_to(tmp_path)
    (tmp_path / "also").symlink_to(tmp_path / "db")

    assert ("db/migrations", "flat") == found(tmp_path, {}, monkeypatch)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = write_files(tmp_path, {"db/migrations/1_a.sql": SQL, "closed/1_a.sql": SQL}) / "closed"
    closed.chmod(0)
    try:
        assert ("db/migrations", "flat") == found(tmp_path, {}, monkeypatch)
    finally:
        closed.chmod(0o700)


def test_two_are_listed_with_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a/migrations/1_a.sql": "", "b/V1__a.sql": "", "c/migrations/1_a.sql": "", "c/contracts/x": " "}
    expected = (
        "PATH is left out, and there are several below the working folder. Name one:\n"
        "  pgcontract verify a/migrations  (flat)\n"
        "  pgcontract verify b  (flyway)\n"
        "  pgcontract verify c  (project)"
    )

    assert expected == refusal(found, tmp_path, files, monkeypatch)


def test_none_says_what_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(found, tmp_path, {"x/report.txt": "", "tests/migrations/1_a.sql": ""}, monkeypatch)
    words = ("no project (contracts/ beside migrations/)", "flyway", "node_modules", "tests", "pgcontract verify PATH")

    assert [True] * 5 == [word in said for word in words]


def test_sql_of_nobody_known_is_named_with_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as caught:
        found(tmp_path, {"the dump.sql": "", "sql/a.sql": "", "sql/b.sql": "", "tests/1_a.sql": ""}, monkeypatch)

    assert str(caught.value).endswith("verified:\n  pgcontract verify 'the dump.sql'\n  pgcontract verify sql")


def test_what_is_not_read_is_found_where_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    django = {"app/migrations/0001_initial.py": "class Migration: pass", "app/migrations/__init__.py": " "}

    assert ("app/migrations", "Django") == found(tmp_path, django, monkeypatch)
    assert ("db/migrations", "flat") == found(tmp_path, {**django, "db/migrations/1_a.sql": ""}, monkeypatch)


def test_verify_names_it_first(tmp_path: Path) -> None:
    run = command_here(write_files(tmp_path, {"db/migrations/1_a.sql": SQL}))
    said, data = run("verify", "--pg", "none"), run("verify", "--pg", "none", "--format", "json")
    sentence = "No PATH was given: taken is db/migrations, the one folder of migrations (flat) below the working folder."

    assert (sentence, sentence, "{") == (said.out.splitlines()[0], data.err.splitlines()[0], data.out[0])


@cases(("files", "named", "expected"), {
    "a repository": ({"db/migrations/1_a.sql": ""}, ".", "db/migrations"),
    "below migrations/": ({"migrations/v2/1_a.sql": ""}, ".", "migrations/v2"),
    "a part of one": ({"x/db/patches/1_a.sql": "", "y/1.sql": ""}, "x", "x/db/patches"),
    "not where SQL lies in it": ({"db/migrations/1_a.sql": "", "report.sql": ""}, ".", None),
    "not one of two": ({"a/migrations/1_a.sql": "", "b/migrations/1_a.sql": ""}, ".", None),
    "not past a project": ({"migrations/1_a.sql": "", "x/migrations/1_a.sql": ""}, ".", None),
    "not what is not read": ({"a/migrations/0001_a.py": " ", "a/migrations/__init__.py": " "}, ".", None),
    "not where there is none": ({"empty/x": " "}, "empty", None),
    "not for a file": ({"db/migrations/1_a.sql": ""}, "db/migrations/1_a.sql", None),
})  # fmt: skip
def test_a_folder_without_migrations_is_taken_for_the_one_below_it(
    files: dict[str, str], named: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_files(tmp_path, {name: text or SQL for name, text in files.items()}))
    folder = folder_below(Path(named))

    assert expected == (str(folder.path) if folder else None)


def test_verify_of_a_repository_names_what_it_takes(tmp_path: Path) -> None:
    said = command_here(write_files(tmp_path, {"db/migrations/1_a.sql": SQL}))("verify", ".", "--pg", "none")
    sentence = (
        "There are no migrations in . itself: taken is db/migrations, the one folder of migrations (flat) below it."
    )

    assert sentence == said.out.splitlines()[0]


@pytest.mark.parametrize("words", [("verify",), ("draft",), ("history",), ("config",)], ids=" ".join)
def test_each_command_says_what_to_type(words: tuple[str, ...], tmp_path: Path) -> None:
    files = {"a/migrations/1_a.sql": SQL, "b/migrations/1_a.sql": SQL}
    said = command_here(write_files(tmp_path, files))(*words)

    assert (2, True) == (said.code, f"\n  pgcontract {words[0]} a/migrations  (flat)" in said.err)


OPTIONS = [
    pytest.param(option, id=f"{name} {option.opts[0]}")
    for name in ("verify", "draft", "config", "doctor", "history")
    for command in [commands.get_command(click.Context(commands), name)]
    if command
    for option in command.params
    if isinstance(option, click.Option) and not option.is_flag
]


@pytest.mark.parametrize("option", OPTIONS)
def test_help_names_every_default(option: click.Option) -> None:
    assert "[default: " in (option.help or "") or (option.show_default and option.default)
