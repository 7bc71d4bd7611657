"""A commit that a folder is compared with, as git has it: what was there, and what is otherwise in the working tree.

Git is asked by its own command, which writes nothing here and starts no other program of the repository's settings but
the filters without which a file cannot be compared.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from pgcontract.errors import InputError
from pgcontract.values import dataclass

# Where git is to look is the folder alone: a hook has these set for its own repository, by paths from elsewhere.
_OF_A_HOOK: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE")
_SETTINGS: Final = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "submodule.recurse=false")
_INDEX: Final = ("--git-path", "index")
_PARTED: Final = re.compile(  # the ids of HEAD, of the other, and of where they part, each at a line of its own
    rb"^[0-9a-f]{40,64}\n(?P<tip>[0-9a-f]{40,64})\n\^(?P<base>[0-9a-f]{40,64})\n(?:\^[0-9a-f]+\n)*\Z", re.MULTILINE
)
_LINK, _SUBMODULE, _FILE = "120000", "160000", "100"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of the commit: its mode, the id of its contents, and its path below the top."""

    mode: str
    blob: str
    path: PurePosixPath


@dataclass(frozen=True, kw_only=True)
class Revision:
    """The commit that a folder is compared with: where the work on it left `ref`.

    `top` is the working tree's folder, `commit` the full id, `tip` that of `ref` itself. The commit of a pull request's
    base is not its tip but where the two part: what the base got meanwhile is no change of the pull request's, and no
    file of it is missing here. `index` is git's own list of the working tree's files. `moved` is the folder that stood
    elsewhere then: where, and where it is now; all paths that go in and come out are those of now.
    """

    ref: str
    top: Path
    commit: str
    tip: str = ""
    index: Path | None = None
    moved: tuple[PurePosixPath, PurePosixPath] | None = None

    def following(self, folder: Path) -> Revision:
        """The same, where a folder of the commit, which is there no more, has been moved to that one: most of its files
        are there as they were."""
        now = PurePosixPath(os.path.relpath(folder.resolve(), self.top.resolve()))
        if now.parts[:1] in ((), ("..",)) or self.entries(now):
            return self
        here = {path.relative_to(now) for path in self._working(now)}
        then = [entry.path for entry in self.entries(PurePosixPath("."))]
        counts = Counter(
            PurePosixPath(*path.parts[:at])
            for path in then
            for at in range(1, len(path.parts))
            if PurePosixPath(*path.parts[at:]) in here
        )
        for was, _ in counts.most_common():
            if not (self.top / was).exists():
                moved = replace(self, moved=(was, now))
                there = {entry.path for entry in moved.entries(now)}
                return moved if len(there & moved.differing(now)) * 2 <= len(there) else self
        return self

    def entries(self, *below: PurePosixPath) -> tuple[Entry, ...]:
        """The files, links and submodules of the commit below these paths."""
        return self._listed("-r", self.commit, "--", *_specs(tuple(map(self._then, below))))

    def files_in(self, folders: Iterable[PurePosixPath]) -> tuple[Entry, ...]:
        """Those right in these folders."""
        named = sorted({str(self._then(folder)) for folder in folders})
        inner = self._listed(self.commit, "--", *(f"{name}/" for name in named if name != ".")) if named != ["."] else ()
        return (*inner, *(self._listed(self.commit) if "." in named else ()))

    def came_since(self, below: PurePosixPath) -> frozenset[PurePosixPath]:
        """Files below that path that `ref` has got, changed or lost since."""
        if self.tip in ("", self.commit):
            return frozenset()
        words = ("diff", "--name-only", "-z", "--no-renames", "--no-relative", "--no-ext-diff")
        names = _git(self.top, *words, self.commit, self.tip, "--", *_specs((self._then(below),))).split(b"\0")
        return frozenset(self._now(PurePosixPath(os.fsdecode(name))) for name in names if name)

    def _listed(self, *words: str) -> tuple[Entry, ...]:
        found = []
        for line in filter(None, _tree(self.top, *words).split(b"\0")):
            meta, _, name = line.partition(b"\t")
            mode, _, blob = meta.decode().split(" ")
            found.append(Entry(mode=mode, blob=blob, path=self._now(PurePosixPath(os.fsdecode(name)))))
        return tuple(found)

    def _then(self, path: PurePosixPath) -> PurePosixPath:
        return _below_another(path, self.moved[1], self.moved[0]) if self.moved else path

    def _now(self, path: PurePosixPath) -> PurePosixPath:
        return _below_another(path, *self.moved) if self.moved else path

    def _working(self, *below: PurePosixPath) -> frozenset[PurePosixPath]:
        """The files of the working tree, without what git passes over."""
        words = ("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--")
        paths = (PurePosixPath(os.fsdecode(name)) for name in _git(self.top, *words, *_specs(below)).split(b"\0") if name)
        return frozenset(path for path in paths if os.path.lexists(self.top / path))

    def _differing_moved(self, now: PurePosixPath) -> frozenset[PurePosixPath]:
        """Those of the folder that stands elsewhere: what git would keep of each file is compared with what it had."""
        then = {entry.path: entry for entry in self.entries(now)}
        here = self._working(now)
        files = sorted(path for path in here & then.keys() if (self.top / path).is_file())
        plain = [path for path in files if not (self.top / path).is_symlink()]
        blobs = _git(self.top, "hash-object", "--", *map(str, plain)).decode().split() if plain else []
        same = {
            path
            for path, blob in zip(plain, blobs, strict=True)
            if (is_file(then[path]), blob) == (True, then[path].blob)
        }
        return (here | then.keys()) - same

    def differing(self, *below: PurePosixPath) -> frozenset[PurePosixPath]:
        """Files of the commit that are otherwise now, staged or not, or gone; and those that are new, even to git. What
        git is told to take for unchanged is among them, for it is not looked at."""
        words = (
            "diff",
            "--name-only",
            "-z",
            "--no-renames",
            "--no-relative",
            "--no-ext-diff",
            "--ignore-submodules=none",
        )
        with _own_index(self.index) as settings:
            names = _git(self.top, *words, self.commit, "--", *_specs(below), **settings).split(b"\0")
        listing = ("ls-files", "-v", "--cached", "--others", "--exclude-standard", "-z", "--")
        listed = _git(self.top, *listing, *_specs(below)).split(b"\0")
        names += [line[2:] for line in listed if line[:1].islower() or line[:1] in (b"S", b"?")]
        found = frozenset(PurePosixPath(os.fsdecode(name)) for name in names if name)
        if self.moved is None:
            return found
        outside = frozenset(path for path in found if not any(path.is_relative_to(each) for each in self.moved))
        moved = self._differing_moved(self.moved[1])
        return outside | {path for path in moved if any(path.is_relative_to(each) for each in below)}

    def ignored(self, *below: PurePosixPath) -> frozenset[PurePosixPath]:
        """Files that git is told to pass over."""
        words = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z")
        names = _git(self.top, *words, "--", *_specs(below)).split(b"\0")
        return frozenset(PurePosixPath(os.fsdecode(name)) for name in names if name)

    def contents(self, entry: Entry) -> bytes:
        """The file as a checkout would write it."""
        if entry.mode == _LINK:
            return _git(self.top, "cat-file", "blob", entry.blob)
        return _git(self.top, "cat-file", "--filters", f"--path={entry.path}", entry.blob)

    def submodule(self, entry: Entry) -> Revision:
        """The commit of a submodule that this one holds. Raises InputError where it is not there."""
        top = self.top / entry.path
        try:
            _git(top, "cat-file", "-e", f"{entry.blob}^{{commit}}")
        except InputError:
            raise InputError(
                f"--since {self.ref}: the submodule's commit of then, {entry.blob[:12]}, is not here. Type: "
                f"git -C {top} fetch origin {entry.blob}",
                file=str(top),
            ) from None
        return Revision(ref=self.ref, top=top, commit=entry.blob, index=_index(_git(top, "rev-parse", *_INDEX), top))


def _below_another(path: PurePosixPath, folder: PurePosixPath, other: PurePosixPath) -> PurePosixPath:
    return other / path.relative_to(folder) if path.is_relative_to(folder) else path


def is_file(entry: Entry) -> bool:
    """Whether it is a plain file."""
    return entry.mode.startswith(_FILE)


def is_link(entry: Entry) -> bool:
    """Whether the commit has a symbolic link there."""
    return entry.mode == _LINK


def is_submodule(entry: Entry) -> bool:
    """Whether another repository stands there."""
    return entry.mode == _SUBMODULE


def find_revision(folder: Path, ref: str) -> Revision:
    """Where the folder's work and `ref` part. Raises InputError, with what to type, where git is missing, the folder is
    of no repository, or the commit is not here."""
    if not ref or ref.startswith("-"):
        raise InputError(f"--since {ref!r} is no name of a commit; write one as --since origin/main")
    folder = folder if folder.is_dir() else folder.parent
    try:
        top = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
    except InputError as error:
        said = error.message
        if "not a git repository" in said:
            said = "git says that this folder is of no repository; name one that is, or leave --since out"
        raise InputError(f"--since {ref}: {said}", file=str(folder)) from None
    if not str(top):
        raise InputError(f"--since {ref}: git has no working tree here", file=str(folder))
    base = _parted(top, ref)
    if base is None:
        raise _not_comparable(top, ref)
    return base


def _parted(top: Path, ref: str) -> Revision | None:
    """Where `ref` and HEAD part, in one answer of git's; None where there is something to tell of them."""
    name = _commit(top, ref) if ".." in ref else ref  # as in main^{/words...}, which would end there
    if name is None:
        return None
    try:
        said = _git(top, "rev-parse", *_INDEX, f"{name}^{{commit}}...HEAD")
    except InputError:
        return None
    if not (found := _PARTED.search(said)):
        return None
    tip, base = found.group("tip", "base")
    return Revision(ref=ref, top=top, commit=base.decode(), tip=tip.decode(), index=_index(said[: found.start()], top))


def _index(said: bytes, top: Path) -> Path:
    return top / os.fsdecode(said.removesuffix(b"\n"))


def _not_comparable(top: Path, ref: str) -> InputError:
    """Why, and what to type."""
    if _commit(top, "HEAD") is None:
        return InputError(f"--since {ref}: the repository has no commit yet; leave --since out", file=str(top))
    shallow = _git(top, "rev-parse", "--is-shallow-repository").strip() == b"true"
    if _commit(top, ref) is None:
        return InputError(f"--since {ref}: no commit of this clone is called so. {_fetch(top, ref, shallow)}")
    if shallow:
        return InputError(
            f"--since {ref}: this clone is shallow, and where {ref} and HEAD part is not in it. Type: "
            f"git fetch --unshallow {_remote(top, ref)[0]}"
        )
    return InputError(f"--since {ref}: it and HEAD have no commit in common, so nothing can be said to be since")


def _commit(top: Path, ref: str) -> str | None:
    try:
        return _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip().decode()
    except InputError:
        return None


def _fetch(top: Path, ref: str, shallow: bool) -> str:
    """What to type for a commit that is not here."""
    remote, branch = _remote(top, ref)
    if not remote:
        return "Look whether it is spelled so: git branch --all lists what is here"
    is_name = branch and not all(letter in "0123456789abcdef" for letter in branch)
    what = f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}" if is_name and ref.startswith(f"{remote}/") else branch
    if shallow:
        return f"The clone is shallow. Type: git fetch --unshallow {remote} {what}".rstrip()
    return f"Type: git fetch {remote} {what}"


def _remote(top: Path, ref: str) -> tuple[str, str]:
    """The remote that has it, and what it is called there; no remote where there is none."""
    remotes = _git(top, "remote").decode(errors="replace").split()
    first, _, rest = ref.partition("/")
    if first in remotes and rest:
        return first, rest
    remote = "origin" if "origin" in remotes else next(iter(remotes), "")
    plain = ref.partition("~")[0].partition("^")[0].partition("@{")[0]
    return remote, "" if plain == "HEAD" else plain


def _specs(below: tuple[PurePosixPath, ...]) -> list[str]:
    return [f":(top,literal){path}" if str(path) != "." else ":(top)" for path in below]


@contextmanager
def _own_index(index: Path | None) -> Iterator[dict[str, str]]:
    """The setting of a copy of the index: git writes into it what it learns of the files that it looks at."""
    if index is None or not index.is_file():
        yield {}
        return
    with TemporaryDirectory(prefix="pgcontract-index-") as folder:
        copy = Path(folder) / "index"
        shutil.copy2(index, copy)  # its time too: what was written since then, git looks into
        yield {"GIT_INDEX_FILE": str(copy)}


@lru_cache(maxsize=16)
def _tree(top: Path, *words: str) -> bytes:
    """What a commit lists, which stays so; asked for the same folder more than once."""
    return _git(top, "ls-tree", "-z", "--full-tree", *words)


def _git(folder: Path, *words: str, **settings: str) -> bytes:
    """What git answers. Raises InputError where it is not installed or says that something is wrong."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **settings}
    try:
        done = subprocess.run(
            ["git", "-C", os.fspath(folder), *_SETTINGS, *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise InputError("git is not installed, or not in PATH; install it, or leave --since out") from None
    except OSError as error:
        raise InputError(f"git could not be started: {error.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise InputError(f"git says: {said}" if said else f"git {words[0]} failed")
    return done.stdout
