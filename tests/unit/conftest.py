"""The command as a person runs it, small projects to run it on, and databases with everything in them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import psycopg
import pytest
from catalog_servers import CATALOG_SERVERS
from command import Command, command_here, command_in
from pgcontract.postgres.providers import Server, provider_for

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))  # its runs are those of tests here too


@pytest.fixture(scope="module", autouse=True)
def _one_server(one_server: None) -> None:
    """But where a test chooses folders for its server."""


@pytest.fixture
def pgcontract(tmp_path: Path) -> Command:
    """The command, run in the test's folder and this process."""
    return command_here(tmp_path)


@pytest.fixture
def process(tmp_path: Path) -> Command:
    """The command, run in the test's folder and a process of its own."""
    return command_in(tmp_path)


@pytest.fixture
def project(tmp_path: Path, write_project: Callable[[Path], Path]) -> Path:
    """The small project, as `schema` in the test's folder."""
    return write_project(tmp_path / "schema")


@pytest.fixture(scope="session")
def started() -> Iterator[Callable[[str], Server]]:
    """The server of a name, started once: a fixture with parameters is made anew each time that the next file begins."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(provider_for(name).start(settings={"wal_level": "logical"})))


@pytest.fixture(scope="session", params=CATALOG_SERVERS)
def catalog_server(request: pytest.FixtureRequest, started: Callable[[str], Server]) -> Server:
    """A server of each major that is there."""
    return started(request.param)


@pytest.fixture(scope="session")
def rich_conninfo(catalog_server: Server) -> str:
    """A database with an object of every kind."""
    conninfo = catalog_server.conninfo(dbname="rich")
    with psycopg.connect(catalog_server.conninfo(dbname="postgres"), autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = 'rich'").fetchone() is not None:
            return conninfo
        connection.execute("create database rich")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute((Path(__file__).parent / "rich_catalog.sql").read_bytes())
    return conninfo


@pytest.fixture
def rich(rich_conninfo: str) -> Iterator[psycopg.Connection]:
    """A connection to that database."""
    with psycopg.connect(rich_conninfo, autocommit=True) as connection:
        yield connection
