"""Containers of ours whose owner is no more, such as a run that was killed: found by their label, and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgcontract.postgres.providers.container.instance import remove_container
from pgcontract.postgres.providers.container.owner import LABEL, Owner

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient


def find_orphans(client: DockerClient) -> tuple[str, ...]:
    """The names of our containers that nobody will remove. Those of other machines and users are not judged."""
    this_process = Owner.current_process()
    names = []
    for container in client.client.api.containers(all=True, filters={"label": LABEL}):
        owner = Owner.from_label(container["Labels"][LABEL])
        if owner is not None and owner.is_dead(seen_by=this_process):
            names.append(container["Names"][0].lstrip("/"))
    return tuple(sorted(names))


def remove_orphans(client: DockerClient) -> tuple[str, ...]:
    """Removes them with their volumes; gives their names."""
    names = find_orphans(client)
    for name in names:
        remove_container(client, name)
    return names
