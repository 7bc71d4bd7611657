"""What this machine has for a run: which sources of servers can start, what is kept, and what killed runs left."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from pgcontract.errors import PgcontractError
from pgcontract.postgres.providers import Production, known_specs, provider_for
from pgcontract.postgres.providers.container.daemon import daemon
from pgcontract.postgres.providers.container.orphans import orphans, remove_orphans
from pgcontract.postgres.providers.local.account import Account, server_account
from pgcontract.postgres.providers.local.cache_usage import Kept, empty_cache, look_at_cache
from pgcontract.postgres.providers.local.directories import Storage, all_rooms, storage_of
from pgcontract.postgres.providers.local.run_folder import left_behind, sweep
from pgcontract.postgres.providers.server import Probe

_DOCKER_TIMEOUT_S = 5


@dataclass(frozen=True, kw_only=True)
class Room:
    """A folder in which a run's files may be."""

    folder: Path
    storage: Storage
    free_bytes: int


@dataclass(frozen=True, kw_only=True)
class Left:
    """What killed runs left: folders with their servers, and containers by name."""

    folders: tuple[Path, ...] = ()
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Examination:
    """One look: a probe for each word of `--pg`, in the order they are tried, and the machine's state.

    `account` is None, with the reason in `no_account`, where no user could own a server.
    """

    probes: tuple[Probe, ...]
    account: Account | None = None
    no_account: str = ""
    rooms: tuple[Room, ...] = ()
    cache: tuple[Kept, ...] = ()
    left: Left = field(default_factory=Left)

    @property
    def can_start(self) -> bool:
        """Whether `--pg auto` finds a server."""
        return any(probe.ok for probe in self.probes if probe.provider == "auto")


def examine(production: Production) -> Examination:
    """Looks at everything without starting, pulling or fetching anything; never raises for what it finds."""
    probes = tuple(provider_for(spec, production=production).probe() for spec in _specs())
    try:
        account = server_account()
    except PgcontractError as error:
        return Examination(probes=probes, no_account=error.message)
    return Examination(
        probes=probes,
        account=account,
        rooms=tuple(_room(folder) for folder in all_rooms() if folder.is_dir()),
        cache=look_at_cache(account),
        left=Left(folders=left_behind(all_rooms(), account), containers=_containers(remove=False)),
    )


def clean(account: Account) -> tuple[tuple[Kept, ...], Left]:
    """Empties the cache and removes what killed runs left; gives what was removed."""
    folders = left_behind(all_rooms(), account)
    sweep(all_rooms(), account)
    return empty_cache(account), Left(folders=folders, containers=_containers(remove=True))


def _specs() -> tuple[str, ...]:
    """Each word of `--pg` that can be asked without more: not `dsn:URL`."""
    words = [word for usage in known_specs() for word in usage.partition("[")[0].split("|")]
    return tuple(word for word in words if ":" not in word)


def _room(folder: Path) -> Room:
    found = os.statvfs(folder)
    return Room(folder=folder, storage=storage_of(folder), free_bytes=found.f_bavail * found.f_frsize)


def _containers(*, remove: bool) -> tuple[str, ...]:
    # Why there is no daemon is what its probe tells.
    with contextlib.suppress(PgcontractError), daemon(timeout_s=_DOCKER_TIMEOUT_S) as client:
        return remove_orphans(client) if remove else orphans(client)
    return ()
