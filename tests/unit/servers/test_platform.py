"""What stands before the first migration: Supabase's roles, schemas and functions, made or found."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from owner import MAJORS
from pgcontract.catalog import read_catalog
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import Server, provider_for
from pgcontract.postgres.sandbox import Sandbox

USER = "8b6f1f6e-6a3c-4d0e-9d53-0c1c3f1f2a11"


@pytest.fixture(scope="module", params=MAJORS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with provider_for(request.param).start() as server:
        yield server


@pytest.fixture(scope="module")
def sandbox(server: Server) -> Iterator[Sandbox]:
    with Sandbox(server, platform_of("supabase")) as sandbox:
        yield sandbox


@pytest.fixture(params=["since", "before"])
def migrating(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """The role that migrates, on the stage of Supabase, under each regime."""
    [regime] = [candidate for candidate in sandbox.platform.regimes if candidate.name == request.param]
    with sandbox.rolled_back(sandbox.platform_state(regime)) as connection:
        yield connection


@pytest.mark.parametrize(("question", "answer"), [
    ("auth.uid()::text", USER),
    ("auth.role()", "authenticated"),
    ("auth.email()", "ann@example.com"),
    ("auth.jwt() ->> 'aud'", "api"),
])  # fmt: skip
def test_a_request_is_known_by_its_claims(migrating: psycopg.Connection, question: str, answer: str) -> None:
    claims = f'{{"sub": "{USER}", "role": "authenticated", "email": "ann@example.com", "aud": "api"}}'
    migrating.execute("SELECT set_config('request.jwt.claims', %s, true)", [claims])
    migrating.execute("SET LOCAL ROLE authenticated")

    assert (answer,) == migrating.execute(f"SELECT {question}".encode()).fetchone()


@pytest.mark.parametrize("question", ["auth.uid()", "auth.role()", "auth.email()"])
def test_who_has_no_claims_is_nobody(migrating: psycopg.Connection, question: str) -> None:
    migrating.execute("SET LOCAL ROLE anon")

    assert (None,) == migrating.execute(f"SELECT {question}".encode()).fetchone()


def test_what_projects_commonly_write_applies(migrating: psycopg.Connection) -> None:
    migrating.execute("""
        CREATE TABLE public.profile (id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE, name text);
        ALTER TABLE public.profile ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON public.profile TO authenticated USING (id = auth.uid());
        CREATE FUNCTION public.welcome() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
        BEGIN
            INSERT INTO public.profile (id, name) VALUES (new.id, new.raw_user_meta_data ->> 'name');
            RETURN new;
        END $$;
        CREATE TRIGGER welcome AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.welcome();
        INSERT INTO storage.buckets (id, name, public) VALUES ('faces', 'faces', true);
        CREATE POLICY faces ON storage.objects FOR INSERT TO authenticated
            WITH CHECK (bucket_id = 'faces' AND (storage.foldername(name))[1] = auth.uid()::text);
        ALTER PUBLICATION supabase_realtime ADD TABLE public.profile;
    """)
    migrating.execute(
        "INSERT INTO auth.users (id, email, raw_user_meta_data) VALUES (%s, 'ann@example.com', '{\"name\": \"Ann\"}')",
        [USER],
    )

    assert ("Ann",) == migrating.execute("SELECT name FROM public.profile").fetchone()


COMMON = {
    "a seed of people": """
        INSERT INTO auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
            confirmation_token, recovery_token, email_change, email_change_token_new, email_change_token_current)
        VALUES ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', 'authenticated',
            'ann@example.com', '$2a$10$x', now(), '', '', '', '', '');
        INSERT INTO auth.identities (provider_id, user_id, identity_data, provider)
            SELECT id, id, jsonb_build_object('sub', id, 'email', email), 'email' FROM auth.users;
    """,
    "who has a second factor": """
        CREATE TABLE note (id integer, owner uuid);
        ALTER TABLE note ENABLE ROW LEVEL SECURITY;
        CREATE POLICY strong ON note AS RESTRICTIVE TO authenticated USING (
            auth.jwt() ->> 'aal' = 'aal2' OR NOT EXISTS (
                SELECT FROM auth.mfa_factors WHERE user_id = auth.uid() AND status = 'verified'));
    """,
    "sessions ended": "DELETE FROM auth.sessions WHERE user_id = gen_random_uuid(); TABLE auth.refresh_tokens;",
    "a hook of sign-in": """
        CREATE FUNCTION hook(event jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT event';
        GRANT USAGE ON SCHEMA public TO supabase_auth_admin;
        GRANT EXECUTE ON FUNCTION hook TO supabase_auth_admin;
        REVOKE EXECUTE ON FUNCTION hook FROM authenticated, anon, public;
    """,
    "files by their path": """
        CREATE POLICY own ON storage.objects FOR DELETE TO authenticated USING (path_tokens[1] = auth.uid()::text);
        CREATE INDEX by_owner ON storage.objects (owner_id);
        INSERT INTO storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
            VALUES ('faces', 'faces', true, 1048576, '{image/png}') ON CONFLICT (id) DO NOTHING;
    """,
    "messages": """
        CREATE TABLE room (id integer PRIMARY KEY);
        CREATE POLICY hears ON realtime.messages FOR SELECT TO authenticated USING (
            realtime.messages.extension IN ('broadcast', 'presence') AND realtime.topic() = 'room');
        CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            PERFORM realtime.broadcast_changes('room:' || new.id, tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
            PERFORM realtime.send('{}'::jsonb, 'made', 'room', true);
            RETURN new;
        END $$;
        CREATE TRIGGER tell AFTER INSERT ON room FOR EACH ROW EXECUTE FUNCTION tell();
        INSERT INTO room VALUES (1);
    """,
    "secrets": """
        SELECT vault.update_secret(vault.create_secret('a', 'name', 'why'), 'b');
        CREATE FUNCTION secret() RETURNS text LANGUAGE sql SECURITY DEFINER AS
            $$SELECT decrypted_secret FROM vault.decrypted_secrets WHERE name = 'name'$$;
    """,
    "no GraphQL": """
        REVOKE ALL ON SCHEMA graphql_public FROM anon, authenticated;
        SELECT graphql_public.graphql(query => '{a}');
    """,
    "a reader of all": "GRANT SELECT ON ALL TABLES IN SCHEMA public TO supabase_read_only_user, dashboard_user;",
}


@pytest.mark.parametrize("text", COMMON.values(), ids=COMMON)
def test_what_public_projects_lean_on_is_there(text: str, migrating: psycopg.Connection) -> None:
    migrating.execute(text.encode())


# There too each of these fails on a new project, until its owner has switched something on or is let.
ABSENT = {
    "jobs": ("SELECT cron.schedule('a', '* * * * *', 'SELECT 1')", "3F000"),
    "requests": ("SELECT net.http_post('http://localhost')", "3F000"),
    "webhooks": ("CREATE TABLE supabase_functions.a ()", "3F000"),
    "queues": ("SELECT pgmq.create('a')", "3F000"),
    "keys": ("SELECT pgsodium.create_key()", "3F000"),
    "a table among messages": ("CREATE TABLE realtime.a ()", "42501"),
    "a table among people": ("CREATE TABLE auth.a ()", "42501"),
    "a column of people": ("ALTER TABLE auth.users ADD COLUMN a integer", "42501"),
    "an address twice": (
        "INSERT INTO auth.users (id, email) SELECT gen_random_uuid(), 'a' FROM generate_series(1, 2)",
        "23505",
    ),
    "a service's role": ("SET ROLE supabase_auth_admin", "42501"),
    "secrets for everybody": ("SET ROLE authenticated; SELECT * FROM vault.decrypted_secrets", "42501"),
    "secrets by everybody": ("SET ROLE anon; SELECT vault.create_secret('a')", "42501"),
    "people for everybody": ("SET ROLE authenticated; SELECT * FROM auth.users", "42501"),
}


@pytest.mark.parametrize(("text", "sqlstate"), ABSENT.values(), ids=ABSENT)
def test_what_a_new_project_has_not_is_not_there(text: str, sqlstate: str, migrating: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        migrating.execute(text.encode())

    assert sqlstate == refusal.value.sqlstate


def test_the_platforms_names_are_known_whether_they_are_here_or_not(sandbox: Sandbox) -> None:
    here = {schema.name for schema in sandbox.starting_catalog.schemas} - {"public"}
    roles = {role.name for role in (*sandbox.platform.roles, *sandbox.platform.service_roles)}
    owned = sandbox.platform.owned_names

    assert (True, False) == ({*here, *roles, "cron", "net", "supabase_admin"} <= owned, {"public", "postgres"} <= owned)


@pytest.mark.parametrize(
    ("part", "expected"), [("foldername", ["a", "b"]), ("filename", "c.d.png"), ("extension", "png")]
)
def test_a_files_name_is_taken_apart(migrating: psycopg.Connection, part: str, expected: object) -> None:
    assert (expected,) == migrating.execute(f"SELECT storage.{part}('a/b/c.d.png')".encode()).fetchone()


def test_a_stage_that_is_there_already_is_used_and_told(server: Server, sandbox: Sandbox) -> None:
    with Sandbox(server, sandbox.platform) as second:
        actual = sandbox.roles.description, second.roles.description

    assert ("made", "found anon, authenticated, service_role, authenticator, postgres") == actual


def test_the_stage_may_be_made_again_in_the_same_database(server: Server, sandbox: Sandbox) -> None:
    regime = sandbox.platform.regimes[0]
    with sandbox.rolled_back(sandbox.platform_state(regime), user=server.superuser) as connection:
        connection.execute("SET LOCAL pgcontract.migrator = 'postgres'")
        before = read_catalog(connection)
        for text in regime.database_sql:
            connection.execute(text.encode())
        after = read_catalog(connection)

    assert before == after
