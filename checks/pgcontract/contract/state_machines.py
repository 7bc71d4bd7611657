"""Which transitions between states are allowed, as a contract declares them: every state is known and reachable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from pgcontract.contract.declaration_models import ColumnName, IdentifierKey, Spec
from pgcontract.contract.declared_columns import OfColumn, undeclared_column_issues
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.schema import Origin, Schema

Transitions = Mapping[str, tuple[str, ...]]


class StateMachineSpec(Spec):
    """The states of a column and the moves between them. A move that is named nowhere is forbidden."""

    column: ColumnName = Field(description="The column, as in public.orders.status.")
    states: list[str] | None = Field(None, min_length=1, description="Every state. Default: all that are named here.")
    initial: list[str] = Field(min_length=1, description="The states that a new row may have.")
    transitions: dict[str, list[str]] = Field(
        default={}, description='The moves that are allowed, as `open = ["paid", "cancelled"]`.'
    )
    unspecified: dict[str, list[str]] = Field(
        default={}, description="Moves that this contract neither allows nor forbids: they are tried and told."
    )
    final: list[str] | None = Field(None, description="The states that no move leaves. Default: all without a move.")
    set_: dict[str, dict[IdentifierKey, str]] = Field(
        default={},
        alias="set",
        description="SQL for the other columns that a row in a state must have, as `paid = { paid_at = "
        '"now()" }`, so that a move is judged for the move. Columns that are not named stay as they are.',
    )
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class StateMachine(OfColumn):
    """One `[state_machine.<name>]`. `set_columns` is SQL for other columns, by state and then by bare column name."""

    name: str
    column: str
    states: tuple[str, ...]
    initial: tuple[str, ...]
    transitions: Transitions = field(default_factory=dict, hash=False)
    unspecified: Transitions = field(default_factory=dict, hash=False)
    final: tuple[str, ...] = ()
    set_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    def allows(self, source: str, target: str) -> bool:
        """Whether the move is declared; to stay is no move, and always allowed."""
        return source == target or target in self.transitions.get(source, ())

    def leaves_open(self, source: str, target: str) -> bool:
        return target in self.unspecified.get(source, ())


def read_state_machines(
    specs: Mapping[str, StateMachineSpec] | None,
    *,
    file: str,
    lines: Mapping[KeyPath, int],
    issues: list[ValidationIssue],
) -> tuple[StateMachine, ...]:
    """The state machines of one contract; an unknown or unreachable state, and a contradiction, are errors."""
    state_machines = []
    for name, spec in (specs or {}).items():
        machine_path: KeyPath = ("state_machine", name)
        state_machine = _state_machine(name, spec, Origin(file=file, line=line_of(machine_path, lines)))
        issues += (
            ValidationIssue(
                file=file,
                line=line_of((*machine_path, *path), lines),
                message=f"{spell_path((*machine_path, *path))}: {message}",
            )
            for path, message in [*_unknown_states(state_machine, spec)] or _contradictions(state_machine, spec)
        )
        state_machines.append(state_machine)
    return tuple(state_machines)


def _state_machine(name: str, spec: StateMachineSpec, origin: Origin) -> StateMachine:
    named = [*spec.initial]
    for transitions in (spec.transitions, spec.unspecified):
        named += [state for source, targets in transitions.items() for state in (source, *targets)]
    named += [*(spec.final or ()), *spec.set_]
    states = tuple(spec.states if spec.states is not None else dict.fromkeys(named))
    left = {
        source
        for transitions in (spec.transitions, spec.unspecified)
        for source, targets in transitions.items()
        if targets
    }
    return StateMachine(
        name=name,
        column=spec.column,
        states=states,
        initial=tuple(spec.initial),
        transitions={source: tuple(targets) for source, targets in spec.transitions.items()},
        unspecified={source: tuple(targets) for source, targets in spec.unspecified.items()},
        final=tuple(spec.final if spec.final is not None else (state for state in states if state not in left)),
        set_columns={
            state: {unquote_identifier(column): expression for column, expression in columns.items()}
            for state, columns in spec.set_.items()
        },
        purpose=spec.purpose,
        origin=origin,
    )


def _unknown_states(state_machine: StateMachine, spec: StateMachineSpec) -> Iterator[tuple[KeyPath, str]]:
    """States that stand somewhere and not in `states`, and those that are there twice."""
    places: list[tuple[KeyPath, str]] = [(("initial", at), state) for at, state in enumerate(spec.initial)]
    for word, transitions in (("transitions", spec.transitions), ("unspecified", spec.unspecified)):
        for source, targets in transitions.items():
            places += [((word, source), source), *(((word, source, at), state) for at, state in enumerate(targets))]
    places += [(("final", at), state) for at, state in enumerate(spec.final or ())]
    places += [(("set", state), state) for state in spec.set_]
    for path, state in places:
        if state not in state_machine.states:
            yield path, f"{state!r} is none of the state machine's `states`; {nearest(state, state_machine.states)}"
    for at, state in enumerate(spec.states or ()):
        if state in state_machine.states[:at]:
            yield ("states", at), f"{state!r} is there twice"


def _contradictions(state_machine: StateMachine, spec: StateMachineSpec) -> Iterator[tuple[KeyPath, str]]:
    for word, transitions in (("transitions", state_machine.transitions), ("unspecified", state_machine.unspecified)):
        for source, targets in transitions.items():
            if targets and source in state_machine.final:
                yield (word, source), f"{source!r} is final, so no move leaves it; take it out of `final` or of `{word}`"
            for at, target in enumerate(targets):
                if target == source:
                    yield (word, source, at), f"from {source!r} to itself is no move, and always allowed"
                elif word == "unspecified" and state_machine.allows(source, target):
                    yield (
                        (word, source, at),
                        f"from {source!r} to {target!r} is among `transitions` too; keep one of the two",
                    )
    reached = _reachable_states(state_machine)
    for at, state in enumerate(state_machine.states):
        if state not in reached:
            path: KeyPath = ("states", at) if spec.states is not None else ()
            yield path, f"no move leads from a start to {state!r}; add one, or take the state out"


def _reachable_states(state_machine: StateMachine) -> set[str]:
    reached = set(state_machine.initial)
    waiting = list(state_machine.initial)
    while waiting:
        source = waiting.pop()
        new = {*state_machine.transitions.get(source, ()), *state_machine.unspecified.get(source, ())} - reached
        reached |= new
        waiting += new
    return reached


def state_machine_mistakes(
    state_machines: Iterable[StateMachine], schema: Schema, lines: Mapping[KeyPath, int]
) -> Iterator[ValidationIssue]:
    """An error for each column that a state machine is about, or has SQL for, and no contract declares."""
    for state_machine in state_machines:
        assert state_machine.origin
        file = state_machine.origin.file
        yield from undeclared_column_issues(
            state_machine.column, ("state_machine", state_machine.name, "column"), schema, file=file, lines=lines
        )
        for state, columns in state_machine.set_columns.items():
            for column in columns:
                path: KeyPath = ("state_machine", state_machine.name, "set", state, column)
                name = str(state_machine.column_name.with_name(column))
                yield from undeclared_column_issues(name, path, schema, file=file, lines=lines)
