"""Answers of earlier runs, a file each, among what else is cached: written by rename, with a hash of what is in it."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from pgcontract.errors import PgcontractError
from pgcontract.postgres.providers.local import installation
from pgcontract.postgres.providers.local.account import server_account
from pgcontract.postgres.providers.local.cache_bound import drop_least_used
from pgcontract.postgres.providers.local.cluster_image import DRAFT
from pgcontract.postgres.providers.local.directories import cache_directory, mark_used

SUFFIX = ".answers"


def read(key: str) -> bytes | None:
    """What was written under the key; None where nothing was, where it is damaged, and where others may write it."""
    path = _path(key)
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            head, _, text = file.read().partition(b"\n")
    except OSError:
        return None
    if head.decode(errors="replace") != _head(key, text):
        return None
    mark_used(path)
    return text


def write(key: str, text: bytes) -> None:
    """Put the text there, whole or not at all. A cache that cannot be written is passed over."""
    path = _path(key)
    if not path.is_absolute():
        return
    draft = path.with_name(f"{DRAFT}{path.stem}-{secrets.token_hex(4)}")
    with suppress(OSError, PgcontractError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(f"{_head(key, text)}\n".encode() + text)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def keep_bound() -> None:
    """Remove what was used least from a cache that has grown too large. Every file of it is looked at: once a run."""
    with suppress(OSError, PgcontractError):
        drop_least_used(server_account())


def programs(bin_dir: Path) -> str:
    """What tells these programs of a server from others."""
    return str(installation.programs_fingerprint(bin_dir))


def _path(key: str) -> Path:
    return cache_directory() / f"{key[:20]}{SUFFIX}"


def _head(key: str, text: bytes) -> str:
    return f"pgcontract-answers 1 {key} {hashlib.sha256(text).hexdigest()}"
