"""Scripts that a tool runs at each deploy, beside the migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pgcontract.model.schema import Origin
from pgcontract.postgres.script_execution import apply_as_production, locate_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

# A role, an extension or a right that production may have.
_OUTSIDE: Final = re.compile(r'42704 role "|42501 |0A000 extension "|58P01 ')


def _callbacks(promise: Promise) -> tuple[str, ...]:
    is_head = promise.migration is promise.project.head
    return tuple(_name(script.path) for script in promise.project.callbacks) if is_head else ()


def _name(path: str) -> str:
    return Path(path).name


@check("callback.applies", subjects=_callbacks, severity=Severity.ERROR, head=True, always_asked=True)
def callback_applies(context: Context) -> Iterator[Answer]:
    """Each script that the tool runs at a deploy, beside the migrations, runs to its end.

    Why it matters: one that fails ends the deploy with an error, though the migrations are applied: the release stops
    half-way, and so does each one after it.
    How it is measured: Flyway's callbacks of `migrate` (beforeMigrate, afterMigrate, …) are run one after another behind
    the last migration: those that come after it in this deploy, those that come first in the next one. What they change
    is no part of what else is asked.
    What to do: change the callback with the tables that it names.
    """
    scripts = context.promise.project.callbacks
    with context.sandbox.clone(context.after_state) as name:
        for script in scripts:
            with context.sandbox.connect(name) as connection:
                refusal = apply_as_production(connection, script)
                if refusal is not None and not connection.closed:
                    refusal = locate_refusal(connection, script, refusal)
            subject = _name(script.path)
            if refusal is None:
                yield Answer(Status.KEPT, subject, "The callback runs behind the last migration.")
                continue
            outside = _OUTSIDE.match(f"{refusal.sqlstate} {refusal.message}") is not None
            yield Answer(
                Status.UNKNOWN if outside else Status.BROKEN,
                subject,
                f"The callback fails behind the last migration: {refusal.message.removesuffix('.')}.",
                expected="the callback runs to its end",
                actual=str(refusal),
                remedy="If it comes from elsewhere, give the SQL that makes it: --setup FILE."
                if outside
                else f"Fix the statement at line {refusal.line} of {script.path}."
                if refusal.line
                else f"Fix {script.path}.",
                evidence=refusal.evidence(),
                origin=Origin(file=refusal.path or script.path, line=refusal.line, column=refusal.column),
            )
