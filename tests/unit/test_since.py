"""`--since REF`: what changed since a commit, and what of that a tool that has applied it would not take."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pgcontract.contract import FolderOptions, Project, load_project
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


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With `main` at what FILES hold, and `work` checked out there."""
    root = write_files(tmp_path / "repository", FILES)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    git(root, "checkout", "-q", "-b", "work")
    return root


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


def added(root: Path) -> None:
    write_files(root, {"m/004_d.sql": "CREATE TABLE d (id int);\n"})


def edited(root: Path) -> None:
    write_files(root, {"m/002_b.sql": "CREATE TABLE b (id bigint);\n"})


def reworded(root: Path) -> None:
    write_files(root, {"m/002_b.sql": f"-- what it is for\n{B}"})


def late(root: Path) -> None:
    write_files(root, {"m/0011_d.sql": "CREATE TABLE d (id int);\n", "m/0020_e.sql": ""})
    (root / "m/0020_e.sql").unlink()
    shutil.move(root / "m/0011_d.sql", root / "m/002_a0.sql")


def renamed(root: Path) -> None:
    git(root, "mv", "m/003_c.sql", "m/004_c.sql")


def deleted(root: Path) -> None:
    (root / "m/002_b.sql").unlink()


def way_back(root: Path) -> None:
    write_files(root, {"m/001_a.down.sql": "DROP TABLE a CASCADE;\n"})


def contract(root: Path) -> None:
    write_files(root, {"m/002_b.contract.toml": 'migration = "002_b.sql"\n'})


CHANGES: dict[str, tuple[Callable[[Path], None], list[str], list[str], list[tuple[str, str, str]]]] = {
    "nothing": (lambda root: None, [], [], []),
    "added": (added, ["004_d"], [], []),
    "edited": (edited, ["002_b"], [], [("migration.unchanged", "002_b.sql", "error")]),
    "reworded": (reworded, [], ["002_b"], []),
    "late": (late, ["002_a0"], [], [("migration.in_order", "002_a0.sql", "warning")]),
    "renamed": (renamed, ["004_c"], [], [("migration.unchanged", "004_c.sql", "warning")]),
    "deleted": (deleted, [], [], [("migration.unchanged", "002_b.sql", "warning")]),
    "way back": (way_back, [], ["001_a"], []),
    "contract": (contract, [], ["002_b"], []),
}


@pytest.mark.parametrize("how", ["working tree", "staged", "committed"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changed_is_pending_or_judged_whole(
    change: tuple[Callable[[Path], None], list[str], list[str], list[tuple[str, str, str]]], how: str, repository: Path
) -> None:
    make, pending, others, told = change
    make(repository)
    if how != "working tree":
        git(repository, "add", "-A")
    if how == "committed":
        git(repository, "commit", "-q", "--allow-empty", "-m", "change")

    project = project_since(repository / "m")
    assert (pending, others, told) == (*changed(project), issues(project))
