"""Containers of ours whose owner is no more, such as a run that was killed: found by their label, and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgcontract.postgres.providers.container.instance import remove_container
from pgcontract.postgres.providers.container.owner import LABEL, Owner

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient


def orphans(client: DockerClient) -> tuple[str, ...]:
    """The names of our containers that nobody will remove. Those of other machines and users are not judged."""
    ours = Owner.ours()
    found = []
    for container in client.client.api.containers(all=True, filters={"label": LABEL}):
        owner = Owner.read(container["Labels"][LABEL])
        if owner is not None and owner.is_dead(seen_by=ours):
            found.append(container["Names"][0].lstrip("/"))
    return tuple(sorted(found))


def remove_orphans(client: DockerClient) -> tuple[str, ...]:
    """Removes them with their volumes; gives their names."""
    found = orphans(client)
    for name in found:
        remove_container(client, name)
    return found
