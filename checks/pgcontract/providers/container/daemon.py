"""The Docker daemon, reached by testcontainers, and where it cannot be reached the reason with its remedy."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pgcontract.errors import ServerUnavailable

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
NO_EXTRA = "the package testcontainers is not installed; pip install 'pgcontract[docker]'"
_START = "start one (Docker Desktop, or: sudo systemctl start docker), or name another with DOCKER_HOST"


@contextmanager
def daemon(*, timeout_s: int = 60) -> Iterator[DockerClient]:
    """The daemon that DOCKER_HOST, Docker's context or the usual socket names, closed afterwards.

    Raises ServerUnavailable for each way in which there is none. `timeout_s` is for one answer of it.
    """
    if find_spec("testcontainers") is None:
        raise ServerUnavailable(NO_EXTRA)
    from docker.errors import DockerException
    from testcontainers.core.docker_client import DockerClient, get_docker_host

    try:
        # Not DockerContainer: that starts an image of its own to clean up after us, which may have to be pulled.
        client = DockerClient(timeout=timeout_s)
    except DockerException as error:
        raise ServerUnavailable(_why_not(error, get_docker_host() or DEFAULT_SOCKET)) from error
    try:
        yield client
    finally:
        client.client.close()


def explained(error: Exception) -> str:
    """What the daemon said of an error, in one line; without an answer from it, the error's own words."""
    told = getattr(error, "explanation", None) or str(error)
    return " ".join(str(told).split())


def _why_not(error: Exception, where: str) -> str:
    causes = list(_chain(error))
    place = where.removeprefix("unix://")
    if any(isinstance(each, FileNotFoundError) for each in causes):
        return f"no Docker daemon: {place} is not there; {_START}"
    if any(isinstance(each, PermissionError) for each in causes):
        return (
            f"user {getpass.getuser()} may not use the Docker daemon at {place}; become a member of its group "
            "(sudo usermod -aG docker USER, then log in again), or use a rootless daemon with DOCKER_HOST"
        )
    if any(isinstance(each, ConnectionRefusedError) for each in causes):
        return f"no Docker daemon answers at {place}; {_START}"
    if not where.startswith("unix://"):
        return f"the Docker daemon at {where} cannot be reached: {explained(error)}; correct or unset DOCKER_HOST"
    return f"the Docker daemon at {place} gives no usable answer: {explained(error)}; {_START}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error with all that caused it: requests and urllib3 keep theirs among the arguments."""
    seen: list[BaseException] = []
    rest: list[BaseException | None] = [error]
    while rest:
        each = rest.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        yield each
        rest += [each.__cause__, each.__context__, *(word for word in each.args if isinstance(word, BaseException))]
