"""A server that projects share is, for the next one, as it was when it started."""

from __future__ import annotations

import psycopg
import pytest
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import Production
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from shared_server import shared_server

NAMES = """
    SELECT datname FROM pg_database UNION SELECT rolname || rolconnlimit FROM pg_roles
    UNION SELECT current_setting('work_mem')
"""


def _names_before(statements: list[str]) -> tuple[str, set[str]]:
    """Where the shared server is, with its databases, its roles and a setting; then these statements are run on it."""
    with (
        shared_server("auto", Production()).start() as server,
        psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection,
    ):
        names = {name for (name,) in connection.execute(NAMES)}
        for statement in statements:
            connection.execute(statement.encode())
        return server.host, names


@pytest.mark.parametrize(
    ("left", "is_same_server"),
    [
        (["CREATE ROLE keeper", "CREATE DATABASE attic OWNER keeper", "ALTER ROLE keeper SET work_mem = '1MB'"], True),
        (["ALTER ROLE postgres CONNECTION LIMIT 3"], True),
        (["ALTER SYSTEM SET work_mem = '1MB'"], False),
        (["DROP DATABASE pgcontract_1"], False),
    ],
    ids=["what can be dropped", "a role of the platform", "what belongs to the server", "the platform is gone"],
)
def test_what_one_project_leaves_the_next_does_not_find(left: list[str], is_same_server: bool) -> None:
    host, names = _names_before(left)
    next_host, next_names = _names_before([])

    assert (names, is_same_server) == (next_names, host == next_host)


def test_the_platform_is_made_once_for_all_of_its_projects() -> None:
    platform = platform_of("supabase")
    states: list[list[DatabaseState]] = []
    for _ in range(2):
        with (
            shared_server("auto", Production(platform="supabase")).start() as server,
            Sandbox(server, platform) as sandbox,
        ):
            states.append([sandbox.platform_state(regime) for regime in platform.regimes])
            with sandbox.clone(states[-1][0], keep=True):
                pass  # the next is without it

    assert states[0] == states[1]
