"""A script reaches nothing outside its scratch server, and ends in time."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.model.sql import read_script
from pgcontract.postgres.connection import execute_discarding_rows
from pgcontract.postgres.connection_limits import ClientTimeout
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import Server, provider_for
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.postgres.script_execution import Refusal, apply_as_production
from pgcontract.result import Decision, Run
from server_processes import processes_in

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
SERVERS = {"wheel": "wheel", **({"debian 15": f"binaries:{DEBIAN_15}"} if DEBIAN_15.is_dir() else {})}
TIMEOUT_MS = 300

NOT_ALLOWED = "42501"
OUTSIDE = {
    "a program's output": "CREATE TABLE t (a text); COPY t FROM PROGRAM 'id';",
    "a program's input": "COPY (SELECT 1) TO PROGRAM 'cat';",
    "the right to run programs": "GRANT pg_execute_server_program TO postgres;",
    "a role with the right to run programs": "CREATE ROLE runner IN ROLE pg_execute_server_program;",
    "the right to read files": "GRANT pg_read_server_files TO postgres WITH ADMIN OPTION;",
    "the right to write files": "GRANT pg_write_server_files TO postgres;",
    "a file by COPY FROM": "CREATE TABLE t (a text); COPY t FROM '/etc/passwd';",
    "a file by COPY TO": "COPY (SELECT 1) TO '/tmp/pgcontract-hostile';",
    "a file by function": "SELECT pg_read_file('/etc/passwd');",
    "a folder": "SELECT pg_ls_dir('/');",
    "a file by large object": "SELECT lo_export(lo_create(0), '/tmp/pgcontract-hostile');",
    "a large object by file": "SELECT lo_import('/etc/passwd');",
    "a tablespace": "CREATE TABLESPACE t LOCATION '/tmp';",
    "a library": "LOAD '/tmp/hostile.so';",
    "a function in C": "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system';",
    "a library at the next start": "ALTER ROLE postgres SET session_preload_libraries = 'hostile';",
    "another server, by dblink": "CREATE EXTENSION dblink;",
    "another server, by foreign table": "CREATE EXTENSION postgres_fdw;",
    "a file, by foreign table": "CREATE EXTENSION file_fdw;",
    "another server, by subscription": "CREATE SUBSCRIPTION s CONNECTION 'user=supabase_admin' PUBLICATION p;",
    "the server's settings": "ALTER SYSTEM SET work_mem = '1GB';",
    "the superuser's role": "SET ROLE supabase_admin;",
    "the superuser's session": "SET SESSION AUTHORIZATION supabase_admin;",
    "a superuser of its own": "CREATE ROLE mine SUPERUSER;",
    "to be a superuser": "ALTER ROLE postgres SUPERUSER;",
    "the superuser's password": "ALTER ROLE supabase_admin PASSWORD 'x';",
    "the catalog of roles": "UPDATE pg_authid SET rolsuper = true;",
    "every command": "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION pg_event_trigger_ddl_commands();",
    "the triggers of others": "SET session_replication_role = replica;",
    "the maintenance database": "DROP DATABASE postgres;",
    "the template database": "ALTER DATABASE template1 ALLOW_CONNECTIONS false;",
    "our superuser's sessions": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user;",
    "the limit of temporary files": "SET temp_file_limit = -1;",
}
ENDLESS = {
    "a loop": "DO $$ BEGIN LOOP END LOOP; END $$;",
    "a recursion": "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r;",
    "a wait": "SELECT pg_sleep(1e6);",
    "a terabyte of rows to send": "SELECT repeat('x', 1000) FROM generate_series(1, 1000000000);",
    "a terabyte of rows to keep": "CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 1000000000);",
    "a terabyte of rows to sort": "SELECT n FROM generate_series(1, 1000000000) AS n ORDER BY md5(n::text);",
    "a value that grows": "DO $$ DECLARE t text[]; BEGIN LOOP t := t || repeat('x', 100000000); END LOOP; END $$;",
    "a loop without the server's limit": """SET statement_timeout = 0;
        DO $$ BEGIN LOOP PERFORM pg_sleep(0.1); END LOOP; END $$;""",
    "a wait that takes no cancelling": """SET statement_timeout = 0;
        DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1e6); EXCEPTION WHEN query_canceled THEN END; END LOOP; END $$;""",
}


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with provider_for(request.param).start() as server:
        yield server


@pytest.fixture(scope="module")
def sandbox(server: Server) -> Iterator[Sandbox]:
    with Sandbox(server, platform_of("supabase"), timeout_ms=TIMEOUT_MS) as sandbox:
        yield sandbox


@pytest.fixture
def empty(sandbox: Sandbox) -> DatabaseState:
    return sandbox.platform_state(sandbox.platform.regimes[0])


def refusals(sandbox: Sandbox, empty: DatabaseState, folder: Path, *texts: str) -> Iterator[Refusal | None]:
    """What the server says to each script, in a database of theirs."""
    file = folder / "001_hostile.sql"
    with sandbox.clone(empty) as name:
        for text in texts:
            file.write_text(text, encoding="utf-8")
            with sandbox.connect(name) as connection:
                yield apply_as_production(connection, read_script(file))


def judged(folder: Path, text: str, **options: Any) -> Run:
    (folder / "001_hostile.sql").write_text(text, encoding="utf-8")
    return verify(load_project(folder), RunOptions(**options))


def test_a_script_may_not_have_what_is_outside(sandbox: Sandbox, empty: DatabaseState, tmp_path: Path) -> None:
    states = [refused and refused.sqlstate for refused in refusals(sandbox, empty, tmp_path, *OUTSIDE.values())]

    assert dict.fromkeys(OUTSIDE, NOT_ALLOWED) == dict(zip(OUTSIDE, states, strict=True))


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_script_ends_in_time(sandbox: Sandbox, empty: DatabaseState, tmp_path: Path, text: str) -> None:
    [refused] = refusals(sandbox, empty, tmp_path, text)

    assert refused is not None
    assert refused.is_timeout, refused


def test_what_spills_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    text = "SELECT n FROM generate_series(1, 1000000) AS n ORDER BY md5(n::text);"
    with (
        provider_for("wheel").start(settings={"temp_file_limit": "1MB"}) as server,
        Sandbox(server, platform_of("postgres")) as sandbox,
    ):
        [refused] = refusals(sandbox, sandbox.platform_state(sandbox.platform.regimes[0]), tmp_path, text)

    assert refused is not None
    assert ("53400", "temporary file size exceeds temp_file_limit (1024kB)") == (
        refused.sqlstate,
        refused.message.replace('"', ""),
    )


SELECTING = """
import sys
from pathlib import Path
from pgcontract.postgres.script_execution import apply_as_production
from pgcontract.postgres.connection import Connection
from pgcontract.model.sql import read_script
with Connection.connect(sys.argv[1], autocommit=True) as connection:
    apply_as_production(connection, read_script(Path(sys.argv[2])))
"""


@pytest.mark.parametrize("server", ["wheel"], indirect=True)
def test_rows_that_a_script_selects_are_not_kept(server: Server, tmp_path: Path) -> None:
    def most_kb(rows: int) -> int:
        file = tmp_path / f"{rows}.sql"
        file.write_text(f"SELECT repeat('x', 1000) FROM generate_series(1, {rows});", encoding="utf-8")
        subprocess.run([sys.executable, "-c", SELECTING, server.conninfo(dbname="postgres"), file], check=True)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    few = most_kb(1)

    assert most_kb(200_000) < few + 50_000


def test_an_endless_script_is_a_finding_with_its_line_and_time(tmp_path: Path) -> None:
    text = "CREATE TABLE t ();\n" + ENDLESS["a loop without the server's limit"]
    run = judged(tmp_path, text, timeout_ms=TIMEOUT_MS, only=("script.applies",))
    [finding] = run.findings

    assert (Decision.BLOCKED, "The script does not end within 0.3 s.", 3) == (
        run.verdict.decision,
        finding.summary,
        finding.origin and finding.origin.line,
    )


@pytest.mark.parametrize(("text", "expected"), [
    ("COPY t FROM STDIN", "0A000"),
    ("COPY (SELECT 1) TO STDOUT", None),
    ("COPY (SELECT 1) TO STDOUT; SELECT 1/0", "22012"),
], ids=["in", "out", "out, then an error"])  # fmt: skip
def test_copy_between_script_and_client_leaves_the_connection_usable(
    sandbox: Sandbox, empty: DatabaseState, text: str, expected: str | None
) -> None:
    def state(connection: psycopg.Connection) -> str | None:
        try:
            execute_discarding_rows(connection, text.encode())
        except psycopg.Error as error:
            return error.sqlstate
        return None

    with sandbox.clone(empty) as name, sandbox.connect(name) as connection:
        connection.execute("CREATE TABLE t (a text)")
        actual = state(connection), connection.execute("SELECT 1").fetchone()

    assert (expected, (1,)) == actual


@pytest.mark.parametrize("text", [
    "DROP DATABASE pgcontract_1;",
    "ALTER DATABASE pgcontract_1 RENAME TO mine;",
    "SELECT pg_terminate_backend(pg_backend_pid());",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = anon', current_database()); END $$;",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ALLOW_CONNECTIONS false', current_database()); END $$;",
    "ALTER ROLE postgres SET role = 'anon';",
], ids=["drops our database", "renames it", "ends itself", "is another", "locks up", "is another always"])  # fmt: skip
def test_a_script_that_takes_our_own_things_passes_nowhere(tmp_path: Path, text: str) -> None:
    run = judged(tmp_path, text)

    assert run.verdict.decision in (Decision.INCOMPLETE, Decision.BLOCKED), run.verdict
    assert [] == [finding.item for finding in run.findings if finding.status.name == "ERROR"]


def test_a_server_that_answers_no_more_is_not_waited_for() -> None:
    with (
        provider_for("wheel").start() as server,
        Sandbox(server, platform_of("postgres"), timeout_ms=TIMEOUT_MS) as sandbox,
    ):
        connection = sandbox.connect("postgres")
        at_work = processes_in(Path(server.host))
        for process in at_work:
            os.kill(process, signal.SIGSTOP)
        try:
            with pytest.raises(psycopg.Error) as raised:
                connection.execute("SELECT 1")
        finally:
            for process in at_work:
                os.kill(process, signal.SIGCONT)

    assert ClientTimeout is raised.type
