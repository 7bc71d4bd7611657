"""One call runs everything: plan what to ask, ask it on a fresh server, conclude a Run.

The doors (command line, pytest, CI) make the arguments of `verify` or `Session` and print the result.
"""

from __future__ import annotations

import datetime as dt
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from pgcontract.apply import refusal_of
from pgcontract.contract import CheckRef, Migration, Project, load_project
from pgcontract.cpu import server_cpu_ms
from pgcontract.errors import ContractError, InputError, PgcontractError
from pgcontract.facts import observed_facts, told_document
from pgcontract.finding import Evidence, Finding, Phase, Run, Status, worst
from pgcontract.model import Schema
from pgcontract.providers import Server, provider_for
from pgcontract.registry import Check, checks, nearest
from pgcontract.sqltext import read_script
from pgcontract.stage import stage_of
from pgcontract.trial import MAX_EXAMPLES, CouldNotAsk, Promise, Trial
from pgcontract.verdict import (
    claim_finding,
    conclude_verdict,
    decide_claims,
    excuse,
    matches,
    mend,
)
from pgcontract.workbench import State, Workbench

NO_SERVER = "none"
DEFAULT_SEED = 0
OLDEST_MAJOR = 15


@dataclass(frozen=True, kw_only=True)
class Item:
    """One check of one subject at one migration; `label` is the subject's last part where that is unique."""

    migration: str
    check: str
    subject: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.check}[{self.label}]"


@dataclass(frozen=True, kw_only=True)
class Event:
    """What the run is doing now, for a progress view: a phase that begins, or an item that ended."""

    kind: str
    name: str
    done: int = 0
    total: int = 0
    status: Status | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be asked; `complete` is False where a selection leaves something out."""

    project: Project
    promises: Mapping[str, Promise]
    items: tuple[Item, ...]
    complete: bool = True

    @property
    def head(self) -> Migration:
        return self.project.head

    def select(self, items: Iterable[Item]) -> Plan:
        """The same plan with these items alone."""
        chosen = frozenset(items)
        kept = tuple(item for item in self.items if item in chosen)
        return replace(self, items=kept, complete=self.complete and len(kept) == len(self.items))


def plan(
    project: Project,
    *,
    through: str | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    seed: int | None = None,
    max_examples: int | None = None,
) -> Plan:
    """What there is to ask of each migration of the chain, up to `through`, in the order it will be asked.

    `only` and `skip` are globs over `check`, `check[subject]` and `check[label]`; one that matches nothing is an
    InputError. A contract that names an unknown check is a ContractError with its place.
    """
    if through is not None:
        project = project.through(through)
    known = checks()
    promises: dict[str, Promise] = {}
    items: list[Item] = []
    for migration in project.chain:
        promise = Promise(
            project=project,
            migration=migration,
            declared=project.declared(migration.stem),
            script=read_script(migration.path),
            way_back=read_script(migration.down) if migration.down else None,
            seed=DEFAULT_SEED if seed is None and project.seed is None else (seed if seed is not None else project.seed),
            max_examples=MAX_EXAMPLES if max_examples is None else max_examples,
        )
        _names_are_known(promise, known)
        promises[migration.stem] = promise
        items.extend(_items(promise, known))
    chosen = tuple(item for item in items if _selected(item, only, skip))
    for glob in (*only, *skip):
        if not any(_named(item, glob) for item in items):
            if any(fnmatchcase(check, glob.partition("[")[0]) for check in known):
                raise InputError(f"'{glob}' is a check, but this project declares nothing that it would ask about.")
            close = nearest(glob, {*known, *(item.name for item in items)})
            hint = f"; the nearest is {close}" if close else ""
            raise InputError(f"'{glob}' selects no check{hint}. `pgcontract list` names them all.")
    return Plan(project=project, promises=promises, items=chosen, complete=len(chosen) == len(items))


def _names_are_known(promise: Promise, known: Mapping[str, Check]) -> None:
    contract = promise.contract
    if contract is None:
        return
    references: list[CheckRef] = [
        reference
        for claim in contract.claims
        for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ()))
    ]
    references += [CheckRef(check=each.check, origin=each.origin) for each in contract.waivers]
    for reference in references:
        if not any(fnmatchcase(check, reference.check) for check in known):
            close = nearest(reference.check, known)
            hint = f"the nearest is '{close}'" if close else "`pgcontract list` names them all"
            raise ContractError(
                f"no check is named '{reference.check}'; {hint}",
                file=reference.origin.file if reference.origin else contract.path,
                line=reference.origin.line if reference.origin else None,
            )


def _items(promise: Promise, known: Mapping[str, Check]) -> Iterator[Item]:
    for check in known.values():
        subjects = tuple(dict.fromkeys(check.subjects(promise)))
        labels = [_last(subject) for subject in subjects]
        for subject, label in zip(subjects, labels, strict=True):
            yield Item(
                migration=promise.migration.stem,
                check=check.id,
                subject=subject,
                label=label if labels.count(label) == 1 else subject,
            )


def _last(subject: str) -> str:
    """`public.t.email` as `email`; anything that is more than a dotted name stays whole."""
    return subject.rpartition(".")[2] if all(part.isidentifier() for part in subject.split(".")) else subject


def _named(item: Item, glob: str) -> bool:
    words = (item.check, item.name, f"{item.check}[{item.subject}]")
    return any(word == glob or fnmatchcase(word, glob.replace("[", "[[]")) for word in words)


def _selected(item: Item, only: Sequence[str], skip: Sequence[str]) -> bool:
    return (not only or any(_named(item, glob) for glob in only)) and not any(_named(item, glob) for glob in skip)


class Session:
    """A server and the chain on it, both begun when an item first needs them. Use as a context manager."""

    def __init__(
        self,
        plan: Plan,
        *,
        pg: str = "auto",
        notify: Callable[[Event], None] | None = None,
    ) -> None:
        self.plan = plan
        self.pg = pg
        self.notify = notify or (lambda event: None)
        self.server: Server | None = None
        self._provider = None if pg == NO_SERVER else provider_for(pg)
        self._stack = ExitStack()
        self._workbench: Workbench | None = None
        self._trials: dict[str, Trial] = {}
        self._answers: dict[tuple[str, str], tuple[Finding, ...]] = {}
        self._phases: list[Phase] = []
        self._checks = checks()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def ask(self, item: Item) -> tuple[Finding, ...]:
        """The findings about the item's subject; about subjects nobody planned too, for the check's first item.

        Raises ServerUnavailable where there is no server to ask.
        """
        key = (item.migration, item.check)
        if key not in self._answers:
            self._answers[key] = self._ask_check(item.migration, self._checks[item.check])
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
            "facts": observed_facts(promise, trial),
            "phases": [{"name": each.name, "wall_ms": each.wall_ms, "cpu_ms": each.cpu_ms} for each in self._phases],
        }

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
            with self._phase("server"):
                self.server = self._stack.enter_context(self._provider.start(locale=self.plan.project.locale))
            if self.server.major < OLDEST_MAJOR:
                raise InputError(
                    f"the server is PostgreSQL {self.server.version}; {OLDEST_MAJOR} is the oldest that is supported. "
                    "Name another with --pg."
                )
            with self._phase("stage"):
                stage = stage_of(self.plan.project.platform)
                self._workbench = self._stack.enter_context(Workbench(self.server, stage, elsewhere=self._elsewhere))
        return self._workbench

    @contextmanager
    def _elsewhere(self) -> Iterator[Workbench]:
        assert self._provider is not None
        stage = stage_of(self.plan.project.platform)
        with self._provider.start(locale=self.plan.project.locale) as server, Workbench(server, stage) as bench:
            yield bench

    def _ask_check(self, stem: str, check: Check) -> tuple[Finding, ...]:
        found = self._answered(stem, check, lambda: self.trial(stem))
        if not check.behaviour or stem == self.plan.head.stem:
            return found
        head = self._answered(stem, check, lambda: self.trial(self.plan.head.stem).promised_by(self.trial(stem)))
        return mend(found, head, self.plan.head.stem)

    def _answered(self, stem: str, check: Check, trial: Callable[[], Trial]) -> tuple[Finding, ...]:
        promise = self.plan.promises[stem]
        with self._phase(check.id.partition(".")[0]):
            started = time.perf_counter()
            try:
                found = tuple(check.ask(trial()))
            except CouldNotAsk as error:
                found = self._unasked(check, promise, f"{str(error)[0].upper()}{str(error)[1:]}.")
            except PgcontractError:
                raise
            except psycopg.Error as error:
                found = self._unasked(check, promise, f"The server refused the question: {refusal_of(error)}.")
            except Exception as error:  # noqa: BLE001 - the one place where our own bug becomes a finding
                found = self._failed(check, promise, error)
            seconds = time.perf_counter() - started
        return tuple(replace(self._stamped(stem, check, each), seconds=seconds / max(len(found), 1)) for each in found)

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
        """CPU so far of this process, of programs it ran (initdb) and of the server, where it runs on this machine."""
        own = sum(os.times()[:4]) * 1000
        if self._workbench is None or self._workbench.admin.closed:
            return own
        return own + server_cpu_ms(self._workbench.admin.info.backend_pid)

    def _told_server(self) -> dict[str, Any]:
        if self.server is None:
            return {}
        return {
            "provider": self.server.provider,
            "version": self.server.version,
            "major": self.server.major,
            "storage": self.server.storage,
            "started_from": self.server.started_from,
        }


def conclude(
    plan: Plan,
    findings: Iterable[Finding],
    observed: Mapping[str, Any],
    *,
    options: Mapping[str, Any] | None = None,
    today: dt.date | None = None,
) -> Run:
    """The Run: findings excused by waivers and corrections, claims decided, and the verdict over all of it."""
    now = dt.datetime.now(dt.UTC)
    excused, waivers = excuse(findings, plan.project, today or now.date())
    claims = decide_claims(plan.project, excused, selected=not plan.complete)
    everything = (*excused, *waivers, *map(claim_finding, claims))
    server = dict(observed.get("server", {}))
    verdict = conclude_verdict(
        everything,
        claims,
        promised=plan.head.contract is not None,
        complete=plan.complete,
        production=plan.project.postgres,
        major=server.get("major"),
    )
    return Run(
        pgcontract=version("pgcontract"),
        started=now.replace(microsecond=0).isoformat(),
        migration=plan.head.stem,
        verdict=verdict,
        findings=everything,
        claims=claims,
        chain=tuple(migration.stem for migration in plan.project.chain),
        server=server,
        options=dict(options or {}),
        document=told_document(plan.project, plan.head, os.environ),
        facts=observed.get("facts", {}),
        phases=_summed(observed.get("phases", ())),
    )


def _summed(phases: Iterable[Mapping[str, Any]]) -> tuple[Phase, ...]:
    """One Phase a name, in the order they first came."""
    summed: dict[str, Phase] = {}
    for each in phases:
        known = summed.get(each["name"], Phase(name=each["name"], wall_ms=0.0, cpu_ms=0.0))
        summed[each["name"]] = replace(
            known, wall_ms=known.wall_ms + each["wall_ms"], cpu_ms=known.cpu_ms + each["cpu_ms"]
        )
    return tuple(summed.values())


def verify(
    path: str | Path = "schema",
    *,
    through: str | None = None,
    pg: str = "auto",
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    seed: int | None = None,
    max_examples: int | None = None,
    contract: str | Path | None = None,
    notify: Callable[[Event], None] | None = None,
) -> Run:
    """Load, plan, ask and conclude; every check that is broken is a finding of the Run, never an exception.

    Raises InputError (exit 2) for what cannot be handed to the server, ServerUnavailable (exit 3) without one.
    """
    project = load_project(Path(path), contract=Path(contract) if contract else None)
    planned = plan(project, through=through, only=only, skip=skip, seed=seed, max_examples=max_examples)
    notify = notify or (lambda event: None)
    findings: list[Finding] = []
    with Session(planned, pg=pg, notify=notify) as session:
        for done, item in enumerate(planned.items, 1):
            found = session.ask(item)
            findings.extend(found)
            notify(Event(kind="item", name=item.name, done=done, total=len(planned.items), status=worst(found)))
        observed = session.observed()
    options = {
        "pg": pg,
        "through": through,
        "only": list(only),
        "skip": list(skip),
        "seed": next(iter(planned.promises.values())).seed,
        "max_examples": next(iter(planned.promises.values())).max_examples,
    }
    return conclude(planned, findings, observed, options=options)


def changes(
    project: Project, *, through: str | None = None, pg: str = "auto"
) -> tuple[Schema, tuple[tuple[str, str], ...]]:
    """What the head migration makes or changes, as the catalog has it, and the (kind, name) of each part that it
    takes away: the input of a draft.

    Raises InputError where the server refuses a script of the chain, with its place and words.
    """
    planned = plan(project, through=through)
    with Session(planned, pg=pg) as session:
        for migration in planned.project.chain:
            trial = session.trial(migration.stem)
            if refusal := trial.loaded().refusal:
                raise InputError(
                    f"the server refuses the script, so there is nothing to draft from: {refusal}",
                    file=migration.path.name,
                    line=refusal.line,
                )
        left = {(part.kind, part.name) for part in trial.after.parts()}
        gone = tuple((part.kind, part.name) for part in trial.before.parts() if (part.kind, part.name) not in left)
        return trial.made, gone
