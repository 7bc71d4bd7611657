"""A file of pg_dump, or Rails' structure.sql, is restored whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import load_project
from pgcontract.contract.psql_scripts import RESTORE
from readings import Read, read
from written_files import write_files

HEADER = "--\n-- PostgreSQL database dump\n--\n\n\\restrict kEy\n\n"
BODY = """SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: users; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.users (id integer NOT NULL);

ALTER TABLE public.users OWNER TO app;
"""
ROWS = "COPY public.users (id) FROM stdin;\n1\n\\.\n\n\\unrestrict kEy\n"
RAILS = f"""{BODY}
SET search_path TO "$user", public;

INSERT INTO "schema_migrations" (version) VALUES
('20240101000000');
"""
SAMPLE = {"db/structure.sql": RAILS, "db/migrate/20240101000000_a.rb": ""}
FOLDER = "db"


@cases(("files", "path", "layout"), {
    "a file that is named": ({"dump.sql": HEADER + BODY + ROWS}, "dump.sql", "dump"),
    "structure.sql": ({"db/structure.sql": RAILS}, "db/structure.sql", "dump"),
    "on Windows": ({"db/structure.sql": f"\ufeff{RAILS}".replace("\n", "\r\n")}, "db", "dump"),
    "the only .sql file": ({"a/dump.sql": HEADER + BODY, "a/notes.md": ""}, "a", "dump"),
    "one of several": ({"a/dump.sql": HEADER + BODY, "a/2.sql": "SELECT 1;"}, "a", "flat"),
    "words in a comment": ({"a/1.sql": "-- PostgreSQL database dump\nSELECT 1;"}, "a/1.sql", "flat"),
    "words in a string": ({"a/1.sql": f"SELECT $$\n{HEADER}$$;"}, "a/1.sql", "flat"),
})  # fmt: skip
def test_dump_is_known_by_how_it_opens(files: dict[str, str], path: str, layout: str, tmp_path: Path) -> None:
    assert layout == read(tmp_path, files, path).layout


def test_dump_among_migrations_is_restored_like_any(tmp_path: Path) -> None:
    files = {"a/1_base.sql": HEADER + BODY + ROWS, "a/2_more.sql": "SELECT 1;"}
    project = load_project(write_files(tmp_path, files) / "a")

    assert (True, False, "1_base.sql is a dump and is read as psql restores it.") == (
        *(migration.up.execution == RESTORE for migration in project.chain),
        project.assumptions[1],
    )


def test_rows_of_a_dump_are_no_statements(tmp_path: Path) -> None:
    project = load_project(write_files(tmp_path, {"dump.sql": HEADER + BODY + ROWS}) / "dump.sql")
    statements = project.chain[0].up.statements

    assert [(7, None), (8, None), (14, None), (16, None), (17, "1\n")] == [
        (statement.line, statement.copy_rows) for statement in statements
    ]


def test_dump_with_its_database_is_refused_at_the_line(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"dump.sql:8: \\connect goes to another database.*dump one database without"):
        read(tmp_path, {"dump.sql": f"{HEADER}CREATE DATABASE app;\n\\connect app\n{BODY}"}, "dump.sql")


def test_included_file_is_a_part_and_no_migration(tmp_path: Path) -> None:
    files = {"a/all.sql": "\\ir parts.sql\n\\i more.sql", "a/parts.sql": "SELECT 1;", "a/more.sql": "SELECT :v;"}

    assert Read(layout="flat", order=["all"], back=[], issues=["migration.placeholders error v"]) == read(
        tmp_path, files, "a"
    )
