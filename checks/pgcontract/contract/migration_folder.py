"""A folder of migrations as layouts see it, and what one of them makes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

from pgcontract.contract.migration import Migration
from pgcontract.errors import InputError
from pgcontract.model.input_file import is_there, read_bytes, require_inside
from pgcontract.model.sql import Execution, Script, Source, make_script, read_script, read_source, read_text
from pgcontract.result import Severity
from pgcontract.values import dataclass

T = TypeVar("T")

_OPENING_BYTES: Final = 64 * 1024


class IssueKind(Enum):
    """What a tool makes of a folder that its owner may not expect, by the check that tells it."""

    ORDER = "migration.order"
    DUPLICATE = "migration.unique"
    IGNORED = "migration.read"
    REFUSED = "migration.accepted"
    PLACEHOLDER = "migration.placeholders"
    CHANGED = "migration.unchanged"
    LATE = "migration.in_order"
    FAILED = "migration.finished"


def from_the_top(path: Path) -> Path:
    """The path with nothing but names in it: `..` would hide what folders are called. Links are not followed: theirs are
    the names that the owner knows."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


@dataclass(frozen=True, kw_only=True)
class FolderIssue:
    """One such thing. `subject` is the file, or the placeholder, that it is about; `severity` is None for what is only
    told. It is found of the migration that has the key, of the last one where there is none. `path` and `line` are its
    place. `leaves_open`: where that migration stands among the others is only taken so."""

    kind: IssueKind
    subject: str
    summary: str
    remedy: str
    severity: Severity | None
    key: str | None = None
    path: str | None = None
    line: int | None = None
    leaves_open: bool = False


@dataclass(frozen=True, kw_only=True)
class FolderReading:
    """The migrations of a folder in the order in which the tool applies them to an empty database, and what its owner
    should know of them: `assumptions` are what was told by looking, a sentence each; `callbacks` what the tool runs at
    each deploy, beside the migrations."""

    migrations: tuple[Migration, ...]
    issues: tuple[FolderIssue, ...] = ()
    assumptions: tuple[str, ...] = ()
    callbacks: tuple[Script, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder to be read. Links that lead out of `root` are refused. With `only`, the one file, or folder of one
    migration, that is asked about: its neighbours are not looked at. `values` are those of placeholders, by name, which
    may be secrets. `platform` is the one that its project declares, if it does. `given` is what `only` holds where that
    is no file. The `unreadable`, and the `left_out` of its configuration, are passed over, as if they were not there.
    `start` is where psql would be started."""

    path: Path
    root: Path
    only: Path | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    platform: str | None = None
    given: Source | None = field(default=None, repr=False)
    unreadable: frozenset[Path] = frozenset()
    start: Path = Path()
    left_out: frozenset[Path] = frozenset()
    _openings: dict[Path, str] = field(default_factory=dict, repr=False, compare=False)
    _answers: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def files(self, ending: str | tuple[str, ...] = ".sql") -> tuple[Path, ...]:
        """The files that end so, by name, but for hidden ones; InputError where there is no such folder."""
        return tuple(path for path, is_folder in self._entries if path.name.endswith(ending) and not is_folder)

    def folders(self) -> tuple[Path, ...]:
        """The folders in it, by name; InputError where there is no such folder."""
        return tuple(path for path, is_folder in self._entries if is_folder)

    def opening(self, path: Path) -> str:
        """The first 64 KB of a file, for a layout to recognise; empty where it cannot be read, or is another's."""
        if self.given is not None and path == self.only:
            return self.given.text[:_OPENING_BYTES]
        if path not in self._openings:
            try:
                self._require_inside(path)
                text = read_bytes(path)[:_OPENING_BYTES].decode("utf-8-sig", errors="replace")
            except (InputError, OSError):
                text = ""
            self._openings[path] = text
        return self._openings[path]

    def once(self, name: str, ask: Callable[[], T]) -> T:
        """What `ask` answers, which is asked once: several layouts look for the same thing."""
        if name not in self._answers:
            self._answers[name] = ask()
        answer: T = self._answers[name]
        return answer

    def text(self, path: Path) -> str:
        """A file of the tool's own, whole. InputError where it is missing, unreadable or no text, or leads out of the
        root."""
        self._require_inside(path)
        try:
            return read_bytes(path).decode("utf-8-sig")
        except FileNotFoundError:
            raise InputError("there is no such file, and the tool's folders have one", file=str(path)) from None
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}; check its permissions", file=str(path)) from None
        except UnicodeDecodeError:
            raise InputError("is not UTF-8 text; save it as UTF-8", file=str(path)) from None

    def source(self, path: Path) -> Source:
        """The file. InputError where it is missing, unreadable, no text or no SQL, or leads out of the root."""
        if self.given is not None and path == self.only:
            return self.given
        self._require_inside(path)
        return read_source(path)

    def any_text(self, path: Path) -> Source:
        """The same of a file that may be no SQL by itself."""
        if self.given is not None and path == self.only:
            return self.given
        self._require_inside(path)
        return read_text(path)

    def script(self, path: Path, execution: Execution = Execution()) -> Script:  # noqa: B008 - a frozen value
        """The whole file as a script. InputError as `source`, and at what only psql understands."""
        if self.given is not None and path == self.only:
            return make_script(self.given, execution=execution)
        self._require_inside(path)
        return read_script(path, execution)

    def has(self, path: Path) -> bool:
        """Whether there is anything of that name; in a folder that may not be looked into there is nothing."""
        try:
            return not self._is_passed_over(path) and is_there(path)
        except PermissionError:
            return False

    def settings(self, path: Path) -> str:
        """The first 64 KB of a file in the folder or above it, to recognise a tool by; empty where it cannot be read."""
        try:
            return read_bytes(path)[:_OPENING_BYTES].decode("utf-8-sig", errors="replace")
        except (InputError, OSError):
            return ""

    def name(self, path: Path) -> str:
        """Its path below the folder."""
        return path.relative_to(self.path).as_posix()

    def parents(self, levels: int = 3) -> Iterator[Path]:
        """The folder itself and those above it, nearest first: a tool's configuration stands in one of them."""
        yield from (self.place, *self.place.parents)[: levels + 1]

    @property
    def place(self) -> Path:
        """Its path from the top."""
        return from_the_top(self.path)

    def below(self, inner: Path) -> Folder:
        """A folder in it, read in the same way."""
        return Folder(path=inner, root=self.root, unreadable=self.unreadable, left_out=self.left_out, start=self.start)

    def _is_passed_over(self, path: Path) -> bool:
        return path in self.unreadable or path in self.left_out

    def _require_inside(self, path: Path) -> None:
        """A link that is named outright is followed."""
        if path != self.only:
            require_inside(path, self.root)

    @cached_property
    def _entries(self) -> tuple[tuple[Path, bool], ...]:
        """What is in it, by name, and whether it is a folder; every layout asks for it."""
        if self.only is not None:
            return ((self.only, self.only.is_dir()),)
        try:
            # A dot in front: an editor's lock, or what macOS adds to an archive (._001_x.sql). `*.sql` has none of them.
            entries = (
                path for path in sorted(self.path.iterdir()) if path.name[0] != "." and not self._is_passed_over(path)
            )
            return tuple((path, path.is_dir()) for path in entries)
        except OSError as error:
            raise InputError(f"is no folder to read migrations from: {error.strerror}", file=str(self.path)) from None
