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


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("auth.uid()::text", USER),
        ("auth.role()", "authenticated"),
        ("auth.email()", "ann@example.com"),
        ("auth.jwt() ->> 'aud'", "api"),
    ],
)
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
