"""The files that a project was read from, with their digests."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract import Project
from pgcontract.model.sql import Script
from pgcontract.result import SourceFile


def source_files(project: Project) -> tuple[SourceFile, ...]:
    """Those of the whole project, then each migration's in the chain's order: its way up, its way back, its contract."""
    return tuple(_files(project))


def _files(project: Project) -> Iterator[SourceFile]:
    yield from project.files
    if project.setup is not None:
        yield _script("setup", "", project.setup)
    for migration in project.chain:
        yield _script("migration", migration.key, migration.up)
        if migration.down is not None:
            yield _script("rollback", migration.key, migration.down)
        if migration.contract is not None:
            yield from migration.contract.files


def _script(role: str, key: str, script: Script) -> SourceFile:
    return SourceFile(role=role, migration=key, path=script.path, sha256=script.sha256)
