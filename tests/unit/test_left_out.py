"""Files that a configuration leaves out: what a glob names, that it is told, and what the chain makes of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import RunOptions, load_project
from pgcontract.contract.left_out import matches
from pgcontract.contract.migration_folder import IssueKind
from pgcontract.errors import ContractError, InputError
from pgcontract.postgres.providers import Production
from pgcontract.reporting.markdown import first_screen
from pgcontract.result import Decision, Observations, Severity
from pgcontract.runner import Session, conclude, plan
from shared_server import shared_server
from written_files import write_files

FILES = {
    "migrations/1_a.sql": "CREATE TABLE public.a (id integer PRIMARY KEY);",
    "migrations/2_b.sql": "ALTER TABLE public.a ADD COLUMN note text;",
    "migrations/scratch.sql": "not SQL at all",
    "migrations/seed_1.sql": "INSERT INTO public.a VALUES (1);",
}


@pytest.mark.parametrize(("glob", "place", "expected"), [
    ("seed_*.sql", "db/migrations/seed_1.sql", True),
    ("seed_*.sql", "db/migrations/1_seed_1.sql", False),
    ("scratch", "db/scratch/1.sql", True),
    ("db/*.sql", "db/1.sql", True),
    ("db/*.sql", "db/migrations/1.sql", False),
    ("db/**/*.sql", "db/a/b/1.sql", True),
    ("db/**/*.sql", "db/1.sql", True),
    ("db/", "db/a/1.sql", True),
    ("./1.sql", "db/1.sql", False),
    ("./1.sql", "1.sql", True),
    ("DB/1.sql", "db/1.sql", False),
    ("db/[12]_?.sql", "db/2_a.sql", True),
])  # fmt: skip
def test_a_glob_names(glob: str, place: str, expected: bool) -> None:
    assert expected is matches(glob, tuple(place.split("/")))


def test_files_are_left_out_and_told(tmp_path: Path) -> None:
    toml = "# not ours\nleave_out = [\n  'scratch.sql',\n  'migrations/seed_*',\n]\n"
    project = load_project(write_files(tmp_path, {**FILES, "pgcontract.toml": toml}))
    expected = (
        f"1 file left out by {tmp_path}/pgcontract.toml:3: scratch.sql.",
        f"1 file left out by {tmp_path}/pgcontract.toml:4: seed_1.sql.",
    )

    assert (["1_a", "2_b"], expected) == ([migration.key for migration in project.chain], project.configured)


@cases(("layout", "files", "glob", "expected"), {
    "a folder in the folder": ("flyway", {"V1__a.sql": "", "old/V0__b.sql": ""}, "old", ["V1__a"]),
    "the only file of a folder": ("prisma",
        {"1_a/migration.sql": "", "2_b/migration.sql": "", "migration_lock.toml": 'provider = "postgresql"'},
        "2_b/migration.sql", ["1_a"]),
    "a file": ("golang-migrate", {"1_a.up.sql": "", "1_a.down.sql": "", "2_b.up.sql": ""}, "2_*", ["1_a"]),
})  # fmt: skip
def test_every_layout_passes_it_over_and_it_is_told_that_its_tool_does_not(
    layout: str, files: dict[str, str], glob: str, expected: list[str], tmp_path: Path
) -> None:
    settings = {"pgcontract.toml": f"leave_out = ['{glob}']\nrunner.layout = '{layout}'"}
    project = load_project(write_files(tmp_path, {name: text or "SELECT 1;" for name, text in files.items()} | settings))

    ((kind, severity, summary),) = [(issue.kind, issue.severity, issue.summary) for issue in project.issues]

    assert (expected, IssueKind.IGNORED, Severity.WARNING) == ([one.key for one in project.chain], kind, severity)
    assert f"is left out by {tmp_path}/pgcontract.toml:1, and {layout} runs it" in summary


@pytest.mark.parametrize(("glob", "expected"), [
    ("seeds/*.sql", "pgcontract.toml:1: leave_out[2]: 'seeds/*.sql' matches no file below "),
    (r"seeds\*.sql", " write / for \\"),
    ("../*.sql", "pgcontract.toml:1: leave_out[2]: '../*.sql' is no path below "),
    ("", "pgcontract.toml:1: leave_out[2]: '' is no path below "),
    ("/etc/*.sql", "pgcontract.toml:1: leave_out[2]: '/etc/*.sql' is no path below "),
])  # fmt: skip
def test_a_glob_that_names_nothing_is_refused(glob: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError) as caught:
        load_project(write_files(tmp_path, {**FILES, "pgcontract.toml": f"leave_out = ['scratch.sql', '{glob}']"}))

    assert expected in str(caught.value)


def test_a_glob_may_be_another_folders(tmp_path: Path) -> None:
    files = {"a/1_a.sql": "SELECT 1;", "b/x.sql": "", ".git/HEAD": "", "pgcontract.toml": "leave_out = ['x.sql']"}

    assert load_project(write_files(tmp_path, files) / "a").configured == ()


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no migrations but those that `leave_out`"):
        load_project(write_files(tmp_path, {**FILES, "pgcontract.toml": "leave_out = ['migrations']"}))


def test_a_contract_of_what_is_left_out_is_an_error(tmp_path: Path) -> None:
    files = {
        "contracts/2_b/contract.toml": 'migration = "2_b.sql"\n',
        "pgcontract.toml": "leave_out = ['2_b.sql', 's*.sql']",
    }

    with pytest.raises(ContractError, match="2_b"):
        load_project(write_files(tmp_path, {**FILES, **files}))


def test_what_the_chain_needs_is_missed(tmp_path: Path) -> None:
    project = load_project(write_files(tmp_path, {**FILES, "pgcontract.toml": "leave_out = ['1_a.sql', 's*.sql']"}))
    planned = plan(project, RunOptions(only=("script.applies",)))
    with Session(planned, provider=shared_server("auto", Production())) as session:
        run = conclude(planned, [one for item in planned.items for one in session.ask(item)], Observations())

    assert (True, True) == (
        run.verdict.decision in (Decision.BLOCKED, Decision.INCOMPLETE),
        "pgcontract.toml:1: 1_a.sql" in first_screen(run).replace("\\", "").replace("`", ""),
    )
