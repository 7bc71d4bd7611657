"""One running server for many projects, one after another: each finds it as it was when it started."""

from __future__ import annotations

import os
import re

from pgcontract.postgres.kept_server import KeptServer
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import Production, Provider, provider_for

_SERVERS: dict[tuple[str, Production], KeptServer] = {}
# Of programs that are here; others may be somebody's, or belong to the test that names them.
_LOCAL = re.compile(r"auto|wheel|binaries:.+|\d+")
_FOLDERS = ("PGCONTRACT_TMP", "PGCONTRACT_CACHE")


def shared_server(spec: str, production: Production) -> KeptServer:
    """The server of this process for the projects of one production, until `stop_all`."""
    if (spec, production) not in _SERVERS:
        provider = provider_for(spec, production=production)
        _SERVERS[spec, production] = KeptServer(provider, platform=platform_of(production.platform))
    return _SERVERS[spec, production]


def shared_provider(spec: str, *, production: Production | None = None, run_as: str | None = None) -> Provider:
    """As `provider_for`, but what is on this machine is shared where no test has chosen the folders of its server."""
    if run_as is None and _LOCAL.fullmatch(spec) and not any(name in os.environ for name in _FOLDERS):
        return shared_server(spec, production or Production())
    return provider_for(spec, production=production, run_as=run_as)


def stop_all() -> None:
    while _SERVERS:
        _SERVERS.popitem()[1].stop()
