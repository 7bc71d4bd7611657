"""Pulls an image from its registry and reports progress; where that fails, the reason with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pgcontract.errors import ServerUnavailable
from pgcontract.postgres.progress import ProgressEvent, report_progress
from pgcontract.postgres.providers.container.daemon import explain_error

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

_MB = 1_000_000
# What a registry or the daemon says, and what helps; the first that fits.
_REMEDIES = (
    (("toomanyrequests", "rate limit"), "`docker login` raises the registry's limit"),
    (("no space left",), "free some disk: `docker system df` says what the daemon keeps"),
    (("no matching manifest",), "it is not made for this machine's processor: name another with --pg docker:IMAGE"),
    (
        ("denied", "unauthorized", "does not exist", "not found", "manifest unknown"),
        "correct its name, or `docker login` to the registry that has it",
    ),
)
_OFFLINE_HINT = "connect this machine to the registry, or bring the image with `docker load`"


def pull(client: DockerClient, name: str) -> None:
    """Pulls the image, telling how far it is; ServerUnavailable with the registry's words where that fails."""
    from docker.errors import DockerException
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(name)
    report_progress(ProgressEvent(kind="wait", name=f"pulling {name}"))
    try:
        # Without a tag docker-py would pull every tag there is.
        lines = client.client.api.pull(repository, tag=tag or "latest", stream=True, decode=True)
        for progress in _progress(lines):
            report_progress(ProgressEvent(kind="wait", name=f"pulling {name}: {progress}"))
    # Of the second kind are requests' exceptions: the daemon went away in the middle.
    except (DockerException, OSError) as error:
        reason = explain_error(error)
        remedy = next((remedy for words, remedy in _REMEDIES if any(word in reason for word in words)), _OFFLINE_HINT)
        images = _postgres_images(client)
        if images:
            remedy = f"{remedy}; or take one that is here: {', '.join(images)}"
        raise ServerUnavailable(f"the image {name} is not here and cannot be pulled: {reason}; {remedy}") from error


def _progress(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """How much has come, whenever that changes by a megabyte: "120 of 480 MB" of the layers begun so far."""
    from docker.errors import DockerException

    layers: dict[str, tuple[int, int]] = {}
    last = ""
    for line in lines:
        if "error" in line:
            raise DockerException(line["error"])
        detail = line.get("progressDetail") or {}
        if line.get("status") == "Downloading" and detail.get("total"):
            layers[line["id"]] = detail["current"], detail["total"]
        elif line.get("status") == "Download complete" and line["id"] in layers:
            layers[line["id"]] = (layers[line["id"]][1],) * 2
        come, whole = (sum(layer[at] for layer in layers.values()) // _MB for at in (0, 1))
        if whole and last != (last := f"{come} of {whole} MB"):
            yield last


def _postgres_images(client: DockerClient) -> list[str]:
    """Images that the daemon has whose name says PostgreSQL, for whoever cannot pull."""
    from docker.errors import DockerException

    try:
        tags = [tag for image in client.client.images.list() for tag in image.tags]
    except (DockerException, OSError):
        return []
    return sorted(tag for tag in tags if "postgres" in tag)[:5]
