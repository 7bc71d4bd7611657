"""Folders of Drizzle 1.0, each beside its snapshot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import FolderOptions, load_project
from readings import Read, read
from refusals import refusal
from written_files import write_files


def snapshot(dialect: str = "postgres") -> str:
    return json.dumps({"version": "8", "dialect": dialect, "id": "a", "prevIds": [], "ddl": [], "renames": []})


ROOMS, FLOOR = "20260101120000_rooms", "20260102120000_floor"
SAMPLE = {
    f"drizzle/{ROOMS}/migration.sql": 'CREATE TABLE "rooms" ("id" bigint)\n--> statement-breakpoint\nSELECT 1\n',
    f"drizzle/{ROOMS}/snapshot.json": snapshot(),
    f"drizzle/{FLOOR}/migration.sql": 'ALTER TABLE "rooms" ADD COLUMN "floor" integer;',
    f"drizzle/{FLOOR}/snapshot.json": snapshot(),
}
FOLDER = "drizzle"


@pytest.mark.parametrize("path", [f"drizzle/{FLOOR}/migration.sql", f"drizzle/{FLOOR}"], ids=["file", "folder"])
def test_one_migration_is_read_alone(path: str, tmp_path: Path) -> None:
    assert Read(layout="drizzle-1", order=[FLOOR], back=[], issues=[]) == read(tmp_path, SAMPLE, path)


@cases(("more", "layout", "expected"), {
    "another database": ({f"drizzle/{FLOOR}/snapshot.json": snapshot("mysql")}, None,
        f"drizzle/{FLOOR}/snapshot.json: these migrations are for the dialect 'mysql'; only those for postgresql can "
        "be verified"),
    "as those before 1.0": ({}, "drizzle",
        "drizzle: has no meta/_journal.json; folders of drizzle-kit 1.0 are read with --layout drizzle-1"),
})  # fmt: skip
def test_folder_that_is_refused(more: dict[str, str], layout: str | None, expected: str, tmp_path: Path) -> None:
    root = write_files(tmp_path, {**SAMPLE, **more})

    assert f"{root}/{expected}" == refusal(load_project, root / FOLDER, options=FolderOptions(layout=layout))
