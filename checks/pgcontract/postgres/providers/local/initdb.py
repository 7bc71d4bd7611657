"""A new cluster: initdb with our options, and the reason where it fails."""

from __future__ import annotations

import difflib
import errno
import os
import subprocess
from pathlib import Path

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers.local.account import Account
from pgcontract.postgres.providers.local.installation import Programs, Version
from pgcontract.postgres.versions import BUILTIN_LOCALES, DATA_CHECKSUMS

SUPERUSER = "supabase_admin"


def initdb_options(major: int, locale: str | None) -> tuple[tuple[str, ...], ...]:
    """The options to try, in order: the next are for where a default locale of ours does not exist."""
    options = (
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--wal-segsize=1",
        "--no-sync",
        "--no-instructions",
        *(("--no-data-checksums",) if DATA_CHECKSUMS.in_major(major) else ()),
        # Else a kill leaves a file of its in /dev/shm, where nothing says whose it is.
        *(("--set=dynamic_shared_memory_type=mmap",) if major >= 16 else ()),
    )
    if locale is not None:
        return ((*options, f"--locale={locale}"),)
    if BUILTIN_LOCALES.in_major(major):
        return ((*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),)
    return ((*options, "--locale=C.UTF-8"), (*options, "--locale=C"))


def initialise(cluster: Path, *, programs: Programs, version: Version, locale: str | None, account: Account) -> None:
    """Makes the cluster. A locale that does not exist is InputError, a full disk OSError, the rest ServerUnavailable."""
    output = ""
    for options in initdb_options(version.major, locale):
        ran = subprocess.run(
            [programs.bin_dir / "initdb", "--pgdata", cluster, *options],
            # Its own folder is how a sweep knows what belongs to a run that was killed.
            cwd=cluster.parent,
            env=programs.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=True,
            check=False,
            **account.child,
        )
        if ran.returncode == 0:
            return
        output = ran.stderr.strip()
        if "locale" not in output and "encoding mismatch" not in output:
            break
    if "No space left on device" in output:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if locale is not None and ("locale" in output or "encoding mismatch" in output):
        raise InputError(
            f"the locale {locale!r} cannot be used for a UTF-8 database here: {_reason(output)}; {_locale_hint(locale)}"
        )
    raise ServerUnavailable(f"initdb in {programs.bin_dir} failed: {output}")


def _reason(output: str) -> str:
    mark = "initdb: error: "
    return next((line.removeprefix(mark) for line in output.splitlines() if line.startswith(mark)), output)


def _locale_hint(locale: str) -> str:
    try:
        listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:  # musl has no such program, and knows C and C.UTF-8
        return "C.UTF-8 is on most systems"
    names = listed.stdout.split()
    nearest = difflib.get_close_matches(locale, names, n=1)
    return f"did you mean {nearest[0]!r}?" if nearest else f"`locale -a` lists {len(names)}: {', '.join(names[:8])}"
