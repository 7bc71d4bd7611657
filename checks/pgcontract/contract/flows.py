"""What the application writes, as a contract declares it: named SQL steps, and what must never be true after one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import Field

from pgcontract.contract.declaration_models import NameKey, Qualified, Scalar, Spec
from pgcontract.contract.sql_parameters import parameters_of, query_issues, statement_issues
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, spell_path
from pgcontract.model.schema import Origin, Schema

# Parameters that every step has: the actor's number, and the id of the event, which a repeated delivery shares.
BUILT_IN_PARAMETERS: Final = ("actor", "event")
UNKNOWN_ACTOR: Final = 0


class StepSpec(Spec):
    """One statement of the application."""

    name: NameKey = Field(description="What it is called, as in submit.")
    sql: str = Field(
        min_length=1,
        description="One statement. %(name)s is a value of the flow, what an earlier step captures, %(actor)s the "
        "actor's number, or %(event)s the event's id.",
    )
    after: list[str] = Field(
        default=[], description="Steps above it that come first. An event may come before them all the same."
    )
    rows: int = Field(1, ge=0, description="How many rows it changes or gives, played in order. Default: 1.")
    replay: int | None = Field(
        None, ge=0, description="How many rows it changes when it is played again. Default: nothing is promised."
    )
    captures: list[str] = Field(default=[], description="Columns of what it returns that later steps have as parameters.")
    events: int = Field(
        0,
        ge=0,
        description="0: the application does it of its own accord. Else it answers an event, which may come twice, "
        "late, before its time, for ids nobody knows, and on two connections at once: this many different ones.",
    )
    violations: str | None = Field(None, min_length=1, description="A query that gives no row once the step was played.")


class InvariantSpec(Spec):
    """What holds after every step of every history."""

    description: str = Field(min_length=1, description="What holds, in a sentence.")
    violations: str = Field(
        min_length=1,
        description="A query that gives no row. The table pgcontract_log (seq, step, actor, event, rows, sqlstate, "
        "parameters jsonb) holds what was played; sqlstate is null unless the server refused it.",
    )


class FlowSpec(Spec):
    """What the application does with a table, from its first write of a row to its last."""

    table: Qualified = Field(description="The table it writes, as in public.orders.")
    actors: int = Field(1, ge=1, le=9, description="How many are played beside each other. Default: 1.")
    values: dict[NameKey, Scalar] = Field(
        default={},
        description="The steps' parameters. In a text {actor} is the actor's number, 0 that of nobody, and {life} how "
        "often the actor has played the first step.",
    )
    step: list[StepSpec] = Field(min_length=1, description="The steps, in the order of a life without surprises.")
    invariant: dict[NameKey, InvariantSpec] = Field(default={}, description="What holds after every step.")
    purpose: str | None = Field(None, description="What it is for. The report prints it.")


@dataclass(frozen=True, kw_only=True)
class Step:
    name: str
    sql: str
    after: tuple[str, ...] = ()
    rows: int = 1
    replay: int | None = None
    captures: tuple[str, ...] = ()
    events: int = 0
    violations: str | None = None
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Invariant:
    name: str
    description: str
    violations: str
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One `[flow.<name>]`; `values` as they are written, with {actor} in them."""

    name: str
    table: str
    actors: int
    steps: tuple[Step, ...]
    invariants: tuple[Invariant, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    purpose: str | None = None
    origin: Origin | None = field(default=None, compare=False)

    def step(self, name: str) -> Step:
        return next(candidate for candidate in self.steps if candidate.name == name)

    def before(self, step: Step) -> tuple[Step, ...]:
        """The steps that must have run before it, in the flow's order."""
        names = set(step.after)
        for earlier_step in reversed(self.steps):
            if earlier_step.name in names:
                names.update(earlier_step.after)
        return tuple(earlier_step for earlier_step in self.steps if earlier_step.name in names)


def read_flows(
    specs: Mapping[str, FlowSpec] | None, *, file: str, lines: Mapping[KeyPath, int], issues: list[ValidationIssue]
) -> tuple[Flow, ...]:
    """The flows of one contract; unknown or repeated names, and parameters without a value, are errors."""
    flows = []
    for name, spec in (specs or {}).items():
        flow_path: KeyPath = ("flow", name)

        def origin(*path: str | int, base_path: KeyPath = flow_path) -> Origin:
            return Origin(file=file, line=line_of((*base_path, *path), lines))

        flow = Flow(
            name=name,
            table=spec.table,
            actors=spec.actors,
            values=spec.values,
            steps=tuple(_step(step_spec, origin("step", at)) for at, step_spec in enumerate(spec.step)),
            invariants=tuple(
                Invariant(
                    name=invariant_name,
                    description=invariant.description,
                    violations=invariant.violations,
                    origin=origin("invariant", invariant_name),
                )
                for invariant_name, invariant in spec.invariant.items()
            ),
            purpose=spec.purpose,
            origin=origin(),
        )
        issues += (
            ValidationIssue(
                file=file,
                line=line_of((*flow_path, *path), lines),
                message=f"{spell_path((*flow_path, *path))}: {message}",
            )
            for path, message in _flow_issues(flow)
        )
        flows.append(flow)
    return tuple(flows)


def _step(spec: StepSpec, origin: Origin) -> Step:
    return Step(
        name=spec.name,
        sql=spec.sql,
        after=tuple(spec.after),
        rows=spec.rows,
        replay=spec.replay,
        captures=tuple(spec.captures),
        events=spec.events,
        violations=spec.violations,
        origin=origin,
    )


def _flow_issues(flow: Flow) -> Iterator[tuple[KeyPath, str]]:
    for word in flow.values:
        if word in BUILT_IN_PARAMETERS:
            yield ("values", word), f"every step has %({word})s already; choose another name"
    above: list[Step] = []
    for at, step in enumerate(flow.steps):
        step_path: KeyPath = ("step", at)
        names = [earlier_step.name for earlier_step in above]
        if step.name in names:
            yield (*step_path, "name"), f"the step {step.name!r} is there twice; give each its own name"
        for number, name in enumerate(step.after):
            if name not in names:
                yield (*step_path, "after", number), f"{name!r} is no step above {step.name!r}; {nearest(name, names)}"
        keeper_of = {word: earlier_step.name for earlier_step in flow.before(step) for word in earlier_step.captures}
        known = [*flow.values, *keeper_of, *(word for word in BUILT_IN_PARAMETERS if word != "event" or step.events)]
        elsewhere = {
            word: earlier_step.name for earlier_step in above for word in earlier_step.captures if word not in known
        }
        for message in statement_issues(step.sql, [*known, *elsewhere]):
            yield (*step_path, "sql"), message
        for word in parameters_of(step.sql):
            if word in elsewhere:
                yield (*step_path, "sql"), f"%({word})s is captured by {elsewhere[word]!r}; name that step in `after`"
        if step.violations is not None:
            for message in query_issues(step.violations, parameters=True):
                yield (*step_path, "violations"), message
            for message in statement_issues(step.violations, [*known, *step.captures]):
                yield (*step_path, "violations"), message
        above.append(step)
    for invariant in flow.invariants:
        for message in query_issues(invariant.violations):
            yield ("invariant", invariant.name, "violations"), message


def flow_issues(flows: Iterable[Flow], schema: Schema, lines: Mapping[KeyPath, int]) -> Iterator[ValidationIssue]:
    """An error for each flow of a table that no contract declares."""
    known = [table.name for table in schema.tables]
    for flow in flows:
        assert flow.origin
        if flow.table not in known:
            path: KeyPath = ("flow", flow.name, "table")
            message = f"{spell_path(path)}: no table {flow.table} is declared; {nearest(flow.table, known)}"
            yield ValidationIssue(file=flow.origin.file, line=line_of(path, lines), message=message)
