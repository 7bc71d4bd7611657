"""What the world takes from a run makes it INCOMPLETE with the reason; what was answered before stays answered."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from pgcontract.contract import load_project
from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.progress import ProgressEvent
from pgcontract.reporting import render
from pgcontract.result import Decision, Run, Status
from pgcontract.runner import verify
from server_processes import processes_in

SUPERUSER = "supabase_admin"


@pytest.fixture
def project(tmp_path: Path, write_project: Callable[[Path], Path]) -> Path:
    return write_project(tmp_path / "schema")


class Outsider:
    """Somebody on the same machine, who may do what the administrator may."""

    def __init__(self, room: Path, stack: ExitStack) -> None:
        self._room = room
        self._stack = stack

    def _connect(self) -> psycopg.Connection:
        host = next(self._room.glob("pgcontract-*/.s.PGSQL.5432")).parent
        connection = psycopg.connect(host=str(host), user=SUPERUSER, dbname="postgres", autocommit=True)
        self._stack.callback(connection.close)
        return connection

    def cuts_every_connection(self) -> None:
        with self._connect() as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where pid <> pg_backend_pid() and backend_type = 'client backend'"
            )

    def takes_every_connection(self) -> None:
        with suppress(psycopg.OperationalError):
            while True:
                self._connect()

    def kills_a_backend(self) -> None:
        with self._connect() as connection:
            query = "select pid from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'"
            row = connection.execute(query).fetchone()
        assert row
        os.kill(row[0], signal.SIGKILL)

    def kills_the_server(self) -> None:
        pid_file = next(self._room.glob("pgcontract-*/d/postmaster.pid"))
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)


FAULTS: dict[str, tuple[Callable[[Outsider], None], str]] = {
    "the connections are cut": (Outsider.cuts_every_connection, "terminating connection due to administrator command"),
    "the connections are taken": (Outsider.takes_every_connection, "needs more connections at once than the server lets"),
    "a backend is killed": (Outsider.kills_a_backend, "The scratch server stopped answering"),
    "the server is killed": (Outsider.kills_the_server, "The scratch server stopped answering"),
}


def judged_while(project: Path, room: Path, phase: str, fault: Callable[[Outsider], None]) -> Run:
    """The project's run in which the fault happens when the phase first begins."""
    happened: list[str] = []
    with ExitStack() as stack:

        def notify(event: ProgressEvent) -> None:
            if (event.kind, event.name) == ("phase", phase) and not happened:
                happened.append(phase)
                fault(Outsider(room, stack))

        return verify(load_project(project), notify=notify)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, write_project: Callable[[Path], Path]) -> dict[str, Status]:
    """What each item of the project is told where nobody takes anything from the run."""
    run = verify(load_project(write_project(tmp_path_factory.mktemp("whole") / "schema")))
    return {finding.item: finding.status for finding in run.findings}


@pytest.mark.parametrize("phase", ["column", "script"])
@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_run_keeps_its_answers_and_is_incomplete_when(
    project: Path, room: Path, whole: dict[str, Status], fault: Callable[[Outsider], None], reason: str, phase: str
) -> None:
    run = judged_while(project, room, phase, fault)
    answered = {finding.item: finding.status for finding in run.findings if finding.status is not Status.UNKNOWN}
    actual = run.verdict.decision, run.exit_code, any(reason in told_reason for told_reason in run.verdict.reasons)

    assert (Decision.INCOMPLETE, 3, True) == actual, run.verdict
    assert (True, True) == (bool(answered), answered.items() <= whole.items())
    assert {Status.KEPT, Status.NOTED} >= set(answered.values())
    assert [] == [*room.iterdir(), *processes_in(room)]
    assert "INCOMPLETE" in render(run, "text")


@contextmanager
def small(room: Path, megabytes: int) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "tmpfs", room], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", room], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a small disk")
@pytest.mark.parametrize("megabytes", [34, 52])
def test_a_run_is_incomplete_when_the_disk_is_full(project: Path, room: Path, megabytes: int) -> None:
    with small(room, megabytes):
        run = verify(load_project(project))
        leftovers = [*room.iterdir()]
    reasons = " ".join(run.verdict.reasons)

    assert (Decision.INCOMPLETE, True, []) == (
        run.verdict.decision,
        "No space left" in reasons or "MB are left" in reasons,
        leftovers,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a small disk")
def test_a_disk_without_room_for_a_server_is_told_before_a_run(project: Path, room: Path) -> None:
    with small(room, 8), pytest.raises(ServerUnavailable, match="No space left on device"):
        verify(load_project(project))

    assert [] == [*room.iterdir()]


def test_a_script_may_not_write_more_than_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgcontract.postgres.connection_limits.SCRIPT_MAX_BYTES", 50 * 1024**2)
    (tmp_path / "001_much.sql").write_text("CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 1e9);")
    run = verify(load_project(tmp_path))

    assert (Decision.INCOMPLETE, True) == (run.verdict.decision, "A script was stopped after" in run.verdict.reasons[0])
