"""The servers that cases share end with the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shared_server


@pytest.fixture(scope="session", autouse=True)
def _stop_shared_servers() -> Iterator[None]:
    yield
    shared_server.stop_all()
