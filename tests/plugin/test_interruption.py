"""Ctrl-C ends pytest without a verdict and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from child_signals import take_signals


@pytest.mark.parametrize("workers", [1, 2])
def test_interruption_leaves_no_file_and_no_verdict(project: Path, room: Path, workers: int) -> None:
    (project / "migrations/002_slow.sql").write_text("SELECT pg_sleep(600);\n", encoding="utf-8")
    spread = ["-n2"] if workers == 2 else []
    arguments = ["-m", "pytest", "-v", str(project), *spread]
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "PGCONTRACT_TMP": str(room)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=take_signals,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            if len(list(room.rglob("postmaster.pid"))) == workers:
                os.killpg(process.pid, signal.SIGINT)
                break
        said += process.stdout.readlines()

    actual = process.returncode, any("verdict:" in line for line in said), sorted(room.rglob("*"))
    assert (pytest.ExitCode.INTERRUPTED, False, []) == actual, "".join(said)


DYING = """
import os
def pytest_runtest_setup(item):
    if item.name == "column.type[body]" and hasattr(item.config, "workerinput"):
        os._exit(9)
"""


def test_a_worker_that_dies_leaves_a_run_incomplete(pytester: pytest.Pytester, project: Path) -> None:
    pytester.makeconftest(DYING)
    ran = pytester.runpytest_inprocess("-n1", project, "--pgcontract-only", "column.*")

    ran.stdout.fnmatch_lines(
        ["column.type[[]public.note.body]: The process that asked ended before*", "verdict: INCOMPLETE"]
    )
    assert pytest.ExitCode.TESTS_FAILED == ran.ret
