"""An image that is not here is pulled and told of; where it cannot be had the registry's words come with a remedy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from images import PLAIN, Recipe, image_tarball
from pgcontract.errors import PgcontractError
from pgcontract.postgres.progress import ProgressEvent, progress_reported_to
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.providers.container.image import ensure_image
from pgcontract.postgres.providers.container.owner import LABEL, Owner
from registry import registry
from testcontainers.core.docker_client import DockerClient


def refusal(spec: str) -> str:
    with pytest.raises(PgcontractError) as refused, provider_for(spec).start():
        pass
    return str(refused.value)


def test_an_image_that_is_not_here_is_pulled_and_its_progress_told(docker: DockerClient) -> None:
    events: list[ProgressEvent] = []
    with registry(image_tarball(PLAIN), config={"ExposedPorts": {"5432/tcp": {}}, "Cmd": ["postgres"]}) as address:
        name = f"{address}/postgres:18"
        with progress_reported_to(events.append):
            image = ensure_image(docker, name)
        docker.client.images.remove(name)

    messages = [event.name for event in events if event.kind == "wait"]
    progress = [line for line in messages if re.fullmatch(rf"pulling {re.escape(name)}: \d+ of \d+ MB", line)]
    assert (("postgres",), f"pulling {name}", True) == (image.command, messages[0], bool(progress))


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(404, "correct its name, or `docker login`"), (429, "`docker login` raises the registry's limit")],
    ids=["not there", "too often"],
)
def test_what_a_registry_refuses_comes_with_its_remedy(docker: DockerClient, status: int, remedy: str) -> None:
    with registry(refusal=status) as address:
        said = refusal(f"docker:{address}/postgres:18")

    assert (True, True) == (said.startswith(f"the image {address}/postgres:18 is not here and cannot"), remedy in said)


def test_without_a_registry_the_images_that_are_here_are_named(
    docker: DockerClient, image: Callable[[Recipe], str]
) -> None:
    present = image(PLAIN)
    with registry() as address:
        pass
    said = refusal(f"docker:{address}/none:18")

    assert (True, True) == ("bring the image with `docker load`" in said, present in said)


def test_a_name_that_is_none_is_refused(docker: DockerClient) -> None:
    assert refusal("docker:No Such:Name").startswith("docker:No Such:Name names no image: ")


def test_an_image_without_postgresql_is_refused(docker: DockerClient) -> None:
    with registry(image_tarball(PLAIN)) as address:
        said = refusal(f"docker:{address}/other:1")
        docker.client.images.remove(f"{address}/other:1")

    assert f"the image {address}/other:1 is not one of PostgreSQL: it exposes no port 5432; name one that does" == said


def test_a_server_that_does_not_start_is_told_by_its_log(image: Callable[[Recipe], str]) -> None:
    with pytest.raises(PgcontractError) as refused:
        provider_for(f"docker:{image(PLAIN)}").start(settings={"no_such_setting": "1"}).__enter__()

    assert 'unrecognized configuration parameter "no_such_setting"' in str(refused.value)


def test_the_doctor_tells_of_orphaned_containers_and_removes_them(
    docker: DockerClient, image: Callable[[Recipe], str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        ended = json.loads(Owner.current_process().label) | {"pid": process.pid}
    orphan = docker.client.containers.create(image(PLAIN), labels={LABEL: json.dumps(ended)})
    before, after = (
        subprocess.run(
            [sys.executable, "-m", "pgcontract", "doctor", *options], capture_output=True, text=True, check=False
        ).stdout
        for options in ((), ("--clean",))
    )
    containers = [container["Id"] for container in docker.client.api.containers(all=True) if container["Id"] == orphan.id]

    assert (True, True, []) == ("of runs that were killed" in before, "container" in after.splitlines()[0], containers)


def test_a_log_says_once_what_is_waited_for(docker: DockerClient, tmp_path: Path) -> None:
    (tmp_path / "001_note.sql").write_text("CREATE TABLE public.note (id integer PRIMARY KEY);\n")
    with registry(image_tarball(PLAIN), config={"ExposedPorts": {"5432/tcp": {}}, "Cmd": ["none"]}) as address:
        command = [sys.executable, "-m", "pgcontract", "verify", str(tmp_path), "--pg", f"docker:{address}/postgres:18"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
        docker.client.images.remove(f"{address}/postgres:18")

    assert [f"pulling {address}/postgres:18"] == [line for line in said if line.startswith("pulling")]
