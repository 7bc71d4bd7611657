"""Folders of Prisma Migrate."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import load_project
from readings import Read, read
from refusals import refusal
from written_files import write_files

LOCK = 'provider = "postgresql"\n'
INIT = 'CREATE TABLE "User" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, CONSTRAINT "User_pkey" PRIMARY KEY ("id"));\n'
SAMPLE = {
    "prisma/schema.prisma": "",
    "prisma/migrations/migration_lock.toml": LOCK,
    "prisma/migrations/20240101000000_init/migration.sql": INIT,
    "prisma/migrations/20240201000000_name/migration.sql": 'ALTER TABLE "User" ADD COLUMN "name" TEXT;\n',
}
FOLDER = "prisma/migrations"
KEYS = ["20240101000000_init", "20240201000000_name"]


@pytest.mark.parametrize(
    "path", ["prisma", FOLDER, f"{FOLDER}/20240201000000_name", f"{FOLDER}/20240201000000_name/migration.sql"]
)
def test_prisma_folder_is_read_by_any_of_its_names(path: str, tmp_path: Path) -> None:
    assert Read(layout="prisma", order=KEYS, back=[], issues=[]) == read(tmp_path, SAMPLE, path)


@pytest.mark.parametrize("path", ["db/1_a", "db/1_a/migration.sql"])
def test_one_migration_outside_of_a_project_is_read_alone(path: str, tmp_path: Path) -> None:
    files = {"db/migration_lock.toml": LOCK, "db/1_a/migration.sql": INIT, "db/2_b/migration.sql": INIT}

    assert Read(layout="prisma", order=["1_a"], back=[], issues=[]) == read(tmp_path, files, path)


@cases(("lock", "expected"), {
    "another database": ('# do not edit\nprovider = "mysql"\n',
        ":2: these migrations are for the provider 'mysql'; only those for postgresql can be verified"),
    "a merge that was not ended": ("<<<<<<< HEAD\n",
        ":1: this is not TOML: Invalid statement (at line 1, column 1). Mend the line"),
})  # fmt: skip
def test_lock_that_is_refused(lock: str, expected: str, tmp_path: Path) -> None:
    root = write_files(tmp_path, {**SAMPLE, f"{FOLDER}/migration_lock.toml": lock})

    assert f"{root}/{FOLDER}/migration_lock.toml{expected}" == refusal(load_project, root / "prisma")
