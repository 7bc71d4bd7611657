"""One path names a chain of migrations: a project, a folder of .sql files, or one .sql file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
from case_tables import cases
from pgcontract.contract import Project, load_project
from pgcontract.contract.layouts import layouts
from pgcontract.errors import InputError
from refusals import refusal
from written_files import write_files

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files into the test's folder, which it gives back."""

    return partial(write_files, tmp_path)


def _keys(project: Project) -> list[str]:
    return [migration.key for migration in project.chain]


def _contract(migration: str, more: str = "") -> str:
    return f'migration = "{migration}"\n{more}\n'


A = _contract("a.sql")
ITS_PLACE = "contracts/a/contract.toml"
PROJECT = {
    "pgcontract.toml": 'seed = 7\n[production]\nplatform = "supabase"\npostgres = 17\n[document]\nowner = "Ann"\n',
    "migrations/001_a.sql": "",
    "migrations/001_a.down.sql": "",
    "migrations/002_b.sql": "",
    "contracts/001_a/contract.toml": _contract("001_a.sql", '[table."public.a"]'),
    "contracts/001_a/claims.toml": '[[claim]]\nid = "A"\ndescription = "a"\nchecks = ["table.present[public.a]"]\n',
}


def test_a_project_has_the_settings_of_its_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGCONTRACT_PROJECT_REF", raising=False)
    project = load_project(write(PROJECT))
    expected = ("supabase", 17, 7, {"owner": "Ann"})

    assert expected == (project.platform, project.postgres, project.seed, project.document)


def test_the_environment_names_the_project_ref(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_PROJECT_REF", "abc")

    assert {"owner": "Ann", "project_ref": "abc"} == load_project(write(PROJECT)).document


def test_a_migration_has_its_way_back_and_its_contract(write: Write) -> None:
    root = write(PROJECT)
    expected = [
        ("001", str(root / "migrations" / "001_a.down.sql"), f"{root}/contracts/001_a/contract.toml"),
        ("002", None, None),
    ]

    assert expected == [
        (migration.display_name, migration.down and migration.down.path, migration.contract and migration.contract.path)
        for migration in load_project(root).chain
    ]


def test_a_claim_keeps_its_reference_and_its_line(write: Write) -> None:
    contract = load_project(write(PROJECT)).chain[0].contract
    assert contract is not None
    claim = contract.claims[0]
    expected = ("A", "table.present[public.a]", 4)

    assert expected == (claim.id, str(claim.checks[0]), claim.checks[0].origin and claim.checks[0].origin.line)


@pytest.mark.parametrize("path", [".", "migrations"])
def test_a_project_is_named_by_its_folder_or_its_migrations(path: str, write: Write) -> None:
    assert load_project(write(PROJECT)) == load_project(write(PROJECT) / path)


def test_a_file_of_a_project_is_found_from_inside(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(PROJECT) / "migrations")

    assert ["001_a", "002_b"] == _keys(load_project("002_b.sql"))


def test_a_folder_of_files_is_a_chain_on_plain_postgresql(write: Write) -> None:
    project = load_project(write({"1_a.sql": "", "1_a.down.sql": "", "10_c.sql": "", "2_b.sql": "", "notes.txt": ""}))

    assert ("postgres", None, ["1_a", "2_b", "10_c"]) == (project.platform, project.postgres, _keys(project))


@cases(("files", "path"), {
    "a file": ({"a.sql": "", "a.contract.toml": A}, "a.sql"),
    "project": ({"migrations/a.sql": "", "migrations/a.contract.toml": A}, "."),
    "file": ({"migrations/a.sql": "", "migrations/a.contract.toml": A}, "migrations/a.sql"),
    "beside, where others are in contracts": (
        {"contracts/b/contract.toml": _contract("b.sql"), "migrations/b.sql": "", "migrations/a.sql": "",
         "migrations/a.contract.toml": A, "migrations/a.claims.toml": ""}, "migrations"),
    "folder called otherwise, and another's contracts": (
        {"sql/a.sql": "", "sql/a.contract.toml": A, "contracts/foundry.toml": "[profile]"}, "sql"),
    "a project around it": ({"sql/a.sql": "", "sql/a.contract.toml": A, "migrations/a.sql": "", ".git/HEAD": "",
                             "contracts/a/contract.toml": A}, "sql"),
    "another folder within": ({"a.sql": "", "a.contract.toml": A, "old/a.sql": "", "old/a.contract.toml": A}, "a.sql"),
})  # fmt: skip
def test_a_contract_beside_its_migration_is_read(files: dict[str, str], path: str, write: Write) -> None:
    assert all(migration.contract for migration in load_project(write(files) / path).chain)


@cases(("files", "path", "wrong", "right"), {
    "among the migrations": ({"migrations/contract.toml": A}, ".", "migrations/contract.toml", ITS_PLACE),
    "beside the folder": ({"contract.toml": A}, "migrations", "contract.toml", ITS_PLACE),
    "no folder of its own": ({"contracts/a.toml": A}, ".", "contracts/a.toml", ITS_PLACE),
    "called as beside": ({"contracts/a/a.contract.toml": A}, ".", "contracts/a/a.contract.toml", ITS_PLACE),
    "a capital": ({"contracts/a/Contract.toml": A}, ".", "contracts/a/Contract.toml", ITS_PLACE),
    "a folder too deep": ({"contracts/2024/a/contract.toml": A}, ".", "contracts/2024/a/contract.toml", ITS_PLACE),
    "folder called otherwise": ({"contract/a/contract.toml": A}, ".", "contract/a/contract.toml", ITS_PLACE),
    "contracts within": ({"migrations/contracts/a/contract.toml": A}, ".", "migrations/contracts/a/contract.toml",
        ITS_PLACE),
    "claims beside the folder": ({ITS_PLACE: A, "claims.toml": '[[claim]]\nid = "A"\n'}, "migrations", "claims.toml",
        None),
    "claims beside the migration": ({ITS_PLACE: A, "migrations/a.claims.toml": ""}, ".", "migrations/a.claims.toml",
        "contracts/a/claims.toml"),
    "of a migration that is not there": ({"migrations/c.contract.toml": _contract("c.sql")}, ".",
        "migrations/c.contract.toml", None),
    "no TOML": ({"migrations/a.contract.toml": "migration ="}, "migrations/b.sql", None, None),
})  # fmt: skip
def test_a_contract_that_would_be_passed_over_is_an_error(
    files: dict[str, str], path: str, wrong: str | None, right: str | None, write: Write
) -> None:
    root = write({"migrations/a.sql": "", "migrations/b.sql": "", **files})
    message = refusal(load_project, root / path).replace(f"{root}/", "")

    assert wrong is None or message.startswith(f"{wrong}: ")
    assert right is None or f"read from {right}; move it there: " in message


def test_contracts_above_the_project_are_an_error(write: Write) -> None:
    root = write({".git/HEAD": "", "db/migrations/a.sql": "", "contracts/a/contract.toml": A})
    expected = (
        "contracts/a/contract.toml: would be passed over: what goes with a.sql is read from "
        "db/contracts/a/contract.toml; move it there: mkdir -p db/contracts/a && "
        "mv contracts/a/contract.toml db/contracts/a/contract.toml"
    )

    assert expected == refusal(load_project, root / "db").replace(f"{root}/", "")


def test_a_contract_can_be_named_for_a_file(write: Write) -> None:
    root = write({"a.sql": "", "elsewhere/x.toml": _contract("a.sql", '[table."public.a"]')})

    project = load_project(root / "a.sql", contract=root / "elsewhere" / "x.toml")

    assert ["public.a"] == [table.name for table in project.declared("a").tables]


@pytest.mark.parametrize("name", ["1", "001", "001_a", "001_a.sql"])
def test_the_head_is_moved_by_key_display_name_or_file_name(name: str, write: Write) -> None:
    assert ["001_a"] == _keys(load_project(write(PROJECT)).through(name))


@cases(("files", "path", "expected"), {
    "missing path": ({}, "schema",
        "schema: there is no such file or folder; name a project, a folder of migrations, or one .sql file"),
    "empty folder": ({"schema/x.txt": ""}, "schema",
        "schema: holds no migrations that are known here. Its files, such as x.txt, do not end in .sql: where they "
        "are SQL, rename them; one can be read by `pgcontract verify - < FILE`. Looked for those of {layouts}"),
    "project without migrations": ({"contracts/x/contract.toml": ""}, ".",
        "migrations: is no folder to read migrations from: No such file or directory"),
    "another file": ({"a.txt": ""}, "a.txt", "a.txt: is no .sql file; name one, or a folder of them"),
    "rollback script": ({"1_a.down.sql": ""}, "1_a.down.sql",
        "1_a.down.sql: is a rollback script; name the migration it belongs to"),
    "after what is not there": ({"1_a.sql": "", "1_a.contract.toml": _contract("1_a.sql", 'after = "0_z"')}, ".",
        "1_a.contract.toml:2: after = '0_z' names no migration that is there; known here: 1_a"),
    "circle": (
        {"1_a.sql": "", "1_a.contract.toml": _contract("1_a.sql", 'after = "2_b"'),
         "2_b.sql": "", "2_b.contract.toml": _contract("2_b.sql", 'after = "1_a"')}, ".",
        "1_a.contract.toml:2: these migrations wait for each other: 1_a after 2_b, 2_b after 1_a; "
        "take one `after` away"),
    "contract for what is not there": ({**PROJECT, "contracts/x/contract.toml": _contract("003_c.sql")}, ".",
        "contracts/x/contract.toml:1: migration = '003_c.sql' is no file that is there; did you mean `002_b.sql`?"),
    "two contracts for one migration": ({**PROJECT, "contracts/x/contract.toml": _contract("001_a.sql")}, ".",
        "contracts/x/contract.toml:1: 001_a.sql has a contract already, contracts/001_a/contract.toml; "
        "keep one of the two"),
    "claims without a contract": ({**PROJECT, "contracts/x/claims.toml": ""}, ".",
        "contracts/x/claims.toml: claims need a contract.toml beside them"),
})  # fmt: skip
def test_mistakes_in_a_chain(files: dict[str, str], path: str, expected: str, write: Write) -> None:
    root = write(files)
    said = refusal(load_project, root / path)

    assert expected.replace("{layouts}", ", ".join(layouts())) == said.replace(f"{root}/", "")


@pytest.mark.parametrize(("head", "contract", "expected"), [
    (None, "x.toml", "a contract of its own goes with one .sql file; name the file instead of the folder"),
    ("002_c", None, "no migration is called '002_c'; did you mean `002_b`?"),
], ids=["a contract for a folder", "an unknown head"])  # fmt: skip
def test_what_a_project_cannot_be_asked(head: str | None, contract: str | None, expected: str, write: Write) -> None:
    root = write(PROJECT)
    said = refusal(lambda: load_project(root, contract=contract and root / contract).through(head or "001"))

    assert f"{root}: {expected}" == said


LINKS = {
    "migration": "migrations/002_b.sql",
    "way back": "migrations/001_a.down.sql",
    "contract": "contracts/001_a/contract.toml",
    "claims": "contracts/001_a/claims.toml",
    "settings": "pgcontract.toml",
    "folder of a contract": "contracts/001_a",
    "folder of contracts": "contracts",
    "folder of migrations": "migrations",
}


def _moved_out(root: Path, name: str, room: Path) -> Path:
    """What stands there is somewhere else now, and a link in its place leads to it."""
    target = room / "elsewhere"
    (root / name).rename(target)
    (root / name).symlink_to(target)
    return target


@pytest.mark.parametrize("name", LINKS.values(), ids=LINKS)
def test_a_link_out_of_the_project_is_not_followed(
    name: str, write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = write(PROJECT)
    target = _moved_out(root, name, tmp_path_factory.mktemp("room"))
    expected = (f"is, or lies behind, a symbolic link that leads out of {root}, to {target}", True)

    message = refusal(load_project, root)
    assert expected == (message.partition(": ")[2].partition(f"{target}")[0] + str(target), str(root / name) in message)


@pytest.mark.parametrize("name", ["2_b.sql", "1_a.down.sql", "1_a.contract.toml", "1_a.claims.toml"])
def test_a_link_out_of_a_folder_of_files_is_not_followed(
    name: str, write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = {"1_a.sql": "", "1_a.down.sql": "", "2_b.sql": "", "1_a.contract.toml": _contract("1_a.sql")}
    root = write({**files, "1_a.claims.toml": ""})
    _moved_out(root, name, tmp_path_factory.mktemp("room"))
    with pytest.raises(InputError, match="symbolic link that leads out of"):
        load_project(root)


@pytest.mark.parametrize("name", LINKS.values(), ids=LINKS)
def test_a_link_to_nothing_is_not_passed_over(name: str, write: Write) -> None:
    root = write(PROJECT)
    (root / name).rename(root / "moved")
    (root / name).symlink_to(root / "gone")
    with pytest.raises(InputError):
        read_scripts(load_project(root))


def test_a_link_inside_the_project_is_as_good_as_a_file(write: Write) -> None:
    root = write({**PROJECT, "shared/b.sql": "SELECT 1;"})
    (root / "migrations/002_b.sql").unlink()
    (root / "migrations/002_b.sql").symlink_to("../shared/b.sql")

    assert ["", "SELECT 1;"] == read_scripts(load_project(root))


def test_a_link_that_is_named_outright_is_followed(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = write({"a.sql": "SELECT 1;"})
    _moved_out(root, "a.sql", tmp_path_factory.mktemp("room"))

    assert ["SELECT 1;"] == read_scripts(load_project(root / "a.sql"))


def read_scripts(project: Project) -> list[str]:
    return [link.up.text for link in project.chain]


HASURA = {"migrations/default/1_a/up.sql": "SELECT 1;", "migrations/default/1_a/down.sql": "SELECT 2;"}
DB_MIGRATE = {"migrations/1-a.js": "", "migrations/sqls/1-a-up.sql": "SELECT 1;", "migrations/sqls/1-a-down.sql": ""}


OLD = {"migrations/1_a.sql": "SELECT 1;", "migrations/old/0_b.sql": "SELECT 0;"}
AFTER = {"1_a.sql": "", "2_b.sql": "", "3_c.sql": "", "3_c.contract.toml": _contract("3_c.sql", 'after = "1_a"')}


@cases(("files", "path", "keys"), {
    "a file of a project is its head": (PROJECT, "migrations/001_a.sql", ["001_a"]),
    "a file alone": ({"anything.sql": "", "001_a.sql": ""}, "anything.sql", ["anything"]),
    "`after` has precedence over digits": (AFTER, ".", ["1_a", "3_c", "2_b"]),
    "Hasura's folder": (HASURA, "migrations/default", ["1_a"]),
    "Hasura's migration": (HASURA, "migrations/default/1_a", ["1_a"]),
    "Hasura's file": (HASURA, "migrations/default/1_a/up.sql", ["1_a"]),
    "db-migrate's folder": (DB_MIGRATE, "migrations/sqls", ["1-a-up"]),
    "db-migrate's file": (DB_MIGRATE, "migrations/sqls/1-a-up.sql", ["1-a-up"]),
    "a folder within migrations": (OLD, "migrations/old", ["0_b"]),
    "a file in it": (OLD, "migrations/old/0_b.sql", ["0_b"]),
})  # fmt: skip
def test_path_names_its_chain(files: dict[str, str], path: str, keys: list[str], write: Write) -> None:
    assert keys == _keys(load_project(write(files) / path))


@pytest.mark.parametrize(("files", "named"), [
    ({"src/main/resources/db/migration/V1__a.sql": "SELECT 1;"}, "src/main/resources/db (flyway)"),
    ({"apps/api/prisma/migrations/1_a/migration.sql": "SELECT 1;"}, "apps/api/prisma/migrations (prisma)"),
    ({"cmd/api/migrations/1_a.sql": "SELECT 1;"}, "cmd/api/migrations (flat)"),
    ({"apps/a/db/migrate/1_a.rb": "class A < ActiveRecord::Migration[7.0]"}, "apps/a (Rails)"),
])  # fmt: skip
def test_error_names_the_folder_to_type_however_deep(files: dict[str, str], named: str, write: Write) -> None:
    more = {"a/node_modules/x/migrations/1_a.sql": "SELECT 1;", "docs/a/x.sql": "SELECT 1;"}
    root = write(files | more)

    with pytest.raises(InputError, match="down there is") as refused:
        load_project(root)

    assert str(refused.value).endswith(f"down there is {root / named}: name that")
