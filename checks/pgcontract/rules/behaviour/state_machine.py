"""Machines: a row starts only where it may, and moves only as declared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pgcontract.contract import Machine
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.probes.rows import Sweep, Values, entry, identifier, sweep, told
from pgcontract.result.finding import Evidence, Finding, Status
from pgcontract.rules.registry import answer, check

Move = tuple[str, str]


def _machines(promise: Promise) -> tuple[Machine, ...]:
    return promise.contract.machines if promise.contract else ()


def _names(promise: Promise) -> Iterator[str]:
    return (machine.name for machine in _machines(promise))


def _swept(trial: Trial) -> Iterator[tuple[Machine, Sweep | Finding]]:
    for machine in _machines(trial.promise):
        try:
            yield machine, trial.once(f"machine/{machine.name}", partial(sweep, machine=machine))
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield machine, answer(Status.UNKNOWN, machine.name, summary, origin=machine.origin)


def _later(trial: Trial, machine: Machine) -> Machine | None:
    """The machine that a later contract declares of the same column: it may forbid more."""
    found = [each for contract in trial.since for each in contract.machines if each.column == machine.column]
    return found[-1] if found else None


@check("machine.starts", subjects=_names, behaviour=True)
def machine_starts(trial: Trial) -> Iterator[Finding]:
    """A new row starts in a declared start state and in no other.

    Why it matters: a row that is born paid was never paid for.
    How it is measured: the table's sample row is inserted in every state of the machine, each time undone. A start
    that a later contract's machine no longer has is tightened, and rightly refused.
    What to do: refuse other states on INSERT, by a trigger or by what callers may write; or declare the start.
    """
    for machine, swept in _swept(trial):
        if isinstance(swept, Finding):
            yield swept
            continue
        later = _later(trial, machine)
        rows, born, barred = [], [], []
        for state, outcome in swept.starts.items():
            meant = state in machine.start
            tightened = meant and later is not None and state not in later.start
            rows.append((state, "accepted" if meant else "refused", f"{outcome}{_tightened(tightened)}"))
            started = outcome.state if outcome.refusal is None else None
            if started is not None and started not in machine.start:
                born.append(state)
            elif meant and not outcome.accepted and not tightened:
                barred.append(state)
        evidence = [Evidence(title="Every state as a start", columns=("state", "meant", "found"), rows=tuple(rows))]
        if not born and not barred:
            summary = f"A row of {machine.table} starts only as {_either(machine.start)}: {len(rows)} states tried."
            yield answer(Status.KEPT, machine.name, summary, evidence=evidence, origin=machine.origin)
            continue
        first = (born or barred)[0]
        yield answer(
            Status.BROKEN,
            machine.name,
            f"A new row of {machine.table} {_faults([('may be', born), ('may not be', barred)])}.",
            expected=f"starts as {_either(machine.start)}",
            actual=f"{first}: {swept.starts[first]}",
            remedy="Refuse every other state on INSERT, or declare the state as a start.",
            evidence=[*evidence, _history(machine, swept, (entry(machine, first),))],
            origin=machine.origin,
        )


@check("machine.moves", subjects=_names, behaviour=True)
def machine_moves(trial: Trial) -> Iterator[Finding]:
    """A row moves between states as declared: every allowed move is accepted, every other is refused.

    Why it matters: a late or repeated message must not take a row out of a state that is final.
    How it is measured: a row is brought to each state (by INSERT where the table lets it, else by moves) and from
    there to every state by UPDATE, each time undone; the state is read back. To stay is no move and must be accepted.
    A move that a later contract's machine no longer has is tightened, and rightly refused; one that is `undecided`
    is told and judged by nobody.
    What to do: refuse the other moves by a trigger that compares OLD with NEW; or declare the move.
    """
    for machine, swept in _swept(trial):
        if isinstance(swept, Finding):
            yield swept
            continue
        yield _moves(machine, swept, _later(trial, machine))


def _moves(machine: Machine, swept: Sweep, later: Machine | None) -> Finding:
    tightened = {
        (source, target)
        for source, targets in machine.moves.items()
        for target in targets
        if later is not None and not later.allows(source, target)
    }
    slipped = [move for move in swept.moves if _slips(machine, swept, move)]
    barred = [
        move
        for move, outcome in swept.moves.items()
        if machine.allows(*move) and not outcome.accepted and move not in tightened
    ]
    unreached = [state for state in machine.states if state not in swept.routes]
    evidence = [_matrix(machine, swept, {*slipped, *barred}), *_words(swept), *_notes(machine, swept, tightened)]
    if slipped or barred:
        wrong = min(slipped or barred, key=lambda move: len(swept.routes[move[0]]))
        stays = {machine.bare_column: entry(machine, wrong[1])[machine.bare_column]}
        last = stays if wrong[0] == wrong[1] else entry(machine, wrong[1])
        faults = _faults([("moves, though forbidden,", _arrows(slipped)), ("cannot move", _arrows(barred))])
        return answer(
            Status.BROKEN,
            machine.name,
            f"{machine.column} {faults}.",
            expected=f"{_arrow(wrong)}: {'refused' if slipped else 'accepted'}",
            actual=str(swept.moves[wrong]),
            remedy="Refuse by a trigger, which sees OLD and NEW, what is not declared; or declare the move.",
            evidence=[*evidence, _history(machine, swept, (*swept.routes[wrong[0]], last))],
            origin=machine.origin,
        )
    if unreached and not tightened:
        return answer(
            Status.UNKNOWN,
            machine.name,
            f"No row of {machine.table} could be brought to the state {_either(unreached)}, so moves from there are not "
            "tried.",
            evidence=evidence,
            origin=machine.origin,
        )
    moves = [move for move in swept.moves if move[0] != move[1]]
    accepted = sum(swept.moves[move].accepted for move in moves)
    return answer(
        Status.KEPT,
        machine.name,
        f"{machine.column} moves only as declared: {len(moves)} moves tried, {accepted} accepted.",
        evidence=evidence,
        origin=machine.origin,
    )


def _slips(machine: Machine, swept: Sweep, move: Move) -> bool:
    """Whether the write took the row to a state that may not follow the one it had."""
    source, outcome = move[0], swept.moves[move]
    if outcome.refusal is not None or outcome.state is None:
        return False
    return not machine.allows(source, outcome.state) and not machine.leaves_open(source, outcome.state)


def _matrix(machine: Machine, swept: Sweep, wrong: set[Move]) -> Evidence:
    def cell(source: str, target: str) -> str:
        outcome = swept.moves.get((source, target))
        if outcome is None:
            return "not reached"
        word = "refused" if outcome.refusal else str(outcome)
        return f"{word} (WRONG)" if (source, target) in wrong else word

    return Evidence(
        title="Every move: from the row's state to the column's",
        columns=("from", *(f"to {state}" for state in machine.states)),
        rows=tuple((source, *(cell(source, target) for target in machine.states)) for source in machine.states),
    )


def _words(swept: Sweep) -> Iterator[Evidence]:
    """Each refusal's words once, with the moves that met it."""
    met: dict[str, list[Move]] = {}
    for move, outcome in swept.moves.items():
        if outcome.refusal:
            met.setdefault(str(outcome.refusal), []).append(move)
    if met:
        rows = tuple((words, ", ".join(_arrows(moves))) for words, moves in met.items())
        yield Evidence(title="Who refused", columns=("words", "moves"), rows=rows)


def _notes(machine: Machine, swept: Sweep, tightened: set[Move]) -> Iterator[Evidence]:
    open_ = {(source, target) for source, targets in machine.undecided.items() for target in targets}
    rows = [
        (_arrow(move), why, str(outcome))
        for move, outcome in swept.moves.items()
        for why, moves in (("undecided", open_), ("forbidden by a later contract", tightened))
        if move in moves
    ]
    if rows:
        yield Evidence(title="Moves that are not judged", columns=("move", "why", "found"), rows=tuple(rows))


def _history(machine: Machine, swept: Sweep, route: tuple[Values, ...]) -> Evidence:
    looked = swept.specimen.select(identifier(machine.bare_column))
    return Evidence(title="To see it happen", text=told([*swept.statements(route), looked]), language="sql")


def _tightened(tightened: bool) -> str:
    return " (a later contract forbids it)" if tightened else ""


def _either(states: tuple[str, ...] | list[str]) -> str:
    return " or ".join(states)


def _arrow(move: Move) -> str:
    return f"{move[0]} → {move[1]}"


def _arrows(moves: list[Move]) -> list[str]:
    return [_arrow(move) for move in moves]


def _faults(faults: list[tuple[str, list[str]]]) -> str:
    """`may be paid, refunded; and may not be open`."""
    return "; and ".join(f"{words} {', '.join(each)}" for words, each in faults if each)
