"""What the text says a script leaves is what a live catalog has, name by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pgcontract.catalog import read_catalog
from pgcontract.model.sql import inventory, read_script
from pgcontract.postgres.providers import Server, provider_for
from sql_cases import CASES

# What no text can tell: LIKE INCLUDING ALL copies statistics under a name of their own, and says so as unread.
UNTOLD = {("statistics", "public.u_id_a_stat")}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with provider_for("auto").start() as server:
        with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection:
            connection.execute("create role reader")
            connection.execute("create role other")
        yield server


@pytest.fixture
def database(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as outside:
        outside.execute("create database live")
        with psycopg.connect(server.conninfo(dbname="live"), autocommit=True) as connection:
            yield connection
        outside.execute("drop database live with (force)")


def objects(connection: psycopg.Connection) -> set[tuple[str, str]]:
    """Kind and name of every object; a key's index is its constraint, a grant more than the default."""
    names: set[tuple[str, str]] = set()
    for part in read_catalog(connection, rows=False).parts():
        implied = part.kind == "grant" and getattr(part, "privileges", ()) == getattr(part, "implied", ())
        if not implied and not (part.kind == "index" and getattr(part, "constraint", None)):
            names.add((part.kind, part.name))
    return names


@pytest.mark.parametrize("sql", CASES.values(), ids=CASES)
def test_what_the_text_leaves_is_what_the_catalog_has(sql: str, tmp_path: Path, database: psycopg.Connection) -> None:
    path = tmp_path / "001.sql"
    path.write_text(sql, encoding="utf-8")
    script = read_script(path)
    before = objects(database)
    for statement in script.statements:
        database.execute(statement.text.encode())

    assert objects(database) - before - UNTOLD == {
        (created.kind, created.name) for created in inventory(script).remaining
    }


def test_the_server_takes_a_whole_file_as_the_splitter_cuts_it(tmp_path: Path, database: psycopg.Connection) -> None:
    path = tmp_path / "001.sql"
    path.write_text("\n".join(f"select {at}; -- ; '" for at in range(9)) + "; select 'a;b', $$;$$ /* ; */;;", "utf-8")
    cursor = database.execute(path.read_bytes())
    results = 1
    while cursor.nextset():
        results += 1

    assert results == len(read_script(path).statements)
