"""What to type where a state machine's column takes other states than are declared, or not those."""

from __future__ import annotations

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import StateMachine
from pgcontract.probes.rows import StateMatrix
from pgcontract.rules.behaviour.state_machine_evidence import Transition


def initial_remedy(state_machine: StateMachine, matrix: StateMatrix, state: str, *, wrongly_accepted: bool) -> str:
    """Where a new row starts in the state, or cannot."""
    if not wrongly_accepted:
        return (
            f"Let the table's CHECKs and triggers accept it, or remove {state!r} from initial under "
            f"[state_machine.{state_machine.name}]."
        )
    column = identifier(state_machine.bare_column).as_string()
    allowed = ", ".join(_literal(initial) for initial in state_machine.initial)
    return (
        f"Reject it in a BEFORE INSERT trigger on {matrix.target.holder}: IF NEW.{column} NOT IN ({allowed}) THEN RAISE "
        f"EXCEPTION …; END IF; or add {state!r} to initial under [state_machine.{state_machine.name}]."
    )


def transition_remedy(
    state_machine: StateMachine, matrix: StateMatrix, transition: Transition, *, wrongly_accepted: bool
) -> str:
    """Where a row takes the transition, or cannot."""
    declared = f"transitions under [state_machine.{state_machine.name}]"
    if not wrongly_accepted:
        return f"Let the table's CHECKs and triggers accept it, or remove it from {declared}."
    column = identifier(state_machine.bare_column).as_string()
    source, target = map(_literal, transition)
    return (
        f"Reject it in a BEFORE UPDATE trigger on {matrix.target.holder}: IF (OLD.{column}, NEW.{column}) = "
        f"({source}, {target}) THEN RAISE EXCEPTION …; END IF; or add it to {declared}."
    )


def _literal(state: str) -> str:
    return sql.Literal(state).as_string()
