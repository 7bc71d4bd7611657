"""A script is read as psql reads it, and what psql would do elsewhere is refused at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from hypothesis import example, given
from hypothesis import strategies as st
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.psql_scripts import ReadScript, read_as_psql, read_by_its_text
from pgcontract.errors import InputError
from pgcontract.model.sql import Place, Source, place, read_psql, split_statements
from refusals import refusal
from written_files import write_files

SENT = {
    "plain": ("SELECT 1;\nSELECT 2", {}, ["SELECT 1", "SELECT 2"]),
    "value": ("\\set t users\nTABLE :t;", {}, ["TABLE users"]),
    "value that is given": ("TABLE :t;", {"t": "users"}, ["TABLE users"]),
    "the script's value wins": ("\\set t mine\nTABLE :t;", {"t": "users"}, ["TABLE mine"]),
    "value as a string": ("SELECT :'v';", {"v": "it's"}, ["SELECT 'it''s'"]),
    "value with a backslash": ("SELECT :'v';", {"v": "a\\b"}, ["SELECT  E'a\\\\b'"]),
    "value with escapes": ("\\set v 'a\\tb\\101\\x42\\c''d'\nSELECT :'v';", {}, ["SELECT 'a\tbABc''d'"]),
    "value as a name": ('TABLE :"v";', {"v": 'My "t"'}, ['TABLE "My ""t"""']),
    "value of a value": ("\\set a b\n\\set c ':a'\nTABLE :c;", {}, ["TABLE b"]),
    "value within itself": ("\\set a ':a'\nSELECT :a;", {}, ["SELECT :a"]),
    "value of several words": ("\\set a SELECT ' ' 1\n:a;", {}, ["SELECT 1"]),
    "value with a semicolon": ("SELECT :v", {"v": "1; SELECT 2"}, ["SELECT 1", "SELECT 2"]),
    "value that opens a quote": ("SELECT :v b';", {"v": "'a"}, ["SELECT 'a b'"]),
    "is a value given": ("\\if :{?v}\nSELECT 1;\n\\endif\nSELECT :{?w};", {"v": ""}, ["SELECT 1", "SELECT FALSE"]),
    "no value in quotes": ("SELECT ':v', $$:v$$, $a$:v$a$, E'\\':v' /* :v */ FROM t; -- :v", {"v": "x"}, 1),
    "no value in a quoted name": ('SELECT ":v" FROM t;', {"v": "x"}, 1),
    "cast": ("SELECT 1::v;", {"v": "x"}, 1),
    "assignment": ("CALL p(a :=v);", {"v": "x"}, 1),
    "unset": ("\\unset v\nSELECT 1 AS :v;", {"v": "x"}, ["SELECT 1 AS :v"]),
    "slice": ("SELECT a[1:n], a[1:2];", {}, 1),
    "pair of JSON": ("SELECT JSON_OBJECT('a' : b);", {}, 1),
    "branch": ("\\if yes\nSELECT 1;\n\\else\nSELECT 2;\n\\endif", {}, ["SELECT 1"]),
    "other branch": ("\\if off\nSELECT 1;\n\\elif 1\nSELECT 2;\n\\elif 1\nSELECT 3;\n\\else\nSELECT 4;\n\\endif", {},
                     ["SELECT 2"]),
    "no branch": ("\\if 0\nSELECT 1;\n\\endif\nSELECT 2;", {}, ["SELECT 2"]),
    "branch in a branch": ("\\if 0\n\\if 1\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\n\\else\nSELECT 3;\n\\endif", {},
                           ["SELECT 3"]),
    "branch within a statement": ("SELECT\n\\if 1\n1\n\\else\n2\n\\endif\n, 3;", {}, ["SELECT\n\n1\n\n, 3"]),
    "passed-over branch is not looked into": ("\\if 0\n\\! rm\n\\i x\n\\set a `b`\n\\endif\nSELECT 1;", {}, ["SELECT 1"]),
    "what is shown": ("\\echo a 'b;' \"c\" \\\\ SELECT 1; \\x on\n\\pset format csv\n\\timing\n\\dt+ *\n", {},
                      ["SELECT 1"]),
    "sent without a semicolon": ("SELECT 1 \\g\nSELECT 2 \\gx\n", {}, ["SELECT 1", "SELECT 2"]),
    "two in one message": ("SELECT 1\\; SELECT 2;", {}, ["SELECT 1; SELECT 2"]),
    "given up": ("SELECT 1 \\r\nSELECT 2;", {}, ["SELECT 2"]),
    "its end": ("SELECT 1;\n\\q\nnothing;", {}, ["SELECT 1"]),
    "value that is asked for and given": ("\\prompt 'name? ' t\nTABLE :t;", {"t": "users"}, ["TABLE users"]),
    "keys of pg_dump": ("\\restrict aB3\nSELECT 1;\n\\unrestrict aB3\n", {}, ["SELECT 1"]),
    "comments that nest": ("/* /* ; */ :v */ SELECT 1;", {"v": "x"}, ["SELECT 1"]),
    "line ends of Windows": ("\\set a 1\r\n\\if on\r\nSELECT :a;\r\n\\endif\r\n", {}, ["SELECT 1"]),
    "open comment": ("SELECT 1;\nSELECT 2 /* open;\n", {}, ["SELECT 1", "SELECT 2 /* open;\n"]),
    "nothing": ("\\set a 1\n-- SELECT 1;\n", {}, []),
}  # fmt: skip
ROWS = {
    "text": ("COPY t FROM stdin;\n1\t;'\n2\t\\N\n\\.\nSELECT 1;", ["1\t;'\n2\t\\N\n", None]),
    "csv with a header": ('COPY t FROM STDIN (FORMAT csv);\n"a;\n\\"\n\\.\nSELECT 1;', ['"a;\n\\"\n', None]),
    "Windows": ("COPY t FROM stdin;\r\n1\r\n\\.\r\nSELECT 1;\r\n", ["1\r\n", None]),
    "none": ("COPY t FROM stdin;\n\\.\nSELECT 1;", ["", None]),
    "up to the end": ("COPY t FROM stdin;\n1\n2\n", ["1\n2\n"]),
    "the rest of the line comes behind": ("COPY t FROM stdin; SELECT 1;\n1\n\\.\nSELECT 2;", ["1\n", None, None]),
    "copy of psql": ("\\copy t (a, b) from stdin csv\n1,2\n\\.\nSELECT 1;", ["1,2\n", None]),
    "a file of rows": ("\\copy t FROM 'rows.txt' WITH (FORMAT csv);\nSELECT 1;", ["1,it's\n", None]),
    "words in a string": ("COPY (SELECT 'FROM stdin') TO STDOUT;\nSELECT 1;", [None, None]),
}
REFUSED = {
    "shell": ("SELECT 1;\n\\! rm -rf /\n", "m.sql:2: \\! leaves the script for the shell"),
    "backticks": ("\\set a `date`\n", "m.sql:1: \\set runs a command of the shell between backticks"),
    "output to a program": ("SELECT 1 \\g | sh\n", "m.sql:1: \\g writes to a file or a program"),
    "output": ("\\o out.txt\n", "m.sql:1: \\o writes to a file or a program"),
    "buffer": ("\\w out.txt\n", "m.sql:1: \\w writes to a file or a program"),
    "another database": ("\n\\connect app\n", "m.sql:2: \\connect goes to another database"),
    "another database in short": ("\\c app\n", "m.sql:1: \\c goes to another database"),
    "program": ("\\copy t from program 'ls'\n", "m.sql:1: \\copy … PROGRAM"),
    "copy out": ("\\copy t to 'x'\n", "m.sql:1: \\copy … TO writes a file"),
    "answers as SQL": ("SELECT 'x' \\gexec\n", "m.sql:1: \\gexec runs what the server answers"),
    "answers as values": ("SELECT 1 AS a \\gset\n", "m.sql:1: \\gset takes a value from the server's answer"),
    "password": ("\\password\n", "m.sql:1: \\password asks a person"),
    "again and again": ("SELECT 1 \\watch 1\n", "m.sql:1: \\watch runs a query again and again"),
    "environment": ("\\setenv A b\n", "m.sql:1: \\setenv changes the environment"),
    "question": ("\\prompt a\n", "m.sql:1: \\prompt asks a person"),
    "encoding": ("\\encoding LATIN1\n", "m.sql:1: \\encoding names another encoding"),
    "no commit": ("\\set AUTOCOMMIT off\n", "m.sql:1: \\set AUTOCOMMIT off"),
    "binary rows": ("COPY t FROM stdin (FORMAT binary);\n", "m.sql:1: COPY takes binary rows"),
    "rows of nothing": ("SELECT 1;\n\\.\n", "m.sql:2: \\. ends the rows of a COPY"),
    "no command": ("SELECT 1;\n\\secret\n", "m.sql:2: a backslash outside of quotes"),
    "open branch": ("SELECT 1;\n\\if 1\nSELECT 2;\n", "m.sql:2: \\if has no \\endif"),
    "else of nothing": ("\\else\n", "m.sql:1: \\else without an \\if"),
    "two elses": ("\\if 1\n\\else\n\\else\n\\endif", "m.sql:3: \\else behind the \\else"),
    "open quote": ("\\echo 'a\n", "m.sql:1: \\echo has a quote that is not closed"),
    "missing file": ("SELECT 1;\n\\i x.sql\n", "m.sql:2: \\i x.sql: there is no such file; looked for"),
    "file outside": ("\\i ../outside.sql\n", "m.sql:1: \\i ../outside.sql: "),
    "file outside beside": ("\\ir ../outside.sql\n", "m.sql:1: \\ir ../outside.sql: "),
    "any file": ("\\i /etc/passwd\n", "m.sql:1: \\i /etc/passwd: /etc/passwd is outside of"),
    "rows outside": ("\\copy t from '../outside.sql'\n", "m.sql:1: \\copy ../outside.sql: "),
    "link outside": ("\\i link.sql\n", "m.sql:1: \\i link.sql: "),
    "circle": ("\\i a.sql\n", "b.sql:1: \\i m.sql: files include each other in a circle: "),
    "value without end": ("\\set a :'b'\n" + "\\set b :b :b\n" * 40, "m.sql:"),
    "values without end": (
        "".join(f"\\set a{n + 1} ':a{n} :a{n}'\n" for n in range(40)) + "SELECT :a40;",
        "m.sql:41: the values",
    ),
    "no SQL": ("\\set a 1\npassword=hunter2\n", "m.sql:2: is no SQL"),
}


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a script, and files that it may and may not include."""
    write_files(
        tmp_path,
        {
            "outside.sql": "SELECT 'out';",
            "in/rows.txt": "1,it's\n",
            "in/a.sql": "\\i b.sql\n",
            "in/b.sql": "\\i m.sql\n",
            "in/parts/one.sql": "SELECT :n; \\ir two.sql\n\\set n 3\nSELECT 4",
            "in/parts/two.sql": "SELECT 2",
        },
    )
    (tmp_path / "in" / "link.sql").symlink_to(tmp_path / "outside.sql")
    monkeypatch.chdir(tmp_path / "in")
    return tmp_path / "in"


def read(room: Path, text: str, **values: str) -> ReadScript:
    """The text, as m.sql of the folder."""
    (room / "m.sql").write_bytes(text.encode())
    return read_as_psql(Folder(path=Path(), root=Path(), values={"b": "xx"} | values), Path("m.sql"))


@pytest.mark.parametrize(("text", "values", "sent"), SENT.values(), ids=SENT)
def test_what_is_sent_is_what_psql_sends(text: str, values: dict[str, str], sent: list[str] | int, room: Path) -> None:
    expected = [text.partition("; --")[0].removesuffix(";")] if isinstance(sent, int) else sent

    assert expected == [statement.text for statement in read(room, text, **values).script.statements]


@pytest.mark.parametrize(("text", "rows"), ROWS.values(), ids=ROWS)
def test_rows_of_copy_go_with_their_statement(text: str, rows: list[str | None], room: Path) -> None:
    assert rows == [statement.copy_rows for statement in read(room, text).script.statements]


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_done_here_is_refused_at_its_line(text: str, message: str, room: Path) -> None:
    assert refusal(read, room, text).startswith(message)


def test_statement_of_an_included_file_has_its_place_there(room: Path) -> None:
    script = read(room, "SELECT 1;\n\\set n 7\n  \\i parts/one.sql\nSELECT :n, nope;").script
    placed = [place(script, statement.offset) for statement in script.statements]
    expected = [
        ("SELECT 1", "m.sql", 1, 1),
        ("SELECT 7", "parts/one.sql", 1, 1),
        ("SELECT 2", "parts/two.sql", 1, 1),
        ("SELECT 4", "parts/one.sql", 3, 1),
        ("SELECT 3, nope", "m.sql", 4, 1),
    ]

    assert (expected, expected) == (
        [(statement.text, statement.path, statement.line, statement.column) for statement in script.statements],
        [(statement.text, at.path, at.line, at.column) for statement, at in zip(script.statements, placed, strict=True)],
    )


def test_place_behind_a_value_is_that_of_the_file(room: Path) -> None:
    script = read(room, "SELECT 1,\n  :v, nope;", v="a_long_value").script

    assert Place(path="m.sql", line=2, column=7) == place(script, script.text.index("nope"))


@cases(("text", "unset"), {
    "in a statement": ("SELECT :a, :'c', :\"d\", :{?e};", ["a", "c", "d"]),
    "in a condition": ("\\if :a\n\\endif\nSELECT 1;", ["a"]),
    "in what is only shown": ("\\echo :a\nSELECT 1;", []),
    "where SQL has colons": ("SELECT a[1:b], a[b:c], JSON_OBJECT('a':c, 'b' : d), ':a', a::c;", []),
    "that psql sets itself": ("SELECT :DBNAME;", ["DBNAME"]),
})  # fmt: skip
def test_variable_without_a_value_is_told(text: str, unset: list[str], room: Path) -> None:
    assert unset == [variable.name for variable in read(room, text).unset]


@cases(("text", "tool"), {
    "a command in a comment": ("SELECT 1; -- \\i x", ""),
    "in a string": ("SELECT '\\i x', ':a', 'stdin';", ""),
    "cast and slice": ("SELECT a::int, b[1:c];", ""),
    "a command": ("\\echo hello\nSELECT 1;", "psql"),
    "rows": ("COPY t FROM stdin;\n\\.\n", "psql"),
    "a variable": ("SELECT :a;", "psql"),
    "a dump": ("--\n-- PostgreSQL database dump\n--\n\nSELECT 1;", "pg_dump"),
    "Rails' dump": ("SET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);", "pg_dump"),
})  # fmt: skip
def test_file_is_read_as_its_text_asks(text: str, tool: str, room: Path) -> None:
    (room / "m.sql").write_text(text, encoding="utf-8")

    assert tool == read_by_its_text(Folder(path=room, root=room), room / "m.sql").tool


PIECES = st.sampled_from(
    ["'", '"', "$$", "$a$", "a$", "E'", "--", "/*", "*/", "(", ")", ";", "\n", " ", "select", "create function f",
     "begin", "end", "case", "1", "é", "\r\n", "''"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
@example("create procedure p() begin atomic select case when true then 1 end; select 2; end; select 1")
@example("create table t (begin int, atomic int); select a$b$c as x$$y; select e'a'\n  'b;'; select date'a'")
def test_sql_is_cut_as_any_other_file_is(text: str) -> None:
    def open_file(name: str, *, beside: str | None, rows: bool) -> Source:
        raise AssertionError(name, beside, rows)

    text += " */" * 12  # psql sends a comment that stays open, that the server may refuse it
    source = Source(path="m.sql", text=text, sha256="", bytes=len(text))

    assert (
        tuple(split_statements(text, "m.sql")) == read_psql(source, open_file=open_file, variables={}).script.statements
    )


def test_name_without_a_value_opens_every_statement_and_is_told(room: Path) -> None:
    assert ["s"] == [variable.name for variable in read(room, "COPY :s.t FROM stdin;\n1\n\\.\n").unset]


def test_include_of_a_name_without_a_value_says_what_to_type(room: Path) -> None:
    with pytest.raises(InputError, match=r"the variable file has no value; give it with --set file=VALUE"):
        read(room, "SELECT :file;\n\\i :file\n")
