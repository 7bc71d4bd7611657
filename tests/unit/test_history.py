"""`--history`: which migrations production has, as the table of each tool says, pasted or read from there."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import psycopg
import pytest
from case_tables import cases
from pgcontract.contract import FolderOptions, Project, history_select, load_project
from pgcontract.errors import InputError
from pgcontract.postgres.providers import Server
from refusals import refusal
from written_files import write_files

SQL = "CREATE TABLE t{0} (id int);\n"


def files(pattern: str, before: str = "", between: str = "") -> dict[str, str]:
    return {f"m/{pattern.format(number)}": before + SQL.format(number) + between for number in (1, 2, 3)}


def sha(algorithm: str, number: int) -> str:
    return hashlib.new(algorithm, SQL.format(number).encode()).hexdigest()


def crc(number: int) -> int:
    value = zlib.crc32(SQL.format(number).strip().encode())
    return value - 2**32 if value >= 2**31 else value


TIMES = ",2026-01-01,"
JOURNAL = json.dumps({"entries": [{"tag": f"{number}_a", "when": number * 100} for number in (1, 2, 3)]})
# Its layout, the folder, and what its table holds where the first is applied, the second did not end or was taken back.
TOOLS: dict[str, tuple[dict[str, str], str]] = {
    "golang-migrate": (files("{0}_a.up.sql"), "version,dirty\n1,f"),
    "supabase": (files("{0}_a.sql"), "version,name\n1,a"),
    "prisma": (
        {**files("{0}_a/migration.sql"), "m/migration_lock.toml": ""},
        f"migration_name,checksum,finished_at,rolled_back_at\n1_a,{sha('sha256', 1)}{TIMES}\n2_a,x,,2026-01-02",
    ),
    "diesel": (files("2026-01-0{0}-0000_a/up.sql"), "version,run_on\n20260101-0000,x".replace("-", "")),
    "sqlx": (files("{0}_a.sql"), f"version,success,checksum\n1,true,\\x{sha('sha384', 1)}"),
    "flyway": (
        files("V{0}.0__a.sql"),
        f"version,script,type,checksum,success\n1,V1.0__a.sql,SQL,{crc(1)},t\n2,V2__a.sql,SQL,7,t\n2,U2__a.sql,UNDO_SQL,8,t",
    ),
    "dbmate": (files("{0}_a.sql", "-- migrate:up\n", "-- migrate:down\n"), "version\n1"),
    "goose": (files("{0}_a.sql", "-- +goose Up\n"), "version_id,is_applied\n0,t\n1,t\n2,t\n2,f"),
    "sql-migrate": (files("{0}_a.sql", "-- +migrate Up\n"), "id,applied_at\n1_a.sql,2026-01-01"),
    "node-pg-migrate": (files("{0}_a.sql", "-- Up Migration\n"), "id,name,run_on\n1,1_a,2026-01-01"),
    "refinery": (files("V{0}__a.sql"), "version,name\n1,a"),
    "drizzle": ({**files("{0}_a.sql"), "m/meta/_journal.json": JOURNAL}, f"created_at,hash\n100,{sha('sha256', 1)}"),
    "drizzle-1": (files("2026010{0}000000_a/migration.sql"), f"name,hash\n20260101000000_a,{sha('sha256', 1)}"),
}


def read(root: Path, table: str, folder: dict[str, str], layout: str | None = None) -> Project:
    write_files(root, {**folder, "applied.txt": table})
    return load_project(root / "m", options=FolderOptions(layout=layout, history=str(root / "applied.txt")))


def told(project: Project) -> list[tuple[str, str]]:
    kinds = ("migration.unchanged", "migration.in_order", "migration.finished")
    return [(issue.kind.value, issue.summary) for issue in project.issues if issue.kind.value in kinds]


@pytest.mark.parametrize("layout", TOOLS)
def test_what_the_table_lacks_is_pending(layout: str, tmp_path: Path) -> None:
    folder, table = TOOLS[layout]
    project = read(tmp_path, table, folder, layout)

    assert ([migration.key for migration in project.chain][1:], []) == (
        [migration.key for migration in project.pending],
        told(project),
    )
    assert history_select(project).startswith(f"SELECT {table.partition(',')[0].partition(chr(10))[0]}") or layout in (
        "node-pg-migrate",
        "diesel",
    )


SHAPES = {
    "psql": " version \n---------\n 1\n 2\n(2 rows)\n",
    "psql without a header": "1\n2\n",
    "psql in a box": "┌─────────┐\n│ version │\n├─────────┤\n│ 1       │\n│ 2       │\n└─────────┘\n(2 rows)\n",
    "CSV": '"version"\n"1"\n"2"\n',
    "CSV of all columns": "id,VERSION,note\n7,1,a\n8,2,b\n",
    "Markdown": "| version |\n| --- |\n| 1 |\n| 2 |\n",
    "tabs": "version\tnote\r\n1\ta\r\n2\tb\r\n",
    "psql, expanded": "-[ RECORD 1 ]\nversion | 1\n-[ RECORD 2 ]\nversion | 2\n",
    "psql, expanded in a box": "+-[ RECORD 1 ]-+\n| version | 1 |\n+-[ RECORD 2 ]-+\n| version | 2 |\n+---------+---+\n",
    "a terminal": "shop=# SELECT version FROM t;\nNOTICE:  x\n version \n---------\n 1\n 2\n(2 rows)\n\nshop=# \n",
    "JSON, one a line": '{"version": 1}\n{"version": 2}\n',
    "JSON": '[{"version": 1}, {"version": "2"}]',
    "a byte order mark": "\ufeffversion\n1\n2\n",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_table_is_read_as_it_is_pasted(text: str, tmp_path: Path) -> None:
    assert ["3_a"] == [migration.key for migration in read(tmp_path, text, TOOLS["dbmate"][0]).pending]


@cases(("layout", "table", "kind", "summary"), {
    "flyway's file that changed": ("flyway", TOOLS["flyway"][1].replace(str(crc(1)), "5"), "migration.unchanged",
        "V1.0__a.sql is not what flyway_schema_history says was applied: flyway compares, and stops there."),
    "flyway's that failed": ("flyway", "version,success\n1,t\n2,f", "migration.finished",
        "V2.0__a.sql did not end in production: Flyway calls it failed, and applies nothing more."),
    "sqlx's that is gone": ("sqlx", "version\n1\n9", "migration.unchanged",
        "9 stands in _sqlx_migrations, and is not in the folder: sqlx stops there."),
    "drizzle's that comes late": ("drizzle", f"created_at,hash\n100,{sha('sha256', 1)}\n300,{sha('sha256', 3)}",
        "migration.in_order", "2_a.sql sorts before 3_a.sql, which is applied: drizzle never runs it."),
})  # fmt: skip
def test_table_and_folder_that_do_not_agree_are_told(
    layout: str, table: str, kind: str, summary: str, tmp_path: Path
) -> None:
    assert [(kind, summary)] == told(read(tmp_path, table, TOOLS[layout][0], layout))


@pytest.mark.parametrize("table", ["2,dirty", "2|t", "version,dirty\n2,(dirty)"])
def test_golang_migrate_applied_all_before_the_version_that_failed(table: str, tmp_path: Path) -> None:
    project = read(tmp_path, table, TOOLS["golang-migrate"][0])

    assert (["2_a", "3_a"], ["migration.finished"]) == (
        [migration.key for migration in project.pending],
        [kind for kind, _ in told(project)],
    )


def test_flyway_runs_a_repeatable_script_again_where_it_has_changed(tmp_path: Path) -> None:
    folder = {"m/V1__a.sql": SQL.format(1), "m/R__b.sql": SQL.format(2), "m/R__c.sql": SQL.format(3)}
    table = (
        f"version,script,type,checksum,success\n1,V1__a.sql,SQL,{crc(1)},t\n,R__b.sql,SQL,{crc(2)},t\n,R__c.sql,SQL,1,t"
    )
    project = read(tmp_path, table, folder)

    assert (["R__c"], []) == ([migration.key for migration in project.pending], told(project))


def test_flyway_counts_all_up_to_a_baseline(tmp_path: Path) -> None:
    table = "version,script,type,checksum,success\n2,<< Flyway Baseline >>,BASELINE,,t"
    project = read(tmp_path, table, TOOLS["flyway"][0])

    assert (["V3.0__a"], []) == ([migration.key for migration in project.pending], told(project))


@cases(("rows", "expected"), {
    "in whose place it stands": ("1,V1__a.sql,SQL,5,t\n2,V2__b.sql,SQL,6,t", []),
    "run itself, and another since": ("2,B2__all.sql,SQL_BASELINE,5,t", ["B2__all.sql"]),
})  # fmt: skip
def test_flyway_baseline_is_compared_with_itself_alone(rows: str, expected: list[str], tmp_path: Path) -> None:
    folder = {"m/B2__all.sql": SQL.format(1), "m/V3__c.sql": SQL.format(2)}
    project = read(tmp_path, f"version,script,type,checksum,success\n{rows}", folder)
    changed = [issue.subject for issue in project.issues if "is not what" in issue.summary]

    assert (["V3__c"], expected) == ([migration.key for migration in project.pending], changed)


@pytest.mark.parametrize("setting", ["", "flyway.outOfOrder=true\n"])
def test_flyway_stops_at_a_late_file_unless_it_is_told_otherwise(setting: str, tmp_path: Path) -> None:
    project = read(tmp_path, "version\n1\n3", {**TOOLS["flyway"][0], "m/flyway.conf": setting})

    assert (["V2.0__a"], bool(setting)) == ([each.key for each in project.pending], not told(project))


MISTAKES: dict[str, tuple[Any, str]] = {
    "another table": ("name,run_on\n1_a,x\n", "applied.txt: has 2 values in row 1, and 1 were asked for: version; paste"),
    "no tool": (None, "no tool is known to run this folder (flat), so there is no table of what is applied"),
    "empty": ("\n", "applied.txt: is empty; paste what this answers for dbmate: SELECT version FROM schema_migrations"),
    "rows cut off": (" version \n---------\n 1_a\n(3 rows)\n", "applied.txt: ends with (3 rows), and has 1 of them;"),
    "an error": (
        'ERROR:  relation "t" does not exist\nLINE 1: SELECT\n',
        'applied.txt: holds an error in the place of rows (ERROR:  relation "t" does not exist); paste',
    ),
    "JSON cut off": ('[{"version": 1}', "applied.txt: begins as JSON and is none"),
}


@pytest.mark.parametrize(("table", "words"), MISTAKES.values(), ids=MISTAKES)
def test_table_that_cannot_be_read_is_one_error(table: str | None, words: str, tmp_path: Path) -> None:
    folder = TOOLS["dbmate"][0] if table else files("{0}_a.sql")

    assert words in refusal(read, tmp_path, table or "1", folder)


def test_file_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    write_files(tmp_path, TOOLS["dbmate"][0])
    with pytest.raises(InputError, match=r"none\.txt: there is no such file; --history takes one with"):
        load_project(tmp_path / "m", options=FolderOptions(history=str(tmp_path / "none.txt")))


def test_applied_and_history_are_not_both_given(tmp_path: Path) -> None:
    write_files(tmp_path, {**TOOLS["dbmate"][0], "applied.txt": "1"})
    options = FolderOptions(history=str(tmp_path / "applied.txt"), applied="1")
    with pytest.raises(InputError, match="--applied and --history both say what production has"):
        load_project(tmp_path / "m", options=options)


@pytest.fixture
def production(started: Any) -> Server:
    server: Server = started("auto")
    return server


def test_table_is_read_from_a_database_that_is_not_written(production: Server, tmp_path: Path) -> None:
    write_files(tmp_path, TOOLS["sqlx"][0])
    url = production.conninfo(dbname="postgres")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE TABLE _sqlx_migrations (version int8, success bool, checksum bytea)")
        try:
            owner.execute(
                "INSERT INTO _sqlx_migrations VALUES (1, true, decode(%s, 'hex')), (2, false, NULL)", [sha("sha384", 1)]
            )
            writes = "SELECT xmin::text, xmax::text FROM _sqlx_migrations"
            before = owner.execute(writes).fetchall()
            project = load_project(tmp_path / "m", options=FolderOptions(layout="sqlx", history=f"dsn:{url}"))
            after = owner.execute(writes).fetchall()
        finally:
            owner.execute("DROP TABLE _sqlx_migrations")

    expected = [
        ("migration.finished", "2_a.sql did not end in production: sqlx calls it dirty, and applies nothing more.")
    ]
    assert (["2_a", "3_a"], expected, before) == ([each.key for each in project.pending], told(project), after)


@pytest.mark.parametrize("broken", ["no table", "no server"])
def test_database_that_cannot_be_read_is_one_error_without_its_password(
    broken: str, production: Server, tmp_path: Path
) -> None:
    write_files(tmp_path, TOOLS["sqlx"][0])
    url = production.conninfo(dbname="postgres") if broken == "no table" else "postgresql://u:geheim@127.0.0.1:1/x"
    with pytest.raises(InputError) as error:
        load_project(tmp_path / "m", options=FolderOptions(layout="sqlx", history=f"dsn:{url}"))

    words = {
        "no table": "--history: this database has no table _sqlx_migrations, or this role may not see it",
        "no server": "--history: _sqlx_migrations cannot be read: no connection came about",
    }
    assert str(error.value).startswith(words[broken])
    assert "geheim" not in f"{error.value!r}{FolderOptions(history=f'dsn:{url}')!r}"
