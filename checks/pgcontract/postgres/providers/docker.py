"""A PostgreSQL in a Docker container, by testcontainers: a named image, or the one that production runs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from pgcontract.errors import InputError, PgcontractError
from pgcontract.postgres import versions
from pgcontract.postgres.providers.container.daemon import daemon
from pgcontract.postgres.providers.container.image import Image, ensure_image, find_image, production_image
from pgcontract.postgres.providers.container.instance import RunningContainer
from pgcontract.postgres.providers.container.orphans import remove_orphans
from pgcontract.postgres.providers.local.initdb import SUPERUSER
from pgcontract.postgres.providers.production import UNKNOWN_PRODUCTION, Production
from pgcontract.postgres.providers.server import NO_SETTINGS, Capability, Probe, Server
from pgcontract.postgres.providers.throwaway import throwaway_settings
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

USAGE = "docker[:IMAGE]"
_CAPABILITIES: frozenset[Capability] = frozenset(("own_server", "superuser", "stop"))
_MIGRATOR = "postgres"
_PROBE_TIMEOUT_S = 5
_VERSION = (
    "SELECT pg_catalog.current_setting('server_version_num')::int4,"
    " pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1)"
)


def parse_spec(spec: str) -> Docker | None:
    """The provider for `docker` and `docker:IMAGE`."""
    word, colon, image = spec.partition(":")
    if word != "docker":
        return None
    if colon and not image:
        raise InputError("docker: names no image; write --pg docker:IMAGE, or --pg docker for production's own")
    return Docker(image=image or None)


@dataclass(frozen=True, kw_only=True)
class Docker:
    """Containers of `image`; where none is named, of the one that `production` runs."""

    image: str | None = None
    production: Production = UNKNOWN_PRODUCTION
    name: str = "docker"

    def for_production(self, production: Production) -> Docker:
        """The same for a project whose production is known."""
        return replace(self, production=production)

    def probe(self) -> Probe:
        """Whether there is a daemon that we may use, and whether it has the image; nothing is pulled."""
        try:
            image = self._image_name
            with daemon(timeout_s=_PROBE_TIMEOUT_S) as client:
                version = client.client.version()["Version"]
                presence = "here" if find_image(client, image) else "not here yet: the first start pulls it"
        except PgcontractError as error:
            problem, _, remedy = error.message.partition("; ")
            return Probe(provider=self.name, ok=False, summary=problem, remedy=remedy)
        return Probe(provider=self.name, ok=True, summary=f"Docker {version}; the image {image} is {presence}")

    def start(
        self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None
    ) -> AbstractContextManager[Server]:
        """A fresh server in a container; the containers of runs that were killed are removed first."""
        return _start_container(self._image_name, settings=settings, locale=locale)

    @property
    def _image_name(self) -> str:
        return self.image or production_image(self.production)


@contextmanager
def _start_container(name: str, *, settings: Mapping[str, str], locale: str | None) -> Iterator[Server]:
    phases: list[tuple[str, float]] = []
    with ExitStack() as stack:
        with _timed_phase("find the image", phases):
            client = stack.enter_context(daemon())
            remove_orphans(client)
            image = ensure_image(client, name)
        running = RunningContainer(client, name)
        stack.callback(running.remove)
        # One for this run alone, in no command line and no output.
        password = secrets.token_urlsafe(24)
        with _timed_phase("start the container", phases):
            running.start(_command(image, settings), environment=_environment(image, password, locale))
        server = Server(
            provider=f"docker:{name}",
            version_num=0,
            version="",
            host=running.host,
            port=running.port,
            superuser=SUPERUSER,
            capabilities=_CAPABILITIES,
            started_from="image",
            storage="disk",
            passwords={SUPERUSER: password, _MIGRATOR: password},
            start_another=lambda settings: _start_container(name, settings=settings, locale=locale),
        )
        conninfo = server.conninfo(dbname=server.maintenance_database)
        with _timed_phase("wait until ready", phases):
            running.wait_until_ready(conninfo)
        number, version = _version(conninfo, name)
        yield replace(
            server,
            version_num=number,
            version=version,
            phases_ms=tuple(phases),
            crash=partial(running.crash, conninfo),
        )


def _command(image: Image, settings: Mapping[str, str]) -> list[str]:
    """The image's own command, with our settings where that is a postgres; `settings` win.

    Supabase's names its configuration there (-D /etc/postgresql): the command line overrides it.
    """
    if image.command[:1] not in ((), ("postgres",)):
        return list(image.command)
    # An archive, which a configuration may ask for, needs more WAL than `minimal`.
    server_settings = {**throwaway_settings(image.major), "listen_addresses": "*", "archive_mode": "off"}
    return [
        *(image.command or ("postgres",)),
        *(word for name, value in {**server_settings, **settings}.items() for word in ("-c", f"{name}={value}")),
    ]


def _environment(image: Image, password: str, locale: str | None) -> dict[str, str]:
    """The entrypoint's environment for initdb; the superuser is ours, so that `postgres` need not be one."""
    initdb = [image.environment.get("POSTGRES_INITDB_ARGS", ""), "--no-sync", f"--locale={locale}" if locale else ""]
    return {
        "POSTGRES_USER": SUPERUSER,
        "POSTGRES_DB": "postgres",
        "POSTGRES_PASSWORD": password,
        "POSTGRES_INITDB_ARGS": " ".join(filter(None, initdb)),
    }


def _version(conninfo: str, image: str) -> tuple[int, str]:
    """The server's `server_version_num` and its version; InputError for a major whose catalog is not known."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        row = connection.execute(_VERSION).fetchone()
    assert row is not None
    number, version = row
    if number // 10000 not in versions.KNOWN_MAJORS:
        raise InputError(
            f"{image} is PostgreSQL {version}; pgcontract knows the majors {versions.KNOWN_MAJORS[0]} to "
            f"{versions.KNOWN_MAJORS[-1]}: name an image of one of those"
        )
    return number, version


@contextmanager
def _timed_phase(name: str, phases: list[tuple[str, float]]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    phases.append((name, (time.perf_counter() - started) * 1000))
