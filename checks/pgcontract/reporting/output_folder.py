"""Writing to folders that an owner named: whole files, through no symbolic link, and nothing of his is removed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

from pgcontract.contract.folder_walk import MANIFEST
from pgcontract.errors import InputError

# The manifest says which files of the folder are ours, by their paths in it, each with the SHA-256 of what we wrote;
# null: it was being written. What it does not list is never removed, nor what somebody else has written to since.
_MANIFEST_FORMAT: Final = 1
_UNFINISHED: Final = re.compile(r"\..+\.new")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that nobody writes to would be waited for.
_OLD_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def require_writable(folder: Path, what: str) -> None:
    """Makes the folder, and a file in it that goes away again: before any server starts, since afterwards the work would
    be lost. Raises InputError that names it as `what`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"The {what} {folder} cannot be written: {error.strerror}. Choose another.") from error


def require_file(path: Path, option: str) -> None:
    """Raises InputError where a file that an option names is a folder, or a symbolic link to a file; a device or a pipe
    may be named."""
    if path.is_dir():
        raise InputError(f"{path} is a folder: give {option} the name of a file.")
    if path.is_symlink() and (path.is_file() or not path.exists()):
        raise InputError(f"{path} is a symbolic link, which {option} does not follow: name the file itself.")


def write_file(path: Path, text: str) -> None:
    """Writes one file, whole or not at all; to a device or a pipe, what it takes. Raises InputError."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="\n")
        else:
            with _opened(os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as folder:
                _replace(folder, path.name, f".{path.name}.{secrets.token_hex(4)}", text)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}. Name another file.") from error


def write_folder(folder: Path, texts: Mapping[str, str | bytes]) -> None:
    """Makes the folder hold these files, by their paths in it, one folder deep at most; those that an earlier call wrote
    and this one does not are removed. Of two calls at once one leaves all of its files. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with _opened(os.open(folder, _FOLDER)) as root:
        with contextlib.suppress(OSError):  # a file system without locks: then two at once may mix
            fcntl.flock(root, fcntl.LOCK_EX)
        before = _read_manifest(root)
        for name in (name for name, digest in before.items() if digest is None):
            _remove(root, name, None)
        temporary = {name: str(PurePosixPath(name).with_name(f".{PurePosixPath(name).name}.new")) for name in texts}
        _write_manifest(root, {**before, **dict.fromkeys(temporary.values())})
        with contextlib.ExitStack() as stack:
            folders = {name: stack.enter_context(_folder_of(root, name)) for name in texts}
            for name, text in texts.items():
                _write(folders[name], PurePosixPath(temporary[name]).name, _bytes(text))
            for name in texts:
                _rename(folders[name], PurePosixPath(temporary[name]).name, PurePosixPath(name).name)
        for name in before.keys() - texts.keys():
            _remove(root, name, before[name])
        _write_manifest(root, {name: _digest(_bytes(text)) for name, text in sorted(texts.items())})


@contextlib.contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _folder_of(root: int, name: str, *, make: bool = True) -> Iterator[int]:
    """The folder that a file of the report stands in."""
    parent = str(PurePosixPath(name).parent)
    if make and parent != ".":
        with contextlib.suppress(FileExistsError):
            os.mkdir(parent, dir_fd=root)
    with _opened(os.open(parent, _FOLDER, dir_fd=root)) as folder:
        yield folder


def _replace(folder: int, name: str, temporary: str, text: str) -> None:
    _write(folder, temporary, text.encode())
    _rename(folder, temporary, name)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _write(folder: int, name: str, content: bytes) -> None:
    with os.fdopen(os.open(name, _NEW_FILE, 0o666, dir_fd=folder), "wb") as file:
        file.write(content)


def _rename(folder: int, source: str, target: str) -> None:
    try:
        os.rename(source, target, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(source, dir_fd=folder)


def _read(folder: int, name: str) -> bytes:
    """The whole file; OSError for a link, and for a pipe or a device, which might never end."""
    with os.fdopen(os.open(name, _OLD_FILE, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{name} is no regular file")
        return file.read()


def _remove(root: int, name: str, digest: str | None) -> None:
    """Removes a file of ours, unless somebody has changed it since, and its folder if nothing else is in it."""
    with contextlib.suppress(OSError), _folder_of(root, name, make=False) as folder:
        file = PurePosixPath(name).name
        content = _read(folder, file)
        if digest is not None and _digest(content) != digest:
            return
        os.unlink(file, dir_fd=folder)
        if folder_name := str(PurePosixPath(name).parent).strip("."):
            os.rmdir(folder_name, dir_fd=root)


def _read_manifest(root: int) -> Mapping[str, str | None]:
    """What it lists; nothing where it is missing or somebody else's. A path that leaves the folder is none of ours."""
    try:
        files = json.loads(_read(root, MANIFEST))["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {
        name: digest
        for name, digest in files
        if not PurePosixPath(name).is_absolute()
        and len(PurePosixPath(name).parts) in (1, 2)
        and ".." not in PurePosixPath(name).parts
        and "\0" not in name
        and (isinstance(digest, str) or (digest is None and _UNFINISHED.fullmatch(PurePosixPath(name).name)))
    }


def _write_manifest(root: int, files: Mapping[str, str | None]) -> None:
    text = json.dumps({"format": _MANIFEST_FORMAT, "files": files}, indent=1, ensure_ascii=False) + "\n"
    _replace(root, MANIFEST, f"{MANIFEST}.{secrets.token_hex(4)}", text)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
