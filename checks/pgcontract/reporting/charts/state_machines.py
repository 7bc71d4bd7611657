"""The state machines of a Run: the moves that are declared, found and forbidden, in the last state that was judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import cos, pi, sin

from pgcontract.reporting.charts.svg import Chart, draw_chart, ellipsize
from pgcontract.result import Finding, Run, Status
from pgcontract.result.moves import Move, moves_in
from pgcontract.values import dataclass

MAX_STATES = 12
_RADIUS = 150.0
_CENTRE = (320.0, 230.0)


@dataclass(frozen=True, kw_only=True)
class StateMachinePicture:
    """What is drawn of one state machine: `finding` is the one whose evidence it is."""

    finding: Finding
    states: tuple[str, ...]
    moves: tuple[Move, ...]

    @property
    def drawn(self) -> tuple[Move, ...]:
        """The moves that the server takes, and those that it should take and refuses."""
        return tuple(move for move in self.moves if move.accepted or move.wrong)

    @property
    def words(self) -> str:
        """How many moves of each kind there are; of those that are forbidden and refused, which."""
        kinds: dict[str, list[str]] = {}
        for move in self.moves:
            kinds.setdefault(kind_of(move), []).append(f"{move.source} → {move.target}")
        return "; ".join(f"{kind} ({len(held)}): {', '.join(held)}" for kind, held in sorted(kinds.items())) + "."


def state_machines(run: Run) -> tuple[StateMachinePicture, ...]:
    """One for each subject, as it was found last: at the head, and of the head's own promise where that has one."""
    latest: dict[str, tuple[tuple[int, int], StateMachinePicture]] = {}
    places = {migration.key: place for place, migration in enumerate(run.chain)}
    for finding in run.findings:
        if finding.status not in (Status.KEPT, Status.BROKEN, Status.WAIVED):
            continue
        if moves := moves_in(finding.evidence):
            states = tuple(dict.fromkeys(state for move in moves for state in (move.source, move.target)))
            judged = places.get(finding.at or finding.migration, -1), places.get(finding.migration, -1)
            picture = StateMachinePicture(finding=finding, states=states, moves=moves)
            if len(states) <= MAX_STATES and (finding.subject not in latest or judged >= latest[finding.subject][0]):
                latest[finding.subject] = (judged, picture)
    return tuple(picture for _, picture in latest.values())


def kind_of(move: Move) -> str:
    """Declared and taken, declared but refused, forbidden and refused, forbidden but taken; or not judged."""
    taken = "accepted" if move.accepted else "rejected"
    if move.unjudged:
        return f"not judged ({move.unjudged}), {taken}"
    declared = move.accepted != move.wrong
    return f"{'declared' if declared else 'forbidden'} {'but' if move.wrong else 'and'} {taken}"


def mermaid(picture: StateMachinePicture) -> str:
    """The picture as GitHub draws it: an arrow a move that is taken; one that is wrong says so."""
    ids = {state: f"s{place}" for place, state in enumerate(picture.states)}
    lines = ["stateDiagram-v2", "    direction LR"]
    lines += [f'    state "{_plain(state)}" as {name}' for state, name in ids.items()]
    for move in picture.drawn:
        said = kind_of(move)
        label = "" if said == "declared and accepted" else f": {'WRONG, ' if move.wrong else ''}{_plain(said)}"
        lines.append(f"    {ids[move.source]} --> {ids[move.target]}{label}")
    return "\n".join(lines)


def state_machine_chart(picture: StateMachinePicture, name: str) -> Chart:
    """The states on a circle, an arrow a move."""
    places = dict(zip(picture.states, _circle(len(picture.states)), strict=True))
    return draw_chart(
        "states.svg.j2",
        name=name,
        title=f"Moves of {picture.finding.subject}",
        description=picture.words,
        caption=_caption(picture.moves),
        bottom=_CENTRE[1] + _RADIUS + 60,
        states=[(x, y, ellipsize(state, 16)) for state, (x, y) in places.items()],
        arrows=list(_arrows(picture.drawn, places)),
    )


def _caption(moves: Sequence[Move]) -> Iterable[str]:
    refused = [f"{move.source} → {move.target}" for move in moves if not move.accepted and not move.wrong]
    yield "Solid: declared and accepted. Dashed: accepted, not judged. Thick and orange: not as declared."
    if refused:
        yield f"Forbidden and rejected ({len(refused)}): {', '.join(refused)}."


def _circle(number: int) -> Iterator[tuple[float, float]]:
    for place in range(number):
        angle = 2 * pi * place / number - pi
        yield _CENTRE[0] + 1.45 * _RADIUS * cos(angle), _CENTRE[1] + _RADIUS * sin(angle)


def _arrows(moves: Iterable[Move], places: dict[str, tuple[float, float]]) -> Iterator[tuple[str, str, str]]:
    """The path of each arrow, bent so that a move and the one back are two; the path of its head; its class."""
    for move in moves:
        (x1, y1), (x2, y2) = places[move.source], places[move.target]
        length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1.0)
        dx, dy = (x2 - x1) / length, (y2 - y1) / length
        bend_x, bend_y = (x1 + x2) / 2 - dy * 26, (y1 + y2) / 2 + dx * 26
        start_x, start_y = _edge((x1, y1), (bend_x, bend_y))
        end_x, end_y = _edge((x2, y2), (bend_x, bend_y))
        away = max(((end_x - bend_x) ** 2 + (end_y - bend_y) ** 2) ** 0.5, 1.0)
        hx, hy = (end_x - bend_x) / away, (end_y - bend_y) / away
        path = f"M{start_x:.1f} {start_y:.1f}Q{bend_x:.1f} {bend_y:.1f} {end_x:.1f} {end_y:.1f}"
        left = f"{end_x - 9 * hx - 4.5 * hy:.1f} {end_y - 9 * hy + 4.5 * hx:.1f}"
        right = f"{end_x - 9 * hx + 4.5 * hy:.1f} {end_y - 9 * hy - 4.5 * hx:.1f}"
        kind = "wrong" if move.wrong else "open" if move.unjudged else "declared"
        yield path, f"M{end_x:.1f} {end_y:.1f}L{left}L{right}Z", kind


def _edge(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where a line from the centre of a state's box leaves it: the box is 124 wide and 34 high."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    scale = min(64 / abs(dx) if dx else 1e9, 19 / abs(dy) if dy else 1e9)
    return centre[0] + dx * scale, centre[1] + dy * scale


def _plain(text: str) -> str:
    """Without the characters that Mermaid or Markdown would take for their own."""
    return re.sub(r"[^\w .,()→+-]+", " ", text)[:40].strip() or "state"
