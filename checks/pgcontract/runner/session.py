"""A server and the chain on it: runs each planned check once, and turns errors into findings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from itertools import takewhile
from types import TracebackType
from typing import TYPE_CHECKING

import psycopg

from pgcontract.contract import Migration
from pgcontract.errors import CouldNotAsk, CouldNotConnect, InputError, PgcontractError, ServerUnavailable
from pgcontract.postgres import versions
from pgcontract.postgres.connection import describe_timeout, is_server_lost
from pgcontract.postgres.connection_limits import QUERY_CANCELED
from pgcontract.postgres.missing_features import MissingFeature, functions_lacking
from pgcontract.postgres.platform import Platform, platform_of
from pgcontract.postgres.providers import Production, Provider, Server, provider_for
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.result import Finding, LiveStatement, Observations, ServerInfo, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import Check, checks
from pgcontract.runner.behind_failures import excuse
from pgcontract.runner.check_answers import answers_of, error_answers, raise_wish_to_end, sentence, unknown_answers
from pgcontract.runner.findings import make_finding, make_unanswered_finding
from pgcontract.runner.head_findings import merge_with_head
from pgcontract.runner.item import Item
from pgcontract.runner.kept_answers import KeptAnswers, are_definite
from pgcontract.runner.kept_chain import kept_server
from pgcontract.runner.lacking_functions import excuse_lacking
from pgcontract.runner.live_statements import live_statements
from pgcontract.runner.observation import observe, row_effects
from pgcontract.runner.phase_times import PhaseTimes
from pgcontract.runner.plan import Plan
from pgcontract.runner.replay import AppliedChain, Replay

if TYPE_CHECKING:
    from pgcontract.performance.measurement_kind import MeasurementKind
    from pgcontract.performance.measurements import MeasuredPromise

NO_SERVER = "none"
ROWS_ACCEPTED = "rows.accepted"
OLDEST_MAJOR = versions.KNOWN_MAJORS[0]


class Session:
    """A server and the chain on it, both begun when an item first needs them. Use as a context manager."""

    def __init__(self, plan: Plan, *, provider: Provider | None = None) -> None:
        """`provider` gives the server in place of the one that the options name."""
        self.plan = plan
        self.server: Server | None = None
        production = Production(platform=plan.project.platform, postgres=plan.project.postgres)
        run_as = plan.options.pg_run_as
        if provider is None and (plan.options.pg != NO_SERVER or run_as is not None):
            provider = provider_for(plan.options.pg, production=production, run_as=run_as)
        self._provider = provider
        self._replayed_plan = plan  # without the states of what an earlier run answered
        self._stack = ExitStack()
        self._sandbox: Sandbox | None = None
        self._replay: Replay | None = None
        self._kept: KeptAnswers | None = None  # of an earlier run
        self._statuses: list[Status] = []  # of the check that was asked last
        self._applied: AppliedChain | None = None  # kept from an earlier run
        self._contexts: dict[str, Context] = {}  # where there is no server
        self._contexts_at_head: dict[str, Context] = {}
        self._asked: set[tuple[str, str]] = set()
        self._answers: dict[tuple[str, str], Mapping[str, tuple[Finding, ...]]] = {}  # by subject
        self._phases = PhaseTimes()
        self._checks = checks()
        self._lost_server: ServerUnavailable | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:  # however the run ends: what is kept was answered
            self._kept.write()
        self._stack.close()

    def ask(self, item: Item) -> tuple[Finding, ...]:
        """The findings about the item's subject; about subjects nobody planned too, for the check's first item.

        Raises ServerUnavailable where there is no server to ask. Where there was one and it is lost, this and all that
        is asked later is UNKNOWN with that reason: what was answered before stays answered.
        """
        key = (item.migration, item.check)
        if key not in self._answers and self._lost_server is None:
            try:
                self._answers[key] = self._by_subject(key, self._ask_check(item.migration, self._checks[item.check]))
            except ServerUnavailable as error:
                raise_wish_to_end(error)
                if self._sandbox is None:
                    raise
                self._lost_server = error
        if key not in self._answers:
            return (make_unanswered_finding(self.plan, item, sentence(str(self._lost_server))),)
        own_findings = self._answers[key].get(item.subject)
        return own_findings or (make_unanswered_finding(self.plan, item, "The check gave no answer."),)

    def _by_subject(self, key: tuple[str, str], answers: tuple[Finding, ...]) -> Mapping[str, tuple[Finding, ...]]:
        """The answers of each subject; what is about none that was planned comes behind those of the first."""
        planned = self.plan.subjects.get(key, ())
        found: dict[str, list[Finding]] = {}
        for finding in answers:
            found.setdefault(finding.subject, []).append(finding)
        if planned:
            others = frozenset(found).difference(planned)
            found.setdefault(planned[0], []).extend(one for one in answers if one.subject in others)
        return {subject: tuple(findings) for subject, findings in found.items()}

    def observed(self) -> Observations:
        """What was seen of the server and of the head, for `conclude`."""
        seen = Observations()
        if self._lost_server is None:
            with suppress(ServerUnavailable, psycopg.Error):  # lost after the last answer: what it showed is left out
                seen = observe(self._head(), self._measured_promises())
                asked = (self.context(key) for key, check in sorted(self._asked) if check == ROWS_ACCEPTED)
                seen = replace(seen, **row_effects(tuple(asked)))
                if seen.effect is not None:
                    seen = replace(seen, effect=replace(seen.effect, live=self._live_statements()))
        kept = tuple(self._kept.taken) if self._kept is not None else ()
        return replace(seen, server=self._server_info(), phases=tuple(self._phases.ended), kept=kept)

    def context(self, key: str) -> Context:
        """The context of the migration, its predecessors applied before it; ServerUnavailable without a server."""
        if self._provider is not None:
            if self._replay is None:
                sandbox = self._start_server()
                self._replay = Replay(self._replayed_plan, sandbox, self._applied)
                self._stack.callback(self._replay.close)
            return self._replay.context(key)
        if key not in self._contexts:
            self._contexts[key] = Context(self.plan.promises[key], None, {})
        return self._contexts[key]

    def _head(self) -> Context | None:
        """The head's context, if anything was asked of it."""
        if self._replay is not None:
            return self._replay.reached(self.plan.head.key)
        return self._contexts.get(self.plan.head.key)

    def _live_statements(self) -> tuple[LiveStatement, ...] | None:
        """What pending migrations do to tables in use; what they cost there is a matter of whole runs."""
        reached = (self._replay.reached(each.key) for each in self.plan.project.pending) if self._replay else ()
        options = self.plan.options
        with self._phases.phase("growth"):
            return live_statements(filter(None, reached), measured=not (options.only or options.skip))

    def context_at_head(self, key: str) -> Context:
        """The migration's promise in the state of the head."""
        head = self.context(self.plan.head.key)
        if key not in self._contexts_at_head:
            own = self.context(key)
            self._contexts_at_head[key] = own if own is head else own.in_state_of(head)
        return self._contexts_at_head[key]

    def _measured_promises(self) -> Iterator[MeasuredPromise]:
        """What the checks that were asked have measured; one that could not be asked has measured nothing."""
        measured: dict[str, set[MeasurementKind]] = {}
        for key, check in self._asked:
            measured.setdefault(key, set()).update(self._checks[check].measures)
        for migration in self.plan.project.chain:
            if kinds := frozenset(measured.get(migration.key, ())):
                from pgcontract.performance.measurements import MeasuredPromise

                yield MeasuredPromise(context=self.context_at_head(migration.key), kinds=kinds)

    def _start_server(self) -> Sandbox:
        if self._sandbox is None:
            assert self._provider is not None
            with self._phases.phase("server"):
                self.server = self._stack.enter_context(self._provider.start(locale=self.plan.project.locale))
                self._kept = KeptAnswers(self.plan, self.server, self._platform)
                self._replayed_plan = replace(self.plan, answered=self._kept.answered())
                if kept := kept_server(self._replayed_plan, self.server, self._platform, self._stack):
                    self.server, self._applied = kept
            if self.server.major < OLDEST_MAJOR:
                raise InputError(
                    f"the server is PostgreSQL {self.server.version}; {OLDEST_MAJOR} is the oldest that is supported. "
                    "Name another with --pg."
                )
            with self._phases.phase("stage"):
                second_sandbox = self._second_sandbox if "own_server" in self.server.capabilities else None
                self._sandbox = self._stack.enter_context(
                    Sandbox(
                        self.server,
                        self._platform,
                        second_sandbox=second_sandbox,
                        timeout_ms=self.plan.options.timeout_ms,
                    )
                )
        return self._sandbox

    @property
    def _platform(self) -> Platform:
        project = self.plan.project
        return platform_of(project.platform, setup=project.setup, has_webhooks=project.has_webhooks)

    @contextmanager
    def _second_sandbox(self) -> Iterator[Sandbox]:
        assert self._provider is not None
        with (
            self._provider.start(locale=self.plan.project.locale) as server,
            Sandbox(server, self._platform, timeout_ms=self.plan.options.timeout_ms) as sandbox,
        ):
            yield sandbox

    def _ask_check(self, key: str, check: Check) -> tuple[Finding, ...]:
        head = self.plan.head
        if check.head:
            return self._run_check(key, check, lambda: self.context_at_head(key))
        findings = self._own_findings(key, check)
        if not check.behaviour or key == head.key:
            return findings
        later = self._run_check(key, check, lambda: self.context_at_head(key))
        return merge_with_head(findings, later, head)

    def _own_findings(self, key: str, check: Check) -> tuple[Finding, ...]:
        """What holds right after the migration: as an earlier run answered it, where nothing of that can be otherwise."""
        if self.plan.project.scope is None or self._provider is None:
            return self._run_check(key, check, lambda: self.context(key))
        self._start_server()
        kept = self._kept
        assert kept is not None
        if not kept.are_for(key, check):
            return self._run_check(key, check, lambda: self.context(key))
        applies = not check.replays or self.context(key).failure is None
        if applies and (findings := kept.read(key, check)) is not None:
            self._asked.add((key, check.id))
            return findings
        self._statuses.clear()
        findings = self._run_check(key, check, lambda: self.context(key))
        definite = are_definite(self._statuses) and not (check.replays and Status.BROKEN in self._statuses)
        if definite and not self._failed_before(key) and key not in self._failed:
            kept.keep(key, check, findings)
        return findings

    def _run_check(self, key: str, check: Check, context: Callable[[], Context]) -> tuple[Finding, ...]:
        promise = self.plan.promises[key]
        with self._phases.phase(check.info.family):
            started, refused = time.perf_counter(), False
            asked: Context | None = None
            try:
                asked = context()
                answers = answers_of(check, asked)
                if cause := "" if check.replays else _cause(asked):
                    answers = tuple(_following(answer, cause) for answer in answers)
                self._asked.add((key, check.id))
            except CouldNotAsk as error:
                # Where nobody asks whether the script applies, nothing else says that it does not.
                behind_failure = key in self._failed and not self._asks_whether_applied(key)
                refused = behind_failure or isinstance(error, CouldNotConnect)
                answers = unknown_answers(check, promise, sentence(str(error)), follows=_cause(asked))
            except PgcontractError:
                raise
            except psycopg.Error as error:
                raise_wish_to_end(error)
                refused = True
                if error.sqlstate == QUERY_CANCELED:
                    answers = unknown_answers(check, promise, sentence(describe_timeout(error)))
                elif error.sqlstate is None and not is_server_lost(error):
                    answers = error_answers(check, promise, error)
                else:
                    refused = not check.implied  # nobody named it: only a claim makes it a promise
                    answers = unknown_answers(
                        check, promise, f"The server rejected the check's own query: {read_refusal(error)}."
                    )
            except Exception as error:  # noqa: BLE001 - the one place where our own bug becomes a finding
                raise_wish_to_end(error)
                answers = error_answers(check, promise, error)
            if any(answer.status is Status.BROKEN for answer in answers):
                answers = tuple(excuse_lacking(answer, self._functions_lacking) for answer in answers)
            excused = tuple(excuse(answer, check.id, self._failed_before(key)) for answer in answers)
            # A failure of what production has is a warning: it does not weigh what nobody could say for it.
            self._statuses = [answer.status for answer in answers]
            refused |= excused != answers and self.plan.project.knows_applied
            answers = tuple(map(self._from_its_cause, excused))
            seconds = (time.perf_counter() - started) / max(len(answers), 1)
        return tuple(make_finding(promise, check, answer, seconds=seconds, refused=refused) for answer in answers)

    def _from_its_cause(self, answer: Answer) -> Answer:
        """What follows from a migration that failed follows from the one that has the cause; from none where nobody asked
        for that one: else no report would tell of it."""
        context = self._replay.reached(answer.follows) if self._replay is not None and answer.follows else None
        cause = answer.follows
        if context is not None and context.failure is not None:
            cause = context.failure.follows or cause
        return replace(answer, follows=cause if cause and self._asks_whether_applied(cause) else "")

    @cached_property
    def _functions_lacking(self) -> Mapping[str, MissingFeature]:
        if self._sandbox is None:
            return {}
        project, spec = self.plan.project, self._sandbox.server.provider
        with suppress(psycopg.Error):  # a server that is lost by now
            return functions_lacking(
                self._sandbox.admin,
                spec=spec,
                production=project.postgres,
                platform=project.platform,
                stand_ins=self._sandbox.stand_ins,
            )
        return {}

    @property
    def _failed(self) -> frozenset[str]:
        """The keys of the migrations that were not applied, so far."""
        return self._replay.failed if self._replay is not None else frozenset()

    def _failed_before(self, key: str) -> tuple[Migration, ...]:
        """The migrations before that one which were not applied."""
        if not (failed := self._failed):
            return ()
        before = takewhile(lambda migration: migration.key != key, self.plan.project.chain)
        return tuple(migration for migration in before if migration.key in failed)

    def _asks_whether_applied(self, key: str) -> bool:
        return any((key, check.id) in self.plan.subjects for check in self._checks.values() if check.info.comes_first)

    def _server_info(self) -> ServerInfo | None:
        if self.server is None:
            return None
        roles = self._sandbox.roles if self._sandbox is not None else None
        return ServerInfo(
            provider=self.server.provider,
            version=self.server.version,
            major=self.server.major,
            storage=self.server.storage,
            started_from=self.server.started_from,
            roles=roles.description if roles else None,
            missing_privileges=roles.missing_privileges if roles else (),
        )


def _cause(context: Context | None) -> str:
    """The key of the migration that has the cause, where nothing can be asked because a script was not applied."""
    if context is None:
        return ""
    failure = context.own_context.failure or context.judging_context.failure
    return (failure.follows or failure.key) if failure is not None else ""


def _following(answer: Answer, cause: str) -> Answer:
    return replace(answer, follows=cause) if answer.status is Status.UNKNOWN else answer
