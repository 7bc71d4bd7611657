"""The linters of SQL whose findings can be added to ours, by the names of their programs."""

from __future__ import annotations

from typing import Final

LINTERS: Final = {"squawk": "pip install squawk-cli"}
"""How each is installed."""
