"""The Docker daemon of this machine, and images made on it. Without a daemon these tests are skipped, and told so.

PGCONTRACT_TEST_DOCKER=required, which `.ci/run` sets where it could start one, makes its absence an error.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from images import Recipe, ensure_image
from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.providers.container.daemon import daemon
from testcontainers.core.docker_client import DockerClient


@pytest.fixture(scope="session")
def docker() -> Iterator[DockerClient]:
    """The daemon that DOCKER_HOST or Docker's own settings name."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the images are made of this machine's programs, and would not run in a Linux container")
    context = daemon()
    try:
        client = context.__enter__()
    except ServerUnavailable as error:
        if os.environ.get("PGCONTRACT_TEST_DOCKER") == "required":
            raise
        pytest.skip(error.message)
    yield client
    context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def image(docker: DockerClient) -> Callable[[Recipe], str]:
    """Makes sure that the daemon has a recipe's image; gives its tag."""
    return lambda recipe: ensure_image(docker.client, recipe)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of the test's own, which the server's user may enter: then there is no second one to be emptied."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("PGCONTRACT_CACHE", folder)
        yield
