"""Folders of Drizzle, by their journal."""

from __future__ import annotations

import json
from pathlib import Path

from case_tables import cases
from pgcontract import load_project
from readings import Read, read
from refusals import refusal
from written_files import write_files

BREAK = "--> statement-breakpoint"


def journal(*entries: tuple[str, int], dialect: str = "postgresql") -> str:
    """One that lists these tags, each with its `when`."""
    listed = [
        {"idx": number, "version": "7", "when": when, "tag": tag, "breakpoints": True}
        for number, (tag, when) in enumerate(entries)
    ]
    return json.dumps({"version": "7", "dialect": dialect, "entries": listed}, indent=2)


SAMPLE = {
    "drizzle/meta/_journal.json": journal(("0000_rooms", 1), ("0001_floor", 2)),
    "drizzle/meta/0000_snapshot.json": "{}",
    "drizzle/0000_rooms.sql": f'CREATE TABLE "rooms" ("id" serial PRIMARY KEY)\n{BREAK}\nSELECT 1\n',
    "drizzle/0001_floor.sql": f'ALTER TABLE "rooms" ADD COLUMN "floor" integer;{BREAK}\nSELECT 1;',
}
FOLDER = "drizzle"


def test_drizzle_folder_is_read_by_its_journal(tmp_path: Path) -> None:
    assert Read(layout="drizzle", order=["0000_rooms", "0001_floor"], back=[], issues=[]) == read(
        tmp_path, SAMPLE, FOLDER
    )


def test_one_file_is_read_alone(tmp_path: Path) -> None:
    assert Read(layout="drizzle", order=["0001_floor"], back=[], issues=[]) == read(
        tmp_path, SAMPLE, "drizzle/0001_floor.sql"
    )


@cases(("entries", "files", "expected"), {
    "the journal's order": ([("0001_b", 1), ("0000_a", 2)], ["0000_a.sql", "0001_b.sql"],
        (["0001_b", "0000_a"], [], ["migration.order warning 0000_a.sql"])),
    "9 and 10": ([("9_b", 1), ("10_a", 2)], ["9_b.sql", "10_a.sql"], (["9_b", "10_a"], [], [])),
    "not listed": ([("0_a", 1)], ["0_a.sql", "1_b.sql", "NOTES.SQL", "x.txt"],
        (["0_a"], [], ["migration.read warning 1_b.sql", "migration.read warning NOTES.SQL"])),
    "listed and missing": ([("0_a", 1), ("1_b", 2)], ["0_a.sql"], (["0_a"], [], ["migration.accepted error 1_b.sql"])),
    "late, and as late": ([("0_a", 5), ("1_b", 4), ("2_c", 5), ("3_d", 6)], ["0_a.sql", "1_b.sql", "2_c.sql", "3_d.sql"],
        (["0_a", "1_b", "2_c", "3_d"], [], ["migration.read warning 1_b.sql", "migration.read warning 2_c.sql"])),
    "listed twice": ([("0_a", 1), ("0_a", 2)], ["0_a.sql"], (["0_a"], [], ["migration.unique warning 0_a.sql"])),
    "a way back beside it": ([("0_a", 1)], ["0_a.sql", "0_a.down.sql"], (["0_a"], ["0_a"], [])),
})  # fmt: skip
def test_order_and_what_is_told(
    entries: list[tuple[str, int]], files: list[str], expected: tuple[list[str], list[str], list[str]], tmp_path: Path
) -> None:
    order, back, issues = expected
    written = {"db/meta/_journal.json": journal(*entries), **{f"db/{name}": "SELECT 1;" for name in files}}

    assert Read(layout="drizzle", order=order, back=back, issues=issues) == read(tmp_path, written, "db")


def test_byte_order_mark_is_sent_to_a_server_that_does_not_know_it(tmp_path: Path) -> None:
    files = {**SAMPLE, "drizzle/0001_floor.sql": "\ufeffSELECT 1;"}

    assert ["migration.accepted error 0001_floor.sql"] == read(tmp_path, files, FOLDER).issues


@cases(("names", "layout"), {
    "times in front": (["20240101000000_a"], "supabase"),
    "numbers in front": (["0000_a"], "drizzle"),
})  # fmt: skip
def test_journal_in_supabase_migrations(names: list[str], layout: str, tmp_path: Path) -> None:
    files = {f"supabase/migrations/{name}.sql": "SELECT 1;" for name in names}
    files["supabase/migrations/meta/_journal.json"] = journal(*((name, 1) for name in names))

    assert layout == read(tmp_path, files, "supabase/migrations").layout


@cases(("text", "expected"), {
    "no JSON": ('{\n"entries": [}', ":2: this is not JSON: Expecting value. Mend it"),
    "too deep": ("[" * 100_000, ": this is not JSON: it is too deep. Mend it"),
    "no entries": ("[]", ": is no journal of Drizzle's: it has no list of entries"),
    "no tag": ('{"entries": [{"tag": 1, "when": 1}]}',
        ": entry 1 has no `tag` that is a text, or no `when` that is a number"),
    "another database": (journal(dialect="mysql"),
        ":3: these migrations are for the dialect 'mysql'; only those for postgresql can be verified"),
    "nothing there": (journal(("gone", 1)), ": lists no migration that is there"),
})  # fmt: skip
def test_journal_that_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    root = write_files(tmp_path, {"db/meta/_journal.json": text, "db/0_a.sql": "SELECT 1;"})

    assert f"{root}/db/meta/_journal.json{expected}" == refusal(load_project, root / "db")


@cases(("script", "expected"), {
    "no semicolon, CRLF": (f"CREATE TABLE a (i int)\r\n{BREAK}\r\nSELECT 1; SELECT 2",
        [("CREATE TABLE a (i int)", 1, 1), ("SELECT 1", 3, 1), ("SELECT 2", 3, 11)]),
    "in a string": (f"SELECT '{BREAK}';", [("SELECT '", 1, 1), ("';", 1, 33)]),
    "nothing between": (f"{BREAK}\n{BREAK}\n", []),
})  # fmt: skip
def test_file_is_cut_at_its_breakpoints(script: str, expected: list[tuple[str, int, int]], tmp_path: Path) -> None:
    root = write_files(tmp_path, {**SAMPLE, "drizzle/0001_floor.sql": script})
    statements = load_project(root / "drizzle").head.up.statements

    assert expected == [(statement.text, statement.line, statement.column) for statement in statements]
