"""atlas.sum: a line for each file of a folder of Atlas's, with a checksum of that file and of all before it.

Read in its source (sql/migrate/dir.go), and compared with what Atlas 0.7.2 writes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import takewhile
from typing import Final

from pgcontract.contract.migration_folder import Folder, FolderIssue, IssueKind
from pgcontract.model.input_file import read_bytes
from pgcontract.result import Severity

SUM_FILE: Final = "atlas.sum"
_UNSUMMED: Final = re.compile(rb"[ -~]*atlas:sum +ignore(?![ -~])")
_HASH: Final = "Type `atlas migrate hash`, once the folder is as it should be."


def sum_issues(folder: Folder) -> Iterator[FolderIssue]:
    """Why Atlas takes the folder for changed by hand, and applies nothing of it."""
    if folder.only is not None:
        return
    if not folder.has(folder.path / SUM_FILE):
        yield _refused(folder, SUM_FILE, "is missing: Atlas applies nothing of a folder without it.")
        return
    first, *lines = folder.text(folder.path / SUM_FILE).splitlines() or [""]
    listed = [(name.strip(), checksum) for name, _, checksum in (line.partition("h1:") for line in lines)]
    files = {path.name: read_bytes(path) for path in sorted(folder.path.glob("*.sql")) if path.is_file()}
    actual = _checksums(files)
    if (listed, first) == (actual, f"h1:{_whole(listed)}"):
        return
    with_lf = {name: text.replace(b"\r\n", b"\n") for name, text in files.items()}
    if with_lf != files and listed == _checksums(with_lf):
        why = "was made of files whose lines end in LF, and here some end in CRLF: Atlas does not apply them so."
        yield _refused(folder, SUM_FILE, why, "Write `*.sql text eol=lf` into .gitattributes.", Severity.WARNING)
        return
    names, there = {name for name, _ in listed}, {name for name, _ in actual}
    for name in sorted(names ^ there):
        why = "is in atlas.sum, and not in the folder" if name in names else "is not in atlas.sum"
        yield _refused(folder, name, f"{why}: Atlas takes the folder for changed by hand, and applies nothing.")
    # A checksum is of all files before it too: behind the first that differs they tell nothing.
    same = list(takewhile(lambda pair: pair[0] == pair[1], zip(listed, actual, strict=False)))
    if len(same) < min(len(listed), len(actual)) and listed[len(same)][0] == (name := actual[len(same)][0]):
        why = "is not as it was when atlas.sum was made: Atlas takes it for changed by hand, and applies nothing."
        undone = f"Where {name} is applied, take the change back and write it as a migration of its own."
        yield _refused(folder, name, why, f"{undone} Else type `atlas migrate hash`.")
    elif names == there:
        yield _refused(folder, SUM_FILE, "does not fit itself, as after a merge by hand: Atlas applies nothing.")


def _checksums(files: dict[str, bytes]) -> list[tuple[str, str]]:
    """What stands in atlas.sum behind its first line."""
    running, checksums = sha256(), []
    for name, text in files.items():
        running.update(name.encode())
        if not _UNSUMMED.match(text):
            running.update(text)
            checksums.append((name, b64encode(running.digest()).decode()))
    return checksums


def _whole(listed: Sequence[tuple[str, str]]) -> str:
    return b64encode(sha256("".join(name + checksum for name, checksum in listed).encode()).digest()).decode()


def _refused(
    folder: Folder, name: str, why: str, remedy: str = _HASH, severity: Severity = Severity.ERROR
) -> FolderIssue:
    path = folder.path / name
    return FolderIssue(
        kind=IssueKind.REFUSED,
        subject=name,
        summary=f"{name} {why}",
        remedy=remedy,
        severity=severity,
        key=name.removesuffix(".sql") if name != SUM_FILE and path in folder.files() else None,
        path=str(path) if path.exists() else None,
    )
