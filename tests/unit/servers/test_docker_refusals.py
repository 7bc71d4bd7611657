"""Where there is no container to be had the reason comes with its remedy; whose a container is, is never guessed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers import Production, provider_for
from pgcontract.postgres.providers.container.image import production_image
from pgcontract.postgres.providers.container.owner import Owner, started
from refusals import refusal as words
from test_providers import refusal


@pytest.fixture
def door() -> Iterator[Path]:
    """A place for a socket whose path is short enough for one."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "docker.sock"


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "testcontainers", None)

    expected = "the package testcontainers is not installed; pip install 'pgcontract[docker]'"
    assert (ServerUnavailable, expected) == refusal("docker")


def test_without_a_daemon_its_place_is_told(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{door}")

    expected = (
        f"no Docker daemon at {door}; start one (Docker Desktop, or: sudo systemctl start docker), "
        "or name another with DOCKER_HOST"
    )
    assert (ServerUnavailable, expected) == refusal("docker")


def test_a_daemon_that_is_no_more_is_told_from_none(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{door}")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(door))

    assert refusal("docker")[1].startswith(f"no Docker daemon answers at {door}; start one")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a right away from somebody else")
def test_without_rights_the_group_is_named(door: Path) -> None:
    ask = (
        "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(sys.modules['pgcontract.postgres.providers'].provider_for('docker').probe())"
    )
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(door))
        closed.listen()
        door.parent.chmod(0o755)
        door.chmod(0o600)
        # Everything is imported before the rights are given away: Python may be where nobody else may read.
        imported = "import pgcontract.postgres.providers.docker, docker, requests, testcontainers.core.docker_client\n"
        said = subprocess.run(
            [sys.executable, "-c", imported + ask],
            env={**os.environ, "DOCKER_HOST": f"unix://{door}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert (True, True) == (f"uid 65534 may not use the Docker daemon at {door}" in said, "usermod -aG docker" in said)


@pytest.mark.parametrize(("production", "image"), [
    (Production(platform="supabase", postgres=17), "supabase/postgres:17.6.1.132"),
    (Production(platform="supabase", postgres=15), "supabase/postgres:15.8.1.085"),
    (Production(platform="supabase"), "supabase/postgres:17.6.1.132"),
    (Production(postgres=16), "postgres:16"),
    (Production(), "postgres:17"),
], ids=["supabase 17", "supabase 15", "supabase", "16", "nothing said"])  # fmt: skip
def test_without_an_image_it_is_the_one_that_production_runs(production: Production, image: str) -> None:
    assert image == production_image(production)


def test_a_major_that_supabase_does_not_have_is_refused_with_those_it_has() -> None:
    provider = provider_for("docker", production=Production(platform="supabase", postgres=16))
    told = words(lambda: provider.start().__enter__())

    assert told.startswith("Supabase has no image of PostgreSQL 16, only of 15 and 17: name an image")


OURS = Owner.current_process()


@pytest.mark.parametrize(("owner", "dead"), [
    (OURS, False),
    (replace(OURS, started="1"), True),
    (replace(OURS, boot="an earlier one"), True),
    (replace(OURS, machine="another", boot="its own"), False),
    (replace(OURS, user=OURS.user + 1, started="1"), False),
    (replace(OURS, processes="pid:[1]", started="1"), False),
], ids=["lives", "id used again", "machine restarted", "elsewhere", "somebody else", "in another container"])  # fmt: skip
def test_an_owner_is_dead_only_where_that_is_known(owner: Owner, dead: bool) -> None:
    assert dead == owner.is_dead(seen_by=OURS)


def test_an_owner_is_dead_when_its_process_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        owner = replace(OURS, pid=process.pid, started=started(process.pid) or "")
        while_it_ran = owner.is_dead(seen_by=OURS)

    assert (False, True) == (while_it_ran, owner.is_dead(seen_by=OURS))


@pytest.mark.parametrize("label", ["", "{}", "[]", "no JSON", '{"pid": 1}'])
def test_a_label_that_is_not_in_our_words_names_no_owner(label: str) -> None:
    assert Owner.from_label(label) is None


def test_a_label_gives_its_owner_back() -> None:
    assert Owner.from_label(OURS.label) == OURS
