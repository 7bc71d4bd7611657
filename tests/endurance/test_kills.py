"""kill -9 of any part of a gate, at any moment, gives no wrong verdict and leaves nothing behind."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from endurance_size import KILLS
from killing import OF_PYTEST, OF_THE_COMMAND, Gate, Kill, moment, processes_in, wait_for_the_end


class Kills:
    """Kills of one gate, by number, and what was not as it must be after each."""

    def __init__(self, gate: Gate, victims: tuple[Kill, ...]) -> None:
        self._gate = gate
        self._victims = victims
        self._undisturbed, self._takes_s = gate.undisturbed()
        self.count = 0
        self.wrong: list[str] = []

    def kill(self, number: int) -> None:
        victim = random.Random(f"victim {number}").choice(self._victims)
        name = f"kill {number}, of {victim.__name__}"
        ended, killed = self._gate.run(kill=victim, after_s=moment(number, self._takes_s))
        self.count += killed
        if not ended.is_right(self._undisturbed):
            self.wrong.append(f"{name}: {ended}")
        # Every other time the next run begins while a killed one's guardian is still tidying up.
        if number % 2:
            wait_for_the_end(processes_in(self._gate.room))
        again, _ = self._gate.run()
        if not again.is_as(self._undisturbed):
            self.wrong.append(f"the run after {name}: {again}")
        wait_for_the_end(processes_in(self._gate.room))
        if left := [*self._gate.room.iterdir(), *processes_in(self._gate.room)]:
            self.wrong.append(f"left after {name}: {left}")


@pytest.mark.parametrize(
    ("project", "by_pytest", "share"),
    [("kept", False, 0.5), ("broken", False, 0.3), ("kept", True, 0.2)],
    ids=["a gate that is clear", "a gate that is blocked", "a gate by pytest on two workers"],
)
def test_kills_give_no_wrong_verdict_and_leave_nothing(
    request: pytest.FixtureRequest, room: Path, cache: Path, project: str, by_pytest: bool, share: float
) -> None:
    gate = Gate(request.getfixturevalue(project), room=room, cache=cache, pytest=by_pytest)
    kills = Kills(gate, OF_PYTEST if by_pytest else OF_THE_COMMAND)
    wanted = max(1, round(KILLS * share))
    for number in range(4 * wanted):  # one that comes too late, or meets nobody, does not count
        if kills.count < wanted:
            kills.kill(number)

    assert ([], wanted) == (kills.wrong, kills.count)
