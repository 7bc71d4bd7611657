"""What a replay does to the whole cluster is undone before the next, and comes back with the state that has it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import DatabaseState, Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    platform = platform_of("postgres")
    with provider_for("auto").start() as server, Sandbox(server, platform) as sandbox:
        yield sandbox


@pytest.fixture
def empty(sandbox: Sandbox) -> DatabaseState:
    """The stage before the first migration."""
    return sandbox.platform_state(sandbox.platform.regimes[0])


def migrated(sandbox: Sandbox, state: DatabaseState, *statements: str) -> DatabaseState:
    """The state after these statements, run as the role that migrates."""
    with sandbox.clone(state, keep=True) as name, sandbox.connect(name) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    return sandbox.read_state(name)


def roles(connection: psycopg.Connection) -> set[tuple[str, bool, tuple[str, ...], tuple[str, ...]]]:
    """Each role with whether it logs in, the roles it is in, and its settings."""
    query = """
        select rolname, rolcanlogin, coalesce(rolconfig, '{}'),
               array(select roleid::regrole::text from pg_auth_members where member = r.oid order by 1)
          from pg_roles r where rolname like 'app%'
    """
    return {(name, login, tuple(groups), tuple(config)) for name, login, config, groups in connection.execute(query)}


def seen(sandbox: Sandbox, state: DatabaseState) -> set[tuple[str, bool, tuple[str, ...], tuple[str, ...]]]:
    with sandbox.rolled_back(state) as connection:
        return roles(connection)


def test_the_first_state_has_nothing_of_the_template_that_nobody_connects_to(
    sandbox: Sandbox, empty: DatabaseState
) -> None:
    query = "select shobj_description(oid, 'pg_database'), datacl from pg_database where datname = current_database()"
    with sandbox.rolled_back(empty) as connection:
        assert (None, None) == connection.execute(query).fetchone()


def test_a_role_is_not_there_in_a_state_before_it(sandbox: Sandbox, empty: DatabaseState) -> None:
    migrated(sandbox, empty, "create role app_a")

    assert set() == seen(sandbox, empty)


def test_a_role_may_be_made_again_in_each_replay(sandbox: Sandbox, empty: DatabaseState) -> None:
    states = [migrated(sandbox, empty, "create role app_b") for _ in range(2)]

    assert [{("app_b", False, (), ())}] * 2 == [seen(sandbox, state) for state in states]


def test_a_role_that_owns_and_may_things_is_out_of_the_way(sandbox: Sandbox, empty: DatabaseState) -> None:
    migrated(
        sandbox,
        empty,
        "create role app_c",
        "create table public.t (a integer)",
        "grant select on public.t to app_c",
        "alter default privileges grant select on tables to app_c",
    )

    assert set() == seen(sandbox, empty)


def test_attributes_settings_and_memberships_are_put_back(sandbox: Sandbox, empty: DatabaseState) -> None:
    before = migrated(
        sandbox, empty, "create role app_d", "create role app_e", "alter role app_d set lock_timeout = '1s'"
    )
    after = migrated(
        sandbox,
        before,
        "alter role app_d login",
        "alter role app_d set lock_timeout = '2s'",
        'alter role app_d set search_path = a, "B c"',
        "grant app_e to app_d",
    )
    expected = (
        {("app_d", False, (), ("lock_timeout=1s",)), ("app_e", False, (), ())},
        {("app_d", True, ("app_e",), ("lock_timeout=2s", 'search_path=a, "B c"')), ("app_e", False, (), ())},
    )

    assert expected == (seen(sandbox, before), seen(sandbox, after))


def test_a_role_that_was_renamed_has_its_name_back(sandbox: Sandbox, empty: DatabaseState) -> None:
    before = migrated(sandbox, empty, "create role app_f")
    after = migrated(sandbox, before, "alter role app_f rename to app_g")

    assert ({("app_f", False, (), ())}, {("app_g", False, (), ())}) == (seen(sandbox, before), seen(sandbox, after))


def test_what_a_transaction_does_to_a_role_is_undone_with_it(sandbox: Sandbox, empty: DatabaseState) -> None:
    with sandbox.rolled_back(empty) as connection:
        connection.execute("create role app_h")

    assert set() == seen(sandbox, empty)


def test_a_setting_of_the_database_stays_in_the_state_that_has_it(sandbox: Sandbox, empty: DatabaseState) -> None:
    def timeout(state: DatabaseState) -> object:
        with sandbox.clone(state) as name, sandbox.connect(name) as connection:
            return connection.execute("select current_setting('idle_session_timeout')").fetchone()

    with sandbox.clone(empty, keep=True) as name, sandbox.connect(name) as connection:
        connection.execute(f'alter database "{name}" set idle_session_timeout = 12345')

    assert (("0",), ("12345ms",)) == (timeout(empty), timeout(sandbox.read_state(name)))


def test_a_membership_that_was_taken_is_given_back(sandbox: Sandbox, empty: DatabaseState) -> None:
    statements = ("create role app_i", "create role app_j", "grant app_i to app_j with admin option")
    before = migrated(sandbox, empty, *statements)
    after = migrated(sandbox, before, "revoke app_i from app_j")
    expected = {"app_i": (), "app_j": ()}, {"app_i": (), "app_j": ("app_i",)}

    assert expected == tuple({name: groups for name, _, groups, _ in seen(sandbox, state)} for state in (after, before))
