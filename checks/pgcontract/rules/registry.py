"""The checks there are: each has an id for ever, the subjects it plans from a contract, and a way to ask.

A check lives in a module of `rules`; importing the package registers it. A duplicate id is an error at load.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity
from pgcontract.rules.answer import Answer

Subjects: TypeAlias = Callable[[Promise], Iterable[str]]
Ask: TypeAlias = Callable[[Context], Iterable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One promise that can be checked.

    `subjects` plans what it is asked of, from declarations alone; `ask` answers for all of them at once and may
    add subjects that nobody declared (an extra object). A check of `behaviour` is asked right after its migration and
    again at the head of the chain, one of the `head` there alone.
    `measures` says which figures of a report are there because it was asked.
    """

    id: str
    severity: Severity
    title: str
    explanation: str
    subjects: Subjects
    ask: Ask
    behaviour: bool = False
    head: bool = False
    measures: frozenset[MeasurementKind] = frozenset()


_checks: dict[str, Check] = {}


def check(
    id: str,  # noqa: A002 - the field's word
    *,
    subjects: Subjects,
    severity: Severity = Severity.ERROR,
    behaviour: bool = False,
    head: bool = False,
    measures: Iterable[MeasurementKind] = (),
) -> Callable[[Ask], Ask]:
    """Register the decorated function as a check; its docstring is what `pgcontract explain` prints."""

    def register(ask: Ask) -> Ask:
        explanation = inspect.getdoc(ask) or ""
        register_check(
            id,
            explanation,
            subjects=subjects,
            severity=severity,
            behaviour=behaviour,
            head=head,
            measures=measures,
            ask=ask,
        )
        return ask

    return register


def register_check(
    id: str,  # noqa: A002 - the field's word
    explanation: str,
    *,
    subjects: Subjects,
    ask: Ask,
    severity: Severity = Severity.ERROR,
    behaviour: bool = False,
    head: bool = False,
    measures: Iterable[MeasurementKind] = (),
) -> None:
    """Register a check; ValueError where the id is taken: ids are never reused."""
    if id in _checks:
        raise ValueError(f"check {id} is registered twice")
    explanation = inspect.cleandoc(explanation)
    _checks[id] = Check(
        id=id,
        severity=severity,
        title=explanation.partition("\n")[0].removesuffix("."),
        explanation=explanation,
        subjects=subjects,
        ask=ask,
        behaviour=behaviour,
        head=head,
        measures=frozenset(measures),
    )


def checks() -> Mapping[str, Check]:
    """Every check by id, sorted; loads the modules of `rules` on the first call."""
    from pgcontract import rules

    for module in pkgutil.walk_packages(rules.__path__, "pgcontract.rules."):
        importlib.import_module(module.name)
    return dict(sorted(_checks.items()))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like it, for an error message."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.5)), None)
