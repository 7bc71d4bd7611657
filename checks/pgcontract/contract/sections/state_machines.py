"""Which transitions between states are allowed, as a contract declares them: every state is known and reachable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Self

from pydantic import Field

from pgcontract.contract.declaration_models import ColumnName, IdentifierKey
from pgcontract.contract.declared_columns import OfColumn, undeclared_column
from pgcontract.contract.declared_value import Many, NamedValue, NonEmpty
from pgcontract.contract.section import Heading, Mistake, Section
from pgcontract.contract.toml_positions import KeyPath
from pgcontract.contract.validation_errors import nearest
from pgcontract.model.identifiers import unquote_identifier
from pgcontract.model.schema import Schema


class StateMachine(NamedValue, OfColumn, Section):
    """The states of a column and the moves between them. A move that is named nowhere is forbidden."""

    heading = Heading(key="state_machine", description="Which moves between states are allowed.")

    column: ColumnName = Field(description="The column, as in public.orders.status.")
    listed_states: NonEmpty[str] | None = Field(
        default=None,
        validation_alias="states",
        description="Every state. Default: all that are named here.",
    )
    initial: NonEmpty[str] = Field(description="The states that a new row may have.")
    transitions: dict[str, Many[str]] = Field(
        default={}, description='The moves that are allowed, as `open = ["paid", "cancelled"]`.'
    )
    unspecified: dict[str, Many[str]] = Field(
        default={}, description="Moves that this contract neither allows nor forbids: they are tried and told."
    )
    listed_final: Many[str] | None = Field(
        default=None, validation_alias="final", description="The states that no move leaves. Default: all without a move."
    )
    set_: dict[str, dict[IdentifierKey, str]] = Field(
        default={},
        validation_alias="set",
        description="SQL for the other columns that a row in a state must have, as `paid = { paid_at = "
        '"now()" }`, so that a move is judged for the move. Columns that are not named stay as they are.',
    )
    purpose: str | None = Field(default=None, description="What it is for. The report prints it.")

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Every state, as they are listed or in the order in which they are named."""
        if self.listed_states is not None:
            return self.listed_states
        moves = [state for _, source, targets in self._moves() for state in (source, *targets)]
        return tuple(dict.fromkeys((*self.initial, *moves, *(self.listed_final or ()), *self.set_)))

    @cached_property
    def final(self) -> tuple[str, ...]:
        """The states that no move leaves."""
        if self.listed_final is not None:
            return self.listed_final
        left = {source for _, source, targets in self._moves() if targets}
        return tuple(state for state in self.states if state not in left)

    @cached_property
    def set_columns(self) -> Mapping[str, Mapping[str, str]]:
        """SQL for other columns, by state and then by bare column name."""
        return {
            state: {unquote_identifier(column): expression for column, expression in columns.items()}
            for state, columns in self.set_.items()
        }

    def allows(self, source: str, target: str) -> bool:
        """Whether the move is declared; to stay is no move, and always allowed."""
        return source == target or target in self.transitions.get(source, ())

    def leaves_open(self, source: str, target: str) -> bool:
        return target in self.unspecified.get(source, ())

    def contradictions(self, earlier: Sequence[Self]) -> Iterator[Mistake]:
        yield from [*self._unknown_states()] or self._contradictory_moves()

    def undeclared(self, schema: Schema) -> Iterator[Mistake]:
        yield from undeclared_column(self.column, (*self.path, "column"), schema)
        for state, columns in self.set_.items():
            for column in columns:
                name = str(self.column_name.with_name(unquote_identifier(column)))
                yield from undeclared_column(name, (*self.path, "set", state, column), schema)

    def _moves(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """The key that the moves stand under, the state they leave, and the states they lead to."""
        for key, transitions in (("transitions", self.transitions), ("unspecified", self.unspecified)):
            yield from ((key, source, targets) for source, targets in transitions.items())

    def _unknown_states(self) -> Iterator[Mistake]:
        """States that stand somewhere and not in `states`, and those that are there twice."""
        places: list[tuple[KeyPath, str]] = [(("initial", at), state) for at, state in enumerate(self.initial)]
        for key, source, targets in self._moves():
            places += [((key, source), source), *(((key, source, at), state) for at, state in enumerate(targets))]
        places += [(("final", at), state) for at, state in enumerate(self.listed_final or ())]
        places += [(("set", state), state) for state in self.set_]
        for path, state in places:
            if state not in self.states:
                message = f"{state!r} is none of the state machine's `states`; {nearest(state, self.states)}"
                yield (*self.path, *path), message
        for at, state in enumerate(self.listed_states or ()):
            if state in self.states[:at]:
                yield (*self.path, "states", at), f"{state!r} is there twice"

    def _contradictory_moves(self) -> Iterator[Mistake]:
        for key, source, targets in self._moves():
            path = (*self.path, key, source)
            if targets and source in self.final:
                yield path, f"{source!r} is final, so no move leaves it; take it out of `final` or of `{key}`"
            for at, target in enumerate(targets):
                if target == source:
                    yield (*path, at), f"from {source!r} to itself is no move, and always allowed"
                elif key == "unspecified" and self.allows(source, target):
                    yield (*path, at), f"from {source!r} to {target!r} is among `transitions` too; keep one of the two"
        reached = self._reachable_states()
        for at, state in enumerate(self.states):
            if state not in reached:
                path = self.path if self.listed_states is None else (*self.path, "states", at)
                yield path, f"no move leads from a start to {state!r}; add one, or take the state out"

    def _reachable_states(self) -> set[str]:
        reached = set(self.initial)
        waiting = list(self.initial)
        while waiting:
            source = waiting.pop()
            new = {*self.transitions.get(source, ()), *self.unspecified.get(source, ())} - reached
            reached |= new
            waiting += new
        return reached
