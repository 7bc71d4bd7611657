"""One container with a PostgreSQL in it: made, awaited, ended as by a kill, and removed with its volumes."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import psycopg

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers.container.daemon import explain_error
from pgcontract.postgres.providers.container.owner import LABEL, Owner
from pgcontract.postgres.providers.throwaway import PORT

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testcontainers.core.docker_client import DockerClient

NAME_PREFIX = "pgcontract-"
_START_TIMEOUT_S = 120
_CONNECT_TIMEOUT_S = 5
_SETTLED_S = 2
_POLL_S = 0.02
_CHECK_INTERVAL_S = 0.5
_LOG_LINES = 12
_PORT_TRIES = 8
# Below the range that systems give to outgoing connections: those are taken without asking.
_PORTS = range(20_000, 32_000)
_PORT_IN_USE = ("already allocated", "already in use")
_THIS_MACHINE = ("localhost", "127.0.0.1")
_POSTMASTER = """
SELECT pg_catalog.split_part(pg_catalog.pg_read_file('postmaster.pid'), E'\n', 1),
       pg_catalog.pg_postmaster_start_time()::text
"""


class RunningContainer:
    """A container whose name is known before it is created: whatever interrupts us, it can be removed.

    `host` and `port` are where its server listens, the same again after a crash.
    """

    def __init__(self, client: DockerClient, image: str) -> None:
        self.name = f"{NAME_PREFIX}{secrets.token_hex(8)}"
        self.host = ""
        self.port = 0
        self._client = client
        self._image = image
        self._container: Container | None = None

    def start(self, command: list[str], *, environment: Mapping[str, str]) -> None:
        """Makes the container and starts it; does not wait for its server. Raises ServerUnavailable."""
        from docker.errors import DockerException

        reason = ""
        for _ in range(_PORT_TRIES):
            # Not drawn from the run's seed: where a server listens is no part of any answer. Chosen here, since the
            # daemon would choose another at the start after a crash.
            self.port = random.SystemRandom().choice(_PORTS)
            try:
                self._container = self._client.create(
                    self._image,
                    command=command,
                    environment=dict(environment),
                    ports=self._port_mapping(),
                    labels={LABEL: Owner.current_process().label},
                    name=self.name,
                    detach=True,
                )
                self._client.start(self._container)
                self._find_address()
                return
            except (DockerException, OSError) as error:
                self.remove()
                reason = explain_error(error)
                if not any(word in reason for word in _PORT_IN_USE):
                    raise ServerUnavailable(f"no container could be started from {self._image}: {reason}") from error
        raise ServerUnavailable(f"no free port for the container after {_PORT_TRIES} tries: {reason}; run it again")

    def wait_until_ready(self, conninfo: str) -> None:
        """Returns when the server that stays accepts connections; raises ServerUnavailable with the log's end.

        An image's first start runs a temporary server, which ends when the image's own scripts have run. The one that
        stays is the container's first process; where an image puts another before it, the one that has stayed.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        next_check = time.monotonic() + _CHECK_INTERVAL_S
        seen, since = "", 0.0
        while True:
            try:
                pid, started = _read_postmaster(conninfo)
            except psycopg.Error as error:
                last = " ".join(str(error).split())
                seen = ""
            else:
                last = "its server did not stay"
                if pid == "1":
                    return
                if started != seen:
                    seen, since = started, time.monotonic()
                elif time.monotonic() - since > _SETTLED_S:
                    return
            now = time.monotonic()
            if now > next_check:
                next_check = now + _CHECK_INTERVAL_S
                self._require_running()
            if now > deadline:
                self._raise_unreachable(last)
            time.sleep(_POLL_S)

    def crash(self, conninfo: str) -> None:
        """Ends the server at once, without a checkpoint, and starts it again on the same files.

        Returns when it has recovered.
        """
        from docker.errors import DockerException

        assert self._container is not None
        try:
            self._container.kill("KILL")
            self._container.wait()
            self._container.start()
        except (DockerException, OSError) as error:
            raise ServerUnavailable(f"the container did not come back after a crash: {explain_error(error)}") from error
        self.wait_until_ready(conninfo)

    def remove(self) -> None:
        """Ends and removes the container and its volumes; harmless where there is none. A next run does what fails."""
        remove_container(self._client, self.name)

    def _port_mapping(self) -> dict[str, tuple[str, int] | int]:
        """The port, given to this machine alone where the daemon is here; elsewhere it must be open to be reached."""
        from testcontainers.core.config import ConnectionMode

        mode = self._client.get_connection_mode()
        if mode is ConnectionMode.bridge_ip:
            return {}
        local = mode is ConnectionMode.docker_host and self._client.host() in _THIS_MACHINE
        return {f"{PORT}/tcp": ("127.0.0.1", self.port) if local else self.port}

    def _find_address(self) -> None:
        from testcontainers.core.config import ConnectionMode

        match self._client.get_connection_mode():
            case ConnectionMode.bridge_ip:
                self.host, self.port = self._client.bridge_ip(self._id), PORT
            case ConnectionMode.gateway_ip:
                self.host = self._client.gateway_ip(self._id)
            case ConnectionMode.docker_host:
                self.host = self._client.host().replace("localhost", "127.0.0.1")

    @property
    def _id(self) -> str:
        assert self._container is not None
        return str(self._container.id)

    def _require_running(self) -> None:
        from docker.errors import DockerException

        assert self._container is not None
        try:
            self._container.reload()
        except (DockerException, OSError) as error:
            raise ServerUnavailable(f"the container is gone: {explain_error(error)}") from error
        if self._container.status in ("exited", "dead"):
            code = self._container.attrs["State"]["ExitCode"]
            raise ServerUnavailable(
                f"the server in {self._image} did not start (exit code {code}); its log ends:\n{self._log_end()}"
            )

    def _raise_unreachable(self, last: str) -> NoReturn:
        remedy = "look whether the daemon maps ports (its --iptables, --bridge and --userland-proxy)"
        if self.host not in _THIS_MACHINE:
            remedy = f"let ports {_PORTS[0]} to {_PORTS[-1]} of {self.host} through to here, or use a daemon here"
        raise ServerUnavailable(
            f"the server in {self._image} could not be reached at {self.host}:{self.port} within {_START_TIMEOUT_S} s: "
            f"{last}; {remedy}; its log ends:\n{self._log_end()}"
        )

    def _log_end(self) -> str:
        from docker.errors import DockerException

        assert self._container is not None
        try:
            lines = self._container.logs(tail=_LOG_LINES).decode(errors="replace").splitlines()
        except (DockerException, OSError) as error:
            lines = [f"(cannot be read: {explain_error(error)})"]
        return "\n".join(f"  {line}" for line in lines) or "  (nothing)"


def remove_container(client: DockerClient, name: str) -> None:
    """Ends and removes a container with its volumes; one that is gone, or that the daemon keeps, is left be."""
    from docker.errors import DockerException

    with suppress(DockerException, OSError):
        client.client.api.remove_container(name, v=True, force=True)


def _read_postmaster(conninfo: str) -> tuple[str, str]:
    """The postmaster's process id, as its container counts, and when it was started."""
    with psycopg.connect(conninfo, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
        row = connection.execute(_POSTMASTER).fetchone()
    assert row is not None
    return row[0], row[1]
