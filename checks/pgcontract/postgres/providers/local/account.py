"""Which user of the operating system owns the server: ourselves, or for root an unprivileged one that exists."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from pgcontract.errors import ServerUnavailable
from pgcontract.values import dataclass

# The first that exists; nobody is on every system, postgres where one was installed.
_SERVER_USERS = ("postgres", "nobody")


class ChildUser(TypedDict, total=False):
    """The arguments that make subprocess start a child as another user."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Account:
    """The server's user; `switched` where it is not the user who runs us."""

    name: str
    uid: int
    gid: int
    switched: bool

    @property
    def child(self) -> ChildUser:
        """What to hand to subprocess so that the child runs as this user and in no group but its own."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def reaches(self, path: Path) -> bool:
        """Whether this user may enter every folder down to `path`, and read and enter `path` itself, by mode bits."""
        if not self.switched:
            return os.access(path, os.R_OK | os.X_OK)
        resolved, *above = (path.resolve(), *path.resolve().parents)
        return self._may(resolved, 0o5) and all(self._may(folder, 0o1) for folder in above)

    def _may(self, path: Path, bits: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & bits == bits


def server_account() -> Account:
    """Ourselves; for root, whom PostgreSQL refuses, `postgres` or else `nobody`."""
    uid = os.geteuid()
    if uid != 0:
        return Account(name=str(uid), uid=uid, gid=os.getegid(), switched=False)
    for name in _SERVER_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=user.pw_uid, gid=user.pw_gid, switched=True)
    raise ServerUnavailable(
        f"PostgreSQL refuses to run as root, and none of the users {', '.join(_SERVER_USERS)} exists here; "
        "run pgcontract as an ordinary user"
    )
