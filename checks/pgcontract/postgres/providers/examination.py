"""What this machine offers a run: which providers can start, what is cached, and what killed runs left."""

from __future__ import annotations

import contextlib
import os
from dataclasses import field
from pathlib import Path

from pgcontract.errors import InputError, PgcontractError
from pgcontract.postgres.providers import Production, known_specs, own_specs, provider_for
from pgcontract.postgres.providers.container.daemon import daemon
from pgcontract.postgres.providers.container.orphans import find_orphans, remove_orphans
from pgcontract.postgres.providers.local.account import Account, server_account
from pgcontract.postgres.providers.local.cache_usage import CacheUsage, empty_cache, read_cache_usage
from pgcontract.postgres.providers.local.directories import Storage, all_run_directories, read_storage
from pgcontract.postgres.providers.local.run_folder import find_leftovers, remove_leftovers
from pgcontract.postgres.providers.server import Probe
from pgcontract.values import dataclass

_DOCKER_TIMEOUT_S = 5


@dataclass(frozen=True, kw_only=True)
class RunDirectory:
    """A folder in which a run's files may be."""

    folder: Path
    storage: Storage
    free_bytes: int


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What killed runs left: folders with their servers, and containers by name."""

    folders: tuple[Path, ...] = ()
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Examination:
    """One examination: a probe for each value of `--pg`, in the order they are tried, and the machine's folders.

    `account` is None, with the reason in `no_account`, where no user could own a server.
    """

    probes: tuple[Probe, ...]
    account: Account | None = None
    no_account: str = ""
    run_directories: tuple[RunDirectory, ...] = ()
    cache: tuple[CacheUsage, ...] = ()
    leftovers: Leftovers = field(default_factory=Leftovers)

    @property
    def can_start(self) -> bool:
        """Whether `--pg auto` finds a server."""
        return any(probe.ok for probe in self.probes if probe.provider == "auto")


def examine(production: Production) -> Examination:
    """The state of this machine, found without starting, pulling or fetching anything; never raises for what it finds."""
    probes = tuple(provider_for(spec, production=production).probe() for spec in _specs())
    try:
        account = server_account()
    except PgcontractError as error:
        return Examination(probes=probes, no_account=error.message)
    return Examination(
        probes=probes,
        account=account,
        run_directories=tuple(_run_directory(folder) for folder in all_run_directories() if folder.is_dir()),
        cache=read_cache_usage(account),
        leftovers=Leftovers(folders=find_leftovers(all_run_directories(), account), containers=_containers(remove=False)),
    )


def clean(account: Account) -> tuple[tuple[CacheUsage, ...], Leftovers]:
    """Empties the cache and removes what killed runs left; gives what was removed."""
    folders = find_leftovers(all_run_directories(), account)
    remove_leftovers(all_run_directories(), account)
    return empty_cache(account), Leftovers(folders=folders, containers=_containers(remove=True))


def _specs() -> tuple[str, ...]:
    """Each value of `--pg` that can be probed without an argument: not `dsn:URL`."""
    try:
        usages = known_specs()
    except InputError:  # of a plug-in; which it is and why stands among the plug-ins
        usages = own_specs()
    words = [word for usage in usages for word in usage.partition("[")[0].split("|")]
    return tuple(word for word in words if ":" not in word)


def _run_directory(folder: Path) -> RunDirectory:
    filesystem = os.statvfs(folder)
    return RunDirectory(folder=folder, storage=read_storage(folder), free_bytes=filesystem.f_bavail * filesystem.f_frsize)


def _containers(*, remove: bool) -> tuple[str, ...]:
    # Why there is no daemon is what its probe tells.
    with contextlib.suppress(PgcontractError), daemon(timeout_s=_DOCKER_TIMEOUT_S) as client:
        return remove_orphans(client) if remove else find_orphans(client)
    return ()
