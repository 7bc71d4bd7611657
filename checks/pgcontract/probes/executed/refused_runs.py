"""Calls, writes and single statements of bodies in which a value was refused, with the functions that they were in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pgcontract.model.sql.plpgsql import BodyStatement
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.executed import faults
from pgcontract.probes.executed.routines import Routine
from pgcontract.values import dataclass

_MOST: Final = 500


@dataclass(frozen=True, kw_only=True)
class RefusedRun:
    """`stack` has the innermost function first. `alone` is the statement that was run by itself, and then nobody calls
    `statement` so."""

    statement: str
    refusal: Refusal
    stack: tuple[faults.Fault, ...]
    alone: BodyStatement | None = None


class RefusedRuns:
    """Each of them once."""

    def __init__(self, names: Mapping[str, Routine]) -> None:
        self._names = names
        self._runs: dict[tuple[str, str, str | None], RefusedRun] = {}

    @property
    def runs(self) -> tuple[RefusedRun, ...]:
        return tuple(self._runs.values())

    def add(
        self, statement: str, refusal: Refusal, *, called: Routine | None = None, alone: BodyStatement | None = None
    ) -> None:
        """An SQL function that is `called` may have become part of the statement: the server does not name it then."""
        key = (statement, refusal.message, refusal.detail)
        if key in self._runs or len(self._runs) >= _MOST:
            return
        functions = faults.stack(refusal, self._names)
        if called is not None and called not in [fault.routine for fault in functions]:
            functions = (*functions, faults.Fault(routine=called, line=None))
        if functions:
            self._runs[key] = RefusedRun(statement=statement, refusal=refusal, stack=functions, alone=alone)
