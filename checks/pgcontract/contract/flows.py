"""What the application writes, as a contract says it: named steps of SQL, and what must never be there after one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import Field

from pgcontract.contract.declaration_models import Qualified, Scalar, Spec, WordKey
from pgcontract.contract.sql_parameters import parameters_of, query_mistakes, statement_mistakes
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, nearest, spell_path
from pgcontract.model.schema import Origin, Schema

# Parameters that every step has: the actor's number, and the id of the event, which a repeated delivery shares.
GIVEN: Final = ("actor", "event")
UNKNOWN_ACTOR: Final = 0


class StepSpec(Spec):
    """One statement of the application."""

    name: WordKey = Field(description="What it is called, as in submit.")
    sql: str = Field(
        min_length=1,
        description="One statement. %(name)s is a value of the flow, what an earlier step keeps, %(actor)s the actor's "
        "number, or %(event)s the event's id.",
    )
    after: list[str] = Field(
        default=[], description="Steps above it that come first. An event may come before them all the same."
    )
    rows: int = Field(1, ge=0, description="How many rows it changes or gives, played in order. Default: 1.")
    replay: int | None = Field(
        None, ge=0, description="How many rows it changes when it is played again. Default: nothing is promised."
    )
    keeps: list[str] = Field(default=[], description="Columns of what it returns that later steps have as parameters.")
    events: int = Field(
        0,
        ge=0,
        description="0: the application does it of its own accord. Else it answers an event, which may come twice, "
        "late, before its time, for ids nobody knows, and on two connections at once: this many different ones.",
    )
    never: str | None = Field(None, min_length=1, description="A query that gives no row once the step was played.")


class InvariantSpec(Spec):
    """What holds after every step of every history."""

    says: str = Field(min_length=1, description="What holds, in a sentence.")
    never: str = Field(
        min_length=1,
        description="A query that gives no row. The table pgcontract_played (seq, step, actor, event, rows, sqlstate, "
        "parameters jsonb) holds what was played; sqlstate is null unless the server refused it.",
    )


class FlowSpec(Spec):
    """What the application does with a table, from its first write of a row to its last."""

    table: Qualified = Field(description="The table it writes, as in public.orders.")
    actors: int = Field(1, ge=1, le=9, description="How many are played beside each other. Default: 1.")
    values: dict[WordKey, Scalar] = Field(
        default={},
        description="The steps' parameters. In a text {actor} is the actor's number, 0 that of nobody, and {life} how "
        "often the actor has played the first step.",
    )
    step: list[StepSpec] = Field(min_length=1, description="The steps, in the order of a life without surprises.")
    invariant: dict[WordKey, InvariantSpec] = Field(default={}, description="What holds after every step.")
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class Step:
    name: str
    sql: str
    after: tuple[str, ...] = ()
    rows: int = 1
    replay: int | None = None
    keeps: tuple[str, ...] = ()
    events: int = 0
    never: str | None = None
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Invariant:
    name: str
    says: str
    never: str
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One `[flow.<name>]`; `values` as they are written, with {actor} in them."""

    name: str
    table: str
    actors: int
    steps: tuple[Step, ...]
    invariants: tuple[Invariant, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    def step(self, name: str) -> Step:
        return next(each for each in self.steps if each.name == name)

    def before(self, step: Step) -> tuple[Step, ...]:
        """The steps that must have been played before it, in the flow's order."""
        wanted = set(step.after)
        for each in reversed(self.steps):
            if each.name in wanted:
                wanted.update(each.after)
        return tuple(each for each in self.steps if each.name in wanted)


def read_flows(
    specs: Mapping[str, FlowSpec] | None, *, file: str, lines: Mapping[KeyPath, int], mistakes: list[Mistake]
) -> tuple[Flow, ...]:
    """The flows of one contract; names that are not there or there twice, and parameters without value, are mistakes."""
    found = []
    for name, spec in (specs or {}).items():
        here: KeyPath = ("flow", name)

        def origin(*path: str | int, here: KeyPath = here) -> Origin:
            return Origin(file=file, line=line_of((*here, *path), lines))

        flow = Flow(
            name=name,
            table=spec.table,
            actors=spec.actors,
            values=spec.values,
            steps=tuple(_step(each, origin("step", at)) for at, each in enumerate(spec.step)),
            invariants=tuple(
                Invariant(name=each, says=invariant.says, never=invariant.never, origin=origin("invariant", each))
                for each, invariant in spec.invariant.items()
            ),
            purpose=spec.purpose,
            origin=origin(),
        )
        mistakes += (
            Mistake(file=file, line=line_of((*here, *path), lines), message=f"{spell_path((*here, *path))}: {message}")
            for path, message in _flow_mistakes(flow)
        )
        found.append(flow)
    return tuple(found)


def _step(spec: StepSpec, origin: Origin) -> Step:
    return Step(
        name=spec.name,
        sql=spec.sql,
        after=tuple(spec.after),
        rows=spec.rows,
        replay=spec.replay,
        keeps=tuple(spec.keeps),
        events=spec.events,
        never=spec.never,
        origin=origin,
    )


def _flow_mistakes(flow: Flow) -> Iterator[tuple[KeyPath, str]]:
    for word in flow.values:
        if word in GIVEN:
            yield ("values", word), f"every step has %({word})s already; choose another name"
    above: list[Step] = []
    for at, step in enumerate(flow.steps):
        here: KeyPath = ("step", at)
        names = [each.name for each in above]
        if step.name in names:
            yield (*here, "name"), f"the step {step.name!r} is there twice; give each its own name"
        for number, name in enumerate(step.after):
            if name not in names:
                yield (*here, "after", number), f"{name!r} is no step above {step.name!r}; {nearest(name, names)}"
        kept = {word: each.name for each in flow.before(step) for word in each.keeps}
        known = [*flow.values, *kept, *(word for word in GIVEN if word != "event" or step.events)]
        elsewhere = {word: each.name for each in above for word in each.keeps if word not in known}
        for message in statement_mistakes(step.sql, [*known, *elsewhere]):
            yield (*here, "sql"), message
        for word in parameters_of(step.sql):
            if word in elsewhere:
                yield (*here, "sql"), f"%({word})s is kept by {elsewhere[word]!r}; name that step in `after`"
        if step.never is not None:
            for message in query_mistakes(step.never, parameters=True):
                yield (*here, "never"), message
            for message in statement_mistakes(step.never, [*known, *step.keeps]):
                yield (*here, "never"), message
        above.append(step)
    for invariant in flow.invariants:
        for message in query_mistakes(invariant.never):
            yield ("invariant", invariant.name, "never"), message


def flow_mistakes(flows: Iterable[Flow], schema: Schema, lines: Mapping[KeyPath, int]) -> Iterator[Mistake]:
    """A mistake for each flow of a table that no contract declares."""
    known = [table.name for table in schema.tables]
    for each in flows:
        assert each.origin
        if each.table not in known:
            path: KeyPath = ("flow", each.name, "table")
            message = f"{spell_path(path)}: no table {each.table} is declared; {nearest(each.table, known)}"
            yield Mistake(file=each.origin.file, line=line_of(path, lines), message=message)
