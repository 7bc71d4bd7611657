"""A file is read exactly, or refused with its place and a remedy."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest
from case_tables import cases
from pgcontract.model.sql import MAX_PARSED_BYTES, opens_as_sql, place, read_script
from refusals import refusal


def written(folder: Path, raw: bytes) -> Path:
    path = folder / "001_x.sql"
    path.write_bytes(raw)
    return path


def refused(path: Path) -> str:
    return refusal(read_script, path).replace(str(path), path.name)


def test_facts_of_the_file_are_of_its_bytes(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbfselect 1;\r\nselect '\xc3\xa4'"
    script = read_script(written(tmp_path, raw))

    assert ("select 1;\r\nselect 'ä'", sha256(raw).hexdigest(), 2, len(raw), True) == (
        script.text,
        script.sha256,
        script.lines,
        script.bytes,
        script.parsed,
    )


@pytest.mark.parametrize(("raw", "lines"), [(b"", 0), (b"end", 1), (b"end\n", 1), (b"select\r\nb", 2), (b"\n\n", 2)])
def test_lines_count_as_in_an_editor(tmp_path: Path, raw: bytes, lines: int) -> None:
    assert lines == read_script(written(tmp_path, raw)).lines


def test_an_offset_is_placed_by_line_and_column(tmp_path: Path) -> None:
    script = read_script(written(tmp_path, "\ufeff(ab\r\n  ä\n".encode()))

    places = [(found.line, found.column) for found in (place(script, at) for at in (0, 3, 7, 9))]

    assert [(1, 1), (1, 4), (2, 3), (3, 1)] == places


def test_a_text_above_the_limit_is_kept_but_not_split(tmp_path: Path) -> None:
    script = read_script(written(tmp_path, b"select 1;" + b" " * MAX_PARSED_BYTES))

    assert (False, (), MAX_PARSED_BYTES + 9) == (script.parsed, script.statements, len(script.text))


NOT_SQL = "001_x.sql:{}: is no SQL: no statement in it opens with an SQL command; check that it is the right file"


@cases(("raw", "message"), {
    "utf-16": (b"\xff\xfes\x00", "001_x.sql:1: not UTF-8 at byte 0: looks like a UTF-16 byte order mark; "
        "convert it, e.g. iconv -f UTF-16 -t UTF-8"),
    "utf-16 without mark": ("a\nb".encode("utf-16-le"),
        "001_x.sql:1: not UTF-8 at byte 1: looks like UTF-16 without a byte order mark; "
        "convert it, e.g. iconv -f UTF-16LE -t UTF-8"),
    "latin-1": (b"select 1;\n-- gr\xf6\xdfe\n",
        "001_x.sql:2: not UTF-8 at byte 15: looks like Windows-1252 or Latin-1 (column 6 of the line); "
        "convert it, e.g. iconv -f WINDOWS-1252 -t UTF-8"),
    "binary": (b"PK\x03\x04 some archive\n and \x00 within its bytes, as archives have",
        "001_x.sql:2: a binary file: byte 23 is NUL, which SQL text cannot hold"),
    "include": (b"select '\\i x';\n\\ir other.sql\n",
        r"001_x.sql:2: \ir is psql's own command, not SQL, and no server runs it: "
        "write the included file's SQL in its place, or make it a migration of its own"),
    "unknown command": (b"select 1 \\gset\n",
        r"001_x.sql:1: \gset is psql's own command, not SQL, and no server runs it: "
        "write it in SQL, or remove the line"),
    "no command of psql": (b"password \\hunter2\n", NOT_SQL.format(1)),
    "backslash": (b"select 1;\npassword \\hunter2\n",
        "001_x.sql:2: a backslash outside of quotes, as psql's own commands open with, is not SQL, "
        "and no server runs it: remove it"),
    "passwd": (b"root:$6$hunter2:19000:0:99999:7:::\nbin:*;1\n", NOT_SQL.format(1)),
    "ini": (b"-- keys\n\n[default]\naws_secret_access_key = hunter2\n", NOT_SQL.format(3)),
    "python": (b"import os\nPASSWORD = 'hunter2'\n", NOT_SQL.format(1)),
    "shell": (b"set -e\nPASSWORD=hunter2\n", NOT_SQL.format(1)),
    "yaml": (b"values:\n  password: hunter2\n", NOT_SQL.format(1)),
    "prose": (b"Do not share it: the password is hunter2; show nobody hunter2", NOT_SQL.format(1)),
    "program": (b"var password = `hunter2`; do { use(password) } while (true); end;", NOT_SQL.format(1)),
    "mistyped": (b"CRAETE TABLE t ();",
        "001_x.sql:1: is no SQL: no statement in it opens with an SQL command; did you mean CREATE here?"),
    "copy": (b"\n\ncopy t (a)\nfrom stdin;\n1\n\\.\n",
        "001_x.sql:3: COPY … FROM STDIN takes its rows from psql, which no migration tool provides: "
        "write the rows as INSERT statements"),
})  # fmt: skip
def test_a_file_that_cannot_be_handed_over_names_place_and_remedy(tmp_path: Path, raw: bytes, message: str) -> None:
    assert message == refused(written(tmp_path, raw))


@pytest.mark.parametrize("raw", [
    *(b"(select 1)", b"/* x */ with a as (select 1) select 1", b"crate x;\nselect 1", b"-- no\n"),
    *(b"select 'open;", b"do $$ open;", b"/* open", b"", b";;", b"select $x$"),  # the server will refuse these
])  # fmt: skip
def test_a_file_with_one_command_or_nothing_but_commands_in_it_is_sql(tmp_path: Path, raw: bytes) -> None:
    assert raw.decode() == read_script(written(tmp_path, raw)).text


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "001_x.sql")

    assert "001_x.sql: is no regular file; name one that is" == refused(tmp_path / "001_x.sql")


def test_rows_for_copy_are_refused_above_the_limit_too(tmp_path: Path) -> None:
    raw = b"COPY t FROM stdin;\n" + b"1\n" * (MAX_PARSED_BYTES // 2) + b"\\.\n"

    assert refused(written(tmp_path, raw)).startswith("001_x.sql:1: COPY … FROM STDIN")


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    written(tmp_path, b"")

    assert "002_y.sql: no such file; in the same folder: 001_x.sql; check the name" == refused(tmp_path / "002_y.sql")


def test_a_folder_is_no_script(tmp_path: Path) -> None:
    assert f"{tmp_path.name}: a folder, where a .sql file was expected" == refused(tmp_path)


SQL = """
(SELECT 1); SELECT $1; WITH RECURSIVE a (b) AS (SELECT 1) TABLE a; VALUES (1); TABLE ONLY "a b".c; DO $x$ $x$;
DO LANGUAGE plpgsql 'BEGIN END'; SET a.b = 'c'; SET LOCAL "a" TO on; SET TIME ZONE UTC; SET SESSION CHARACTERISTICS AS x;
RESET ALL; GRANT SELECT (a), INSERT ON t TO r; GRANT a, b TO c; REVOKE GRANT OPTION FOR ALL ON t FROM r; CALL "S".f();
COPY t (a, b) TO '/x'; UPDATE ONLY "S"."T" AS t SET a = 1; VACUUM; VACUUM FULL t; ANALYZE t (a); CLUSTER i ON t;
IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c; COMMIT AND CHAIN; ROLLBACK TO a; END; LOCK t IN SHARE MODE; NOTIFY c, 'x';
EXPLAIN ANALYZE VERBOSE SELECT 1; CRAETE TABLE t (); CREATE TABEL t (); ALTR TABLE t ADD a int; LOAD 'x'; SHOW ALL;
TRUNCATE t, u CASCADE; LISTEN c; DECLARE c CURSOR FOR SELECT 1; FETCH ALL FROM c; PREPARE p AS SELECT 1; EXECUTE p (1);
MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE; REFRESH MATERIALIZED VIEW v; SECURITY LABEL ON TABLE t IS 'x'
"""
NO_SQL = """
import os; import {a} from "b"; do { x() } while (y); do not tell; set -e; set password hunter2; values: hunter2;
table: hunter2; with open("x") as f: pass; create me one; drop it; show them hunter2; update: 1; update the file; end x;
call me; copy that down; comment: x; lock the door; load me; grant me access; explain it; analyze this thing; var a = 1;
begin forEach; {"a"; [a]; 1; 'a'; "a"; /usr/bin; <a>; #!/bin/sh
"""


@pytest.mark.parametrize(("text", "expected"), [(SQL, True), (NO_SQL, False)])
def test_a_word_of_sql_opens_sql_only_where_the_next_words_fit(text: str, expected: bool) -> None:
    assert [] == [statement for statement in text.strip().split(";") if opens_as_sql(statement.strip()) is not expected]
