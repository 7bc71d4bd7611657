"""Files that an owner named, or that lie in a folder of his: what may be read of them."""

from __future__ import annotations

import stat
from pathlib import Path

from pgcontract.errors import InputError


def read_bytes(path: Path) -> bytes:
    """The whole file; OSError as `open` raises it. Raises InputError for a pipe, a socket or a device, which might
    never end."""
    if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
        raise InputError("is no regular file; name one that is", file=str(path))
    return path.read_bytes()


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, a symbolic link to nothing included; OSError where it cannot be told."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _has_no_link(path: Path, folder: Path) -> bool:
    """Whether the path goes on from the folder's own, by names none of which is a link."""
    try:
        steps = path.relative_to(folder).parts
    except ValueError:
        return False
    at = folder
    for step in steps:
        at /= step
        if step == ".." or at.is_symlink():
            return False
    return True


def require_inside(path: Path, folder: Path) -> None:
    """Raises InputError where a path below `folder` leads out of it by symbolic links: a folder that somebody sent would
    show, or have us write to, what is not part of it. Links inside of it are as good as files; one to nothing is refused,
    else what it was meant to lead to would be passed over."""
    if _has_no_link(path, folder):
        return  # as most have none: what it takes to follow a path costs more than to read a small file
    try:
        target = path.resolve()
    except RuntimeError:  # as before Python 3.13
        raise InputError("is a symbolic link that leads to itself; put the file itself there", file=str(path)) from None
    if not target.is_relative_to(folder.resolve()):
        raise InputError(
            f"is, or lies behind, a symbolic link that leads out of {folder}, to {target}; such links are not followed. "
            "Put the file itself there",
            file=str(path),
        )
    if path.is_symlink() and not target.exists():
        raise InputError(f"is a symbolic link to {target}, where nothing is; remove it, or mend it", file=str(path))
