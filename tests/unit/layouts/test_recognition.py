"""No two layouts take the same folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from case_tables import cases
from pgcontract.contract.layouts import flat, layouts
from pgcontract.contract.migration_folder import Folder
from written_files import write_files

# Each test_<tool>.py holds a folder of its tool: SAMPLE, the files, and FOLDER, the one of them that has the migrations.
NAMES = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
TOOLS = sorted(NAMES - {"recognition", "tools"})


@pytest.mark.parametrize("tool", TOOLS)
def test_folder_of_a_tool_is_recognised_by_its_layout_alone(tool: str, tmp_path: Path) -> None:
    sample = import_module(f"test_{tool}")
    path = write_files(tmp_path, sample.SAMPLE) / sample.FOLDER
    folder = Folder(path=path, root=path)

    assert [tool] == [
        layout.NAME.replace("-", "_")
        for layout in layouts().values()
        if layout.NAME != flat.NAME and layout.recognises(folder)
    ]


@cases(("files", "folder", "tool"), {
    "golang-migrate's names for Supabase": (
        {"supabase/migrations/1_a.up.sql": "", "supabase/migrations/1_a.down.sql": ""}, "supabase/migrations",
        "supabase"),
    "dbmate's marks for Supabase": ({"supabase/migrations/1_a.sql": "-- migrate:up\nSELECT 1;"}, "supabase/migrations",
        "dbmate"),
    "Prisma's lock for Supabase": (
        {"supabase/migrations/migration_lock.toml": "", "supabase/migrations/1_a/migration.sql": ""},
        "supabase/migrations", "prisma"),
    "sqlx and Supabase": ({"Cargo.toml": '[dependencies]\nsqlx = "1"\n', "supabase/migrations/1_a.sql": ""},
        "supabase/migrations", "supabase"),
    "Flyway's files, and folders": ({"m/1_a/migration.sql": "", "m/V1__a.sql": ""}, "m", "flyway"),
    "diesel's folders, and another": ({"m/1_a/migration.sql": "", "m/2_b/up.sql": ""}, "m", "diesel"),
    "goose's marks and a journal": ({"m/meta/_journal.json": "{}", "m/0_a.sql": "-- +goose Up\nSELECT 1;"}, "m", "goose"),
    "journal and lock": ({"m/meta/_journal.json": "{}", "m/migration_lock.toml": ""}, "m", "drizzle"),
    "goose's marks, and Flyway's names": ({"m/V1__a.sql": "-- +goose Up\nSELECT 1;"}, "m", "goose"),
    "a way up, and Flyway's name": ({"m/V1__a.sql": "", "m/1_a.up.sql": ""}, "m", "golang-migrate"),
})  # fmt: skip
def test_folder_with_the_signs_of_two_tools_is_of_one(
    files: dict[str, str], folder: str, tool: str, tmp_path: Path
) -> None:
    path = write_files(tmp_path, files) / folder
    seen = Folder(path=path, root=path)

    assert [tool] == [
        layout.NAME for layout in layouts().values() if layout.NAME != flat.NAME and layout.recognises(seen)
    ]
