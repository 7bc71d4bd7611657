"""What was tried of a state machine, as the evidence of its checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import StateMachine
from pgcontract.probes.rows import (
    ColumnValues,
    StateMatrices,
    StateMatrix,
    StateWrites,
    reproduction_script,
)
from pgcontract.result import Evidence
from pgcontract.result.moves import ARROW, FROM, TO, UNJUDGED_COLUMNS, WRONG

Transition = tuple[str, str]
_SHOWN_WRITES: Final = 20


def transition_table(state_machine: StateMachine, matrix: StateMatrix, wrong: set[Transition]) -> Evidence:
    """From each state to each, what became of it."""

    def cell(source: str, target: str) -> str:
        outcome = matrix.transitions.get((source, target))
        if outcome is None:
            return "not reached"
        word = "rejected" if outcome.refusal else str(outcome)
        return f"{word}{WRONG}" if (source, target) in wrong else word

    return Evidence(
        title=f"Every transition{matrix.target.note}: from the row's state to the one that the UPDATE sets",
        columns=(FROM, *(f"{TO}{state}" for state in state_machine.states)),
        rows=tuple(
            (source, *(cell(source, target) for target in state_machine.states)) for source in state_machine.states
        ),
    )


def refusal_messages(matrix: StateMatrix) -> Iterator[Evidence]:
    """Each error message once, with the transitions that it refused."""
    met: dict[str, list[Transition]] = {}
    for transition, outcome in matrix.transitions.items():
        if outcome.refusal:
            met.setdefault(str(outcome.refusal), []).append(transition)
    if met:
        rows = tuple((message, ", ".join(arrows(transitions))) for message, transitions in met.items())
        yield Evidence(title="Error messages", columns=("message", "transitions"), rows=rows)


def unjudged_transitions(
    state_machine: StateMachine, matrix: StateMatrix, tightened: set[Transition]
) -> Iterator[Evidence]:
    """The transitions that are unspecified, or that a later contract forbids."""
    open_ = {(source, target) for source, targets in state_machine.unspecified.items() for target in targets}
    rows = [
        (arrow(transition), why, str(outcome))
        for transition, outcome in matrix.transitions.items()
        for why, transitions in (("unspecified", open_), ("forbidden by a later contract", tightened))
        if transition in transitions
    ]
    if rows:
        yield Evidence(title="Transitions that are not judged", columns=UNJUDGED_COLUMNS, rows=tuple(rows))


def reproduction(state_machine: StateMachine, matrix: StateMatrix, route: tuple[ColumnValues, ...]) -> Evidence:
    """The writes of a route, to paste."""
    looked = matrix.probe_row.select(identifier(state_machine.bare_column))
    return Evidence(
        title="To see it happen", text=reproduction_script([*matrix.statements(route), looked]), language="sql"
    )


def write_evidence(places: StateMatrices, writes: StateWrites, *, new: bool) -> Iterator[Evidence]:
    """How many other writes of each kind were tried, of new rows or of rows that are there, where, and the wrong ones."""
    rows = tuple((kind, f"{count:,}") for kind, count in writes.tried.items())
    what = "INSERTs" if new else "UPDATEs"
    yield Evidence(title=f"Other {what} that were tried", columns=("kind", "tried"), rows=rows)
    if wrong := writes.wrong:
        counted = f" (the first {_SHOWN_WRITES} of {len(wrong):,})" if len(wrong) > _SHOWN_WRITES else ""
        yield Evidence(
            title=f"Other {what} that led to a state that is not allowed{counted}",
            columns=("write", "table", "from", "to"),
            rows=tuple(
                (write.label, write.matrix.target.holder, state_text(write.source, is_new=new), state_text(write.state))
                for write in wrong[:_SHOWN_WRITES]
            ),
        )
    where = [(matrix.target.label, "tried") for matrix in places.matrices]
    where += [(target.label, f"not tried: {reason}") for target, reason in (*places.obstacles, *places.closed)]
    if len(where) > 1:
        yield Evidence(title="Where rows were written", columns=("table", "writes"), rows=tuple(where))


def state_text(state: str | None, *, is_new: bool = False) -> str:
    """A state, in quotes where it has blanks or nothing in it; null; of a new row the one before is none."""
    if state is None:
        return "a new row" if is_new else "null"
    return state if state and not any(map(str.isspace, state)) else repr(state)


def arrow(transition: Transition) -> str:
    """`open → paid`."""
    return f"{transition[0]}{ARROW}{transition[1]}"


def arrows(transitions: Sequence[Transition]) -> list[str]:
    """Each of the transitions as `open → paid`."""
    return [arrow(transition) for transition in transitions]
