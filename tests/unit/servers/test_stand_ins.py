"""What stands in for an extension is made, moved and dropped as the extension is, and computes what standards define."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from obtaining import fetched
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.providers.local.cache_usage import is_running
from pgcontract.postgres.sandbox import Sandbox

# RFC 3174, FIPS 180, RFC 2202, RFC 4231, RFC 9562 and uuid-ossp's own namespaces.
DEFINED = {
    "encode(digest('abc', 'sha1'), 'hex')": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "encode(digest(repeat('a', 1000), 'sha1'), 'hex')": "291e9a6c66994949b57ba5e650361e98fc36b1ba",
    "encode(digest('abc', 'SHA256'), 'hex')": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "encode(hmac('what do ya want for nothing?', 'Jefe', 'md5'), 'hex')": "750c783e6ab0b503eaa86e310a5db738",
    "encode(hmac('what do ya want for nothing?', 'Jefe', 'sha1'), 'hex')": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    "left(encode(hmac('what do ya want for nothing?', 'Jefe', 'sha512'), 'hex'), 16)": "164b7a7bfcf819e2",
    "uuid_generate_v3(uuid_ns_dns(), 'www.example.com')::text": "5df41881-3aed-3515-88a7-2f4a814cf09e",
    "uuid_generate_v5(uuid_ns_dns(), 'www.example.com')::text": "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    "left(crypt('pw', '$2a$06$abcdefghijklmnopqrstuv'), 29)": "$2a$06$abcdefghijklmnopqrstuv",
    "length(crypt('pw', gen_salt('bf')))::text": "60",
    "(SELECT h = crypt('pw', h) AND h <> crypt('pW', h) FROM crypt('pw', gen_salt('md5')) AS h)::text": "true",
    "pgp_sym_decrypt(pgp_sym_encrypt('words', 'key'), 'key')": "words",
    "octet_length(gen_random_bytes(40))::text": "40",
}
REFUSED = {
    "pgp_sym_decrypt(pgp_sym_encrypt('words', 'key'), 'yek')": "Wrong key or corrupt data",
    "digest('abc', 'sha3')": 'Cannot use "sha3": No such hash algorithm',
    "cron.schedule('nightly', 'every night', 'SELECT 1')": "invalid schedule: every night",
    "cron.schedule('nightly', '0 24 * * *', 'SELECT 1')": "invalid schedule: 0 24 * * *",
    "cron.schedule('nightly', '*/0 1 * * *', 'SELECT 1')": "invalid schedule: */0 1 * * *",
    "cron.schedule('nightly', '0 1 * * day', 'SELECT 1')": "invalid schedule: 0 1 * * day",
    "cron.unschedule('never')": "could not find valid entry for job 'never'",
}
# As dumps of projects and their owners write them.
STATEMENTS = """
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA "extensions";
CREATE EXTENSION IF NOT EXISTS "pg_graphql" WITH SCHEMA "graphql" VERSION '1.5.11';
CREATE EXTENSION IF NOT EXISTS "supabase_vault" WITH SCHEMA "vault";
CREATE EXTENSION IF NOT EXISTS pg_stat_statements WITH SCHEMA extensions;
CREATE EXTENSION pgsodium;
CREATE EXTENSION pg_net WITH SCHEMA extensions;
CREATE EXTENSION pg_cron;
CREATE EXTENSION pgmq CASCADE;
CREATE EXTENSION pgjwt WITH SCHEMA extensions CASCADE;
CREATE EXTENSION http SCHEMA extensions;
CREATE EXTENSION vector;
CREATE EXTENSION moddatetime SCHEMA extensions;
CREATE EXTENSION earthdistance CASCADE;
ALTER EXTENSION vector SET SCHEMA extensions;
ALTER EXTENSION "uuid-ossp" SET SCHEMA public;
COMMENT ON EXTENSION pgcrypto IS 'hashes';
SELECT cron.schedule('often', '30 seconds', 'SELECT 1'), cron.schedule('a', '*/5 0,12 1-7 jan-DEC/2 mon,7', 'SELECT 1');
SELECT cron.unschedule('often');
SELECT net.http_post(url := 'https://example.org', body := '{}'::jsonb), net.http_get('https://example.org');
SELECT pgmq.create('tasks'), pgmq.send('tasks', '{}'), pgmq.archive('tasks', 1);
SELECT * FROM pgmq.read('tasks', 30, 1);
DROP EXTENSION "uuid-ossp", http;
DROP EXTENSION IF EXISTS pg_cron CASCADE;
"""


@pytest.fixture(scope="module")
def migrator() -> Iterator[psycopg.Connection]:
    """Who migrates a new project of Supabase, on the server that lacks them."""
    platform = platform_of("supabase")
    with provider_for("wheel").start() as server, Sandbox(server, platform) as sandbox:
        state = sandbox.platform_state(platform.regimes[0])
        with sandbox.rolled_back(state) as connection:
            yield connection


def test_what_a_standard_defines_is_what_it_gives(migrator: psycopg.Connection) -> None:
    row = migrator.execute(f"SELECT {', '.join(DEFINED)}".encode()).fetchone()

    assert [*DEFINED.values()] == [*(row or ())]


def test_every_statement_of_who_is_no_superuser_there_is_taken(migrator: psycopg.Connection) -> None:
    for statement in STATEMENTS.strip().removesuffix(";").split(";\n"):
        migrator.execute(b"SAVEPOINT s")
        migrator.execute(statement.encode())


@pytest.mark.parametrize("call", REFUSED)
def test_what_the_real_one_refuses_is_refused(migrator: psycopg.Connection, call: str) -> None:
    migrator.execute(b"SAVEPOINT s; CREATE EXTENSION IF NOT EXISTS pg_cron")
    with pytest.raises(psycopg.Error) as error:
        migrator.execute(f"SELECT {call}".encode())
    migrator.execute(b"ROLLBACK TO SAVEPOINT s")

    assert REFUSED[call] == error.value.diag.message_primary


@pytest.mark.parametrize("major", ["15", "17"])
def test_servers_without_a_path_for_extensions_take_them_on_their_platform_alone(major: str) -> None:
    statements = [one for one in STATEMENTS.strip().removesuffix(";").split(";\n") if "vector" not in one]
    supabase, plain = platform_of("supabase"), platform_of("postgres")
    with provider_for(major).start() as server:
        with (
            Sandbox(server, supabase) as sandbox,
            sandbox.rolled_back(sandbox.platform_state(supabase.regimes[0])) as connection,
        ):
            for statement in statements:
                connection.execute(b"SAVEPOINT s")
                connection.execute(statement.encode())
        with (
            Sandbox(server, plain) as sandbox,
            sandbox.rolled_back(sandbox.platform_state(plain.regimes[0])) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(b"CREATE EXTENSION moddatetime")


def test_programs_are_in_use_where_a_server_runs_beside_a_link_to_them() -> None:
    with fetched("17"), provider_for("17").start() as server:
        assert server.bin_dir is not None
        assert is_running(server.bin_dir.parent)
