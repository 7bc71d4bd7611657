"""The files that a project was read from, with their digests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pgcontract.contract import Project
from pgcontract.model.sql import Script
from pgcontract.result import SourceFile


def source_files(project: Project) -> tuple[SourceFile, ...]:
    """Those of the whole project, then each migration's in the chain's order: its way up, its way back, its contract."""
    return tuple(_files(project))


def project_path(project: Project) -> str:
    """What a command is given to read it again: its folder, or the one script that it is."""
    script = Path(project.head.up.path)
    alone = len(project.chain) == 1 and script.parent == project.root
    return str(script if alone else project.root)


def _files(project: Project) -> Iterator[SourceFile]:
    yield from project.files
    if project.baseline is not None:
        yield from project.baseline.files
    if project.setup is not None:
        yield _script("setup", "", project.setup)
    yield from (_script("seed", seed.path, seed) for seed in project.seeds)
    yield from (_script("callback", callback.path, callback) for callback in project.callbacks)
    for migration in project.chain:
        yield _script("migration", migration.key, migration.up)
        if migration.down is not None:
            yield _script("rollback", migration.key, migration.down)
        if migration.contract is not None:
            yield from migration.contract.files


def _script(role: str, key: str, script: Script) -> SourceFile:
    return SourceFile(role=role, migration=key, path=script.path, sha256=script.sha256)
