"""A fresh local server from a bin folder: unpacked from the cache where possible, else made by initdb."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres import stand_ins
from pgcontract.postgres.providers.local import cache, installation
from pgcontract.postgres.providers.local.account import server_account
from pgcontract.postgres.providers.local.cache_bound import cache_max_bytes, drop_least_used
from pgcontract.postgres.providers.local.cluster_image import (
    ClusterImage,
    read_image,
    unpacked_for_start,
    write_image,
)
from pgcontract.postgres.providers.local.directories import (
    all_run_directories,
    choose_run_directory,
    choose_socket_directory,
    mark_used,
)
from pgcontract.postgres.providers.local.initdb import SUPERUSER, initialise
from pgcontract.postgres.providers.local.installation import Version
from pgcontract.postgres.providers.local.postmaster import Postmaster, server_command
from pgcontract.postgres.providers.local.run_folder import claimed_folder, remove_leftovers
from pgcontract.postgres.providers.server import Capability, PreparedState, Server
from pgcontract.postgres.providers.throwaway import PORT
from pgcontract.postgres.stand_ins import StandInFolder

_CAPABILITIES: frozenset[Capability] = frozenset(("own_server", "superuser", "stop"))
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def local_server(
    *,
    provider: str,
    locate: Callable[[], Path],
    settings: Mapping[str, str],
    locale: str | None,
    prepared: PreparedState | None = None,
) -> Iterator[Server]:
    """A server of its own, owned by an unprivileged user, on a Unix socket that only that user and root can reach.

    `locate` gives the bin folder and raises what is wrong with it. Nothing of the server is left afterwards, whatever
    ended the context; what a killed run left is removed first. What is `prepared` comes out of the cache, if it is there.
    """
    with ExitStack() as stack:
        try:
            start = _ServerStart(stack, provider=provider, bin_dir=locate(), settings=settings, locale=locale)
            server = start.with_state(prepared) if prepared else start.empty()
        except OSError as error:
            if error.errno in _DISK_FULL:
                raise ServerUnavailable(
                    f"no room for the server's files: {error}; free some, or name a folder with PGCONTRACT_TMP"
                ) from error
            raise ServerUnavailable(f"the server's files could not be made: {error}") from error
        yield server


class _ServerStart:
    """One start of a server, from its locked folder until it is ready; what it opens is closed with the stack."""

    def __init__(
        self, stack: ExitStack, *, provider: str, bin_dir: Path, settings: Mapping[str, str], locale: str | None
    ) -> None:
        self.stack = stack
        self.provider = provider
        self.bin_dir = bin_dir
        self.settings = settings
        self.locale = locale
        self.timer = _PhaseTimer()
        self.account = server_account()
        cache_max_bytes()  # a setting that is no size is said before anything is made
        remove_leftovers(all_run_directories(), self.account)

    def empty(self) -> Server:
        """A server that holds nothing yet."""
        self._claim_folder()
        image, version = self._create_cluster(self.settings)
        self._wait()
        return self._server(version, "cache" if image else "initdb")

    def with_state(self, prepared: PreparedState) -> Server:
        """A server that holds what is prepared: unpacked from the cache, or made now and cached for later runs."""
        state_path = cache.state_file(self.bin_dir, locale=self.locale, key=prepared.key)
        with ExitStack() as building:
            if state := _image_or_lock(state_path, building):
                self._claim_folder(needed_bytes=len(state.contents))
                version = Version(**state.index["version"])
                self._unpack(state, version)
                self._wait()
                return self._server(version, "cache")
            needed_bytes = prepared.needed_bytes()
            self._claim_folder(needed_bytes=needed_bytes)
            _, version = self._create_cluster({**self.settings, **prepared.settings})
            self._wait()
            prepared.make(self._server(version, "initdb"))
            self.postmaster.stop_cleanly()
            # A cache that is full costs the next run its time, not this one its server.
            with suppress(OSError):
                if state_path and cache.has_space(state_path, needed_bytes):
                    self._write_image(state_path, version, maps=True)
            self.timer.end_phase("prepare")
            self._launch(version, self.settings)
            self._wait()
            return self._server(version, "initdb")

    def _claim_folder(self, *, needed_bytes: int = 0) -> None:
        run_directory, self.storage = choose_run_directory(self.account, needed_bytes=needed_bytes)
        self.run_folder = self.stack.enter_context(claimed_folder(run_directory, self.account))
        socket_parent = choose_socket_directory(run_directory, self.account)
        self.socket_dir = (
            self.stack.enter_context(claimed_folder(socket_parent, self.account)).folder
            if socket_parent
            else self.run_folder.folder
        )
        self.postmaster = Postmaster(cluster=self.run_folder.cluster, log_file=self.run_folder.folder / "log")
        self.stack.callback(self.postmaster.stop)
        self.programs = installation.ensure_runnable_by(self.account, self.bin_dir)
        self.stand_ins: StandInFolder | None = None
        self.timer.end_phase("claim a folder")

    def _create_cluster(self, settings: Mapping[str, str]) -> tuple[ClusterImage | None, Version]:
        """The cluster's files, and the server launched on them."""
        image_file = cache.image_file(self.bin_dir, locale=self.locale)
        with ExitStack() as building:
            if image := _image_or_lock(image_file, building):
                self.timer.end_phase("read the cache")
                version = Version(**image.index["version"])
                self._unpack(image, version, settings)
                return image, version
            version = self._initdb()
            # A cache that is full costs the next run its time, not this one its server.
            with suppress(OSError):
                if image_file:
                    self._write_image(image_file, version, maps=False)
            self.timer.end_phase("pack for the cache")
        self._launch(version, settings)
        return None, version

    def _write_image(self, path: Path, version: Version, *, maps: bool) -> None:
        draft = cache.draft_path(path)
        write_image(path, self.run_folder.cluster, version=asdict(version), draft=draft, maps=maps)
        cache.drop_unused(path)
        drop_least_used(self.account)

    def _unpack(self, image: ClusterImage, version: Version, settings: Mapping[str, str] | None = None) -> None:
        owner = (self.account.uid, self.account.gid) if self.account.switched else None
        with unpacked_for_start(image, self.run_folder.cluster, owner=owner) as unpack_databases:
            self.timer.end_phase("unpack what starts")
            self._launch(version, self.settings if settings is None else settings)
            unpack_databases()
        self.timer.end_phase("unpack the databases")

    def _initdb(self) -> Version:
        version = installation.require_known_major(self.bin_dir)
        initialise(
            self.run_folder.cluster, programs=self.programs, version=version, locale=self.locale, account=self.account
        )
        self.timer.end_phase("initdb")
        return version

    def _launch(self, version: Version, settings: Mapping[str, str]) -> None:
        if self.stand_ins is None:
            folder = self.run_folder.folder / "extensions"
            self.stand_ins = stand_ins.write_stand_ins(folder, self.programs.bin_dir)
            if self.stand_ins is not None and version.major < stand_ins.FIRST_WITH_PATH:
                self.stand_ins = stand_ins.link_installation(self.stand_ins, self.programs.bin_dir)
            if self.account.switched:
                # Whose the server is, he removes it where we are gone.
                for path in (folder, *folder.rglob("*")):
                    with suppress(FileNotFoundError):
                        os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
        command = server_command(
            (self.stand_ins and self.stand_ins.bin_dir) or self.programs.bin_dir,
            cluster=self.run_folder.cluster,
            socket_dir=self.socket_dir,
            major=version.major,
            settings=settings,
        )
        self.postmaster.launch(
            command,
            environment=self.programs.environment(),
            folders=(self.run_folder.folder, self.socket_dir),
            account=self.account,
        )
        self.timer.end_phase("launch")

    def _wait(self) -> None:
        self.postmaster.wait_until_ready()
        self.timer.end_phase("wait until ready")

    def _server(self, version: Version, started_from: Literal["cache", "initdb"]) -> Server:
        start_again = partial(local_server, provider=self.provider, locate=lambda: self.bin_dir, locale=self.locale)
        return Server(
            provider=self.provider,
            version_num=version.number,
            version=version.text,
            host=str(self.socket_dir),
            port=PORT,
            superuser=SUPERUSER,
            bin_dir=self.bin_dir,
            capabilities=_CAPABILITIES,
            stand_ins=self.stand_ins,
            started_from=started_from,
            storage=self.storage,
            phases_ms=tuple(self.timer.phases),
            log_file=self.postmaster.log_file,
            start_another=lambda settings: start_again(settings=settings),
            crash=self.postmaster.crash,
            start_prepared=lambda prepared, settings: start_again(settings=settings, prepared=prepared),
        )


def _image_or_lock(path: Path | None, building: ExitStack) -> ClusterImage | None:
    """The cached image; or None, where one may be cached with the lock of who makes it."""
    image = read_image(path) if path else None
    if path and image is None:
        cache.drop_abandoned_drafts(path.parent)
        building.enter_context(cache.builder_lock(path))
        # Whoever held the lock before us may have made it.
        image = read_image(path)
    if path and image:
        building.close()
        mark_used(path)
    return image


class _PhaseTimer:
    """Names the parts of a start as they end."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, float]] = []
        self._last = time.perf_counter()

    def end_phase(self, name: str) -> None:
        now = time.perf_counter()
        self.phases.append((name, (now - self._last) * 1000))
        self._last = now
