"""What a replay does to the whole cluster is undone before the next, and comes back with the state that has it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pgcontract.postgres.platform import stage_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import State, Workbench


@pytest.fixture(scope="module")
def workbench() -> Iterator[Workbench]:
    stage = stage_of("postgres")
    with provider_for("auto").start() as server, Workbench(server, stage) as workbench:
        yield workbench


@pytest.fixture
def empty(workbench: Workbench) -> State:
    """The stage before the first migration."""
    return workbench.stage_state(workbench.stage.regimes[0])


def migrated(workbench: Workbench, state: State, *statements: str) -> State:
    """The state after these statements, run as the role that migrates."""
    with workbench.clone(state, keep=True) as name, workbench.connect(name) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    return workbench.rest(name)


def roles(connection: psycopg.Connection) -> set[tuple[str, bool, tuple[str, ...], tuple[str, ...]]]:
    """Each role with whether it logs in, the roles it is in, and its settings."""
    query = """
        select rolname, rolcanlogin, coalesce(rolconfig, '{}'),
               array(select roleid::regrole::text from pg_auth_members where member = r.oid order by 1)
          from pg_roles r where rolname like 'app%'
    """
    return {(name, login, tuple(groups), tuple(config)) for name, login, config, groups in connection.execute(query)}


def seen(workbench: Workbench, state: State) -> set[tuple[str, bool, tuple[str, ...], tuple[str, ...]]]:
    with workbench.rolled_back(state) as connection:
        return roles(connection)


def test_a_role_is_not_there_in_a_state_before_it(workbench: Workbench, empty: State) -> None:
    migrated(workbench, empty, "create role app_a")

    assert set() == seen(workbench, empty)


def test_a_role_may_be_made_again_in_each_replay(workbench: Workbench, empty: State) -> None:
    states = [migrated(workbench, empty, "create role app_b") for _ in range(2)]

    assert [{("app_b", False, (), ())}] * 2 == [seen(workbench, state) for state in states]


def test_a_role_that_owns_and_may_things_is_out_of_the_way(workbench: Workbench, empty: State) -> None:
    migrated(
        workbench,
        empty,
        "create role app_c",
        "create table public.t (a integer)",
        "grant select on public.t to app_c",
        "alter default privileges grant select on tables to app_c",
    )

    assert set() == seen(workbench, empty)


def test_attributes_settings_and_memberships_are_put_back(workbench: Workbench, empty: State) -> None:
    before = migrated(
        workbench, empty, "create role app_d", "create role app_e", "alter role app_d set lock_timeout = '1s'"
    )
    after = migrated(
        workbench,
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

    assert expected == (seen(workbench, before), seen(workbench, after))


def test_a_role_that_was_renamed_has_its_name_back(workbench: Workbench, empty: State) -> None:
    before = migrated(workbench, empty, "create role app_f")
    after = migrated(workbench, before, "alter role app_f rename to app_g")

    assert ({("app_f", False, (), ())}, {("app_g", False, (), ())}) == (seen(workbench, before), seen(workbench, after))


def test_what_a_transaction_does_to_a_role_is_undone_with_it(workbench: Workbench, empty: State) -> None:
    with workbench.rolled_back(empty) as connection:
        connection.execute("create role app_h")

    assert set() == seen(workbench, empty)


def test_a_setting_of_the_database_stays_in_the_state_that_has_it(workbench: Workbench, empty: State) -> None:
    def timeout(state: State) -> object:
        with workbench.clone(state) as name, workbench.connect(name) as connection:
            return connection.execute("select current_setting('idle_session_timeout')").fetchone()

    with workbench.clone(empty, keep=True) as name, workbench.connect(name) as connection:
        connection.execute(f'alter database "{name}" set idle_session_timeout = 12345')

    assert (("0",), ("12345ms",)) == (timeout(empty), timeout(workbench.rest(name)))


def test_a_membership_that_was_taken_is_given_back(workbench: Workbench, empty: State) -> None:
    made = ("create role app_i", "create role app_j", "grant app_i to app_j with admin option")
    before = migrated(workbench, empty, *made)
    after = migrated(workbench, before, "revoke app_i from app_j")
    expected = {"app_i": (), "app_j": ()}, {"app_i": (), "app_j": ("app_i",)}

    assert expected == tuple({name: groups for name, _, groups, _ in seen(workbench, each)} for each in (after, before))
