"""State machines: a row starts only in a declared state, and changes state only as declared."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import StateMachine
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.rows import (
    ColumnValues,
    StateMatrix,
    probe_state_matrix,
    reproduction_script,
    values_for_state,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

Transition = tuple[str, str]


def _state_machines(promise: Promise) -> tuple[StateMachine, ...]:
    return promise.contract.of(StateMachine) if promise.contract else ()


def _names(promise: Promise) -> Iterator[str]:
    return (state_machine.name for state_machine in _state_machines(promise))


def _try_transitions(context: Context) -> Iterator[tuple[StateMachine, StateMatrix | Answer]]:
    for state_machine in _state_machines(context.promise):
        try:
            yield state_machine, probe_state_matrix(context, state_machine)
        except CouldNotAsk as error:
            summary = f"{str(error)[0].upper()}{str(error)[1:]}."
            yield state_machine, Answer(Status.UNKNOWN, state_machine.name, summary, origin=state_machine.origin)


def _later_declaration(context: Context, state_machine: StateMachine) -> StateMachine | None:
    """The state machine that a later contract declares of the same column: it may forbid more."""
    later_declaration = [
        later_machine
        for contract in context.later_contracts
        for later_machine in contract.of(StateMachine)
        if later_machine.column == state_machine.column
    ]
    return later_declaration[-1] if later_declaration else None


@check("state_machine.initial", subjects=_names, behaviour=True)
def state_machine_initial(context: Context) -> Iterator[Answer]:
    """A new row has a declared initial state and no other.

    Why it matters: a row that is inserted as paid was never paid for.
    How it is measured: the table's sample row is inserted in every state of the state machine, and each INSERT is rolled
    back. An initial state that a later contract's state machine no longer has may be rejected.
    What to do: reject other states on INSERT, by a trigger or by column privileges; or add the state to `initial`.
    """
    for state_machine, matrix in _try_transitions(context):
        if isinstance(matrix, Answer):
            yield matrix
            continue
        later_declaration = _later_declaration(context, state_machine)
        rows, wrongly_accepted, wrongly_refused = [], [], []
        for state, outcome in matrix.starts.items():
            meant = state in state_machine.initial
            tightened = meant and later_declaration is not None and state not in later_declaration.initial
            rows.append((state, "accepted" if meant else "rejected", f"{outcome}{_tightened_note(tightened)}"))
            started = outcome.state if outcome.refusal is None else None
            if started is not None and started not in state_machine.initial:
                wrongly_accepted.append(state)
            elif meant and not outcome.accepted and not tightened:
                wrongly_refused.append(state)
        evidence = [Evidence(title="INSERT in every state", columns=("state", "expected", "actual"), rows=tuple(rows))]
        if not wrongly_accepted and not wrongly_refused:
            summary = (
                f"A row of {state_machine.table} can only be inserted as {_or_list(state_machine.initial)}: {len(rows)} "
                "states tried."
            )
            yield Answer(Status.KEPT, state_machine.name, summary, evidence=evidence, origin=state_machine.origin)
            continue
        first = (wrongly_accepted or wrongly_refused)[0]
        yield Answer(
            Status.BROKEN,
            state_machine.name,
            f"A new row of {state_machine.table} "
            f"{_faults([('can be inserted as', wrongly_accepted), ('cannot be inserted as', wrongly_refused)])}; "
            f"allowed: {_or_list(state_machine.initial)}.",
            expected=f"{first}: {'rejected' if wrongly_accepted else 'accepted'}",
            actual=f"{first}: {matrix.starts[first]}",
            remedy=_initial_remedy(state_machine, first, wrongly_accepted=bool(wrongly_accepted)),
            evidence=[*evidence, _reproduction(state_machine, matrix, (values_for_state(state_machine, first),))],
            origin=state_machine.origin,
        )


@check("state_machine.transitions", subjects=_names, behaviour=True)
def state_machine_transitions(context: Context) -> Iterator[Answer]:
    """A row changes state only as declared: every allowed transition is accepted, every other is rejected.

    Why it matters: a late or repeated message must not take a row out of a final state.
    How it is measured: a row is brought to each state (by INSERT where the table allows it, else by transitions) and from
    there to every state by UPDATE. The state is read back and each attempt rolled back. Staying in a state is not a
    transition and must be accepted. A transition that is listed under `unspecified`, or that a later contract's state
    machine no longer has, is tried and reported, but not judged.
    What to do: reject the other transitions with a trigger that compares OLD with NEW; or add the transition to
    `transitions`.
    """
    for state_machine, matrix in _try_transitions(context):
        if isinstance(matrix, Answer):
            yield matrix
            continue
        yield _transitions(state_machine, matrix, _later_declaration(context, state_machine))


def _transitions(state_machine: StateMachine, matrix: StateMatrix, later_declaration: StateMachine | None) -> Answer:
    tightened = {
        (source, target)
        for source, targets in state_machine.transitions.items()
        for target in targets
        if later_declaration is not None and not later_declaration.allows(source, target)
    }
    wrongly_accepted = [
        transition for transition in matrix.transitions if _is_wrongly_accepted(state_machine, matrix, transition)
    ]
    wrongly_refused = [
        transition
        for transition, outcome in matrix.transitions.items()
        if state_machine.allows(*transition) and not outcome.accepted and transition not in tightened
    ]
    unreached = [state for state in state_machine.states if state not in matrix.routes]
    evidence = [
        _transition_table(state_machine, matrix, {*wrongly_accepted, *wrongly_refused}),
        *_refusal_messages(matrix),
        *_unjudged_transitions(state_machine, matrix, tightened),
    ]
    if wrongly_accepted or wrongly_refused:
        wrong = min(wrongly_accepted or wrongly_refused, key=lambda transition: len(matrix.routes[transition[0]]))
        stays = {state_machine.bare_column: values_for_state(state_machine, wrong[1])[state_machine.bare_column]}
        last = stays if wrong[0] == wrong[1] else values_for_state(state_machine, wrong[1])
        faults = _faults(
            [
                ("accepts undeclared transitions:", _arrows(wrongly_accepted)),
                ("rejects declared transitions:", _arrows(wrongly_refused)),
            ]
        )
        return Answer(
            Status.BROKEN,
            state_machine.name,
            f"{state_machine.column} {faults}.",
            expected=f"{_arrow(wrong)}: {'rejected' if wrongly_accepted else 'accepted'}",
            actual=str(matrix.transitions[wrong]),
            remedy=_transition_remedy(state_machine, wrong, wrongly_accepted=bool(wrongly_accepted)),
            evidence=[*evidence, _reproduction(state_machine, matrix, (*matrix.routes[wrong[0]], last))],
            origin=state_machine.origin,
        )
    if unreached and not tightened:
        return Answer(
            Status.UNKNOWN,
            state_machine.name,
            f"No row of {state_machine.table} could be brought to the state {_or_list(unreached)}, so "
            "transitions from it were not tried.",
            evidence=evidence,
            origin=state_machine.origin,
        )
    transitions = [transition for transition in matrix.transitions if transition[0] != transition[1]]
    accepted = sum(matrix.transitions[transition].accepted for transition in transitions)
    return Answer(
        Status.KEPT,
        state_machine.name,
        f"{state_machine.column} changes only as declared: {len(transitions)} transitions tried, {accepted} accepted.",
        evidence=evidence,
        origin=state_machine.origin,
    )


def _is_wrongly_accepted(state_machine: StateMachine, matrix: StateMatrix, transition: Transition) -> bool:
    """Whether the write took the row to a state that may not follow its previous one."""
    source, outcome = transition[0], matrix.transitions[transition]
    if outcome.refusal is not None or outcome.state is None:
        return False
    return not state_machine.allows(source, outcome.state) and not state_machine.leaves_open(source, outcome.state)


def _transition_table(state_machine: StateMachine, matrix: StateMatrix, wrong: set[Transition]) -> Evidence:
    def cell(source: str, target: str) -> str:
        outcome = matrix.transitions.get((source, target))
        if outcome is None:
            return "not reached"
        word = "rejected" if outcome.refusal else str(outcome)
        return f"{word} (WRONG)" if (source, target) in wrong else word

    return Evidence(
        title="Every transition: from the row's state to the one that the UPDATE sets",
        columns=("from", *(f"to {state}" for state in state_machine.states)),
        rows=tuple(
            (source, *(cell(source, target) for target in state_machine.states)) for source in state_machine.states
        ),
    )


def _refusal_messages(matrix: StateMatrix) -> Iterator[Evidence]:
    """Each error message once, with the transitions that it refused."""
    met: dict[str, list[Transition]] = {}
    for transition, outcome in matrix.transitions.items():
        if outcome.refusal:
            met.setdefault(str(outcome.refusal), []).append(transition)
    if met:
        rows = tuple((message, ", ".join(_arrows(transitions))) for message, transitions in met.items())
        yield Evidence(title="Error messages", columns=("message", "transitions"), rows=rows)


def _unjudged_transitions(
    state_machine: StateMachine, matrix: StateMatrix, tightened: set[Transition]
) -> Iterator[Evidence]:
    open_ = {(source, target) for source, targets in state_machine.unspecified.items() for target in targets}
    rows = [
        (_arrow(transition), why, str(outcome))
        for transition, outcome in matrix.transitions.items()
        for why, transitions in (("unspecified", open_), ("forbidden by a later contract", tightened))
        if transition in transitions
    ]
    if rows:
        yield Evidence(title="Transitions that are not judged", columns=("transition", "why", "result"), rows=tuple(rows))


def _reproduction(state_machine: StateMachine, matrix: StateMatrix, route: tuple[ColumnValues, ...]) -> Evidence:
    looked = matrix.probe_row.select(identifier(state_machine.bare_column))
    return Evidence(
        title="To see it happen", text=reproduction_script([*matrix.statements(route), looked]), language="sql"
    )


def _initial_remedy(state_machine: StateMachine, state: str, *, wrongly_accepted: bool) -> str:
    if not wrongly_accepted:
        return (
            f"Let the table's CHECKs and triggers accept it, or remove {state!r} from initial under "
            f"[state_machine.{state_machine.name}]."
        )
    column = identifier(state_machine.bare_column).as_string()
    allowed = ", ".join(_literal(initial) for initial in state_machine.initial)
    return (
        f"Reject it in a BEFORE INSERT trigger on {state_machine.table}: IF NEW.{column} NOT IN ({allowed}) THEN RAISE "
        f"EXCEPTION …; END IF; or add {state!r} to initial under [state_machine.{state_machine.name}]."
    )


def _transition_remedy(state_machine: StateMachine, transition: Transition, *, wrongly_accepted: bool) -> str:
    declared = f"transitions under [state_machine.{state_machine.name}]"
    if not wrongly_accepted:
        return f"Let the table's CHECKs and triggers accept it, or remove it from {declared}."
    column = identifier(state_machine.bare_column).as_string()
    source, target = map(_literal, transition)
    return (
        f"Reject it in a BEFORE UPDATE trigger on {state_machine.table}: IF (OLD.{column}, NEW.{column}) = "
        f"({source}, {target}) THEN RAISE EXCEPTION …; END IF; or add it to {declared}."
    )


def _literal(state: str) -> str:
    return sql.Literal(state).as_string()


def _tightened_note(tightened: bool) -> str:
    return " (a later contract forbids it)" if tightened else ""


def _or_list(states: tuple[str, ...] | list[str]) -> str:
    return " or ".join(states)


def _arrow(transition: Transition) -> str:
    return f"{transition[0]} → {transition[1]}"


def _arrows(transitions: list[Transition]) -> list[str]:
    return [_arrow(transition) for transition in transitions]


def _faults(faults: list[tuple[str, list[str]]]) -> str:
    """`may be paid, refunded; and may not be open`."""
    return "; and ".join(f"{message} {', '.join(states)}" for message, states in faults if states)
