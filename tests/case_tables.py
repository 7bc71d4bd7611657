"""Tables of cases, each by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest


def cases(names: str | Sequence[str], rows: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Runs a test once a row: its name, and what the test is given."""
    return pytest.mark.parametrize(names, rows.values(), ids=rows)
