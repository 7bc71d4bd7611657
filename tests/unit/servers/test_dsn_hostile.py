"""Some of the hostile files that `nox -s hostile` tries all of: they change nothing that was on an owner's server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from precious import FILES, Precious, precious_server

# One of each kind: what is shared, sessions, who administers, its own login, its own database, the way back.
SAMPLE = [
    *(("boss", "traps_for_superusers"), ("boss", "own_settings"), ("maker", "own_database_locked_up")),
    *(("maker", "terminates_backends"), ("plain", "drops_every_database"), ("plain", "way_back_locks_up")),
]


@pytest.fixture(scope="module")
def precious() -> Iterator[Precious]:
    with precious_server("wheel") as precious:
        yield precious


@pytest.mark.parametrize(("user", "name"), SAMPLE)
def test_a_hostile_file_has_its_verdict_and_changes_nothing(
    precious: Precious, user: str, name: str, tmp_path: Path
) -> None:
    precious.give_to(user)

    assert (True, (), {}) == precious.judge(FILES[name], tmp_path, user)
