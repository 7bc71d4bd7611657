"""A fresh local server from a bin folder: out of the cache where it can be, out of initdb where it must."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from pgcontract.errors import ServerUnavailable
from pgcontract.providers.local import cache, install
from pgcontract.providers.local.account import server_account
from pgcontract.providers.local.cluster import SUPERUSER, initialise
from pgcontract.providers.local.folders import claimed, sweep
from pgcontract.providers.local.install import Version
from pgcontract.providers.local.postmaster import Postmaster, server_command
from pgcontract.providers.local.rooms import all_rooms, run_room, socket_room
from pgcontract.providers.local.seed import Seed, pack, planting, read_seed, write_seed
from pgcontract.providers.server import Capability, Server
from pgcontract.providers.throwaway import PORT

_CAPABILITIES: frozenset[Capability] = frozenset(("own_server", "superuser", "stop", "second_role"))
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def local_server(
    *, provider: str, locate: Callable[[], Path], settings: Mapping[str, str], locale: str | None
) -> Iterator[Server]:
    """A server of its own, owned by an unprivileged user, on a Unix socket that only that user and root can reach.

    `locate` gives the bin folder and raises what is wrong with it. Nothing of the server is left afterwards, whatever
    ended the context; what a killed run left is removed first.
    """
    with ExitStack() as stack:
        try:
            server = _start(stack, provider=provider, bin_dir=locate(), settings=settings, locale=locale)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise ServerUnavailable(
                    f"no room for the server's files: {error}; free some, or name a folder with PGCONTRACT_TMP"
                ) from error
            raise ServerUnavailable(f"the server's files could not be made: {error}") from error
        yield server


def _start(stack: ExitStack, *, provider: str, bin_dir: Path, settings: Mapping[str, str], locale: str | None) -> Server:
    clock = _Clock()
    account = server_account()
    sweep(all_rooms(), account)
    room, storage = run_room(account)
    run = stack.enter_context(claimed(room, account))
    apart = socket_room(room, account)
    socket_dir = stack.enter_context(claimed(apart, account)).folder if apart else run.folder
    postmaster = Postmaster(cluster=run.cluster, log_file=run.folder / "log")
    stack.callback(postmaster.stop)
    programs = install.runnable_by(account, bin_dir)
    clock.lap("claim a folder")

    def initdb() -> Version:
        version = install.require_known_major(bin_dir)
        initialise(run.cluster, programs=programs, version=version, locale=locale, account=account)
        clock.lap("initdb")
        return version

    def launch(version: Version) -> None:
        command = server_command(
            programs.bin_dir, cluster=run.cluster, socket_dir=socket_dir, major=version.major, settings=settings
        )
        postmaster.launch(
            command,
            environment=programs.environment(),
            folders=(run.folder, socket_dir),
            account=account,
        )
        clock.lap("launch")

    owner = (account.uid, account.gid) if account.switched else None
    with _seed_or_initdb(cache.seed_file(bin_dir, locale=locale), run.cluster, initdb) as (seed, version):
        clock.lap("read the cache" if seed else "pack for the cache")
        if seed:
            with planting(seed, run.cluster, owner=owner) as rest:
                clock.lap("plant what starts")
                launch(version)
                rest()
            clock.lap("plant the databases")
        else:
            launch(version)
    postmaster.wait_until_ready()
    clock.lap("wait until ready")
    return Server(
        provider=provider,
        version_num=version.number,
        version=version.text,
        host=str(socket_dir),
        port=PORT,
        superuser=SUPERUSER,
        bin_dir=bin_dir,
        capabilities=_CAPABILITIES,
        started_from="cache" if seed else "initdb",
        storage=storage,
        phases_ms=tuple(clock.laps),
        log_file=postmaster.log_file,
        another=lambda settings: local_server(
            provider=provider, locate=lambda: bin_dir, settings=settings, locale=locale
        ),
        crash=postmaster.crash,
    )


@contextmanager
def _seed_or_initdb(
    seed_file: Path | None, cluster: Path, initdb: Callable[[], Version]
) -> Iterator[tuple[Seed | None, Version]]:
    """The seed to plant; or None, where `initdb` has just made the cluster. Its seed is written while that starts."""
    if seed_file is None:
        yield None, initdb()
        return
    with ExitStack() as building:
        seed = read_seed(seed_file)
        if seed is None:
            building.enter_context(cache.only_builder(seed_file))
            # Whoever held the lock before us may have made it.
            seed = read_seed(seed_file)
        if seed:
            building.close()
            cache.mark_used(seed_file)
            yield seed, Version(**seed.index["version"])
            return
        version = initdb()
        packed = pack(cluster, version=asdict(version))
        yield None, version
        # A cache that is full costs the next run its time, not this one its server.
        with suppress(OSError):
            write_seed(seed_file, packed)
            cache.drop_unused(seed_file)


class _Clock:
    """Names the parts of a start as they end."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float]] = []
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps.append((name, (now - self._last) * 1000))
        self._last = now
