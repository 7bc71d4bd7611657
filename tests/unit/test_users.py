"""The gate gives the same verdict to root and to a user who owns nothing but a home."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pgcontract
import pytest

ORDINARY = "nobody"
MYSELF = pwd.getpwuid(os.geteuid()).pw_name
UNNEEDED = shutil.ignore_patterns("__pycache__", "test", "tests", "idlelib", "tkinter", "ensurepip", "config-*")


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that everybody can enter, wherever pytest keeps its own."""
    path = Path(tempfile.mkdtemp(prefix="pgcontract-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def is_open(path: Path) -> bool:
    """Whether everybody can get at the path."""
    path = path.resolve()
    enters = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
    return enters and bool(path.stat().st_mode & stat.S_IROTH)


def opened(path: Path, room: Path) -> Path:
    """The path itself where everybody can get at it, else a copy in the room."""
    return path if is_open(path) else Path(shutil.copytree(path, room / path.name, symlinks=True, ignore=UNNEEDED))


def python(room: Path) -> tuple[Path, dict[str, str]]:
    """An interpreter that everybody can run, and what it needs in its environment."""
    executable = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
    if is_open(executable):
        return executable, {}
    # A Python below somebody's home, such as pyenv's: its program and standard library are enough.
    home = room / "python"
    standard = Path(sysconfig.get_path("stdlib"))
    ignored = shutil.ignore_patterns(
        "site-packages", "__pycache__", "test", "idlelib", "tkinter", "ensurepip", "config-*"
    )
    shutil.copytree(standard, home / "lib" / standard.name, ignore=ignored)
    for library in standard.parent.glob("libpython*.so*"):
        shutil.copy(library, home / "lib", follow_symlinks=False)
    (home / "bin").mkdir()
    copy = shutil.copy(executable, home / "bin")
    return Path(copy), {"PYTHONHOME": str(home), "LD_LIBRARY_PATH": str(home / "lib")}


def verify_as(user: str, schema: Path, room: Path) -> subprocess.CompletedProcess[str]:
    """The gate on the project, run by that user in an environment without anything of ours."""
    program, environment = python(room)
    packages = opened(Path(sysconfig.get_path("purelib")), room)
    source = opened(Path(pgcontract.__file__).parents[1], room)
    home = room / "home"
    home.mkdir()
    switch = {} if user == MYSELF else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    if switch:
        shutil.chown(home, user)
    environment |= {"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [program, "-m", "pgcontract", "verify", schema, "--format", "json"],
        cwd=home,
        env={**environment, "PYTHONPATH": os.pathsep.join(map(str, (source, packages)))},
        capture_output=True,
        encoding="utf-8",
        check=False,
        **switch,  # type: ignore[call-overload]
    )
    return done


@pytest.mark.parametrize("user", dict.fromkeys([MYSELF, ORDINARY if os.geteuid() == 0 else MYSELF]))
def test_a_project_is_judged_the_same_whoever_asks(user: str, room: Path, write_project: Callable[[Path], Path]) -> None:
    process = verify_as(user, write_project(room / "schema"), room)

    assert (0, "") == (process.returncode, process.stderr)
    assert json.loads(process.stdout)["verdict"]["decision"] == "CLEAR"
