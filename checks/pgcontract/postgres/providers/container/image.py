"""The image that a container is made from: production's own where none is named, pulled where it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers.container.daemon import explain_error
from pgcontract.postgres.providers.container.pull import pull
from pgcontract.postgres.providers.production import Production
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from testcontainers.core.docker_client import DockerClient

# Supabase's images by major, as its own releases name them.
SUPABASE: Mapping[int, str] = {17: "supabase/postgres:17.6.1.132", 15: "supabase/postgres:15.8.1.085"}
# The major of most new projects, where a project does not say its own.
USUAL_MAJOR = 17


def production_image(production: Production) -> str:
    """The image that production runs, or comes nearest to it; InputError where there is none of its major."""
    major = production.postgres or USUAL_MAJOR
    if production.platform != "supabase":
        return f"postgres:{major}"
    if major not in SUPABASE:
        known = " and ".join(map(str, sorted(SUPABASE)))
        raise InputError(
            f"Supabase has no image of PostgreSQL {major}, only of {known}: "
            "name an image with --pg docker:IMAGE, or correct [production] postgres"
        )
    return SUPABASE[major]


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image that the daemon has: its command and its environment, as they would be without us."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def major(self) -> int | None:
        """The major it says it has (PG_MAJOR, as the official images do), else None."""
        number = self.environment.get("PG_MAJOR", "")
        return int(number) if number.isdecimal() else None


def find_image(client: DockerClient, name: str) -> Image | None:
    """The image as the daemon has it, without asking any registry.

    Raises InputError for a name that is none and for an image that is no PostgreSQL's.
    """
    from docker.errors import APIError, ImageNotFound

    try:
        config = client.client.images.get(name).attrs["Config"] or {}
    except ImageNotFound:
        return None
    except APIError as error:
        raise InputError(f"docker:{name} names no image: {explain_error(error)}; write --pg docker:NAME:TAG") from error
    if "5432/tcp" not in (config.get("ExposedPorts") or {}):
        raise InputError(f"the image {name} is not one of PostgreSQL: it exposes no port 5432; name one that does")
    return Image(
        name=name,
        command=tuple(config.get("Cmd") or ()),
        environment=dict(variable.split("=", 1) for variable in config.get("Env") or () if "=" in variable),
    )


def ensure_image(client: DockerClient, name: str) -> Image:
    """The image, pulled now if the daemon does not have it; ServerUnavailable says why it cannot be had."""
    image = find_image(client, name)
    if image is None:
        pull(client, name)
        image = find_image(client, name)
    if image is None:
        raise ServerUnavailable(f"the image {name} was pulled, and is not there; look at `docker images`")
    return image
