"""A fresh local server from a bin folder: out of the cache where it can be, out of initdb where it must."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers.local import cache, installation
from pgcontract.postgres.providers.local.account import server_account
from pgcontract.postgres.providers.local.cluster_image import Seed, pack, planting, read_seed, write_seed, write_state
from pgcontract.postgres.providers.local.directories import all_rooms, run_room, socket_room
from pgcontract.postgres.providers.local.initdb import SUPERUSER, initialise
from pgcontract.postgres.providers.local.installation import Version
from pgcontract.postgres.providers.local.postmaster import Postmaster, server_command
from pgcontract.postgres.providers.local.run_folder import claimed, sweep
from pgcontract.postgres.providers.server import Capability, Prepared, Server
from pgcontract.postgres.providers.throwaway import PORT

_CAPABILITIES: frozenset[Capability] = frozenset(("own_server", "superuser", "stop", "second_role"))
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def local_server(
    *,
    provider: str,
    locate: Callable[[], Path],
    settings: Mapping[str, str],
    locale: str | None,
    prepared: Prepared | None = None,
) -> Iterator[Server]:
    """A server of its own, owned by an unprivileged user, on a Unix socket that only that user and root can reach.

    `locate` gives the bin folder and raises what is wrong with it. Nothing of the server is left afterwards, whatever
    ended the context; what a killed run left is removed first. What is `prepared` comes out of the cache, if it is there.
    """
    with ExitStack() as stack:
        try:
            start = _Start(stack, provider=provider, bin_dir=locate(), settings=settings, locale=locale)
            server = start.with_state(prepared) if prepared else start.empty()
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise ServerUnavailable(
                    f"no room for the server's files: {error}; free some, or name a folder with PGCONTRACT_TMP"
                ) from error
            raise ServerUnavailable(f"the server's files could not be made: {error}") from error
        yield server


class _Start:
    """One start, from a claimed folder to a server that is ready; what it opens is closed with the stack."""

    def __init__(
        self, stack: ExitStack, *, provider: str, bin_dir: Path, settings: Mapping[str, str], locale: str | None
    ) -> None:
        self.stack = stack
        self.provider = provider
        self.bin_dir = bin_dir
        self.settings = settings
        self.locale = locale
        self.clock = _Clock()
        self.account = server_account()
        sweep(all_rooms(), self.account)

    def empty(self) -> Server:
        """A server that holds nothing yet."""
        self._claim()
        seed, version = self._fill(self.settings)
        self._wait()
        return self._server(version, "cache" if seed else "initdb")

    def with_state(self, prepared: Prepared) -> Server:
        """A server that holds what is prepared: planted from the cache, or made now and kept there for later runs."""
        kept = cache.state_file(self.bin_dir, locale=self.locale, key=prepared.key)
        with ExitStack() as building:
            state = read_seed(kept) if kept else None
            if kept and state is None:
                cache.drop_drafts(kept.parent)
                building.enter_context(cache.only_builder(kept))
                # Whoever held the lock before us may have made it.
                state = read_seed(kept)
            if kept and state:
                building.close()
                cache.mark_used(kept)
                self._claim(wanted_bytes=len(state.contents))
                version = Version(**state.index["version"])
                self._plant(state, version)
                self._wait()
                return self._server(version, "cache")
            wanted = prepared.wanted_bytes()
            self._claim(wanted_bytes=wanted)
            _, version = self._fill({**self.settings, **prepared.settings})
            self._wait()
            prepared.make(self._server(version, "initdb"))
            self.postmaster.rest()
            # A cache that is full costs the next run its time, not this one its server.
            with suppress(OSError):
                if kept and cache.has_room(kept, wanted):
                    write_state(kept, self.run.cluster, version=asdict(version), draft=cache.draft_of(kept))
                    cache.drop_least_used(kept)
            self.clock.lap("prepare")
            self._launch(version, self.settings)
            self._wait()
            return self._server(version, "initdb")

    def _claim(self, *, wanted_bytes: int = 0) -> None:
        room, self.storage = run_room(self.account, wanted_bytes=wanted_bytes)
        self.run = self.stack.enter_context(claimed(room, self.account))
        apart = socket_room(room, self.account)
        self.socket_dir = self.stack.enter_context(claimed(apart, self.account)).folder if apart else self.run.folder
        self.postmaster = Postmaster(cluster=self.run.cluster, log_file=self.run.folder / "log")
        self.stack.callback(self.postmaster.stop)
        self.programs = installation.runnable_by(self.account, self.bin_dir)
        self.clock.lap("claim a folder")

    def _fill(self, settings: Mapping[str, str]) -> tuple[Seed | None, Version]:
        """The cluster's files, and the server launched on them."""
        seed_file = cache.seed_file(self.bin_dir, locale=self.locale)
        with _seed_or_initdb(seed_file, self.run.cluster, self._initdb) as (seed, version):
            self.clock.lap("read the cache" if seed else "pack for the cache")
            if seed:
                self._plant(seed, version, settings)
            else:
                self._launch(version, settings)
        return seed, version

    def _plant(self, seed: Seed, version: Version, settings: Mapping[str, str] | None = None) -> None:
        owner = (self.account.uid, self.account.gid) if self.account.switched else None
        with planting(seed, self.run.cluster, owner=owner) as rest:
            self.clock.lap("plant what starts")
            self._launch(version, self.settings if settings is None else settings)
            rest()
        self.clock.lap("plant the databases")

    def _initdb(self) -> Version:
        version = installation.require_known_major(self.bin_dir)
        initialise(self.run.cluster, programs=self.programs, version=version, locale=self.locale, account=self.account)
        self.clock.lap("initdb")
        return version

    def _launch(self, version: Version, settings: Mapping[str, str]) -> None:
        command = server_command(
            self.programs.bin_dir,
            cluster=self.run.cluster,
            socket_dir=self.socket_dir,
            major=version.major,
            settings=settings,
        )
        self.postmaster.launch(
            command,
            environment=self.programs.environment(),
            folders=(self.run.folder, self.socket_dir),
            account=self.account,
        )
        self.clock.lap("launch")

    def _wait(self) -> None:
        self.postmaster.wait_until_ready()
        self.clock.lap("wait until ready")

    def _server(self, version: Version, started_from: Literal["cache", "initdb"]) -> Server:
        again = partial(local_server, provider=self.provider, locate=lambda: self.bin_dir, locale=self.locale)
        return Server(
            provider=self.provider,
            version_num=version.number,
            version=version.text,
            host=str(self.socket_dir),
            port=PORT,
            superuser=SUPERUSER,
            bin_dir=self.bin_dir,
            capabilities=_CAPABILITIES,
            started_from=started_from,
            storage=self.storage,
            phases_ms=tuple(self.clock.laps),
            log_file=self.postmaster.log_file,
            another=lambda settings: again(settings=settings),
            crash=self.postmaster.crash,
            prepared=lambda prepared, settings: again(settings=settings, prepared=prepared),
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
