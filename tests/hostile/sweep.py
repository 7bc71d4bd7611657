"""Every hostile file, on all majors, as each kind of role: minutes, so `nox -s hostile` runs it and the tests do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pgcontract.postgres.versions import KNOWN_MAJORS
from precious import ADMINISTRATORS, FILES, Precious, precious_server

MAJORS = [pytest.param(str(major), marks=pytest.mark.xdist_group(str(major))) for major in KNOWN_MAJORS]


@pytest.fixture(scope="module", params=MAJORS)
def precious(request: pytest.FixtureRequest) -> Iterator[Precious]:
    with precious_server(request.param) as precious:
        yield precious


@pytest.fixture(scope="module", params=ADMINISTRATORS)
def user(request: pytest.FixtureRequest, precious: Precious) -> str:
    precious.give_to(request.param)
    return str(request.param)


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_hostile_file_has_its_verdict_and_changes_nothing(
    precious: Precious, user: str, file: Path, tmp_path: Path
) -> None:
    assert (True, (), {}) == precious.judge(file, tmp_path, user)
