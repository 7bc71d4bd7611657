"""Scripts that a tool runs at each deploy, beside the migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pgcontract.contract import Migration
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Script
from pgcontract.postgres.sandbox import DatabaseState
from pgcontract.postgres.script_execution import Refusal, apply_as_production, locate_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

# A role, an extension or a right that production may have.
_OUTSIDE: Final = re.compile(r'42704 role "|42501 |0A000 extension "|58P01 ')

_BEFORE: Final = frozenset({"beforeMigrate"})
_EACH: Final = frozenset({"beforeEachMigrate", "afterEachMigrate"})


def _callbacks(promise: Promise) -> tuple[str, ...]:
    is_head = promise.migration is promise.project.head
    return tuple(_name(script.path) for script in promise.project.callbacks) if is_head else ()


def _name(path: str) -> str:
    return Path(path).name


def _event(script: Script) -> str:
    return Path(script.path).stem.partition("__")[0]


@check("callback.applies", subjects=_callbacks, severity=Severity.ERROR, head=True, always_asked=True)
def callback_applies(context: Context) -> Iterator[Answer]:
    """Each script that the tool runs at a deploy, beside the migrations, runs to its end.

    Why it matters: one that fails ends the deploy with an error, though the migrations are applied: the release stops
    half-way, and so does each one after it.
    How it is measured: Flyway's callbacks of `migrate` (beforeMigrate, afterMigrate, …) are run one after another behind
    the last migration: those that come after it in this deploy, those that come first in the next one. Where one comes
    before a migration or between two, the deploy of the pending ones is run with them in their places, and so is that of
    all on an empty database, as a new environment meets it, which is a warning. What they change is no part of what else
    is asked.
    What to do: change the callback with the tables that it names; IF to_regclass('…') IS NOT NULL for what may not be
    there yet.
    """
    scripts, project = context.promise.project.callbacks, context.promise.project
    refused: dict[str, Answer] = {}
    with context.sandbox.clone(context.after_state) as name:
        for script in scripts:
            refusal = _run(context, name, script)
            if refusal is not None:
                refused[script.path] = _answer(script, refusal, "behind the last migration", Severity.ERROR)
    if any(_event(script) in _BEFORE | _EACH for script in scripts):
        empty = context.sandbox.platform_state(context.regimes[0])
        deployed = context.deployed_states.get(context.regimes[0].name, context.before_state)
        anew = "on an empty database, {}, so that no new environment can be set up"
        for state, chain, where, severity in (
            (deployed, project.pending, "in this deploy, {}", Severity.ERROR),
            (empty, project.chain, anew, Severity.WARNING),
        ):
            for script, refusal, place in _deploy(context, state, chain):
                refused.setdefault(script.path, _answer(script, refusal, where.format(place), severity))
    for script in scripts:
        kept = Answer(Status.KEPT, _name(script.path), "The callback runs behind the last migration.")
        yield refused.get(script.path, kept)


def _deploy(context: Context, state: DatabaseState, chain: Sequence[Migration]) -> Iterator[tuple[Script, Refusal, str]]:
    """The first callback that fails in a deploy of these migrations onto the state, and where."""
    scripts = context.promise.project.callbacks
    if not chain:
        return
    with context.sandbox.clone(state) as name:
        steps = [(script, f"before {chain[0].key}") for script in scripts if _event(script) in _BEFORE]
        for link in chain:
            around = [script for script in scripts if _event(script) in _EACH]
            steps += [(each, f"before {link.key}") for each in around if _event(each).startswith("before")]
            steps += [(link.up, "")]
            steps += [(each, f"after {link.key}") for each in around if _event(each).startswith("after")]
        for script, place in steps:
            refusal = _run(context, name, script)
            if refusal is not None:
                yield from ((script, refusal, place),) if place else ()
                return


def _run(context: Context, database: str, script: Script) -> Refusal | None:
    with context.sandbox.connect(database) as connection:
        refusal = apply_as_production(connection, script)
        return locate_refusal(connection, script, refusal) if refusal and not connection.closed else refusal


def _answer(script: Script, refusal: Refusal, where: str, severity: Severity) -> Answer:
    outside = _OUTSIDE.match(f"{refusal.sqlstate} {refusal.message}") is not None
    return Answer(
        Status.UNKNOWN if outside else Status.BROKEN,
        _name(script.path),
        f"The callback fails {where}: {refusal.message.removesuffix('.')}.",
        expected="the callback runs to its end",
        actual=str(refusal),
        remedy="If it comes from elsewhere, give the SQL that makes it: --setup FILE."
        if outside
        else f"Fix the statement at line {refusal.line} of {script.path}."
        if refusal.line
        else f"Fix {script.path}.",
        evidence=refusal.evidence(),
        origin=Origin(file=refusal.path or script.path, line=refusal.line, column=refusal.column),
        severity=severity,
    )
