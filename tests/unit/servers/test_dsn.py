"""On a server that its owner names the gate gives its verdict, changes nothing that was there, and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from owner import ALL, MAJORS, PASSWORD, Owner, owner_of
from pgcontract import RunOptions, load_project, verify
from pgcontract.cli import run
from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.connection_pool import ConnectionPool
from pgcontract.postgres.ownership import application_name, new_token, token_of
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.result import Run

_ALONE: dict[tuple[int, str], Run] = {}
ON_ONE = pytest.mark.parametrize("owner", ALL or MAJORS[:1], indirect=True)


def asked(*users: str) -> pytest.MarkDecorator:
    """As these on one major, and on the others as who makes roles, another right before 16; who has five lines does,
    too. `nox -s hostile` asks each on all majors."""
    everybody = [(spec, user) for spec in ALL or MAJORS[:1] for user in users]
    everybody += [(spec, "maker") for spec in MAJORS if (spec, "maker") not in everybody and (ALL or spec != MAJORS[0])]
    return pytest.mark.parametrize(("owner", "user"), everybody, indirect=["owner"])


# Holds a run in the middle of its work until its standard input ends.
HELD = """
import select
import sys
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.sandbox import Sandbox
pg, run_as, platform = sys.argv[1:]
with provider_for(pg, run_as=run_as or None).start() as server, Sandbox(server, platform_of(platform)) as sandbox:
    state = sandbox.platform_state(sandbox.platform.regimes[0])
    with sandbox.clone(state) as name, sandbox.connect(name) as connection:
        connection.execute("ALTER ROLE CURRENT_USER SET work_mem = '5MB'")
        print(name, flush=True)
        while not select.select([sys.stdin], [], [], 0.1)[0]:  # a signal right before a read waits for its end
            pass
"""


@pytest.fixture(scope="module", params=MAJORS)
def owner(request: pytest.FixtureRequest) -> Iterator[Owner]:
    with owner_of(request.param) as owner:
        yield owner


def unlike(alone: Run, run: Run) -> set[str]:
    """The checks that answer otherwise; acid.durability does, for it stops its server."""
    statuses = {(finding.check, finding.subject): finding.status for finding in run.findings}
    return {
        finding.check
        for finding in alone.findings
        if statuses.get((finding.check, finding.subject)) is not finding.status
    }


# A login that is a member of nothing acts as nobody else.
AS_OTHERS = {
    "access.service_role", "column.guarded", "column.markable", "column.personal", "function.caller_rights",
    "function.caller_writes", "function.definer_closed", "policy.restricts", "policy.runs", "table.row_security",
    "table.separates_users", "view.caller_rights", "view.caller_writes",
}  # fmt: skip


def alone(owner: Owner, project: Path, *only: str) -> Run:
    """The run of an equal project on a fresh server of the same major, made once."""
    key = owner.server.major, (project / "migrations" / "001_note.sql").read_text("utf-8")
    if key not in _ALONE:
        pg = "wheel" if owner.server.provider == "wheel" else str(owner.server.major)
        _ALONE[key] = verify(load_project(project), RunOptions(pg=pg, only=only))
    return _ALONE[key]


@pytest.fixture
def supabase_project(project: Path) -> Path:
    """The small project, for Supabase, with a role of the platform in its migration."""
    (project / "pgcontract.toml").write_text('[production]\nplatform = "supabase"\n', encoding="utf-8")
    migration = project / "migrations" / "001_note.sql"
    migration.write_text(
        migration.read_text("utf-8") + "ALTER TABLE public.note ENABLE ROW LEVEL SECURITY;\n"
        "GRANT SELECT ON public.note TO authenticated;\n",
        encoding="utf-8",
    )
    return project


@asked("boss", "five", "plain")
def test_a_project_is_judged_as_elsewhere_and_the_server_left_as_it_was(owner: Owner, project: Path, user: str) -> None:
    before = owner.everything()
    run = verify(load_project(project), RunOptions(**owner.options(user)))

    assert ({"acid.durability"}, before) == (unlike(alone(owner, project), run), owner.everything())


@asked("boss", "maker")
def test_the_stage_of_supabase_is_made_and_taken_away(owner: Owner, supabase_project: Path, user: str) -> None:
    before = owner.everything()
    only = ("access.*", "column.*", "function.*", "policy.*", "script.applies", "table.*", "view.*")
    run = verify(load_project(supabase_project), RunOptions(pg=owner.spec(user), only=only))

    roles = run.server.roles if run.server else None

    assert (AS_OTHERS, "made", before) == (unlike(alone(owner, supabase_project, *only), run), roles, owner.everything())


@asked("boss", "five")
def test_two_runs_at_once_do_not_meet(owner: Owner, user: str) -> None:
    platform = platform_of("supabase")
    with ExitStack() as stack:
        sandboxes = [
            stack.enter_context(Sandbox(stack.enter_context(provider_for(owner.spec(user)).start()), platform))
            for _ in range(2)
        ]
        names = [sandbox.platform_state(platform.regimes[0]).database for sandbox in sandboxes]
        left_by_one = names[0] != names[1]
    actual = left_by_one, owner.ours()

    assert (True, set()) == actual


def test_the_last_of_two_runs_takes_the_stage_away(owner: Owner) -> None:
    platform = platform_of("supabase")
    with provider_for(owner.spec("maker")).start() as server, Sandbox(server, platform) as second:
        with Sandbox(server, platform):
            pass
        state = second.platform_state(platform.regimes[0])
        with second.clone(state) as name, second.connect(name) as connection:
            row = connection.execute("SELECT pg_has_role('authenticator', 'anon', 'MEMBER')").fetchone()

    assert ((True,), set()) == (row, owner.ours())


@asked("boss", "plain")
def test_what_a_killed_run_left_goes_with_the_next(owner: Owner, user: str) -> None:
    kinds = ("roles", "databases", "role settings")
    before = [owner.everything()[kind] for kind in kinds]
    pg, login = owner.options(user).values()
    platform = "postgres" if login else "supabase"
    held = subprocess.Popen(
        [sys.executable, "-c", HELD, pg, login or "", platform], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert held.stdout
    name = held.stdout.readline().strip()
    os.kill(held.pid, signal.SIGKILL)
    held.communicate()
    left = name in owner.ours()
    # The server sees a moment later that nobody is there.
    token = token_of(name)
    assert token
    while owner.ask("SELECT FROM pg_stat_activity WHERE application_name = %s", application_name(token)):
        pass
    with provider_for(pg, run_as=login).start() as server, Sandbox(server, platform_of(platform)):
        pass

    assert (True, before) == (left, [owner.everything()[kind] for kind in kinds])


def test_doctor_cleans_what_a_killed_run_left_there(owner: Owner, capfd: pytest.CaptureFixture[str]) -> None:
    name = f"pgcontract_{new_token()}_1"
    owner.ask(f"CREATE DATABASE {name} OWNER maker")
    before = owner.ours()
    run(["doctor", "--clean", "--pg", owner.spec("maker")])
    capfd.readouterr()

    assert ({name}, set()) == (before, owner.ours())


def test_what_is_not_ours_is_no_orphan_whatever_it_is_called(owner: Owner) -> None:
    owner.ask("CREATE ROLE pgcontract_123456789abc")
    owner.ask("CREATE DATABASE pgcontract_12 OWNER pgcontract_123456789abc")
    with provider_for(owner.spec("boss")).start() as server, Sandbox(server, platform_of("postgres")):
        pass
    actual = owner.ours()
    owner.ask("DROP DATABASE pgcontract_12")
    owner.ask("DROP ROLE pgcontract_123456789abc")

    assert {"pgcontract_12", "pgcontract_123456789abc"} == actual


def test_a_run_that_is_alive_keeps_what_it_made(owner: Owner) -> None:
    platform = platform_of("postgres")
    with provider_for(owner.spec("maker")).start() as server, Sandbox(server, platform) as first:
        name = first.platform_state(platform.regimes[0]).database
        with Sandbox(server, platform):
            exists = name in owner.ours()

    assert exists


def test_roles_that_are_there_already_are_used_as_they_are(owner: Owner) -> None:
    owner.ask("CREATE ROLE anon NOLOGIN CONNECTION LIMIT 7")
    before = owner.ask("SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname = 'anon'")
    with provider_for(owner.spec("boss")).start() as server, Sandbox(server, platform_of("supabase")) as sandbox:
        actual = sandbox.roles.existing, sandbox.roles.created
    after = owner.ask("SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname = 'anon'")
    owner.ask("DROP ROLE anon")

    expected = (("anon",), ("authenticated", "service_role", "authenticator")), before
    assert expected == (actual, after)


@ON_ONE
def test_five_connections_are_enough_for_many_states(owner: Owner) -> None:
    platform = platform_of("postgres")
    with provider_for(owner.spec("five")).start() as server, Sandbox(server, platform) as sandbox:
        states = []
        for number in range(7):
            with (
                sandbox.clone(sandbox.platform_state(platform.regimes[0]), keep=True) as name,
                sandbox.connect(name) as connection,
            ):
                connection.execute(f"CREATE TABLE public.t AS SELECT {number} AS number".encode())
            states.append(sandbox.read_state(name))
        actual = []
        for state in (*states, *states):
            with sandbox.rolled_back(state) as connection:
                actual.append(connection.execute("SELECT number FROM public.t").fetchone())

    assert [(number,) for number in (*range(7), *range(7))] == actual


@ON_ONE
def test_more_connections_than_there_are_cannot_be_asked_for(owner: Owner) -> None:
    with provider_for(owner.spec("five")).start() as server, ExitStack() as stack:
        lines = ConnectionPool(server, application_name=application_name(new_token()), timeout_ms=1_000)
        lines.admin = stack.enter_context(closing(lines.open("lobby", user="five")))
        for _ in range(4):
            stack.enter_context(closing(lines.open("lobby", user="five")))
        with pytest.raises(CouldNotAsk) as refused:
            lines.open("lobby", user="five")

    message = str(refused.value)
    assert message.startswith("this needs more connections at once than the server lets five have (")
    assert PASSWORD not in message


def test_a_setting_of_the_owners_for_all_sessions_does_not_colour_a_run(owner: Owner) -> None:
    owner.ask("ALTER ROLE ALL SET timezone = 'Asia/Tokyo'")
    try:
        with (
            provider_for(owner.spec("maker")).start() as server,
            Sandbox(server, platform_of("postgres")) as sandbox,
            sandbox.rolled_back(sandbox.platform_state(sandbox.platform.regimes[0])) as connection,
        ):
            row = connection.execute("SELECT current_setting('timezone')").fetchone()
    finally:
        owner.ask("ALTER ROLE ALL RESET timezone")

    assert ("UTC",) == row


def test_what_libpq_finds_by_itself_is_found(owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = tmp_path / "service.conf"
    service.write_text(f"[ci]\nhost={owner.server.host}\nport=5432\nuser=maker\n", encoding="utf-8")
    passwords = tmp_path / "pgpass"
    word = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passwords.write_text(f"*:*:*:maker:{word}\n", encoding="utf-8")
    passwords.chmod(0o600)
    for name, value in {"PGSERVICEFILE": service, "PGPASSFILE": passwords, "PGDATABASE": "lobby"}.items():
        monkeypatch.setenv(name, str(value))
    actual = []
    for spec in ("dsn:service=ci", "dsn:"):
        monkeypatch.setenv("PGSERVICE", "ci")
        with provider_for(spec).start() as server:
            monkeypatch.delenv("PGSERVICE")
            with psycopg.connect(server.conninfo(dbname=server.maintenance_database)) as connection:
                actual.append(connection.execute("SELECT current_user::text, current_database()::text").fetchone())

    assert [("maker", "lobby")] * 2 == actual
