"""What is handed in by mistake is told in one clear word, and nothing is lost by it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from case_tables import cases
from command import Command
from pgcontract import RunOptions, load_project
from pgcontract import verify as verify_project
from pgcontract.contract.layouts import layouts
from pgcontract.contract.migration_folder import Folder

ROWS = "CREATE TABLE {t} (a text);\nINSERT INTO {t} SELECT repeat('x', 1000) FROM generate_series(1, 1e9);\n"
COPIED = "CREATE TABLE t (a text);\nCOPY t FROM stdin;\n{rows}\\.\n"


@dataclass(frozen=True, kw_only=True)
class Word:
    """What the command says: its exit code, the decision, and what is broken or could not be asked, or the mistake."""

    code: int
    decision: str = ""
    said: str = ""


def verify(pgcontract: Command, folder: Path, raw: bytes, *words: str) -> Word:
    """The bytes as the one file of a folder."""
    (folder / "m.sql").write_bytes(raw)
    result = pgcontract("verify", "m.sql", "--format", "json", *words)
    if not result.out:
        return Word(code=result.code, said=result.err.removeprefix("error: ").partition(";")[0].strip())
    run = json.loads(result.out)
    told = [
        f"{finding['check']} {(finding['origin'] or {}).get('line')}: {finding['summary']}"
        for finding in run["findings"]
        if finding["status"] in ("broken", "unknown", "error")
    ]
    return Word(code=result.code, decision=run["verdict"]["decision"], said=told[0] if told else "")


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """The working folder of the command."""
    return tmp_path


REFUSED = {
    "no SQL": (b"password=hunter2\n", "m.sql:1: is no SQL: no statement in it opens with an SQL command"),
    "prose": (b"Dear all,\nplease find attached\n", "m.sql:1: is no SQL: no statement in it opens with an SQL command"),
    "UTF-16": ("SELECT 1;".encode("utf-16"), "m.sql:1: not UTF-8 at byte 0: looks like a UTF-16 byte order mark"),
    "UTF-16 without its mark": (
        "SELECT 1;".encode("utf-16-le"),
        "m.sql:1: not UTF-8 at byte 1: looks like UTF-16 without a byte order mark",
    ),
    "a custom dump": (b"PGDMP\1\16\0", "m.sql: is a dump in pg_dump's own format, not SQL"),
    "a program": (b"\x7fELF\0\1", "m.sql:1: a binary file: byte 4 is NUL, which SQL text cannot hold"),
}


@pytest.mark.parametrize(("raw", "word"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_script_is_refused(pgcontract: Command, room: Path, raw: bytes, word: str) -> None:
    assert Word(code=2, said=word) == verify(pgcontract, room, raw)


JUDGED = {
    "nothing": (b"", "CLEAR", ""),
    "blanks": (b" \r\n\t", "CLEAR", ""),
    "a view without a column": (b"CREATE VIEW t AS SELECT;\nCREATE VIEW u AS SELECT;\n", "CLEAR", ""),
    "a comment": (b"-- nothing yet\n/* /* ; */ */\n", "CLEAR", ""),
    "semicolons": (b";;\n;", "CLEAR", ""),
    "psql's commands alone": (b"\\set a 1\n\\echo hello\n", "CLEAR", ""),
    "nested comments and dollar quotes": (
        b"/* a /* b; */ c; */ DO $a$ BEGIN EXECUTE $b$ SELECT ';' $b$; END $a$; -- ;\nSELECT 1/0;", "BLOCKED",
        "script.applies 2: The server rejects the script: division by zero."),
    "line ends of Windows behind a mark": (b"\xef\xbb\xbfSELECT 1;\r\n\r\nSELECT nope;\r\n", "BLOCKED",
        'script.applies 3: The server rejects the script: column "nope" does not exist.'),
    "an open quote": (b"SELECT 1;\nSELECT 'a;\n", "BLOCKED",
                      'script.applies 2: The server rejects the script: unterminated quoted string at or near "\'a;\n".'),
    "a transaction that never ends": (b"BEGIN;\nCREATE TABLE t (a int PRIMARY KEY);\n", "BLOCKED",
        "script.commits 1: The transaction that the script begins at line 1 is never committed, so what follows it is "
        "undone."),
    "a database that goes": (b"DROP DATABASE postgres;", "BLOCKED",
                             "script.applies 1: The server rejects the script: must be owner of database postgres."),
    "no such database": (b"\\set d app\nDROP DATABASE :d;", "BLOCKED",
                         'script.applies 2: The server rejects the script: database "app" does not exist.'),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "decision", "word"), JUDGED.values(), ids=JUDGED)
def test_what_is_a_script_is_judged(pgcontract: Command, room: Path, raw: bytes, decision: str, word: str) -> None:
    code = {"CLEAR": 0, "BLOCKED": 1}[decision]

    assert Word(code=code, decision=decision, said=word) == verify(pgcontract, room, raw)


def test_endless_loop_is_stopped(pgcontract: Command, room: Path) -> None:
    found = verify(pgcontract, room, b"SELECT 1;\nDO $$ BEGIN LOOP END LOOP; END $$;", "--timeout", "1s")

    assert Word(code=1, decision="BLOCKED", said="script.applies 2: The script does not end within 1 s.") == found


@cases("script", {
    "in one message": ROWS.format(t="t"),
    "by psql": f"\\set t t\n{ROWS.format(t=':t')}",
    "copied": COPIED.format(rows=f"{'x' * 999}\n" * 100_000),
})  # fmt: skip
def test_rows_without_end_are_stopped(
    pgcontract: Command, room: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgcontract.postgres.connection_limits.SCRIPT_MAX_BYTES", 40 * 1024**2)
    monkeypatch.setattr("pgcontract.postgres.connection_limits._CHECK_INTERVAL_S", 0.01)
    found = verify(pgcontract, room, script.encode(), "--only", "script.applies")

    assert (3, "INCOMPLETE", True) == (
        found.code,
        found.decision,
        found.said.startswith("script.applies None: A script was stopped after 0."),
    )


# Those that go by the names of files alone.
OF_MORE = {"drizzle", "drizzle-1", "diesel", "graphile-migrate", "hasura", "liquibase", "prisma", "sqitch"}
BY_NAME = sorted(layouts().keys() - OF_MORE)


@pytest.mark.parametrize("layout", BY_NAME)
@pytest.mark.parametrize("text", ["", "-- nothing\n", "\ufeff", "/* open"], ids=["empty", "comment", "mark", "open"])
def test_file_without_a_statement_is_read_by_each_layout(layout: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "1_a.up.sql").write_text(text, encoding="utf-8")
    (tmp_path / "V1__a.sql").write_text(text, encoding="utf-8")
    reading = layouts()[layout].read_folder(Folder(path=tmp_path, root=tmp_path))

    assert [()] == list({migration.up.statements for migration in reading.migrations})


def test_long_dump_is_read_statement_by_statement(tmp_path: Path) -> None:
    table = "--\n-- Name: t{n}\n--\n\nCREATE TABLE public.t{n} (\n    id bigint\n);\n\n"
    table += "ALTER TABLE public.t{n} OWNER TO app;\n"
    rows = "COPY public.t{n} (id) FROM stdin;\n" + "1;'\n" * 187 + "\\.\n\n\n"
    text = "--\n-- PostgreSQL database dump\n--\n" + "".join((table + rows).format(n=n) for n in range(500))
    (tmp_path / "dump.sql").write_text(text, encoding="utf-8")
    script = load_project(tmp_path / "dump.sql").chain[0].up

    assert (100_003, 1500, True, 99_813) == (
        script.lines,
        len(script.statements),
        script.parsed,
        script.statements[-1].line,
    )


def test_very_many_statements_hold_no_lock_each(tmp_path: Path) -> None:
    inserts = "".join(f"INSERT INTO t VALUES ({number});\n" for number in range(50))
    few = "SELECT 1 / (count(*) < 10)::int FROM pg_locks WHERE locktype = 'transactionid' AND pid = pg_backend_pid();"
    (tmp_path / "m.sql").write_text(f"CREATE TABLE t (a int PRIMARY KEY);\n{inserts}{few}\n", encoding="utf-8")
    (found,) = verify_project(load_project(tmp_path / "m.sql"), RunOptions(only=("script.psql",))).findings

    assert {"0 missing, 0 more errors"} == {row[-1] for row in found.evidence[0].rows[1:]}


@pytest.mark.parametrize(
    "raw", [b"CRAETE TABEL b (id int);\n", b"hunter2=x\n", "ä".encode("utf-16")], ids=["typo", "words", "utf-16"]
)
def test_file_that_is_no_sql_stops_no_other_of_its_folder(raw: bytes, pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_a.sql").write_text("CREATE TABLE a (id integer PRIMARY KEY);\n", encoding="utf-8")
    (tmp_path / "002_b.sql").write_bytes(raw)
    (tmp_path / "003_c.sql").write_text("ALTER TABLE a ADD COLUMN c integer;\n", encoding="utf-8")
    result = pgcontract("verify", ".", "--format", "json")
    found = {(finding["check"], finding["subject"], finding["status"]) for finding in json.loads(result.out)["findings"]}
    broken = {(check, subject) for check, subject, status in found if status == "broken"}

    assert (1, {("migration.accepted", "002_b.sql")}, False) == (result.code, broken, "hunter2" in result.out)


def test_folder_of_nothing_but_no_sql_is_one_error(pgcontract: Command, tmp_path: Path) -> None:
    (tmp_path / "001_a.sql").write_text("words, words\n", encoding="utf-8")
    result = pgcontract("verify", ".")

    assert (2, 1, True) == (result.code, result.err.count("\n"), "001_a.sql:1: is no SQL" in result.err)
