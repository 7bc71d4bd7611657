"""Which moves between states are allowed, as a contract says it: every state can be reached and no word is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from pgcontract.contract import identifiers
from pgcontract.contract.declaration_models import ColumnName, IdentifierKey, Spec
from pgcontract.contract.declared_columns import column_mistake, table_of
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, nearest, spell_path
from pgcontract.model.schema import Origin, Schema

Moves = Mapping[str, tuple[str, ...]]


class MachineSpec(Spec):
    """The states of a column and the moves between them. A move that is named nowhere is forbidden."""

    column: ColumnName = Field(description="The column, as in public.orders.status.")
    states: list[str] | None = Field(None, min_length=1, description="Every state. Default: all that are named here.")
    start: list[str] = Field(min_length=1, description="The states that a new row may have.")
    moves: dict[str, list[str]] = Field(
        default={}, description='The moves that are allowed, as `open = ["paid", "cancelled"]`.'
    )
    undecided: dict[str, list[str]] = Field(
        default={}, description="Moves that this contract neither allows nor forbids: they are tried and told."
    )
    final: list[str] | None = Field(None, description="The states that no move leaves. Default: all without a move.")
    with_: dict[str, dict[IdentifierKey, str]] = Field(
        default={},
        alias="with",
        description="SQL for the other columns that a row in a state must have, as `paid = { paid_at = "
        '"now()" }`, so that a move is judged for the move. Columns that are not named stay as they are.',
    )
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One `[machine.<name>]`. `companions` is SQL for other columns, by state and then by bare column name."""

    name: str
    column: str
    states: tuple[str, ...]
    start: tuple[str, ...]
    moves: Moves = field(default_factory=dict)
    undecided: Moves = field(default_factory=dict)
    final: tuple[str, ...] = ()
    companions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    @property
    def table(self) -> str:
        return table_of(self.column)

    @property
    def bare_column(self) -> str:
        return identifiers.split(self.column)[-1]

    def allows(self, source: str, target: str) -> bool:
        """Whether the move is declared; to stay is no move, and always allowed."""
        return source == target or target in self.moves.get(source, ())

    def leaves_open(self, source: str, target: str) -> bool:
        return target in self.undecided.get(source, ())


def read_machines(
    specs: Mapping[str, MachineSpec] | None, *, file: str, lines: Mapping[KeyPath, int], mistakes: list[Mistake]
) -> tuple[Machine, ...]:
    """The machines of one contract; a state that is not known or not reachable, and a contradiction, are mistakes."""
    found = []
    for name, spec in (specs or {}).items():
        here: KeyPath = ("machine", name)
        machine = _machine(name, spec, Origin(file=file, line=line_of(here, lines)))
        mistakes += (
            Mistake(file=file, line=line_of((*here, *path), lines), message=f"{spell_path((*here, *path))}: {message}")
            for path, message in [*_unknown(machine, spec)] or _contradictions(machine, spec)
        )
        found.append(machine)
    return tuple(found)


def _machine(name: str, spec: MachineSpec, origin: Origin) -> Machine:
    named = [*spec.start]
    for moves in (spec.moves, spec.undecided):
        named += [state for source, targets in moves.items() for state in (source, *targets)]
    named += [*(spec.final or ()), *spec.with_]
    states = tuple(spec.states if spec.states is not None else dict.fromkeys(named))
    left = {source for moves in (spec.moves, spec.undecided) for source, targets in moves.items() if targets}
    return Machine(
        name=name,
        column=spec.column,
        states=states,
        start=tuple(spec.start),
        moves={source: tuple(targets) for source, targets in spec.moves.items()},
        undecided={source: tuple(targets) for source, targets in spec.undecided.items()},
        final=tuple(spec.final if spec.final is not None else (each for each in states if each not in left)),
        companions={
            state: {identifiers.bare(column): expression for column, expression in columns.items()}
            for state, columns in spec.with_.items()
        },
        purpose=spec.purpose,
        origin=origin,
    )


def _unknown(machine: Machine, spec: MachineSpec) -> Iterator[tuple[KeyPath, str]]:
    """States that stand somewhere and not in `states`, and those that are there twice."""
    places: list[tuple[KeyPath, str]] = [(("start", at), state) for at, state in enumerate(spec.start)]
    for word, moves in (("moves", spec.moves), ("undecided", spec.undecided)):
        for source, targets in moves.items():
            places += [((word, source), source), *(((word, source, at), state) for at, state in enumerate(targets))]
    places += [(("final", at), state) for at, state in enumerate(spec.final or ())]
    places += [(("with", state), state) for state in spec.with_]
    for path, state in places:
        if state not in machine.states:
            yield path, f"{state!r} is none of the machine's `states`; {nearest(state, machine.states)}"
    for at, state in enumerate(spec.states or ()):
        if state in machine.states[:at]:
            yield ("states", at), f"{state!r} is there twice"


def _contradictions(machine: Machine, spec: MachineSpec) -> Iterator[tuple[KeyPath, str]]:
    for word, moves in (("moves", machine.moves), ("undecided", machine.undecided)):
        for source, targets in moves.items():
            if targets and source in machine.final:
                yield (word, source), f"{source!r} is final, so no move leaves it; take it out of `final` or of `{word}`"
            for at, target in enumerate(targets):
                if target == source:
                    yield (word, source, at), f"from {source!r} to itself is no move, and always allowed"
                elif word == "undecided" and machine.allows(source, target):
                    yield (word, source, at), f"from {source!r} to {target!r} is among `moves` too; keep one of the two"
    reached = _reached(machine)
    for at, state in enumerate(machine.states):
        if state not in reached:
            path: KeyPath = ("states", at) if spec.states is not None else ()
            yield path, f"no move leads from a start to {state!r}; add one, or take the state out"


def _reached(machine: Machine) -> set[str]:
    reached = set(machine.start)
    waiting = list(machine.start)
    while waiting:
        source = waiting.pop()
        new = {*machine.moves.get(source, ()), *machine.undecided.get(source, ())} - reached
        reached |= new
        waiting += new
    return reached


def machine_mistakes(machines: Iterable[Machine], schema: Schema, lines: Mapping[KeyPath, int]) -> Iterator[Mistake]:
    """A mistake for each column that a machine is about, or has SQL for, and no contract declares."""
    for each in machines:
        assert each.origin
        file = each.origin.file
        yield from column_mistake(each.column, ("machine", each.name, "column"), schema, file=file, lines=lines)
        for state, columns in each.companions.items():
            for column in columns:
                path: KeyPath = ("machine", each.name, "with", state, column)
                name = f"{each.table}.{identifiers.quote(column)}"
                yield from column_mistake(name, path, schema, file=file, lines=lines)
