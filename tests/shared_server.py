"""One running server for many projects, one after another: each finds it as it was when it started."""

from __future__ import annotations

from pgcontract.postgres.kept_server import KeptServer
from pgcontract.postgres.providers import Production, provider_for

_SERVERS: dict[tuple[str, Production], KeptServer] = {}


def shared_server(spec: str, production: Production) -> KeptServer:
    """The server of this process for the projects of one production, until `stop_all`."""
    if (spec, production) not in _SERVERS:
        _SERVERS[spec, production] = KeptServer(provider_for(spec, production=production))
    return _SERVERS[spec, production]


def stop_all() -> None:
    while _SERVERS:
        _SERVERS.popitem()[1].stop()
