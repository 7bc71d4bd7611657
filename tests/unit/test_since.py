"""`--since REF`: what changed since a commit, and what of that a tool that has applied it would not take."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pgcontract.contract import FolderOptions, Project, load_project
from pgcontract.errors import InputError
from written_files import write_files

A, B, C = "CREATE TABLE a (id int);\n", "CREATE TABLE b (id int);\n", "CREATE TABLE c (id int);\n"
FILES = {"m/001_a.sql": A, "m/001_a.down.sql": "DROP TABLE a;\n", "m/002_b.sql": B, "m/003_c.sql": C}


def git(folder: Path, *words: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=True
    )
    return done.stdout


def commit(root: Path, *, is_main: bool = False) -> None:
    """All that stands there, on the branch that is checked out, and as `main` where that is asked."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "all")
    if is_main:
        git(root, "branch", "-f", "main")


def begin_repository(root: Path) -> None:
    """One with a first commit of what stands there, on `main`."""
    git(root, "init", "-q", "-b", "main", "--template=")
    commit(root)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_files(tmp_path_factory.mktemp("first"), FILES)
    begin_repository(root)
    git(root, "checkout", "-q", "-b", "work")
    return root


@pytest.fixture
def repository(first: Path, tmp_path: Path) -> Path:
    """With `main` at what FILES hold, and `work` checked out there."""
    return Path(shutil.copytree(first, tmp_path / "repository"))


def project_since(folder: Path, ref: str = "main", **more: str) -> Project:
    return load_project(folder, options=FolderOptions(since=ref, **more))  # type: ignore[arg-type]


def changed(project: Project) -> tuple[list[str], list[str]]:
    """What is pending, and what else is judged whole."""
    assert project.scope is not None
    pending = [migration.key for migration in project.pending]
    return pending, [key for key in project.scope.changes.every if key not in pending]


def issues(project: Project) -> list[tuple[str, str, str]]:
    kinds = ("migration.unchanged", "migration.in_order")
    return [
        (issue.kind.value, issue.subject, issue.severity.value if issue.severity else "")
        for issue in project.issues
        if issue.kind.value in kinds
    ]


def added(root: Path) -> object:
    return write_files(root, {"m/004_d.sql": "CREATE TABLE d (id int);\n"})


def edited(root: Path) -> object:
    return write_files(root, {"m/002_b.sql": "CREATE TABLE b (id bigint);\n"})


CHANGES: dict[str, tuple[Callable[[Path], object], list[str], list[str], list[tuple[str, str, str]]]] = {
    "nothing": (lambda root: None, [], [], []),
    "added": (added, ["004_d"], [], []),
    "edited": (edited, ["002_b"], [], [("migration.unchanged", "002_b.sql", "error")]),
    "reworded": (lambda root: write_files(root, {"m/002_b.sql": f"-- what it is for\n{B}"}), [], ["002_b"], []),
    "late": (
        lambda root: write_files(root, {"m/002_a0.sql": "CREATE TABLE d (id int);\n"}), ["002_a0"], [],
        [("migration.in_order", "002_a0.sql", "warning")],
    ),
    "renamed": (
        lambda root: git(root, "mv", "m/003_c.sql", "m/004_c.sql"), ["004_c"], [],
        [("migration.unchanged", "004_c.sql", "warning")],
    ),
    "deleted": (
        lambda root: (root / "m/002_b.sql").unlink(), [], [], [("migration.unchanged", "002_b.sql", "warning")]
    ),
    "way back": (lambda root: write_files(root, {"m/001_a.down.sql": "DROP TABLE a CASCADE;\n"}), [], ["001_a"], []),
    "contract": (lambda root: write_files(root, {"m/002_b.contract.toml": "migration = '002_b.sql'"}), [], ["002_b"], []),
}  # fmt: skip


@pytest.mark.parametrize("how", ["working tree", "staged", "committed"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changed_is_pending_or_judged_whole(
    change: tuple[Callable[[Path], object], list[str], list[str], list[tuple[str, str, str]]], how: str, repository: Path
) -> None:
    make, pending, others, told = change
    make(repository)
    if how != "working tree":
        git(repository, "add", "-A")
    if how == "committed":
        git(repository, "commit", "-q", "--allow-empty", "-m", "change")

    project = project_since(repository / "m")
    assert (pending, others, told) == (*changed(project), issues(project))


def test_where_the_work_left_main_is_what_it_is_compared_with(repository: Path) -> None:
    added(repository)
    commit(repository)
    git(repository, "checkout", "-q", "main")
    write_files(repository, {"m/005_theirs.sql": "CREATE TABLE e (id int);\n", "m/002_b.sql": f"-- theirs\n{B}"})
    commit(repository)
    git(repository, "checkout", "-q", "work")

    project = project_since(repository / "m")
    assert (["004_d"], [], [("migration.in_order", "004_d.sql", "warning")]) == (*changed(project), issues(project))
    assert ([], ["004_d"]) == (issues(applied := project_since(repository / "m", applied="3")), changed(applied)[0])


def arrived(root: Path, files: Mapping[str, str]) -> None:
    """These came to main after `work` had left it."""
    commit(root)
    git(root, "checkout", "-q", "main")
    write_files(root, files)
    commit(root)
    git(root, "checkout", "-q", "work")


# What is mine; what came to main meanwhile; what is told of mine. Between the two no file is in conflict.
MERGED: dict[str, tuple[dict[str, str], dict[str, str], list[tuple[str, str, str]]]] = {
    "before theirs": (
        {"m/004_d.sql": "SELECT 1;\n"}, {"m/005_e.sql": "SELECT 2;\n"}, [("migration.in_order", "004_d.sql", "warning")]
    ),
    "behind theirs": ({"m/005_d.sql": "SELECT 1;\n"}, {"m/004_e.sql": "SELECT 2;\n"}, []),
    "the number of theirs": (
        {"m/004_d.sql": "SELECT 1;\n"}, {"m/004_e.sql": "SELECT 2;\n"},
        [("migration.in_order", "004_d.sql", "warning"), ("migration.unique", "004_e.sql", "warning")],
    ),
    "the same file": ({"m/004_d.sql": "SELECT 1;\n"}, {"m/004_d.sql": "SELECT 1;\n"}, []),
    "what both edited": ({"m/004_d.sql": "SELECT 1;\n"}, {"m/002_b.sql": f"-- theirs\n{B}"}, []),
    "elsewhere": ({"m/004_d.sql": "SELECT 1;\n"}, {"other/005_e.sql": "SELECT 2;\n"}, []),
    "refused by its tool": (
        {"sql/V1__a.sql": A, "sql/V2__b.sql": B}, {"sql/V2__c.sql": C, "sql/V3__d.sql": "SELECT 2;\n"},
        [(f"migration.{check}", f"V{file}.sql", "error") for check, file in (
            ("in_order", "1__a"), ("in_order", "2__b"), ("unique", "2__c"))],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("mine", "theirs", "told"), MERGED.values(), ids=MERGED)
def test_what_came_to_main_meanwhile_is_what_mine_comes_behind(
    mine: dict[str, str], theirs: dict[str, str], told: list[tuple[str, str, str]], repository: Path
) -> None:
    write_files(repository, mine)
    arrived(repository, theirs)
    project = project_since(repository / next(iter(mine)).partition("/")[0])
    kinds = ("migration.in_order", "migration.unique", "migration.unchanged")

    assert told == sorted(
        (issue.kind.value, issue.subject, issue.severity.value if issue.severity else "")
        for issue in project.issues
        if issue.kind.value in kinds
    )
    assert all(Path(issue.path).exists() for issue in project.issues if issue.path)


# A file that is as it was, and runs otherwise: by a setting beside or above it, or by a file that it reads.
SETTINGS: dict[str, tuple[str, dict[str, str], dict[str, str], str]] = {
    "a placeholder's value": (
        "db/sql", {"db/flyway.conf": "flyway.placeholders.t=int\n", "db/sql/V1__x.sql": "CREATE TABLE x (id ${t});\n"},
        {"db/flyway.conf": "flyway.placeholders.t=bigint\n"}, "V1__x",
    ),
    "a placeholder's value far above": (
        "a/b/c/d/sql", {"conf/flyway.conf": "", "a/b/flyway.toml": "[flyway.placeholders]\nt = 'int'\n",
                        "a/b/c/d/sql/V1__x.sql": "CREATE TABLE x (id ${t});\n"},
        {"a/b/flyway.toml": "[flyway.placeholders]\nt = 'bigint'\n"}, "V1__x",
    ),
    "a script's own settings": (
        "sql", {"sql/V1__x.sql": "CREATE TABLE x (id int);\n"},
        {"sql/V1__x.sql.conf": "executeInTransaction=false\n"}, "V1__x",
    ),
    "metadata.toml": (
        "migrations", {"diesel.toml": "", "migrations/2020-01-01-000000_x/up.sql": A,
                       "migrations/2020-01-01-000000_x/down.sql": "DROP TABLE a;\n"},
        {"migrations/2020-01-01-000000_x/metadata.toml": "run_in_transaction = false\n"}, "2020-01-01-000000_x",
    ),
    "rows that it copies": (
        "p", {"p/001_x.sql": "CREATE TABLE x (id int);\n\\copy x from 'rows.csv'\n", "p/rows.csv": "1\n"},
        {"p/rows.csv": "2\n"}, "001_x",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("folder", "files", "change", "key"), SETTINGS.values(), ids=SETTINGS)
def test_file_that_runs_otherwise_by_a_setting_has_changed(
    folder: str, files: dict[str, str], change: dict[str, str], key: str, repository: Path
) -> None:
    write_files(repository, files)
    commit(repository, is_main=True)
    assert ([], []) == changed(project_since(repository / folder))
    write_files(repository, change)
    project = project_since(repository / folder)

    assert ([key], []) == changed(project)
    assert [("migration.unchanged", "warning")] == [(kind, weight) for kind, _, weight in issues(project)]


def test_what_the_configuration_leaves_out_is_not_gone_and_what_it_leaves_out_since_is(repository: Path) -> None:
    write_files(repository, {"pgcontract.toml": 'leave_out = ["mine_*.sql"]\n', "m/mine_x.sql": "SELECT 1;\n"})
    commit(repository, is_main=True)
    assert ([], [], []) == (*changed(project := project_since(repository / "m")), issues(project))
    write_files(repository, {"pgcontract.toml": 'leave_out = ["mine_*.sql", "003_*.sql"]\n'})

    assert [("migration.unchanged", "003_c.sql", "warning")] == issues(project_since(repository / "m"))


def test_runner_of_the_owner_s_is_no_change_of_each_file(repository: Path) -> None:
    write_files(repository, {"pgcontract.toml": '[runner]\ntransaction = "all"\n'})

    assert ([], []) == changed(project_since(repository / "m"))


def test_git_is_asked_for_the_folder_of_the_migrations_wherever_one_stands(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "other"), "-b", "other")
    added(tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", ".git")  # as in a hook
    monkeypatch.setenv("GIT_INDEX_FILE", "index")

    assert ([], []) == changed(project_since(repository / "m"))
    assert (["004_d"], []) == changed(project_since(tmp_path / "other" / "m"))


def test_folder_inside_of_a_submodule_is_compared_in_that(repository: Path, tmp_path: Path) -> None:
    outer = write_files(tmp_path / "outer", {"readme": "x\n"})
    git(outer, "init", "-q", "-b", "trunk")
    git(outer, "submodule", "add", "-q", "-b", "main", str(repository), "db")
    commit(outer)
    added(outer / "db")

    assert (["004_d"], []) == changed(project_since(outer / "db" / "m"))


def test_names_may_be_any_that_git_quotes(repository: Path) -> None:
    name = 'm/004_grüße "x"\ty.sql'
    write_files(repository, {name: "CREATE TABLE d (id int);\n"})
    assert ([Path(name).stem], []) == changed(project_since(repository / "m", "main^{/a..}"))  # its words: all

    commit(repository, is_main=True)
    assert ([], []) == changed(project_since(repository / "m"))


def test_line_ends_of_a_checkout_are_no_change(repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "true")
    (repository / "m/002_b.sql").write_bytes(B.replace("\n", "\r\n").encode())

    assert ([], []) == changed(project_since(repository / "m"))


def test_edit_in_the_moment_of_the_commit_is_seen(repository: Path) -> None:
    write_files(repository, {"m/002_b.sql": B.replace("b", "x")})
    git(repository, "commit", "-qam", "x")
    git(repository, "branch", "-f", "main")
    write_files(repository, {"m/002_b.sql": B})
    index = (repository / ".git/index").stat().st_mtime_ns
    os.utime(repository / "m/002_b.sql", ns=(index, index))

    assert (["002_b"], []) == changed(project_since(repository / "m"))


def test_what_git_is_told_not_to_look_at_is_looked_at(repository: Path) -> None:
    git(repository, "update-index", "--assume-unchanged", "m/002_b.sql")
    edited(repository)

    assert (["002_b"], []) == changed(project_since(repository / "m"))


def test_ignored_files_are_taken_for_what_was_there_and_told(repository: Path) -> None:
    write_files(repository, {"m/004_mine.sql": "CREATE TABLE d (id int);\n", ".gitignore": "*_mine.sql\n"})
    project = project_since(repository / "m")

    assert ([], []) == changed(project)
    assert project.scope is not None
    assert ("Taken for what was there, as git ignores them: 004_mine.sql.",) == project.scope.sentences


def test_file_that_git_passes_over_since_is_compared_with_what_it_was(repository: Path) -> None:
    git(repository, "rm", "-q", "--cached", "m/002_b.sql")
    write_files(repository, {".gitignore": "002_*\n", "m/002_b.sql": "CREATE TABLE b (id bigint);\n"})
    project = project_since(repository / "m")

    assert (["002_b"], [], [("migration.unchanged", "002_b.sql", "error")]) == (*changed(project), issues(project))
    assert project.scope is not None
    assert () == project.scope.sentences


def test_way_back_that_runs_otherwise_has_changed(repository: Path) -> None:
    files = {"f/V1__a.sql": A, "f/U1__a.sql": "DROP TABLE a;\n"}
    write_files(repository, files)
    commit(repository, is_main=True)
    write_files(repository, {"f/U1__a.sql.conf": "executeInTransaction=false\n"})

    assert ([], ["V1__a"]) == changed(project_since(repository / "f"))


# Liquibase compares neither blanks nor rollbacks, and a changeset that is added changes no other of its file.
@pytest.mark.parametrize(("text", "told"), [
    ("--comment: c\n\n{0}--rollback DROP TABLE a;\n--changeset k:2\n{1}", []),
    ("-- c\n{0}--changeset k:2\n{1}", [("migration.unchanged", "a.sql", "error")]),
], ids=["beside it", "in it"])  # fmt: skip
def test_changeset_is_compared_and_not_its_file(text: str, told: list[tuple[str, str, str]], repository: Path) -> None:
    head = "--liquibase formatted sql\n--changeset k:1\n"
    write_files(repository, {"l/a.sql": head + A})
    commit(repository)
    write_files(repository, {"l/a.sql": head + text.format(A, B)})

    project = project_since(repository / "l", "HEAD")
    assert (["a-2"], ["a-1"], told) == (*changed(project), issues(project))


def test_included_file_changes_those_that_include_it(repository: Path) -> None:
    write_files(repository, {"m/004_i.sql": "\\ir parts/x.sql\n", "m/parts/x.sql": "CREATE TABLE x (id int);\n"})
    commit(repository, is_main=True)
    assert ([], []) == changed(project_since(repository / "m"))

    write_files(repository, {"m/parts/x.sql": "CREATE TABLE x (id bigint);\n"})
    project = project_since(repository / "m")
    assert (["004_i"], [], [("migration.unchanged", "004_i.sql", "error")]) == (*changed(project), issues(project))


def test_journal_that_is_reordered_moves_what_it_lists(repository: Path) -> None:
    entries = [f'{{"tag": "{tag}", "when": {when}}}' for tag, when in (("1_a", 1), ("2_b", 2), ("3_c", 3))]
    journal = '{"entries": [%s]}'
    files = {"d/1_a.sql": A, "d/2_b.sql": B, "d/3_c.sql": C, "d/meta/_journal.json": journal % ", ".join(entries)}
    write_files(repository, files)
    commit(repository, is_main=True)
    write_files(repository, {"d/meta/_journal.json": journal % ", ".join((entries[1], entries[2], entries[0]))})

    project = project_since(repository / "d")
    assert (["1_a"], [], [("migration.in_order", "1_a.sql", "warning")]) == (*changed(project), issues(project))


def test_file_that_was_no_sql_then_is_new(repository: Path) -> None:
    (repository / "m/002_b.sql").write_bytes(b"\xff\xfe broken")
    git(repository, "commit", "-qam", "no text")
    git(repository, "branch", "-f", "main")
    write_files(repository, {"m/002_b.sql": B})
    project = project_since(repository / "m")

    assert (["002_b"], [], [("migration.in_order", "002_b.sql", "warning")]) == (*changed(project), issues(project))


def test_folder_that_could_not_be_read_then_is_all_changed(repository: Path) -> None:
    write_files(repository, {"d/1_a.sql": A, "d/2_b.sql": B, "d/meta/_journal.json": "{"})
    commit(repository, is_main=True)
    entries = '{"entries": [{"tag": "1_a", "when": 1}, {"tag": "2_b", "when": 2}]}'
    write_files(repository, {"d/meta/_journal.json": entries})
    project = project_since(repository / "d")

    assert (["1_a", "2_b"], [], []) == (*changed(project), issues(project))
    assert project.scope is not None
    assert project.scope.sentences[0].startswith("What was there at main cannot be read (this is not JSON")


def test_folder_that_was_not_there_is_all_new(repository: Path) -> None:
    write_files(repository, {"other/1_x.sql": A})
    assert (["1_x"], []) == changed(project_since(repository / "other"))


def test_what_is_said_to_be_applied_comes_before_what_changed(repository: Path) -> None:
    edited(repository)
    added(repository)
    unapplied = project_since(repository / "m", applied="1")
    applied = project_since(repository / "m", applied="3")

    assert (["002_b", "003_c", "004_d"], []) == ([each.key for each in unapplied.pending], issues(unapplied))
    assert (["004_d"], [("migration.unchanged", "002_b.sql", "error")]) == (
        [each.key for each in applied.pending],
        issues(applied),
    )


def shallow(repository: Path, *words: str) -> Path:
    added(repository)
    commit(repository)
    clone = repository.parent / "clone"
    git(repository, "clone", "-q", "-b", "work", *words, repository.as_uri(), str(clone))
    return clone


def test_shallow_clone_is_one_error_with_a_command_that_mends_it(repository: Path) -> None:
    clone = shallow(repository, "--depth=1")
    with pytest.raises(InputError) as error:
        project_since(clone / "m", "origin/main")
    command = "git fetch --unshallow origin +refs/heads/main:refs/remotes/origin/main"

    assert f"--since origin/main: no commit of this clone is called so. The clone is shallow. Type: {command}" == str(
        error.value
    )
    git(clone, *command.split()[1:])
    assert (["004_d"], []) == changed(project_since(clone / "m", "origin/main"))


def test_shallow_clone_that_has_the_commit_and_not_where_the_two_part(repository: Path) -> None:
    clone = shallow(repository, "--depth=1", "--no-single-branch")
    with pytest.raises(InputError) as error:
        project_since(clone / "m", "origin/main")

    command = "git fetch --unshallow origin"
    assert str(error.value).endswith(f"where origin/main and HEAD part is not in it. Type: {command}")
    git(clone, *command.split()[1:])
    assert (["004_d"], []) == changed(project_since(clone / "m", "origin/main"))


MISTAKES = {
    "no such commit": ("nope", "--since nope: no commit of this clone is called so. Look whether it is spelled so"),
    "a range": ("main..work", "--since main..work: no commit of this clone is called so"),
    "an option": ("--output=x", "--since '--output=x' is no name of a commit"),
    "nothing": ("", "--since '' is no name of a commit"),
}


@pytest.mark.parametrize(("ref", "words"), MISTAKES.values(), ids=MISTAKES)
def test_name_that_is_no_commit_is_one_error(ref: str, words: str, repository: Path) -> None:
    with pytest.raises(InputError) as error:
        project_since(repository / "m", ref)

    assert str(error.value).startswith(words)


def test_folder_of_no_repository_and_missing_git_are_one_error(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "plain", {"1_a.sql": A})
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(InputError, match="git says that this folder is of no repository"):
        project_since(tmp_path / "plain")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed, or not in PATH"):
        project_since(repository / "m")


def test_nothing_is_written_into_the_repository(repository: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        paths = sorted(path for path in repository.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in paths}

    added(repository)
    os.utime(repository / "m/001_a.sql")
    before = state()
    project_since(repository / "m")

    assert before == state()
