"""A folder of its own for each test's runs, and processes that hold a server until they are told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child_signals import take_signals

# Starts a server, tells where and from what it came, and holds it until its standard input ends.
HOLDER = """
import select
import sys
from pgcontract.postgres.providers import provider_for, terminate_on_signals
if "--terminate-on-signals" in sys.argv:
    terminate_on_signals()
with provider_for("wheel").start() as server:
    if "--crash" in sys.argv:
        server.crash()
    print(server.host, server.started_from, flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:  # a signal right before a read waits for its end
        pass
"""


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_folders(room: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_TMP", str(room))
    monkeypatch.setenv("PGCONTRACT_CACHE", str(shared_cache))


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that holds a server; its first line is the run's folder and what it was started from."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            preexec_fn=take_signals,
        )
        started.append(holder)
        return holder

    yield start
    for holder in started:
        holder.communicate()
