"""What an owner has run before the first migration is there for every migration, and is left on nobody's server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from orders_project import write_orders
from owner import MAJORS, Owner, owner_of, run_as
from pgcontract import RunOptions, load_project, verify
from pgcontract.contract import FolderOptions
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, read_script
from pgcontract.postgres.cluster_settings import read_cluster_roles, restore_cluster_roles
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import Server, provider_for
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.result import Status
from written_files import write_files

SETUP = """\
-- Made by whoever runs the database.
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'glad');
CREATE TABLE app.team (id integer PRIMARY KEY, mood app.mood);
CREATE FUNCTION app.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now()';
CREATE EXTENSION hstore SCHEMA app;
CREATE ROLE reader NOLOGIN;
CREATE ROLE "Odd ""1" LOGIN PASSWORD 'secret';
CREATE ROLE boss_of_all SUPERUSER;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader;
INSERT INTO app.team VALUES (1, 'glad');
"""
# What only the owner of a thing, or who has ADMIN OPTION of a role, may do.
MIGRATION = """\
CREATE TABLE app.member (id integer PRIMARY KEY, team integer REFERENCES app.team (id), tags app.hstore);
CREATE INDEX ON app.member (team);
ALTER TABLE app.team ADD COLUMN name text;
ALTER TYPE app.mood ADD VALUE 'mad';
ALTER FUNCTION app.now() STABLE;
GRANT USAGE ON SCHEMA app TO reader, "Odd ""1";
CREATE ROLE writer;
GRANT reader TO writer;
"""


@pytest.fixture(scope="module", params=MAJORS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with provider_for(request.param).start() as server:
        yield server


@pytest.fixture
def sandbox_of(server: Server, tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Opens a sandbox whose states have had this setup run in them."""
    with ExitStack() as opened:

        def open_sandbox(text: str, platform: str = "postgres") -> Sandbox:
            path = tmp_path / "setup.sql"
            path.write_text(text, encoding="utf-8")
            setup = read_script(path, Execution(by_statement=True))
            sandbox = opened.enter_context(Sandbox(server, platform_of(platform, setup=setup)))
            # The server is every test's: the roles that this one makes are out of the way afterwards.
            opened.callback(restore_cluster_roles, sandbox.admin, read_cluster_roles(sandbox.admin))
            return sandbox

        yield open_sandbox


@pytest.mark.parametrize("regime", ["plain", "since", "before"])
def test_migrations_use_what_the_setup_makes_as_their_own(regime: str, sandbox_of: Callable[..., Sandbox]) -> None:
    sandbox = sandbox_of(SETUP, "postgres" if regime == "plain" else "supabase")
    states = {one.name: sandbox.platform_state(one) for one in sandbox.platform.regimes}
    with sandbox.rolled_back(states[regime]) as connection:
        connection.execute(MIGRATION.encode())
        readable = connection.execute("SELECT has_table_privilege('reader', 'app.member', 'SELECT')").fetchone()

    assert (True,) == readable


def test_who_migrates_is_no_superuser_afterwards(sandbox_of: Callable[..., Sandbox]) -> None:
    sandbox = sandbox_of("ALTER ROLE CURRENT_USER SUPERUSER;")
    with sandbox.rolled_back(sandbox.platform_state(sandbox.platform.regimes[0])) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()

    assert (False,) == row


def test_each_state_has_its_own_roles_of_the_setup(sandbox_of: Callable[..., Sandbox]) -> None:
    sandbox = sandbox_of("CREATE ROLE reader;", "supabase")
    states = [sandbox.platform_state(regime) for regime in sandbox.platform.regimes]
    roles = []
    for state in (*states, *states):
        with sandbox.rolled_back(state) as connection:
            roles += connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ 'reader'").fetchall()

    assert [("reader",)] * 4 == roles


def test_every_server_of_a_run_has_had_the_setup(tmp_path: Path) -> None:
    root = write_orders(tmp_path / "orders")
    first = root / "migrations" / "001_orders.sql"
    first.write_text(f"{first.read_text('utf-8')}GRANT USAGE ON SCHEMA app TO reader;\n", encoding="utf-8")
    (tmp_path / "setup.sql").write_text("CREATE SCHEMA app; CREATE ROLE reader;", encoding="utf-8")
    project = load_project(root, options=FolderOptions(setup=tmp_path / "setup.sql"))
    run = verify(project, RunOptions(pg="wheel", only=("acid.durability", "dataset.loads", "script.applies")))

    asked = {finding.check for finding in run.findings} - {"claim.decided"}
    wrong = [finding for finding in run.findings if finding.status not in (Status.KEPT, Status.NOTED)]

    assert ({"acid.durability", "dataset.loads", "script.applies"}, []) == (asked, wrong)


REFUSED = {
    "what is not there": (
        "SELECT 1;\n\nCREATE TABLE a (\r\n  id missing.kind\n);",
        'setup.sql:4: the server refuses the setup at column 6: schema "missing" does not exist (SQLSTATE 3F000)',
    ),
    "what is there already": (
        "CREATE TABLE a ();\n  CREATE TABLE a ();",
        'setup.sql:2: the server refuses the setup at column 3: relation "a" already exists (SQLSTATE 42P07)',
    ),
    "a body that raises": (
        "DO $$ BEGIN RAISE 'not so' USING HINT = 'ask'; END $$;",
        "setup.sql:1: the server refuses the setup at column 1: not so (SQLSTATE P0001); ask",
    ),
    "what does not end": (
        "SET statement_timeout = '50ms'; SELECT pg_sleep(600);",
        "setup.sql:1: the server refuses the setup at column 33: canceling statement due to statement timeout "
        "(SQLSTATE 57014)",
    ),
    "the superuser dropped": (
        "DROP ROLE supabase_admin;",
        "setup.sql:1: the server refuses the setup at column 1: cannot drop role supabase_admin because it is required "
        "by the database system (SQLSTATE 2BP01)",
    ),
    "a transaction without an end": (
        "BEGIN; CREATE TABLE a ();",
        "setup.sql: the setup ends within a transaction that it began: end it with COMMIT",
    ),
    "a database": (
        "SELECT 1;\nCREATE DATABASE app;",
        "setup.sql:2: a setup prepares the one database that migrations run in, and CREATE DATABASE reaches beyond it: "
        "leave the statement out; the run makes its databases itself",
    ),
    "a way to power": (
        "CREATE ROLE app; CREATE ROLE chief SUPERUSER; GRANT chief TO app;",
        "setup.sql: the setup makes the role app a member of chief, and so lets migrations reach what only a superuser "
        "may; they run without such power: leave that membership out",
    ),
    "a way to files": (
        "CREATE ROLE app IN ROLE pg_execute_server_program;",
        "setup.sql: the setup makes the role app a member of pg_execute_server_program, and so lets migrations reach "
        "what only a superuser may; they run without such power: leave that membership out",
    ),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("platform", ["postgres", "supabase"])
def test_a_setup_that_fails_says_where_in_one_error(
    text: str, expected: str, platform: str, sandbox_of: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = sandbox_of(text, platform)
    with pytest.raises(InputError) as refusal:
        sandbox.platform_state(sandbox.platform.regimes[0])

    assert expected == str(refusal.value).removeprefix(f"{tmp_path}/")


@pytest.fixture(scope="module", params=MAJORS)
def owner(request: pytest.FixtureRequest) -> Iterator[Owner]:
    with owner_of(request.param) as owner:
        yield owner


def _verify(owner: Owner, folder: Path, setup: str, user: str = "boss") -> str:
    write_files(folder, {"m/1_a.sql": "CREATE TABLE app.a (id integer PRIMARY KEY);", "setup.sql": setup})
    project = load_project(folder / "m", options=FolderOptions(setup=folder / "setup.sql"))
    login = run_as() if user == "plain" else None
    run = verify(project, RunOptions(pg=owner.spec(user), pg_run_as=login, only=("script.applies",)))
    return next(finding.status.value for finding in run.findings if finding.check == "script.applies")


@pytest.mark.parametrize("user", ["boss", "maker", "plain"])
def test_on_an_owners_server_it_runs_as_the_migrations_do_and_leaves_nothing(
    owner: Owner, user: str, tmp_path: Path
) -> None:
    setup = "CREATE SCHEMA app; ALTER ROLE CURRENT_USER SET work_mem = '5MB';"
    before = owner.everything()

    assert ("kept", before) == (_verify(owner, tmp_path, setup, user), owner.everything())


def test_on_an_owners_server_it_makes_no_roles(owner: Owner, tmp_path: Path) -> None:
    before = owner.everything()
    with pytest.raises(InputError) as refusal:
        _verify(owner, tmp_path, "CREATE SCHEMA app;\nCREATE ROLE reader;")

    place = str(refusal.value).removeprefix(f"{tmp_path}/")
    assert (True, before) == (
        place.startswith("setup.sql:2: the setup cannot be run on this server, at column 1: "),
        owner.everything(),
    )


def test_on_an_owners_server_nobody_can_be_the_role_of_a_runner(owner: Owner, tmp_path: Path) -> None:
    toml = '[runner]\nrole = "nobody_much"\n'
    root = write_files(tmp_path, {"pgcontract.toml": toml, "migrations/1_a.sql": "CREATE TABLE a (id integer);"})
    run = verify(load_project(root), RunOptions(pg=owner.spec("boss"), only=("script.applies",)))

    assert [("unknown", True)] == [
        (finding.status.value, "is a member of no other role" in finding.summary) for finding in run.findings
    ]
