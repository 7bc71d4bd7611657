"""A server and the chain on it: asks what is planned, once, and turns what goes wrong into findings."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

import psycopg

from pgcontract.errors import InputError, PgcontractError, ServerUnavailable
from pgcontract.performance.loading import watched_by as loading_watched_by
from pgcontract.postgres import versions
from pgcontract.postgres.connection import is_lost
from pgcontract.postgres.cpu_time import children_cpu_ms
from pgcontract.postgres.platform import stage_of
from pgcontract.postgres.providers import Production, Server, provider_for
from pgcontract.postgres.providers.startup_progress import watched_by
from pgcontract.postgres.sandbox import STATEMENT_TIMEOUT_MS, State, Workbench
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import CouldNotAsk, Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Phase, Status
from pgcontract.rules.registry import Check, checks
from pgcontract.runner.facts import observed_facts
from pgcontract.runner.plan import Item, Plan
from pgcontract.runner.verdict import matches, mend

NO_SERVER = "none"
OLDEST_MAJOR = versions.KNOWN[0]


@dataclass(frozen=True, kw_only=True)
class Event:
    """What the run is doing now, for a progress view: a phase that begins, an item that ended, rows of a table (`load`)
    of which `done` are there, or what is waited for (`wait`) before a server starts."""

    kind: str
    name: str
    done: int = 0
    total: int = 0
    status: Status | None = None


class Session:
    """A server and the chain on it, both begun when an item first needs them. Use as a context manager."""

    def __init__(
        self,
        plan: Plan,
        *,
        pg: str = "auto",
        timeout_ms: int = STATEMENT_TIMEOUT_MS,
        notify: Callable[[Event], None] | None = None,
    ) -> None:
        self.plan = plan
        self.pg = pg
        self.timeout_ms = timeout_ms
        self.notify = notify or (lambda event: None)
        self.server: Server | None = None
        production = Production(platform=plan.project.platform, postgres=plan.project.postgres)
        self._provider = None if pg == NO_SERVER else provider_for(pg, production=production)
        self._stack = ExitStack()
        self._workbench: Workbench | None = None
        self._trials: dict[str, Trial] = {}
        self._answers: dict[tuple[str, str], tuple[Finding, ...]] = {}
        self._phases: list[Phase] = []
        self._checks = checks()
        self._lost: ServerUnavailable | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def ask(self, item: Item) -> tuple[Finding, ...]:
        """The findings about the item's subject; about subjects nobody planned too, for the check's first item.

        Raises ServerUnavailable where there is no server to ask. Where there was one and it is lost, this and all that
        is asked later is UNKNOWN with that reason: what was answered before stays answered.
        """
        key = (item.migration, item.check)
        if key not in self._answers and self._lost is None:
            try:
                self._answers[key] = self._ask_check(item.migration, self._checks[item.check])
            except ServerUnavailable as error:
                if self._workbench is None:
                    raise
                self._lost = error
        if key not in self._answers:
            unasked = Finding(check="", subject=item.subject, status=Status.UNKNOWN, summary=_sentence(str(self._lost)))
            return (self._stamped(item.migration, self._checks[item.check], unasked),)
        answers = self._answers[key]
        planned = [other.subject for other in self.plan.items if (other.migration, other.check) == key]
        mine = tuple(each for each in answers if each.subject == item.subject)
        if planned and planned[0] == item.subject:
            mine += tuple(each for each in answers if each.subject not in planned)
        return mine or (
            self._stamped(
                item.migration,
                self._checks[item.check],
                Finding(check="", subject=item.subject, status=Status.UNKNOWN, summary="The check gave no answer."),
            ),
        )

    def observed(self) -> dict[str, Any]:
        """What was seen of server and things judged, as plain JSON values, for `conclude`."""
        trial = self._trials.get(self.plan.head.stem)
        promise = self.plan.promises[self.plan.head.stem]
        return {
            "server": self._told_server(),
            "facts": self._facts(promise, trial),
            "phases": [{"name": each.name, "wall_ms": each.wall_ms, "cpu_ms": each.cpu_ms} for each in self._phases],
        }

    def _facts(self, promise: Promise, trial: Trial | None) -> dict[str, Any]:
        try:
            return observed_facts(promise, trial if self._lost is None else None)
        except (ServerUnavailable, psycopg.Error):  # lost after the last answer: what was seen of it is left out
            return observed_facts(promise, None)

    def trial(self, stem: str) -> Trial:
        """The migration on trial, its predecessors applied before it; ServerUnavailable without a server."""
        if stem not in self._trials:
            before: Mapping[str, State] = {}
            workbench = None
            if self._provider is not None:
                workbench = self._started()
                stems = [migration.stem for migration in self.plan.project.chain]
                number = stems.index(stem)
                if number:
                    before = self.trial(stems[number - 1]).after_states()
                else:
                    before = {regime.name: workbench.stage_state(regime) for regime in workbench.stage.regimes}
            self._trials[stem] = Trial(self.plan.promises[stem], workbench, before)
        return self._trials[stem]

    def _started(self) -> Workbench:
        if self._workbench is None:
            assert self._provider is not None
            with self._phase("server"), watched_by(lambda words: self.notify(Event(kind="wait", name=words))):
                self.server = self._stack.enter_context(self._provider.start(locale=self.plan.project.locale))
            if self.server.major < OLDEST_MAJOR:
                raise InputError(
                    f"the server is PostgreSQL {self.server.version}; {OLDEST_MAJOR} is the oldest that is supported. "
                    "Name another with --pg."
                )
            with self._phase("stage"):
                stage = stage_of(self.plan.project.platform)
                elsewhere = self._elsewhere if "own_server" in self.server.capabilities else None
                self._workbench = self._stack.enter_context(
                    Workbench(self.server, stage, elsewhere=elsewhere, timeout_ms=self.timeout_ms)
                )
        return self._workbench

    @contextmanager
    def _elsewhere(self) -> Iterator[Workbench]:
        assert self._provider is not None
        stage = stage_of(self.plan.project.platform)
        with (
            self._provider.start(locale=self.plan.project.locale) as server,
            Workbench(server, stage, timeout_ms=self.timeout_ms) as bench,
        ):
            yield bench

    def _ask_check(self, stem: str, check: Check) -> tuple[Finding, ...]:
        head = self.plan.head.stem
        if check.head and stem != head:
            return self._answered(stem, check, lambda: self.trial(head).promised_by(self.trial(stem)))
        found = self._answered(stem, check, lambda: self.trial(stem))
        if not check.behaviour or stem == head:
            return found
        later = self._answered(stem, check, lambda: self.trial(head).promised_by(self.trial(stem)))
        return mend(found, later, head)

    def _answered(self, stem: str, check: Check, trial: Callable[[], Trial]) -> tuple[Finding, ...]:
        promise = self.plan.promises[stem]
        with self._phase(check.id.partition(".")[0]):
            started = time.perf_counter()
            try:
                with loading_watched_by(self._tell_rows):
                    found = tuple(check.ask(trial()))
            except CouldNotAsk as error:
                found = self._unasked(check, promise, _sentence(str(error)))
            except PgcontractError:
                raise
            except psycopg.Error as error:
                if error.sqlstate is None and not is_lost(error):
                    found = self._failed(check, promise, error)
                else:
                    found = self._unasked(check, promise, f"The server refused the question: {refusal_of(error)}.")
            except Exception as error:  # noqa: BLE001 - the one place where our own bug becomes a finding
                found = self._failed(check, promise, error)
            seconds = time.perf_counter() - started
        return tuple(replace(self._stamped(stem, check, each), seconds=seconds / max(len(found), 1)) for each in found)

    def _tell_rows(self, table: str, done: int, total: int) -> None:
        self.notify(Event(kind="load", name=table, done=done, total=total))

    def _unasked(self, check: Check, promise: Promise, reason: str) -> tuple[Finding, ...]:
        subjects = tuple(dict.fromkeys(check.subjects(promise)))
        return tuple(Finding(check="", subject=subject, status=Status.UNKNOWN, summary=reason) for subject in subjects)

    def _failed(self, check: Check, promise: Promise, error: Exception) -> tuple[Finding, ...]:
        told = Evidence(title="Traceback", text="".join(traceback.format_exception(error)))
        summary = f"The check failed by a fault of its own: {type(error).__name__}: {error}"
        subjects = tuple(dict.fromkeys(check.subjects(promise))) or ("check",)
        return tuple(
            Finding(check="", subject=subject, status=Status.ERROR, summary=summary, evidence=(told,))
            for subject in subjects
        )

    def _stamped(self, stem: str, check: Check, finding: Finding) -> Finding:
        finding = replace(finding, check=check.id, migration=stem)
        contract = self.plan.promises[stem].contract
        claims = tuple(
            claim.id
            for claim in (contract.claims if contract else ())
            if any(
                matches(reference, finding)
                for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ()))
            )
        )
        severity = finding.severity or (check.severity if finding.status is Status.BROKEN else None)
        return replace(finding, claims=claims, severity=severity)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.notify(Event(kind="phase", name=name))
        wall, cpu = time.perf_counter(), self._cpu_ms()
        try:
            yield
        finally:
            self._phases.append(
                Phase(
                    name=name,
                    wall_ms=(time.perf_counter() - wall) * 1000,
                    cpu_ms=self._cpu_ms() - cpu,
                )
            )

    def _cpu_ms(self) -> float:
        """CPU so far of this process, of programs it ran (initdb) and of the servers it started on this machine."""
        return sum(os.times()[:4]) * 1000 + children_cpu_ms()

    def _told_server(self) -> dict[str, Any]:
        if self.server is None:
            return {}
        told: dict[str, Any] = {
            "provider": self.server.provider,
            "version": self.server.version,
            "major": self.server.major,
            "storage": self.server.storage,
            "started_from": self.server.started_from,
        }
        if self._workbench is not None:
            told["stage"] = self._workbench.cast.told
            told |= {"lacking": list(self._workbench.cast.lacking)} if self._workbench.cast.lacking else {}
        return told


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:].removesuffix('.')}."
