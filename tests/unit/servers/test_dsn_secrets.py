"""A password is in nothing that a run prints, writes, shows to other users or raises, however it was given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from command import Command
from owner import PASSWORD, Owner, owner_of
from pgcontract.errors import PgcontractError
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.result import Decision

# The word itself, as URLs have it, and as Python or JSON would quote it.
FORMS = {PASSWORD, quote(PASSWORD, safe=""), repr(PASSWORD)[1:-1], PASSWORD.replace('"', '\\"'), "hunter2"}


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    with owner_of("wheel", log_statement="all", log_min_messages="debug1") as owner:
        yield owner


Way = Callable[[Owner, Path], dict[str, str]]


def in_a_url(owner: Owner, folder: Path) -> dict[str, str]:
    host, word = quote(owner.server.host, safe=""), quote(PASSWORD, safe="")
    return {"PGCONTRACT_PG": f"dsn:postgresql://maker:{word}@{host}:5432/lobby"}


def in_keywords(owner: Owner, folder: Path) -> dict[str, str]:
    return {"PGCONTRACT_PG": owner.spec("maker")}


def in_the_environment(owner: Owner, folder: Path) -> dict[str, str]:
    return {"PGCONTRACT_PG": f"dsn:host={owner.server.host} user=maker dbname=lobby", "PGPASSWORD": PASSWORD}


def in_a_password_file(owner: Owner, folder: Path) -> dict[str, str]:
    word = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (folder / "pgpass").write_text(f"*:*:*:maker:{word}\n", encoding="utf-8")
    (folder / "pgpass").chmod(0o600)
    spec = f"dsn:host={owner.server.host} user=maker dbname=lobby"
    return {"PGCONTRACT_PG": spec, "PGPASSFILE": str(folder / "pgpass")}


def in_a_service_file(owner: Owner, folder: Path) -> dict[str, str]:
    lines = ("[ci]", f"host={owner.server.host}", "user=maker", "dbname=lobby", f"password={PASSWORD}")
    (folder / "service.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"PGCONTRACT_PG": "dsn:service=ci", "PGSERVICEFILE": str(folder / "service.conf")}


WAYS: dict[str, Way] = {
    way.__name__.replace("_", " "): way
    for way in (in_a_url, in_keywords, in_the_environment, in_a_password_file, in_a_service_file)
}


def seen_in_processes(running: subprocess.Popen[bytes]) -> str:
    """What every user may read of every process, a hundred times a second until the run ends."""
    seen: set[bytes] = set()
    while running.poll() is None:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(process.read_bytes())
            except OSError:
                continue
        with suppress(subprocess.TimeoutExpired):
            running.wait(timeout=0.01)
    return b"\n".join(seen).decode(errors="replace")


SOME = ("--only", "script.applies", "--only", "column.*")


def files_in(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_tells_no_password(
    owner: Owner, project: Path, tmp_path: Path, way: str, pgcontract: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    written = tmp_path / "written"
    written.mkdir()
    arguments = ("verify", project, *SOME, "--json", written / "run.json", "--report", written)
    said = pgcontract(*arguments, **WAYS[way](owner, tmp_path), PGCONTRACT_DEBUG="1")
    assert owner.server.log_file
    texts = {
        "output": said.out + said.err,
        "server's log": owner.server.log_file.read_text("utf-8", errors="replace"),
        **files_in(written),
    }
    leaked = {name for name, text in texts.items() if leaks(text)}

    assert (0, set(), True) == (said.code, leaked, Decision.CAUTION.value in said.out)


# One that we read, and one that libpq does.
@pytest.mark.parametrize("way", ["in a url", "in a service file"])
def test_no_process_shows_a_password(owner: Owner, project: Path, tmp_path: Path, way: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "CI"))}
    with (tmp_path / "out").open("w") as out:
        running = subprocess.Popen(
            [sys.executable, "-m", "pgcontract", "verify", str(project), *SOME],
            env={**clean, **WAYS[way](owner, tmp_path), "PGCONTRACT_DEBUG": "1"},
            stdout=out,
            stderr=out,
        )
        seen = seen_in_processes(running)

    assert (0, set()) == (running.returncode, leaks(seen + (tmp_path / "out").read_text("utf-8")))


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_run_tells_no_password(
    owner: Owner, project: Path, tmp_path: Path, way: str, pgcontract: Command
) -> None:
    settings = {name: value.replace("lobby", "no_such") for name, value in WAYS[way](owner, tmp_path).items()}
    for file in tmp_path.glob("service.conf"):
        file.write_text(file.read_text("utf-8").replace("lobby", "no_such"), encoding="utf-8")
    said = pgcontract("verify", project, **settings, PGCONTRACT_DEBUG="1")
    actual = said.code, 'database "no_such" does not exist' in said.err, leaks(said.out + said.err)

    assert (3, True, set()) == actual


def leaks(text: str) -> set[str]:
    return {form for form in FORMS if form in text}


def test_no_value_shows_a_password(owner: Owner) -> None:
    provider = provider_for(owner.spec("maker"))
    with provider.start() as server, Sandbox(server, platform_of("supabase")) as sandbox:
        hired = sandbox.roles.password
        shown = "".join(map(repr, (provider, server, sandbox.server, sandbox.roles, sandbox.admin, provider.probe())))

    assert (True, False, set()) == (bool(hired), hired in shown, leaks(shown))


def test_an_error_in_the_middle_of_a_run_shows_no_password(owner: Owner) -> None:
    with (
        provider_for(owner.spec("maker")).start() as server,
        Sandbox(server, platform_of("postgres")) as sandbox,
        pytest.raises(PgcontractError) as refused,
    ):
        sandbox.connect("no_such_database")
    output = "".join(map(str, (refused.value, refused.value.__cause__, refused.getrepr(style="long", showlocals=False))))

    assert (True, set()) == ("no_such_database" in output, leaks(output))


def test_a_password_typed_for_pytest_is_not_in_its_report(owner: Owner, project: Path, tmp_path: Path) -> None:
    spec = "dsn:" + psycopg.conninfo.make_conninfo(
        host=owner.server.host, user="maker", dbname="lobby", password=PASSWORD
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "CI", "PYTEST"))}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-v",
            "--pgcontract",
            "--pgcontract-only",
            "column.*",
            "--pgcontract-report",
            tmp_path / "r",
            str(project),
        ],
        env={**clean, "PGCONTRACT_PG": spec},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "r").rglob("*") if path.is_file())
    actual = "verdict: " in done.stdout, bool(written), leaks(done.stdout + done.stderr + written)

    assert (True, True, set()) == actual, done.stdout[-2000:]
