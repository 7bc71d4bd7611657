"""What has to be fetched: where it cannot be had, that is an error under CI, and elsewhere a skip that says why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from pgcontract.errors import ServerUnavailable

# The matrix of majors asks the cases and the pairs of each of them.
USUAL_SERVER = os.environ.get("PGCONTRACT_PG", "auto")


@contextmanager
def fetched(spec: str) -> Iterator[None]:
    """For the use of a server named by its major, which npm may have to bring; any other is demanded everywhere."""
    try:
        yield
    except ServerUnavailable as error:
        if not spec.isdecimal():
            raise
        missing(error.message)


def missing(why: str) -> NoReturn:
    """Ends a test that cannot be made on this machine."""
    if "CI" in os.environ:
        pytest.fail(why)
    pytest.skip(why)
