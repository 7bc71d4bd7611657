"""`[runner]` in pgcontract.toml: how a runner of the owner's own runs the migrations."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import ContractError, FolderOptions, Project, RunOptions, load_project, verify
from pgcontract.contract import json_schema
from pgcontract.model.sql import Execution, TransactionScope
from pgcontract.result import Status
from refusals import refusal
from written_files import write_files

MIGRATIONS = {
    "migrations/1_a.sql": "CREATE TABLE public.a (i integer);\n",
    "migrations/1_a.down.sql": "DROP TABLE public.a;\n",
    "migrations/2_b.sql": "CREATE TABLE public.b (i integer);\n",
}


def project_of(
    root: Path, runner: str, files: dict[str, str] | None = None, options: FolderOptions | None = None
) -> Project:
    toml = f"[production]\npostgres = 17\n\n[runner]\n{runner}\n"
    return load_project(write_files(root, {"pgcontract.toml": toml, **(files or MIGRATIONS)}), options=options)


FILE, ALL, MESSAGE = TransactionScope.FILE, TransactionScope.ALL, TransactionScope.MESSAGE


@cases(("runner", "execution", "sentences"), {
    "nothing said": ("", Execution(), []),
    "a file": ('transaction = "file"', Execution(transaction=FILE, outside_transaction=False),
        ["Run as [runner] in pgcontract.toml says: each file in a transaction."]),
    "all": ('transaction = "all"', Execution(transaction=ALL, outside_transaction=False),
        ["Run as [runner] in pgcontract.toml says: all pending files in one transaction."]),
    "a message": ('transaction = "message"', Execution(outside_transaction=False),
        ["Run as [runner] in pgcontract.toml says: each file as one message."]),
    "a statement": ('transaction = "statement"', Execution(by_statement=True, outside_transaction=False),
        ["Run as [runner] in pgcontract.toml says: each statement by itself."]),
    "who, and again": ('repeats = true\nrole = "App"', Execution(repeatable=True, role="App"),
        ["Run as [runner] in pgcontract.toml says: every file again and again, by the role App."]),
})  # fmt: skip
def test_runner_has_the_last_word_on_both_ways(
    runner: str, execution: Execution, sentences: list[str], tmp_path: Path
) -> None:
    project = project_of(tmp_path, runner)
    ways = [way.execution for migration in project.chain for way in (migration.up, migration.down) if way]

    assert ([execution] * 3, sentences) == (ways, [*project.assumptions[1:]])


def test_layout_of_the_runner(tmp_path: Path) -> None:
    project = project_of(tmp_path, 'layout = "supabase"')

    assert ("supabase", "Read as supabase (as [runner] in pgcontract.toml says)") == (
        project.layout,
        project.assumptions[0].partition(":")[0],
    )


def test_command_line_comes_before_the_layout_and_the_last_applied(tmp_path: Path) -> None:
    options = FolderOptions(layout="flat", applied="2_b")
    project = project_of(tmp_path, 'layout = "supabase"\napplied = "1_a"', options=options)

    assert ("flat", "2_b") == (project.layout, project.applied)


@pytest.mark.parametrize("word", ["1_a", "1", "001", "1_a.sql"])
def test_what_is_pending_follows_the_last_applied(word: str, tmp_path: Path) -> None:
    assert ["2_b"] == [migration.key for migration in project_of(tmp_path, f'applied = "{word}"').pending]


@cases(("runner", "expected"), {
    "layout": ('layout = "flywy"', "5: runner.layout: no layout is called 'flywy'; did you mean `flyway`?"),
    "applied": ('\napplied = "b"', "6: runner.applied: no migration is called 'b'; known here: 1_a, 2_b"),
    "transaction": ('transaction = "files"',
        "5: runner.transaction: the text 'files' is not known; did you mean `file`?"),
    "repeats": ("repeats = 1", "5: runner.repeats: expected true or false, found the number 1"),
    "role": ('role = ""', "5: runner.role is empty; The role that it runs them as, by SET ROLE."),
    "another key": ("rol = 1", "5: `rol` is not known in runner; did you mean `role`?"),
})  # fmt: skip
def test_mistake_has_its_line(runner: str, expected: str, tmp_path: Path) -> None:
    assert f"{tmp_path}/pgcontract.toml:{expected}" == refusal(project_of, tmp_path, runner, error=ContractError)


def test_json_schema_has_its_keys() -> None:
    schema = json_schema("pgcontract")

    assert ["layout", "transaction", "repeats", "applied", "role"] == [*schema["$defs"]["RunnerSpec"]["properties"]]


CONCURRENTLY = {**MIGRATIONS, "migrations/2_b.sql": "SELECT 1;\nCREATE INDEX CONCURRENTLY x ON public.a (i);\n"}


@pytest.mark.parametrize(
    ("transaction", "status"),
    [("file", Status.BROKEN), ("all", Status.BROKEN), ("message", Status.BROKEN), ("statement", Status.KEPT)],
)
def test_transaction_is_the_runners(transaction: str, status: Status, tmp_path: Path) -> None:
    project = project_of(tmp_path, f'transaction = "{transaction}"', CONCURRENTLY)

    assert status is verify(project, RunOptions(only=("script.applies",))).findings[-1].status


def test_what_repeats_is_run_again(tmp_path: Path) -> None:
    run = verify(project_of(tmp_path, "repeats = true"), RunOptions(only=("script.rerun",)))
    expected = [("1_a", Status.BROKEN), ("2_b", Status.BROKEN)]

    assert expected == [(finding.migration, finding.status) for finding in run.findings]


SETUP = 'CREATE ROLE "App owner";\nGRANT "App owner" TO CURRENT_USER;\nGRANT CREATE ON SCHEMA public TO "App owner";\n'
ASKS_WHO = {
    "migrations/1_a.sql": "CREATE TABLE public.a AS SELECT current_user::text AS who;\n",
    "migrations/1_a.down.sql": "DROP TABLE public.a;\n",
    "migrations/2_b.sql": "DO $$ BEGIN\n"
    "  IF (SELECT who FROM public.a) <> 'App owner' OR current_user <> 'App owner' THEN\n"
    "    RAISE 'it is %', current_user;\n  END IF;\nEND $$;\nALTER TABLE public.a ADD COLUMN i integer;\n",
    "migrations/2_b.down.sql": "ALTER TABLE public.a DROP COLUMN i;\n",
    "setup.sql": SETUP,
}


@pytest.mark.parametrize("transaction", ["file", "message", "statement"])
def test_role_runs_every_migration(transaction: str, tmp_path: Path) -> None:
    write_files(tmp_path, ASKS_WHO)
    options = FolderOptions(setup=tmp_path / "setup.sql")
    project = project_of(tmp_path, f'role = "App owner"\ntransaction = "{transaction}"', ASKS_WHO, options)
    run = verify(project, RunOptions(only=("script.applies", "script.transaction", "script.atomic", "rollback.restores")))

    assert [] == [finding for finding in run.findings if finding.status not in (Status.KEPT, Status.NOTED)]


ENUM = {
    "migrations/1_a.sql": "CREATE TYPE public.mood AS ENUM ('sad');\n"
    "CREATE TABLE public.a (who text DEFAULT current_user);\n",
    "migrations/2_b.sql": "ALTER TYPE public.mood ADD VALUE 'glad';\nINSERT INTO public.a DEFAULT VALUES;\n",
    "migrations/3_c.sql": "SELECT 'glad'::public.mood;\n"
    "DO $$ BEGIN ASSERT (SELECT who FROM public.a) = 'App owner'; END $$;\n",
    "setup.sql": SETUP,
}


@cases(("transaction", "expected"), {
    "all": ("all", [("migration.one_transaction", Status.BROKEN), ("script.applies", Status.KEPT)]),
    "each file": ("file", [("script.applies", Status.KEPT)]),
})  # fmt: skip
def test_new_label_is_used_only_where_it_is_committed(
    transaction: str, expected: list[tuple[str, Status]], tmp_path: Path
) -> None:
    write_files(tmp_path, ENUM)
    options = FolderOptions(setup=tmp_path / "setup.sql", applied="1")
    project = project_of(tmp_path, f'role = "App owner"\ntransaction = "{transaction}"', ENUM, options)
    run = verify(project, RunOptions(only=("script.applies", "migration.*")))

    assert expected == [
        (finding.check, finding.status)
        for finding in sorted(run.findings, key=lambda finding: finding.check)
        if finding.migration == "3_c" and finding.check in ("migration.one_transaction", "script.applies")
    ]


def test_role_that_is_not_there_is_told_with_what_makes_it(tmp_path: Path) -> None:
    project = project_of(tmp_path, 'role = "App owner"')

    assert (
        "[runner] role = 'App owner': the server refuses SET ROLE, role \"App owner\" does not exist "
        '(SQLSTATE 22023). Give what makes it with --setup FILE: CREATE ROLE "App owner"; '
        'GRANT "App owner" TO CURRENT_USER;'
    ) == refusal(verify, project, RunOptions(only=("script.applies",)))
