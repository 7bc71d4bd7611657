"""A PostgreSQL that is installed already: a given bin folder, the one on PATH, or one in the usual places."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres import versions
from pgcontract.postgres.providers.local import installation, local_server
from pgcontract.postgres.providers.server import NO_SETTINGS, Probe, Server
from pgcontract.values import dataclass

USAGE = "binaries[:DIR]"
USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
)
_REMEDY = "install one (Debian: apt install postgresql), or name its folder: --pg binaries:DIR"


def parse_spec(spec: str) -> Binaries | None:
    """The provider for `binaries` and `binaries:DIR`."""
    word, colon, folder = spec.partition(":")
    if word != "binaries":
        return None
    if colon and not folder:
        raise InputError("binaries: names no folder; write --pg binaries:DIR, or --pg binaries to look for one")
    return Binaries(folder=Path(folder).expanduser() if folder else None)


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """The programs in `folder`, else the first of a known major on PATH or, newest first, in the usual places."""

    folder: Path | None = None
    name: str = "binaries"

    def probe(self) -> Probe:
        """Which programs would be started, and their version."""
        try:
            bin_dir = self._bin_dir()
        except (InputError, ServerUnavailable) as error:
            return Probe(provider=self.name, ok=False, summary=error.message.removesuffix(f"; {_REMEDY}"), remedy=_REMEDY)
        return Probe(
            provider=self.name, ok=True, summary=f"PostgreSQL {installation.read_version(bin_dir).text} in {bin_dir}"
        )

    def start(
        self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None
    ) -> AbstractContextManager[Server]:
        """A fresh server from these programs."""
        return local_server(provider=self.name, locate=self._bin_dir, settings=settings, locale=locale)

    def _bin_dir(self) -> Path:
        if self.folder is None:
            return _find_bin_dir()
        folder = self.folder.absolute()
        if not folder.is_dir():
            raise InputError(f"binaries:{self.folder} is not a folder; name the one that holds postgres and initdb")
        for bin_dir in (folder, folder / "bin"):
            if installation.has_server_programs(bin_dir):
                installation.require_known_major(bin_dir)
                return bin_dir
        raise InputError(
            f"binaries:{self.folder} holds no postgres and initdb; name the bin folder of a PostgreSQL server"
        )


def _find_bin_dir() -> Path:
    tried: list[str] = []
    for bin_dir in find_bin_dirs():
        try:
            version = installation.read_version(bin_dir)
        except ServerUnavailable as error:
            tried.append(error.message)
            continue
        if version.major in versions.KNOWN_MAJORS:
            return bin_dir
        tried.append(f"{bin_dir} is PostgreSQL {version.text}")
    attempts = "; ".join(tried) or "none found"
    raise ServerUnavailable(
        f"looked for PostgreSQL 15 to 18 on PATH and in {', '.join(USUAL_PLACES)}: {attempts}; {_REMEDY}"
    )


def find_bin_dirs() -> Iterator[Path]:
    """The bin folders there are: the one on PATH, then, newest first, those in the usual places."""
    on_path = shutil.which("postgres")
    if on_path and installation.has_server_programs(Path(on_path).resolve().parent):
        yield Path(on_path).resolve().parent
    usual = [
        path for pattern in USUAL_PLACES for path in Path("/").glob(pattern[1:]) if installation.has_server_programs(path)
    ]
    yield from sorted(usual, key=_major_in_path, reverse=True)


def _major_in_path(bin_dir: Path) -> int:
    numbers = re.findall(r"\d+", str(bin_dir))
    return int(numbers[-1]) if numbers else 0
