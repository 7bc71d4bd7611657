"""The programs of one PostgreSQL: which they are, their version, and a place where the server's user can run them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers.local.account import Account
from pgcontract.postgres.providers.local.directories import cache_directory, mark_used
from pgcontract.postgres.stand_ins import installed_extensions
from pgcontract.postgres.versions import KNOWN_MAJORS
from pgcontract.values import dataclass

_PROGRAMS = ("postgres", "initdb")
# What a server never reads, and what would double the copy.
_NOT_COPIED = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "doc", "man", "locale")
# Root's own cache is usually in a folder that nobody else may enter, which is why a copy is made at all.
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


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Programs that the server's user can run; `libraries` is where those of a copied installation were put."""

    bin_dir: Path
    libraries: Path | None = None

    def environment(self) -> dict[str, str]:
        """What they see of our environment: nothing secret, nothing that bends them, a known time zone."""
        variables = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
        if self.libraries:
            folders = [str(self.libraries), variables.get("LD_LIBRARY_PATH", "")]
            variables["LD_LIBRARY_PATH"] = ":".join(folder for folder in folders if folder)
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **variables}


def has_server_programs(bin_dir: Path) -> bool:
    """Whether the folder holds the two programs that a fresh server needs."""
    return all((bin_dir / program).is_file() for program in _PROGRAMS)


@cache
def read_version(bin_dir: Path) -> Version:
    """What `postgres --version` says; runs it, once in a process."""
    try:
        process = subprocess.run(
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerUnavailable(f"{bin_dir}/postgres cannot be run: {error}") from error
    match = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?\S*", process.stdout)
    if not match:
        output = (process.stderr or process.stdout).strip()
        raise ServerUnavailable(f"{bin_dir}/postgres --version does not tell a version, it says: {output}")
    major, minor = int(match[1]), int(match[2] or 0)
    # Before a release the minor is a word (19beta1); server_version_num counts it as 0.
    return Version(text=match[0].removeprefix("(PostgreSQL) "), number=major * 10000 + minor)


def require_known_major(bin_dir: Path) -> Version:
    """The version, if pgcontract knows its catalog; raises InputError if it does not."""
    version = read_version(bin_dir)
    if version.major not in KNOWN_MAJORS:
        raise InputError(
            f"{bin_dir} is PostgreSQL {version.text}; pgcontract knows the majors "
            f"{KNOWN_MAJORS[0]} to {KNOWN_MAJORS[-1]}: name the bin folder of one of those"
        )
    return version


def programs_fingerprint(bin_dir: Path) -> str:
    """A hash that changes when the programs do, or the extensions that they have: of path, size and mtime, so no program
    is run for it."""
    extensions = installed_extensions(bin_dir)
    controls = sorted(extensions.glob("*.control")) if extensions is not None else ()
    facts = [
        f"{path}|{status.st_size}|{status.st_mtime_ns}|{status.st_ino}"
        for path in (*(bin_dir / program for program in _PROGRAMS), *controls)
        for status in (path.stat(),)
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:20]


def ensure_runnable_by(account: Account, bin_dir: Path) -> Programs:
    """The same programs where the account can run them: in `bin_dir` itself, or in a copy of its installation.

    The copy is ours, closed to writing by others, and is used only while that is still so.
    """
    tree = [folder for folder in (bin_dir, bin_dir.parent / "lib", bin_dir.parent / "share") if folder.exists()]
    if all(account.reaches(folder) for folder in tree):
        return Programs(bin_dir=bin_dir)
    directory = programs_directory(account)
    if directory != cache_directory():
        ensure_private_folder(directory)
    copy = directory / f"programs-{programs_fingerprint(bin_dir)}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=directory))
        try:
            _copy_tree(tree, draft, account)
            draft.rename(copy)
        except OSError:
            if not copy.exists():  # else another run was faster, and its copy is as good
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    ensure_private_folder(copy)
    mark_used(copy)
    return Programs(bin_dir=copy / "bin", libraries=copy / "lib")


def programs_directory(account: Account) -> Path:
    """The directory of the account's programs: our cache, or, where the account may not enter that, one in
    /var/tmp, which `ensure_private_folder` must check."""
    directory = cache_directory()
    return (
        directory if directory.is_dir() and account.reaches(directory) else _SHARED_CACHE / f"pgcontract-{os.geteuid()}"
    )


def _copy_tree(tree: list[Path], target: Path, account: Account) -> None:
    for folder in tree:
        # A bin folder may be one for all programs of the system: only two of them are wanted.
        skipped = _NOT_COPIED if folder.name != "bin" else _all_but_programs
        shutil.copytree(folder, target / folder.name, ignore=skipped, ignore_dangling_symlinks=True)
    (target / "lib").mkdir(exist_ok=True)
    for library in _linked_libraries(tree[0].parent):
        if not account.reaches(library.parent):
            shutil.copy(library, target / "lib" / library.name)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)


def _linked_libraries(prefix: Path) -> set[Path]:
    """What the loader finds for the programs and modules where they are now; a wheel has some libraries next to it."""
    files = [*(prefix / "bin" / program for program in _PROGRAMS), *(prefix / "lib").glob("**/*.so")]
    try:
        output = subprocess.run(["ldd", *files], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return set()
    return {Path(path) for path in re.findall(r" => (/.*) \(0x", output)}


def _all_but_programs(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name not in _PROGRAMS]


def ensure_private_folder(folder: Path) -> Path:
    """The folder, made if missing; raises ServerUnavailable where someone else could have put programs in it."""
    with_default_mode = os.umask(0o022)
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
    finally:
        os.umask(with_default_mode)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ServerUnavailable(
            f"{folder} would hold the server's programs, but it is not a folder that only we can write to; remove it"
        )
    return folder
