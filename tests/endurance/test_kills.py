"""kill -9 of any part of a gate, at any moment, gives no wrong verdict and leaves nothing behind."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from case_tables import cases
from endurance_size import AT_LENGTH, KILLS
from killing import OF_PYTEST, OF_THE_COMMAND, Gate, Kill, moment_between, processes_in, the_tool, wait_for_the_end

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "servers"))

from owner import PASSWORD, owner_of


class Kills:
    """Kills of one gate, by number, and what was not as it must be after each; `left` names what is still there."""

    def __init__(
        self, gate: Gate, victims: tuple[Kill, ...], left: Callable[[], Iterable[object]] = tuple[object, ...]
    ) -> None:
        self._gate = gate
        self._victims = victims
        self._left = left
        self._undisturbed, self._takes_s = gate.undisturbed()
        self.count = 0
        self.wrong: list[str] = []

    def happen(self, number_of_kills: int, *, first: int = 0) -> None:
        """So many; one that comes too late, or meets nobody, does not count."""
        for number in range(first, first + 4 * number_of_kills):
            if self.count < number_of_kills:
                self.kill(number)

    def kill(self, number: int) -> None:
        victim = random.Random(f"victim {number}").choice(self._victims)
        name = f"kill {number}, of {victim.__name__}"
        ended, killed = self._gate.run(kill=victim, after_s=moment_between(number, self._takes_s))
        self.count += killed
        if not ended.is_right(self._undisturbed):
            self.wrong.append(f"{name}: {ended}")
        # Every other time the next run begins while a killed one's supervisor is still tidying up.
        if number % 2:
            wait_for_the_end(processes_in(self._gate.room))
        again, _ = self._gate.run()
        if not again.is_as(self._undisturbed):
            self.wrong.append(f"the run after {name}: {again}")
        wait_for_the_end(processes_in(self._gate.room))
        if left := [*self._gate.room.iterdir(), *processes_in(self._gate.room), *self._left()]:
            self.wrong.append(f"left after {name}: {left}")


# The project, whether pytest asks, the share of the kills, and the first: of the tool and its supervisors, of the server.
GATES = {
    "a gate that is clear": ("kept", False, 0.4, 44),
    "a gate that is blocked": ("broken", False, 0.2, 4),
    # Three processes and two servers each time. That a worker dies is among the tests of the plugin.
    **({"a gate by pytest on two workers": ("kept", True, 0.2, 0)} if AT_LENGTH else {}),
}


@cases(("project", "by_pytest", "share", "first"), GATES)
def test_kills_give_no_wrong_verdict_and_leave_nothing(
    request: pytest.FixtureRequest, room: Path, cache: Path, project: str, by_pytest: bool, share: float, first: int
) -> None:
    gate = Gate(request.getfixturevalue(project), room=room, cache=cache, pytest=by_pytest)
    kills = Kills(gate, OF_PYTEST if by_pytest else OF_THE_COMMAND)
    kills.happen(number_of_kills := max(1, round(KILLS * share)), first=first)

    assert ([], number_of_kills) == (kills.wrong, kills.count)


@pytest.mark.parametrize("user", ["maker", *(["boss"] if AT_LENGTH else [])])
def test_kills_leave_nothing_on_an_owners_server(kept: Path, room: Path, cache: Path, user: str) -> None:
    with owner_of("wheel") as owner:
        spec = owner.spec(user, password="")
        gate = Gate(kept, room=room, cache=cache, PGCONTRACT_PG=spec, PGPASSWORD=PASSWORD)
        before = owner.everything()
        kills = Kills(gate, (the_tool,), owner.ours)
        kills.happen(number_of_kills := max(1, round(KILLS * 0.1)))
        after = owner.everything()

    assert ([], number_of_kills, before) == (kills.wrong, kills.count, after)
