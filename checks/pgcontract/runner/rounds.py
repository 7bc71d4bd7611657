"""The same project verified again and again, as its owner edits it: on one server, and what a change can affect alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import field, replace
from typing import Final

from pgcontract.contract import Migration, Project
from pgcontract.postgres.kept_server import KeptServer
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.progress import ProgressEvent, progress_reported_to, report_progress
from pgcontract.postgres.providers import Production, provider_for
from pgcontract.probes.populated.population import MAX_TABLES
from pgcontract.result import Finding, Observations, Run, RunOptions, Status
from pgcontract.rules.registry import checks
from pgcontract.runner.item import Item
from pgcontract.runner.kept_chain import migration_parts, script_parts
from pgcontract.runner.plan import Plan, plan
from pgcontract.runner.session import NO_SERVER, Session
from pgcontract.runner.verification import conclude
from pgcontract.values import dataclass

_OPEN: Final = (Status.UNKNOWN, Status.ERROR)


@dataclass(frozen=True, kw_only=True)
class Round:
    """One of them: the Run, and how many of its questions were asked anew."""

    run: Run
    asked: int
    planned: int


@dataclass
class Rounds:
    """Keeps the server and the answers between calls of `verify`; use as a context manager."""

    _server: KeptServer | None = None
    _kind: tuple[object, ...] = ()
    _answers: dict[tuple[Item, str], tuple[Finding, ...]] = field(default_factory=dict)
    _observed: Observations = field(default_factory=Observations)

    def __enter__(self) -> Rounds:
        return self

    def __exit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.stop()

    def verify(
        self, project: Project, options: RunOptions, *, notify: Callable[[ProgressEvent], None] | None = None
    ) -> Round:
        """What `runner.verify` says of the project. An answer of an earlier round is kept where nothing that it rests on
        is another: its migration and what stands before it, for what is asked of the head the whole chain."""
        planned = plan(project, options)
        prints = _fingerprints(planned)
        kept: dict[tuple[Item, str], tuple[Finding, ...]] = {}
        findings: list[Finding] = []
        asked = 0
        with progress_reported_to(notify), Session(planned, provider=self._provider(planned)) as session:
            for done, item in enumerate(planned.items, 1):
                key = (item, prints.get((item.migration, _rests_on_head(planned, item)), ""))
                if key[1] and key in self._answers:
                    answers = self._answers[key]
                else:
                    asked += 1
                    answers = session.ask(item)
                if not any(finding.status in _OPEN for finding in answers):
                    kept[key] = answers
                findings += answers
                report_progress(ProgressEvent(kind="item", name=item.name, done=done, total=len(planned.items)))
            observed = session.observed() if asked else self._observed
        self._answers = kept
        self._observed = observed if observed.server else replace(observed, server=self._observed.server)
        return Round(run=conclude(planned, findings, self._observed), asked=asked, planned=len(planned.items))

    def _provider(self, planned: Plan) -> KeptServer | None:
        """The server of the last round, where the project asks for one of the same kind."""
        options, project = planned.options, planned.project
        if options.pg == NO_SERVER and options.pg_run_as is None:
            return None
        production = Production(platform=project.platform, postgres=project.postgres)
        kind = (options.pg, options.pg_run_as, production, project.locale)
        if self._server is None or kind != self._kind:
            if self._server is not None:
                self._server.stop()
            provider = provider_for(options.pg, production=production, run_as=options.pg_run_as)
            self._server, self._kind = KeptServer(provider, project.locale, platform_of(project.platform)), kind
        return self._server


def _rests_on_head(planned: Plan, item: Item) -> bool:
    check = checks()[item.check]
    return check.head or check.behaviour or item.migration == planned.head.key


def _fingerprints(planned: Plan) -> dict[tuple[str, bool], str]:
    """A hash of all that an answer rests on, by migration, and whether it rests on the head too; nothing where an answer
    may rest on more: on what changed since a commit, or on which of many tables later migrations name."""
    project = planned.project
    tables = sum(migration.up.text.upper().count("TABLE") for migration in project.chain)
    if project.scope is not None or tables > MAX_TABLES:
        return {}
    digest = hashlib.sha256(repr(_common(planned)).encode(errors="surrogatepass"))
    found: dict[tuple[str, bool], str] = {}
    for migration in project.chain:
        digest.update(repr(_parts(migration)).encode(errors="surrogatepass"))
        found[migration.key, False] = digest.hexdigest()
    for migration in project.chain:
        found[migration.key, True] = digest.hexdigest()
    return found


def _common(planned: Plan) -> tuple[object, ...]:
    project, options = planned.project, planned.options
    return (
        (project.platform, project.postgres, project.locale, project.layout, project.applied, project.history),
        project.exposed,
        project.shape(planned.head.key).samples,  # later contracts say what a row may be, at earlier ones' places too
        ([migration.key for migration in project.chain], [migration.key for migration in project.pending]),
        (
            options.seed,
            options.examples,
            options.rows,
            options.timeout_ms,
            options.linters,
            options.pg,
            options.pg_run_as,
        ),
        (sorted(project.table_rows.items()), project.severities, project.issues),
        [script_parts(script) for script in (project.setup, *project.seeds, *project.callbacks) if script is not None],
    )


def _parts(migration: Migration) -> tuple[object, ...]:
    contract = migration.contract
    return migration_parts(migration), contract and [(file.path, file.sha256) for file in contract.files]
