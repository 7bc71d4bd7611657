"""How a folder of migrations is read: by the layout that recognises it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import FolderOptions, InputError, load_project
from pgcontract.contract import Migration
from pgcontract.contract.layouts import deploy_command, flat, folders_of_files, layouts
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.project_loading import load_script
from pgcontract.model.sql import read_script
from refusals import refusal
from written_files import write_files

# A layout that some tool might have: a folder a migration, named by the day.
BY_DAY = """
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import FolderReading

NAME = "by day"
SENTENCE = "by the day"

def recognises(folder):
    return "has day.sql in folders" if any(folder.has(path / "day.sql") for path in folder.folders()) else None

def read_folder(folder):
    return FolderReading(migrations=tuple(
        Migration(key=path.name, display_name=path.name.removeprefix("2026-"), file=folder.name(path / "day.sql"),
                  up=folder.script(path / "day.sql"), down_remedy="Write down.sql.")
        for path in folder.folders()))
"""


@pytest.fixture
def by_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is laid out by day, in an installation that has a file for it."""
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "by_day.py").write_text(BY_DAY, encoding="utf-8")
    import pgcontract.contract.layouts

    monkeypatch.setattr(
        pgcontract.contract.layouts, "__path__", [*pgcontract.contract.layouts.__path__, str(tmp_path / "installed")]
    )
    folder = tmp_path / "migrations"
    for day in ("2026-02-01", "2026-01-31"):
        (folder / day).mkdir(parents=True)
        (folder / day / "day.sql").write_text("SELECT 1;", encoding="utf-8")
    layouts.cache_clear()
    yield folder
    layouts.cache_clear()


def test_the_layout_that_takes_any_folder_is_asked_last() -> None:
    assert "flat" == list(layouts())[-1]


@cases(("names", "order"), {
    "days": (["2024-01-02-b.sql", "2024-01-01-c.sql", "2023-12-31-d.sql"], ["2023-12-31", "2024-01-01", "2024-01-02"]),
    "times": (["2024_01_02_090000_b.sql", "2024_01_02_080000_c.sql"], ["2024_01_02_080000", "2024_01_02_090000"]),
    "versions": (["v1.10.0.sql", "v1.2.0__x.sql", "2_y.sql"], ["1.2.0", "1.10.0", "2"]),
    "digits in the words": (["002_2fa.sql", "001_10x.sql", "003.add.sql"], ["001", "002", "003"]),
})  # fmt: skip
def test_flat_order_is_by_each_number_in_front(names: list[str], order: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    project = load_project(tmp_path, options=FolderOptions(layout="flat"))

    assert (order, ()) == ([migration.display_name for migration in project.chain], project.issues)


def test_files_that_all_end_in_upper_case_are_read(tmp_path: Path) -> None:
    for name in ("002_B.SQL", "001_A.SQL", "001_A.DOWN.SQL"):
        (tmp_path / name).write_text("SELECT 1;")
    first, second = load_project(tmp_path).chain

    assert ("001_A", "001_A.DOWN.SQL", "002_B", None) == (
        first.key,
        first.down and Path(first.down.path).name,
        second.key,
        second.down,
    )


def test_flat_migration_is_sent_as_one_message(tmp_path: Path) -> None:
    up, down = tmp_path / "V020_a.up.sql", tmp_path / "V020_a.down.sql"
    up.touch()
    down.touch()
    expected = Migration(
        key="V020_a",
        display_name="020",
        file="V020_a.up.sql",
        up=read_script(up),
        down=read_script(down),
        down_remedy="Write V020_a.down.sql beside it.",
    )

    assert (expected,) == flat.read_folder(Folder(path=tmp_path, root=tmp_path)).migrations


@cases(("files", "order", "told"), {
    "digits are a number": (["9_b.sql", "10_a.sql", "08_c.sql"], ["08_c", "9_b", "10_a"], []),
    "two with the same digits": (["01_b.sql", "1_a.sql"], ["01_b", "1_a"],
        ["1_a.sql has the digits of 01_b.sql, so their order is not known; they were applied by name."]),
    "no digits": (["1_a.sql", "b.sql"], ["1_a", "b"],
        ["b.sql has no digits in front, so its place among the others is not known; it was applied after 1_a.sql."]),
    "behind a common word": (["patch10.sql", "patch2.sql", "patch1.sql"], ["patch1", "patch2", "patch10"], []),
    "behind two words": (["patch10.sql", "patch2.sql", "x1.sql"],
        ["patch10", "patch2", "x1"],
        [
            "patch2.sql has no digits in front, so its place among the others is not known; it was applied after "
            "patch10.sql.",
            "x1.sql has no digits in front, so its place among the others is not known; it was applied after patch2.sql.",
        ]),
    "an archive's and an editor's own files": (["1_a.sql", "._1_a.sql", ".#1_a.sql", ".2_b.sql"], ["1_a"], []),
})  # fmt: skip
def test_flat_order(files: list[str], order: list[str], told: list[str], tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).write_text("SELECT 1;", encoding="utf-8")
    project = load_project(tmp_path)

    assert (order, told) == ([migration.key for migration in project.chain], [issue.summary for issue in project.issues])


def test_file_in_the_room_is_a_layout(by_day: Path) -> None:
    assert [("2026-01-31", "01-31"), ("2026-02-01", "02-01")] == [
        (migration.key, migration.display_name) for migration in load_project(by_day).chain
    ]


def test_layout_needs_no_digits_to_find_a_migration(by_day: Path) -> None:
    project = load_project(by_day)

    assert replace(project, chain=project.chain[:1]) == project.through("01-31")


def test_layout_is_the_one_that_is_named(by_day: Path) -> None:
    with pytest.raises(InputError, match="--layout gose: no layout is called so"):
        load_project(by_day, options=FolderOptions(layout="gose"))


@pytest.mark.parametrize(("files", "told"), [
    ({**dict.fromkeys(("1_a.sql", "functions/f.sql", "tables/t.sql", "docs/x.md", "read/r.sql"), "SELECT 1;\n"),
      "2_b.sql": "\\ir read/r.sql\n"}, "Not read: the .sql files in functions/, tables/; name one of them to read it."),
    ({"committed/1.sql": "--! Previous: -\n--! Hash: -\n\nSELECT 1;\n", "current/1.sql": "SELECT 2;\n"},
     "current/ is not read: commit it first."),
], ids=["flat", "graphile-migrate"])  # fmt: skip
def test_folders_with_sql_that_are_not_read_are_told(files: dict[str, str], told: str, tmp_path: Path) -> None:
    assert told == load_project(write_files(tmp_path, files)).assumptions[-1]


CHAIN = "Taken as one chain, in this order: {}. Where each is for a database of its own, name one."


@cases(("files", "shown", "told"), {
    "versions": (["v10/2_a.sql", "v2/2_b.sql", "v2/2_b.down.sql", "v2/10_c.sql", "seeds/s.sql"],
        [("2_b", "v2/2"), ("10_c", "10"), ("2_a", "v10/2")],
        [CHAIN.format("v2/, v10/"), "Not read: the .sql files in seeds/; name one of them to read it."]),
    "names that come again, and a year of one month": (["2024/02/a.sql", "2023/02/a.sql", "2023/11/1_b.sql"],
        [("a", "a"), ("1_b", "1"), ("2024.02.a", "2024.02.a")], [CHAIN.format("2023/02/, 2023/11/, 2024/02/")]),
    "files without digits": (["01-init/schema.sql", "02-rooms/rooms.sql"], [("schema", "schema"), ("rooms", "rooms")],
        [CHAIN.format("01-init/, 02-rooms/")]),
})  # fmt: skip
def test_folders_with_numbers_of_their_own_are_one_chain(
    files: list[str], shown: list[tuple[str, str]], told: list[str], tmp_path: Path
) -> None:
    project = load_project(write_files(tmp_path, dict.fromkeys(files, "SELECT 1;")))

    assert (shown, told, ()) == (
        [(migration.key, migration.display_name) for migration in project.chain],
        list(project.assumptions[1:]),
        project.issues,
    )


@cases(("files", "text", "told"), {
    "without numbers": (["users/1_a.sql", "orders/1_a.sql"], "SELECT 1;", "/users (flat): name one"),
    "of one number": (["1-a/1_a.sql", "01-b/1_a.sql"], "SELECT 1;", "(flat): name one"),
    "of a tool that looks into no folder": (["2023/1_a.sql", "2024/1_a.sql"], "-- +goose Up\nSELECT 1;",
        "goose reads each by itself, so name one"),
})  # fmt: skip
def test_folders_that_are_no_chain(files: list[str], text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        load_project(write_files(tmp_path, dict.fromkeys(files, text)))


def test_folders_of_supabases_own_are_no_chain(tmp_path: Path) -> None:
    write_files(tmp_path, {f"supabase/migrations/{name}": "SELECT 1;" for name in ("2023/1_a.sql", "2024/2_b.sql")})

    with pytest.raises(InputError, match=r"2024 \(flat\): name one"):
        load_project(tmp_path / "supabase" / "migrations")


@pytest.mark.parametrize(("up", "down"), [
    ("1_a.sql", "1_a.rollback.sql"),
    ("1_a.do.sql", "1_a.undo.sql"),
    ("1.do.a.sql", "1.undo.a.sql"),
    ("1-a-up.sql", "1-a-down.sql"),
    ("1_a_up.sql", "1_a_DOWN.sql"),
    ("1_a.sql", "1_a.down.sql"),
    ("up/1_a_up.sql", "down/1_a_down.sql"),
    ("up/1_a.sql", "Rollback/1_a.sql"),
    ("up/1_a.up.sql", "down/1_a.down.sql"),
])  # fmt: skip
def test_way_back_is_known_by_its_name_and_its_migration(up: str, down: str, tmp_path: Path) -> None:
    third = (Path(up).parent / "2_shut_down.sql").as_posix()
    project = load_project(write_files(tmp_path, {up: "SELECT 1;", down: "SELECT 2;", third: "SELECT 3;"}))

    assert [("SELECT 1", "SELECT 2"), ("SELECT 3", None)] == [
        (migration.up.statements[0].text, migration.down.statements[0].text if migration.down else None)
        for migration in project.chain
    ]
    with pytest.raises(InputError, match="is a rollback script; name the migration it belongs to"):
        load_project(tmp_path / down)


@cases(("text", "line"), {
    "words alone": ("-- up\nSELECT 1;\n-- down\nSELECT 2;", 3),
    "a tool's that is not known, CRLF": ("-- +my Up\r\nSELECT 1;\r\n-- +my Down\r\nSELECT 2;", 3),
    "without a blank": ("--+migrate Up\nSELECT 1;\n--+migrate Down\nSELECT 2;", 3),
    "nothing behind it": ("-- up\nSELECT 1;\n-- down\n", None),
    "in a string": ("-- up\nSELECT '\n-- down\n';\nSELECT 2;", None),
    "in a body": ("-- up\nDO $$\n-- down\n$$;\nSELECT 2;", None),
    "no way up before it": ("SELECT 1;\n-- down\nSELECT 2;", None),
    "in a sentence": ("-- up\nSELECT 1;\n-- tears down the old view\nSELECT 2;", None),
})  # fmt: skip
def test_second_half_that_was_run_too_is_told(text: str, line: int | None, tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_text(text, encoding="utf-8")

    assert ([line] if line else []) == [issue.line for issue in load_project(tmp_path).issues]


@cases(("text", "up", "down"), {
    "tern": ("SELECT 1;\n---- create above / drop below ----\nSELECT 2;", ["SELECT 1"], ["SELECT 2"]),
    "MyBatis": ("-- // a\nSELECT 1;\n\n-- //@UNDO\nSELECT 2;", ["SELECT 1"], ["SELECT 2"]),
    "rambler": ("-- rambler up\nSELECT 1;\n-- rambler down\nSELECT 2;", ["SELECT 1"], ["SELECT 2"]),
    "micrate, CRLF": ("-- +micrate Up\r\nSELECT 1;\r\n-- +micrate Down\r\nSELECT 2;", ["SELECT 1"], ["SELECT 2"]),
    "Play": ("# Users\n# --- !Ups\nDO $$ BEGIN NULL;; END $$;\n# --- !Downs\nSELECT 2;", ["DO $$ BEGIN NULL;  END $$"],
        ["SELECT 2"]),
    "Play, in comments": ("-- !Ups\nSELECT 1;\n-- !Downs\nSELECT 2;", ["SELECT 1"], ["SELECT 2"]),
    "Play, one way": ("# --- !Ups\nSELECT 1;", ["SELECT 1"], None),
    "nothing behind it": ("SELECT 1;\n-- //@UNDO\n", ["SELECT 1"], None),
    "in a sentence": ("SELECT 1;\n-- see //@UNDO\nSELECT 2;", ["SELECT 1", "SELECT 2"], None),
    "twice": ("-- rambler up\nSELECT 1;\n-- rambler down\nSELECT 2;\n-- rambler up\nSELECT 3;",
        ["SELECT 1", "SELECT 2", "SELECT 3"], None),
})  # fmt: skip
def test_file_is_divided_where_a_tools_mark_does(
    text: str, up: list[str], down: list[str] | None, tmp_path: Path
) -> None:
    (tmp_path / "1_a.sql").write_text(text, encoding="utf-8", newline="")
    head = load_project(tmp_path).head

    assert (up, down) == (
        [statement.text for statement in head.up.statements],
        [statement.text for statement in head.down.statements] if head.down else None,
    )


def test_script_without_a_tool_is_told_to_hold_both_ways() -> None:
    script = b"-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n"
    expected = ["Leave out what takes back, or name its tool with --layout."]

    assert expected == [issue.remedy for issue in load_script(script, name="standard input").issues]
    assert not load_script(script, name="standard input", options=FolderOptions(layout="goose")).issues


@pytest.mark.parametrize("name", ["Goose", "GOOSE", "Flyway"])
def test_layout_may_be_named_in_capitals(name: str, tmp_path: Path) -> None:
    text = "-- +goose Up\nSELECT 1;\n"
    (tmp_path / ("1_a.sql" if name != "Flyway" else "V1__a.sql")).write_text(text, encoding="utf-8")

    assert load_project(tmp_path, options=FolderOptions(layout=name)).layout == name.lower()


def test_file_of_the_tool_that_is_missing_is_told_to_be(tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_text("SELECT 1;", encoding="utf-8")

    with pytest.raises(InputError, match=r"has no meta/_journal\.json; folders of drizzle-kit 1\.0"):
        load_project(tmp_path, options=FolderOptions(layout="drizzle"))


@pytest.mark.parametrize(("layout", "paths", "expected"), [
    ("flyway", ["b/V2__b.sql", "a/V1__a.sql", "a/x/V3__c.sql"], "flyway -locations=filesystem:b,filesystem:a migrate"),
    ("diesel", ["m d/1_a/up.sql", "m d/2_b/up.sql"], "diesel migration run --migration-dir 'm d'"),
    ("refinery", ["x/1/V1__a.sql", "x/2/V2__b.sql"], "refinery migrate -p x"),
    ("goose", ["1_a.sql", "2_b.sql"], 'goose -dir . postgres "$DATABASE_URL" up'),
])  # fmt: skip
def test_deployed_are_the_folders_of_all_that_was_read(layout: str, paths: list[str], expected: str) -> None:
    assert expected == deploy_command(layout, folders_of_files(paths))


def test_secret_is_in_no_error(tmp_path: Path) -> None:
    (tmp_path / "1_a.sql").write_text("\\ir :api_token/x.sql\n", encoding="utf-8")

    said = refusal(load_project, tmp_path, options=FolderOptions(values={"api_token": "hunter2secret"}))

    assert "hunter2secret" not in said
