"""A server that cannot be used is refused in words, with what to do, before anything is made on it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from owner import PASSWORD, Owner, owner_of
from pgcontract.errors import InputError, PgcontractError, ServerUnavailable
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import Sandbox


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    with owner_of("wheel") as owner:
        yield owner


def refusal(spec: str) -> tuple[type[PgcontractError], str]:
    with pytest.raises(PgcontractError) as refused, provider_for(spec).start():
        pass
    return type(refused.value), str(refused.value)


def test_a_role_that_makes_no_databases_is_told_how_to_get_it(owner: Owner) -> None:
    why = (
        f"the role nobody_much is without CREATEDB on the server at {owner.server.host}:5432, and the gate loads "
        'migrations into databases of its own. Let it: ALTER ROLE "nobody_much" CREATEDB; or use a server of the run\'s '
        "own: --pg wheel, or --pg docker."
    )
    assert (InputError, why) == refusal(owner.spec("nobody_much"))


def test_a_server_that_only_reads_is_refused(owner: Owner) -> None:
    owner.ask("ALTER ROLE maker SET default_transaction_read_only = on")
    actual = refusal(owner.spec("maker"))
    owner.ask("ALTER ROLE maker RESET default_transaction_read_only")

    why = (
        f"the server at {owner.server.host}:5432 is read-only (default_transaction_read_only is on), and the gate makes "
        "databases on it; name the primary, or another server, with --pg"
    )
    assert (InputError, why) == actual


def test_a_wrong_password_is_told_with_where_and_as_whom(owner: Owner) -> None:
    host = owner.server.host
    why = (
        f"connecting to the server that dsn: names failed (host {host}, port 5432, user maker): connection failed: "
        f'connection to server on socket "{host}/.s.PGSQL.5432" failed: FATAL: password authentication failed for user '
        '"maker". Look at host, port, user and password; a password belongs in PGPASSWORD or .pgpass.'
    )
    assert (ServerUnavailable, why) == refusal(owner.spec("maker", password="hunter3"))


def test_a_host_that_does_not_answer_is_told_with_where_and_as_whom() -> None:
    kind, why = refusal("dsn:postgresql://ci:hunter2@127.0.0.1:1/app")
    actual = kind, why.startswith("connecting to the server that dsn: names failed (host 127.0.0.1, port 1, user ci): ")

    assert (ServerUnavailable, True) == actual


@pytest.mark.parametrize(("spec", "why"), [
    ("dsn", "dsn names no server; "),
    ("dsn:hunter2 at host", "the text after dsn: is no connection string of libpq; "),
    ("dsn:postgresql://ci:hunter2@[host/app", "the text after dsn: is no connection string of libpq; "),
])  # fmt: skip
def test_a_text_that_libpq_cannot_read_is_not_repeated(spec: str, why: str) -> None:
    form = "write dsn:postgresql://user@host:5432/database, or dsn:service=name; the password is best left to .pgpass"
    assert (InputError, why + form) == refusal(spec)


def test_a_service_that_nobody_defined_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "service.conf").write_text("[other]\nhost=a\n", encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "service.conf"))
    kind, why = refusal("dsn:service=ci")

    assert 'definition of service "ci" not found' in why, kind


def test_a_server_that_is_too_old_is_refused_by_its_greeting() -> None:
    with greeting("14.12") as port:
        actual = refusal(f"dsn:host=127.0.0.1 port={port} user=ci dbname=app sslmode=disable gssencmode=disable")

    why = (
        f"the server at 127.0.0.1:{port} is PostgreSQL 14.12; 15 is the oldest that is supported. Name another with --pg."
    )
    assert (InputError, why) == actual


@contextmanager
def greeting(version: str) -> Iterator[int]:
    """A port where a server lets one session in, tells its version, and waits (protocol 3.0, manual chapter 55)."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    def serve() -> None:
        session, _ = listening.accept()
        with session:
            session.recv(1024)
            parameters = {"server_version": version, "client_encoding": "UTF8", "server_encoding": "UTF8"}
            status = b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in parameters.items())
            session.sendall(message(b"R", bytes(4)) + status + message(b"K", bytes(8)) + message(b"Z", b"I"))
            session.recv(1024)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        yield listening.getsockname()[1]
        serving.join()


def accepts(path: Path) -> bool:
    """Whether somebody listens: a socket's file is there a moment earlier than that."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


@contextmanager
def pooled(owner: Owner, folder: Path, mode: str) -> Iterator[str]:
    """PgBouncer before the owner's server, in this mode; the `--pg` that leads through it as the maker."""
    program = shutil.which("pgbouncer")
    if program is None:
        missing = "pgbouncer is not installed: apt-get install pgbouncer"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder.chmod(0o777)
    (folder / "users").write_text('"maker" "{}"\n'.format(PASSWORD.replace('"', '""')), encoding="utf-8")
    (folder / "ini").write_text(
        f"[databases]\n* = host={owner.server.host} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = 6543\n"
        f"unix_socket_dir = {folder}\nauth_type = trust\nauth_file = {folder}/users\npool_mode = {mode}\n"
        "ignore_startup_parameters = options, extra_float_digits\nserver_idle_timeout = 1\n",
        encoding="utf-8",
    )
    user = Path(owner.server.host).stat().st_uid
    pooler = subprocess.Popen(
        [program, folder / "ini"], user=user if os.geteuid() == 0 else None, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        conninfo = f"host={folder} port=6543 user=maker dbname=lobby"
        while not accepts(folder / ".s.PGSQL.6543"):
            assert pooler.poll() is None, "pgbouncer did not start"
        yield f"dsn:{conninfo}"
    finally:
        pooler.terminate()
        pooler.wait()


@pytest.fixture
def short_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that other users can enter, with a name that a socket's path has room for."""
    folder = Path(f"/tmp/pgb-{os.getpid()}")
    folder.mkdir(mode=0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_that_lends_its_backends_is_refused(owner: Owner, short_folder: Path, mode: str) -> None:
    before = owner.ours()
    with pooled(owner, short_folder, mode) as spec:
        kind, why = refusal(spec)

    expected = (InputError, True, before)
    assert expected == (kind, f"{short_folder}:6543 is a pooler in transaction mode" in why, owner.ours()), why


def test_a_refused_server_has_nothing_made_on_it(owner: Owner) -> None:
    before = owner.everything()
    for user in ("nobody_much", "maker"):
        refusal(owner.spec(user, password="wrong" if user == "maker" else PASSWORD))

    assert before == owner.everything()


@pytest.mark.parametrize(("user", "platform"), [("boss", "postgres"), ("maker", "supabase")])
def test_a_role_of_the_owners_does_not_migrate_where_ours_may_not_log_in(owner: Owner, user: str, platform: str) -> None:
    [(hba,)] = owner.ask("SHOW hba_file")
    before = Path(hba).read_text("utf-8"), owner.ours()
    Path(hba).write_text(f"local all supabase_admin,{user} trust\n", encoding="utf-8")
    owner.ask("SELECT pg_reload_conf()")
    try:
        with (
            provider_for(owner.spec(user)).start() as server,
            pytest.raises(ServerUnavailable, match=f"never as {user}, and the role that was made may not log in"),
        ):
            Sandbox(server, platform_of(platform))
    finally:
        Path(hba).write_text(before[0], encoding="utf-8")
        owner.ask("SELECT pg_reload_conf()")

    assert set() == before[1] | owner.ours()


def test_a_database_in_another_encoding_is_made_in_utf8() -> None:
    with provider_for("wheel").start() as server, psycopg.connect(server.conninfo(dbname="postgres")) as connection:
        connection.autocommit = True
        connection.execute(
            "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' "
            "IS_TEMPLATE true"
        )
        connection.execute("ALTER DATABASE template0 RENAME TO utf8")
        connection.execute("ALTER DATABASE ascii RENAME TO template0")
        connection.execute("CREATE ROLE ci SUPERUSER LOGIN")
        spec = f"dsn:host={server.host} user=ci dbname=postgres"
        with provider_for(spec).start() as owners_server, Sandbox(owners_server, platform_of("postgres")) as sandbox:
            name = sandbox.platform_state(sandbox.platform.regimes[0]).database
            query = "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s"
            row = connection.execute(query, [name]).fetchone()

    assert ("UTF8",) == row
