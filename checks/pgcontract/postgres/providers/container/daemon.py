"""The Docker daemon, reached by testcontainers, and where it cannot be reached the reason with its remedy."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pgcontract.errors import ServerUnavailable

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
NOT_INSTALLED = "the package testcontainers is not installed; pip install 'pgcontract[docker]'"
_PORT = 2375
_START_HINT = "start one (Docker Desktop, or: sudo systemctl start docker), or name another with DOCKER_HOST"


@contextmanager
def daemon(*, timeout_s: int = 60) -> Iterator[DockerClient]:
    """The daemon that DOCKER_HOST, Docker's context or the usual socket names, closed afterwards.

    Raises ServerUnavailable for each way in which there is none, also where it stops answering. `timeout_s` is for one
    answer of it.
    """
    if find_spec("testcontainers") is None:
        raise ServerUnavailable(NOT_INSTALLED)
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    where = os.environ.get("DOCKER_HOST", "")
    try:
        # It reads its settings when it is imported.
        from testcontainers.core.docker_client import DockerClient, get_docker_host

        where = get_docker_host() or DEFAULT_SOCKET
        _try_socket(where, timeout_s)
        # Not DockerContainer: that starts an image of its own to clean up after us, which may have to be pulled.
        client = DockerClient(timeout=timeout_s)
    except (DockerException, OSError, ValueError) as error:
        raise ServerUnavailable(_unreachable_message(error, _without_password(where))) from error
    try:
        yield client
    except (DockerException, RequestException) as error:
        raise ServerUnavailable(
            f"the Docker daemon at {_without_password(where)} did not do what it was asked: {explain_error(error)}; "
            "look into its log"
        ) from error
    finally:
        client.client.close()


def explain_error(error: Exception) -> str:
    """What the daemon said of an error, in one line; without an answer from it, the error's own words."""
    explanation = getattr(error, "explanation", None) or str(error)
    return _without_password(" ".join(str(explanation).split()))


def _try_socket(where: str, timeout_s: int) -> None:
    """Raises OSError where nobody answers: docker-py hides the reason, and does not close a socket that it could not
    connect."""
    address = urlsplit(where)
    if address.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as client_socket:
            client_socket.settimeout(timeout_s)
            client_socket.connect(where.removeprefix("unix://"))
    elif address.scheme in ("tcp", "http", "https") and address.hostname:
        socket.create_connection((address.hostname, address.port or _PORT), timeout_s).close()


def _unreachable_message(error: Exception, where: str) -> str:
    place = f"at {where.removeprefix('unix://')}" if where else "that is set"
    match error:
        case FileNotFoundError():
            return f"no Docker daemon {place}; {_START_HINT}"
        case PermissionError():
            return (
                f"uid {os.geteuid()} may not use the Docker daemon {place}; become a member of its group "
                "(sudo usermod -aG docker USER, then log in again), or use a rootless daemon with DOCKER_HOST"
            )
        case ConnectionRefusedError():
            return f"no Docker daemon answers {place}; {_START_HINT}"
    return f"the Docker daemon {place} cannot be reached: {explain_error(error)}; correct DOCKER_HOST or what is named"


def _without_password(where: str) -> str:
    return re.sub(r"(//[^/@:]*):[^/@]*@", r"\1@", where)
