"""State machines: a row starts only in a declared state, and changes state only as declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pgcontract.contract import StateMachine
from pgcontract.probes.context import Context
from pgcontract.probes.rows import (
    StateMatrices,
    StateMatrix,
    StateWrite,
    StateWrites,
    later_declaration,
    probe_state_matrices,
    probe_state_writes,
    values_for_state,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.declared import ask_each, names_of
from pgcontract.rules.behaviour.state_machine_evidence import (
    Transition,
    arrow,
    arrows,
    refusal_messages,
    reproduction,
    state_text,
    transition_table,
    unjudged_transitions,
    write_evidence,
)
from pgcontract.rules.behaviour.state_machine_remedy import initial_remedy, transition_remedy
from pgcontract.rules.registry import check


@dataclass(frozen=True)
class _Tried:
    context: Context
    state_machine: StateMachine
    places: StateMatrices
    later: StateMachine | None


def _try_each(context: Context, judge: Callable[[_Tried], Answer]) -> Iterator[Answer]:
    def ask(state_machine: StateMachine) -> Answer:
        places = probe_state_matrices(context, state_machine)
        return judge(_Tried(context, state_machine, places, later_declaration(context, state_machine)))

    yield from ask_each(context, StateMachine, ask)


@check("state_machine.initial", subjects=names_of(StateMachine), behaviour=True)
def state_machine_initial(context: Context) -> Iterator[Answer]:
    """A new row has a declared initial state and no other.

    Why it matters: a row that is inserted as paid was never paid for.
    How it is measured: the table's sample row is inserted in every state of the state machine, and each INSERT is
    rolled back. So are states that nobody declared (labels of the type, words of CHECKs and triggers, null, a foreign
    word), by INSERT, COPY, upsert and MERGE, two rows at once, and with other values in every other column, all at once
    that a rule decides by, settings of the session among them. A partition or child table with other rules is asked by
    itself. An initial state that a later contract's state machine no longer has may be rejected.
    What to do: reject other states on INSERT, by a trigger or by column privileges; or add the state to `initial`.
    """
    yield from _try_each(context, _initial)


def _initial(tried: _Tried) -> Answer:
    state_machine = tried.state_machine
    evidence: list[Evidence] = []
    allowed = f"allowed: {_or_list(state_machine.initial)}"
    for matrix in tried.places.matrices:
        table, wrongly_accepted, wrongly_refused = _starts(state_machine, matrix, tried.later)
        evidence.append(table)
        if wrongly_accepted or wrongly_refused:
            first = (wrongly_accepted or wrongly_refused)[0]
            faults = _faults([("can be inserted as", wrongly_accepted), ("cannot be inserted as", wrongly_refused)])
            return Answer(
                Status.BROKEN,
                state_machine.name,
                f"A new row of {matrix.target.holder} {faults}; {allowed}.",
                expected=f"{first}: {'rejected' if wrongly_accepted else 'accepted'}",
                actual=f"{first}: {matrix.starts[first]}",
                remedy=initial_remedy(state_machine, matrix, first, wrongly_accepted=bool(wrongly_accepted)),
                evidence=[
                    *evidence,
                    reproduction(state_machine, matrix, (values_for_state(state_machine, first),)),
                ],
                origin=state_machine.origin,
            )
    writes = probe_state_writes(tried.context, state_machine, True)
    further = [*write_evidence(tried.places, writes, new=True)]
    if writes.wrong:
        simplest = min(writes.wrong, key=_length)
        state = state_text(simplest.state)
        return Answer(
            Status.BROKEN,
            state_machine.name,
            f"A new row of {simplest.matrix.target.holder} can start as {state}, by {simplest.label}; {allowed}.",
            expected=f"{state}: rejected",
            actual=f"{state}: accepted",
            remedy=initial_remedy(state_machine, simplest.matrix, state, wrongly_accepted=True),
            evidence=[*evidence, *further, Evidence(title="To see it happen", text=simplest.script, language="sql")],
            origin=state_machine.origin,
        )
    states = len(tried.places.matrices[0].starts)
    summary = (
        f"A row of {state_machine.table} can only be inserted as {_or_list(state_machine.initial)}: {states} states "
        f"tried, and {sum(writes.tried.values()):,} other INSERTs."
    )
    return _unless_left_out(tried, writes, summary, [*evidence, *further])


def _starts(
    state_machine: StateMachine, matrix: StateMatrix, later: StateMachine | None
) -> tuple[Evidence, list[str], list[str]]:
    """The INSERTs of each state, and the states that were wrongly accepted and wrongly refused."""
    rows, wrongly_accepted, wrongly_refused = [], [], []
    must_take = _must_take(state_machine, matrix)
    for state, outcome in matrix.starts.items():
        meant = state in state_machine.initial
        tightened = meant and later is not None and state not in later.initial
        rows.append((state, "accepted" if meant else "rejected", f"{outcome}{_tightened_note(tightened)}"))
        started = outcome.state if outcome.refusal is None else None
        if started is not None and started not in state_machine.initial:
            wrongly_accepted.append(state)
        elif meant and must_take and not outcome.accepted and not tightened:
            wrongly_refused.append(state)
    title = f"INSERT in every state{matrix.target.note}"
    table = Evidence(title=title, columns=("state", "expected", "actual"), rows=tuple(rows))
    return table, wrongly_accepted, wrongly_refused


def _must_take(state_machine: StateMachine, matrix: StateMatrix) -> bool:
    """Whether the place must accept what is declared: the table does, and each partition in which a row can start.

    One that takes no new row at all, as an archive does, has none to refuse; nor is a partition written to by its own
    name where clients write to the table.
    """
    is_table = matrix.target.table == matrix.target.holder == state_machine.table
    starts = any(matrix.starts[state].accepted for state in state_machine.initial)
    return is_table or (matrix.is_led and starts)


@check("state_machine.transitions", subjects=names_of(StateMachine), behaviour=True)
def state_machine_transitions(context: Context) -> Iterator[Answer]:
    """A row changes state only as declared: every allowed transition is accepted, every other is rejected.

    Why it matters: a late or repeated message must not take a row out of a final state.
    How it is measured: a row is brought to each state (by INSERT where the table allows it, else by transitions) and
    from there to every state by UPDATE. The state is read back and each attempt rolled back. Staying in a state is not
    a transition and must be accepted. What is rejected is tried again by upsert and MERGE, on two rows at once, by a
    move to another partition, and with other values in every other column, all at once that a rule decides by; other
    columns are written alone, too; and states that nobody declared are set. A partition or child table with other rules
    is asked by itself. A transition that is listed under `unspecified`, or that a later contract's state machine no
    longer has, is tried and reported, but not judged.
    What to do: reject the other transitions with a trigger that compares OLD with NEW; or add the transition to
    `transitions`.
    """
    yield from _try_each(context, _transitions)


def _transitions(tried: _Tried) -> Answer:
    state_machine = tried.state_machine
    tightened = {
        (source, target)
        for source, targets in state_machine.transitions.items()
        for target in targets
        if tried.later is not None and not tried.later.allows(source, target)
    }
    evidence: list[Evidence] = []
    for matrix in tried.places.matrices:
        wrongly_accepted = [
            transition for transition in matrix.transitions if _is_wrongly_accepted(state_machine, matrix, transition)
        ]
        wrongly_refused = [
            transition
            for transition, outcome in matrix.transitions.items()
            if state_machine.allows(*transition)
            and not outcome.accepted
            and transition not in tightened
            and _must_take(state_machine, matrix)
        ]
        evidence += [
            transition_table(state_machine, matrix, {*wrongly_accepted, *wrongly_refused}),
            *refusal_messages(matrix),
            *unjudged_transitions(state_machine, matrix, tightened),
        ]
        if not wrongly_accepted and not wrongly_refused:
            continue
        routes = matrix.routes
        wrong = min(wrongly_accepted or wrongly_refused, key=lambda transition: len(routes[transition[0]]))
        stays = {state_machine.bare_column: values_for_state(state_machine, wrong[1])[state_machine.bare_column]}
        last = stays if wrong[0] == wrong[1] else values_for_state(state_machine, wrong[1])
        faults = _faults(
            [
                ("accepts undeclared transitions:", arrows(wrongly_accepted)),
                ("rejects declared transitions:", arrows(wrongly_refused)),
            ]
        )
        return Answer(
            Status.BROKEN,
            state_machine.name,
            f"{state_machine.column}{matrix.target.note} {faults}.",
            expected=f"{arrow(wrong)}: {'rejected' if wrongly_accepted else 'accepted'}",
            actual=str(matrix.transitions[wrong]),
            remedy=transition_remedy(state_machine, matrix, wrong, wrongly_accepted=bool(wrongly_accepted)),
            evidence=[*evidence, reproduction(state_machine, matrix, (*routes[wrong[0]], last))],
            origin=state_machine.origin,
        )
    writes = probe_state_writes(tried.context, state_machine, False)
    further = [*write_evidence(tried.places, writes, new=False)]
    if writes.wrong:
        simplest = min(writes.wrong, key=_length)
        step = (state_text(simplest.source), state_text(simplest.state))
        return Answer(
            Status.BROKEN,
            state_machine.name,
            f"{state_machine.column}{simplest.matrix.target.note} goes from {step[0]} to {step[1]}, which is not "
            f"declared, by {simplest.label}.",
            expected=f"{arrow(step)}: rejected",
            actual="accepted",
            remedy=transition_remedy(state_machine, simplest.matrix, step, wrongly_accepted=True),
            evidence=[*evidence, *further, Evidence(title="To see it happen", text=simplest.script, language="sql")],
            origin=state_machine.origin,
        )
    table = tried.places.matrices[0]
    unreached = [state for state in state_machine.states if state not in table.routes]
    if unreached and not tightened:
        return Answer(
            Status.UNKNOWN,
            state_machine.name,
            f"No row of {state_machine.table} could be brought to the state {_or_list(unreached)}, so "
            "transitions from it were not tried.",
            evidence=[*evidence, *further],
            origin=state_machine.origin,
        )
    transitions = [transition for transition in table.transitions if transition[0] != transition[1]]
    accepted = sum(table.transitions[transition].accepted for transition in transitions)
    summary = (
        f"{state_machine.column} changes only as declared: {len(transitions)} transitions tried, {accepted} accepted, "
        f"and {sum(writes.tried.values()):,} other UPDATEs."
    )
    return _unless_left_out(tried, writes, summary, [*evidence, *further])


def _unless_left_out(tried: _Tried, writes: StateWrites, summary: str, evidence: list[Evidence]) -> Answer:
    """Kept; but not known where a place, or a part of the writes, was not tried."""
    holders = {name for matrix in tried.places.matrices for name in (matrix.target.holder, *matrix.target.same)}
    missing = [f"{target.label}: {reason}" for target, reason in tried.places.obstacles if target.holder not in holders]
    missing += writes.left_out
    name, origin = tried.state_machine.name, tried.state_machine.origin
    if missing:
        words = f"No wrong write was found, but not every one was tried: {'; '.join(missing)}."
        return Answer(Status.UNKNOWN, name, words, evidence=evidence, origin=origin)
    return Answer(Status.KEPT, name, summary, evidence=evidence, origin=origin)


def _length(write: StateWrite) -> int:
    """How much there is to read of a write: the first of the shortest is shown."""
    return write.script.count("\n")


def _is_wrongly_accepted(state_machine: StateMachine, matrix: StateMatrix, transition: Transition) -> bool:
    """Whether the write took the row to a state that may not follow its previous one."""
    source, outcome = transition[0], matrix.transitions[transition]
    if outcome.refusal is not None or outcome.state is None:
        return False
    return not state_machine.allows(source, outcome.state) and not state_machine.leaves_open(source, outcome.state)


def _tightened_note(tightened: bool) -> str:
    return " (a later contract forbids it)" if tightened else ""


def _or_list(states: tuple[str, ...] | list[str]) -> str:
    return " or ".join(states)


def _faults(faults: list[tuple[str, list[str]]]) -> str:
    """`may be paid, refunded; and may not be open`."""
    return "; and ".join(f"{message} {', '.join(states)}" for message, states in faults if states)
