"""Whether a report can be written at all: checked before any server starts, since afterwards the work would be lost."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pgcontract.errors import InputError


def require_writable(folder: Path, what: str) -> None:
    """Makes the folder, and a file in it that goes away again. Raises InputError that names it as `what`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"The {what} {folder} cannot be written: {error.strerror}. Choose another.") from error
