"""The programs of one PostgreSQL: which they are, their version, and a place where the server's user can run them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.providers.local.account import Account

KNOWN_MAJORS = range(15, 19)
_PROGRAMS = ("postgres", "initdb")
# What a server never reads, and what would double the copy.
_NOT_COPIED = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "doc", "man", "locale")
# Not XDG's: root's own cache is usually in a folder that nobody else may enter, which is why a copy is made at all.
_SHARED_CACHE = Path("/var/tmp")  # noqa: S108 - its owner and mode are verified before anything in it is trusted


@dataclass(frozen=True, kw_only=True)
class Version:
    """A server's version: `text` "18.6", `number` 180006."""

    text: str
    number: int

    @property
    def major(self) -> int:
        """18 for 18.6."""
        return self.number // 10000


def is_install(bin_dir: Path) -> bool:
    """Whether the folder holds the two programs that a fresh server needs."""
    return all((bin_dir / program).is_file() for program in _PROGRAMS)


@cache
def read_version(bin_dir: Path) -> Version:
    """What `postgres --version` says; runs it, once in a process."""
    try:
        asked = subprocess.run(
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerUnavailable(f"{bin_dir}/postgres cannot be run: {error}") from error
    found = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?\S*", asked.stdout)
    if not found:
        said = (asked.stderr or asked.stdout).strip()
        raise ServerUnavailable(f"{bin_dir}/postgres --version does not tell a version, it says: {said}")
    major, minor = int(found[1]), int(found[2] or 0)
    # Before a release the minor is a word (19beta1); server_version_num counts it as 0.
    return Version(text=found[0].removeprefix("(PostgreSQL) "), number=major * 10000 + minor)


def require_known_major(bin_dir: Path) -> Version:
    """The version, if pgcontract knows its catalog; raises InputError if it does not."""
    version = read_version(bin_dir)
    if version.major not in KNOWN_MAJORS:
        raise InputError(
            f"{bin_dir} is PostgreSQL {version.text}; pgcontract knows the majors "
            f"{KNOWN_MAJORS[0]} to {KNOWN_MAJORS[-1]}: name the bin folder of one of those"
        )
    return version


def identity(bin_dir: Path) -> str:
    """A word that changes when the programs do: by path, size and time of change, so no program is run for it."""
    facts = [
        f"{path}|{found.st_size}|{found.st_mtime_ns}|{found.st_ino}"
        for path in (bin_dir / program for program in _PROGRAMS)
        for found in (path.stat(),)
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:20]


def runnable_by(account: Account, bin_dir: Path) -> Path:
    """A folder with the same programs that the account can run: `bin_dir`, or a copy of its installation.

    The copy is root's, closed to writing by others, and is used only while that is still so.
    """
    tree = _tree(bin_dir)
    if all(account.reaches(folder) for folder in tree if folder.exists()):
        return bin_dir
    prefix = bin_dir.parent
    home = _own_folder(_SHARED_CACHE / f"pgcontract-{os.geteuid()}")
    copy = home / identity(bin_dir)
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=home))
        try:
            draft.chmod(0o755)
            for folder in tree:
                if folder.exists():
                    _copy_open(folder, draft / folder.relative_to(prefix))
            draft.rename(copy)
        except OSError:
            if not copy.exists():  # else another run was faster, and its copy is as good
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    _own_folder(copy)
    return copy / "bin"


def _tree(bin_dir: Path) -> tuple[Path, ...]:
    return (bin_dir, bin_dir.parent / "lib", bin_dir.parent / "share")


def _copy_open(source: Path, target: Path) -> None:
    keep = None if source.name != "bin" else shutil.ignore_patterns("[!pi]*", "pg*", "ps*")
    shutil.copytree(source, target, ignore=keep or _NOT_COPIED, symlinks=False, ignore_dangling_symlinks=True)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)


def _own_folder(folder: Path) -> Path:
    """The folder, made if missing; raises ServerUnavailable where someone else could have put programs in it."""
    with_default_mode = os.umask(0o022)
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
    finally:
        os.umask(with_default_mode)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ServerUnavailable(
            f"{folder} would hold the server's programs, but it is not a folder that only we can write to; remove it"
        )
    return folder
