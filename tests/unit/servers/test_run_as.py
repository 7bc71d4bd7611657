"""Where who administers makes no roles, migrations run as a login that an admin made for them, and that has no power."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from owner import ALL, PASSWORD, Owner, owner_of, run_as
from pgcontract import RunOptions, load_project, verify
from pgcontract.errors import InputError, PgcontractError, ServerUnavailable
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.result import Decision


@pytest.fixture(scope="module", params=ALL or ["wheel"])
def owner(request: pytest.FixtureRequest) -> Iterator[Owner]:
    with owner_of(request.param) as owner:
        yield owner


def refusal(owner: Owner, login: str | None, platform: str = "postgres") -> tuple[type[PgcontractError], str]:
    with (
        pytest.raises(PgcontractError) as refused,
        provider_for(owner.spec("plain"), run_as=login).start() as server,
        Sandbox(server, platform_of(platform)),
    ):
        pass
    return type(refused.value), str(refused.value)


def printed_sql(message: str) -> list[str]:
    """The statements that a message has an admin run, one a line."""
    return [line.strip() for line in message.splitlines() if line.startswith("    ")]


# What makes the login one that migrations may not be, how it is undone, and what is said of it.
POWERS = {
    "superuser": ("ALTER ROLE expendable SUPERUSER", "ALTER ROLE expendable NOSUPERUSER", "is a superuser"),
    "databases": ("ALTER ROLE expendable CREATEDB", "ALTER ROLE expendable NOCREATEDB", "has CREATEDB"),
    "roles": ("ALTER ROLE expendable CREATEROLE", "ALTER ROLE expendable NOCREATEROLE", "has CREATEROLE"),
    "replication": ("ALTER ROLE expendable REPLICATION", "ALTER ROLE expendable NOREPLICATION", "has REPLICATION"),
    "row security": ("ALTER ROLE expendable BYPASSRLS", "ALTER ROLE expendable NOBYPASSRLS", "has BYPASSRLS"),
    "a membership": ("GRANT five TO expendable", "REVOKE five FROM expendable", "is a member of five"),
    "a predefined role": (
        "GRANT pg_read_all_data TO expendable",
        "REVOKE pg_read_all_data FROM expendable",
        "is a member of pg_read_all_data",
    ),
    "a database": (
        "ALTER DATABASE app OWNER TO expendable",
        "ALTER DATABASE app OWNER TO supabase_admin",
        "owns database app",
    ),
    "rights on a database": (
        "GRANT CREATE ON DATABASE app TO expendable",
        "REVOKE CREATE ON DATABASE app FROM expendable",
        "has privileges on database app",
    ),
    "rights on a tablespace": (
        "GRANT CREATE ON TABLESPACE pg_default TO expendable",
        "REVOKE CREATE ON TABLESPACE pg_default FROM expendable",
        "has privileges on tablespace pg_default",
    ),
    "rights on a setting": (
        "GRANT SET ON PARAMETER log_statement TO expendable",
        "REVOKE SET ON PARAMETER log_statement FROM expendable",
        "has privileges on parameter log_statement",
    ),
    "settings": (
        "ALTER ROLE expendable IN DATABASE app SET work_mem = '5MB'",
        "ALTER ROLE expendable IN DATABASE app RESET ALL",
        "has settings of its own (ALTER ROLE … SET)",
    ),
}
# The same inside a database that a run never looks into.
POWERS_INSIDE = {
    "a table": (
        "ALTER TABLE customer OWNER TO expendable",
        "ALTER TABLE customer OWNER TO supabase_admin",
        "owns objects",
    ),
    "rights on a table": (
        "GRANT SELECT ON customer TO expendable",
        "REVOKE ALL ON customer FROM expendable",
        "has privileges on",
    ),
    "a policy": (
        "CREATE POLICY p ON customer TO expendable USING (true)",
        "DROP POLICY p ON customer",
        "is named by policies on objects",
    ),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO expendable",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM expendable",
        "has privileges on",
    ),
    "a large object": (
        "SELECT lo_create(7); ALTER LARGE OBJECT 7 OWNER TO expendable",
        "SELECT lo_unlink(7)",
        "owns objects",
    ),
}


@pytest.mark.parametrize(("grant", "revoke", "power"), POWERS.values(), ids=POWERS)
def test_a_login_with_a_power_is_refused(owner: Owner, grant: str, revoke: str, power: str) -> None:
    owner.ask(grant)
    before = owner.shared()
    try:
        kind, why = refusal(owner, run_as())
        after = owner.shared()
    finally:
        owner.ask(revoke)

    assert (InputError, True, before) == (kind, f"migrations do not run as expendable: it {power}, and" in why, after), (
        why
    )


@pytest.mark.parametrize(("grant", "revoke", "power"), POWERS_INSIDE.values(), ids=POWERS_INSIDE)
def test_a_login_with_a_power_inside_some_database_is_refused(owner: Owner, grant: str, revoke: str, power: str) -> None:
    for statement in grant.split("; "):
        owner.ask(statement, dbname="app")
    try:
        kind, why = refusal(owner, run_as())
    finally:
        owner.ask(revoke, dbname="app")

    assert (InputError, True) == (kind, power in why and "in database app, and whatever" in why), why


def test_a_login_that_somebody_uses_is_refused(owner: Owner) -> None:
    conninfo = owner.server.conninfo(dbname="lobby", user="expendable")
    with closing(psycopg.connect(conninfo, password=PASSWORD)):
        kind, why = refusal(owner, run_as())

    assert (InputError, True) == (kind, "has other sessions, which a migration could end" in why), why


def test_one_run_at_a_time_has_the_login(owner: Owner) -> None:
    with (
        provider_for(owner.spec("plain"), run_as=run_as()).start() as server,
        Sandbox(server, platform_of("postgres")) as sandbox,
    ):
        sandbox.platform_state(sandbox.platform.regimes[0])
        actual = refusal(owner, run_as())

    why = (
        "another run uses expendable now, and could be changed by this one's migrations; wait for its end, or name "
        "another login with --pg-run-as"
    )
    assert (InputError, why) == actual


@pytest.mark.parametrize(
    ("login", "kind", "why"),
    [
        (
            run_as(password="wrong"),
            ServerUnavailable,
            "the role that --pg-run-as names may not log in: connection failed: ",
        ),
        ("no_such_role", InputError, "there is no role no_such_role on the server at "),
        ("plain", InputError, "--pg-run-as names plain, who administers; "),
        (run_as("five"), InputError, "the role plain may not make databases for five, as whom migrations run. "),
        ("postgresql://expendable@elsewhere/", InputError, "its host is another than there; "),
        ("user=expendable sslmode=require", InputError, "its sslmode is another than there; "),
        ("password=hunter2", InputError, "--pg-run-as names no user; "),
        ("postgresql://a:hunter2@[b", InputError, "the text of --pg-run-as is no connection string of libpq; "),
        ("", InputError, "--pg-run-as names no login; "),
    ],
    ids=["password", "role", "who administers", "not given", "host", "keyword", "no user", "no text of libpq", "empty"],
)
def test_a_login_that_cannot_be_had_is_told_in_words(
    owner: Owner, login: str, kind: type[PgcontractError], why: str
) -> None:
    before = owner.shared()
    actual, message = refusal(owner, login)

    expected = (kind, True, False, before)
    assert expected == (actual, why in message, "hunter2" in message, owner.shared()), message


def test_a_login_that_may_not_log_in_is_told(owner: Owner) -> None:
    owner.ask("ALTER ROLE expendable NOLOGIN")
    try:
        actual = refusal(owner, run_as())
    finally:
        owner.ask("ALTER ROLE expendable LOGIN")

    why = "the role expendable of --pg-run-as may not log in. Let it: ALTER ROLE expendable LOGIN;"
    assert (InputError, why) == actual


@pytest.mark.parametrize("spec", ["wheel", "auto", "none", "18"])
def test_a_login_for_a_server_of_the_runs_own_is_a_mistake(spec: str, project: Path) -> None:
    with pytest.raises(InputError, match="names the login of migrations on a server of yours, --pg dsn:URL; with --pg"):
        verify(load_project(project), RunOptions(pg=spec, pg_run_as="expendable"))


def test_what_the_message_has_an_admin_run_is_all_that_was_missing(owner: Owner, project: Path) -> None:
    _, message = refusal(owner, None)
    statements = printed_sql(message)
    [password] = re.findall("PASSWORD '(.+)'", statements[0])
    try:
        for statement in statements:
            owner.ask(statement)
        options = RunOptions(pg=owner.spec("plain"), pg_run_as=run_as("pgcontract_run", password), only=("script.*",))
        run = verify(load_project(project), options)
    finally:
        owner.ask("DROP ROLE pgcontract_run")

    assert (2, Decision.CAUTION) == (len(statements), run.verdict.decision)


@pytest.mark.parametrize("inherit", ["INHERIT", "NOINHERIT"])
def test_what_lets_the_administrating_role_use_a_login_is_printed(owner: Owner, inherit: str) -> None:
    owner.ask("REVOKE expendable FROM plain")
    owner.ask(f"ALTER ROLE plain {inherit}")
    try:
        kind, message = refusal(owner, run_as())
        for statement in printed_sql(message):
            owner.ask(statement)
        with (
            provider_for(owner.spec("plain"), run_as=run_as()).start() as server,
            Sandbox(server, platform_of("postgres")) as sandbox,
        ):
            name = sandbox.platform_state(sandbox.platform.regimes[0]).database
    finally:
        owner.ask("ALTER ROLE plain INHERIT")
        owner.ask("GRANT expendable TO plain")

    assert (InputError, set()) == (kind, {name} & owner.ours())


def test_roles_of_the_platform_that_nobody_can_make_are_asked_for(owner: Owner) -> None:
    before = owner.everything()
    kind, message = refusal(owner, run_as(), "supabase")

    unchanged = before == owner.everything()
    statements = printed_sql(message)
    for statement in statements:
        owner.ask(statement)
    try:
        with (
            provider_for(owner.spec("plain"), run_as=run_as()).start() as server,
            Sandbox(server, platform_of("supabase")) as sandbox,
            sandbox.rolled_back(sandbox.platform_state(sandbox.platform.regimes[1])) as connection,
        ):
            path = connection.execute("SELECT current_setting('search_path')").fetchone()
            connection.execute("CREATE TABLE public.t ()")
            readable = connection.execute("SELECT has_table_privilege('anon', 'public.t', 'SELECT')").fetchone()
        settings = owner.ask("SELECT FROM pg_db_role_setting")
    finally:
        for statement in statements:
            owner.ask(f"DROP ROLE {statement.split()[2].rstrip(';')}")

    expected = ["anon", "authenticated", "service_role BYPASSRLS", "authenticator LOGIN NOINHERIT"]
    assert (InputError, [f"CREATE ROLE {role};" for role in expected], True) == (kind, statements, unchanged)
    assert (('"$user", public, extensions',), (True,), []) == (path, readable, settings)


def test_a_password_that_a_script_changes_is_given_back(owner: Owner, project: Path) -> None:
    migration = project / "migrations" / "001_note.sql"
    migration.write_text(migration.read_text("utf-8") + "ALTER ROLE CURRENT_USER PASSWORD 'x';\n", encoding="utf-8")
    run = verify(load_project(project), RunOptions(**owner.options("plain"), only=("script.applies",)))
    with closing(psycopg.connect(owner.server.conninfo(dbname="lobby", user="expendable"), password=PASSWORD)):
        pass

    assert ["kept"] == [finding.status.value for finding in run.findings if finding.check == "script.applies"]


def test_the_logins_password_is_found_in_the_password_file_alone(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "pgpass"
    word = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    passwords.write_text(f"*:*:*:expendable:{word}\n", encoding="utf-8")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    spec = f"dsn:host={owner.server.host} user=plain dbname=lobby"
    with provider_for(spec, run_as="expendable").start() as server, Sandbox(server, platform_of("postgres")) as sandbox:
        state = sandbox.platform_state(sandbox.platform.regimes[0])
        with sandbox.rolled_back(state) as connection:
            row = connection.execute("SELECT session_user::text, current_user::text").fetchone()
        shown = PASSWORD in "".join(map(repr, (server, sandbox.server, sandbox.roles)))

    assert (("expendable", "expendable"), False) == (row, shown)


def test_a_run_names_the_login_and_not_its_password(owner: Owner, project: Path) -> None:
    run = verify(load_project(project), RunOptions(**owner.options("plain"), only=("script.applies",)))

    assert "expendable" == run.options.pg_run_as
