"""A contract, or a script, as pytest sees it: a file of items, each of which asks one check about one subject."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pgcontract import runner
from pgcontract.contract import Project
from pgcontract.errors import PgcontractError
from pgcontract.pytest_plugin.arguments import project_of
from pgcontract.pytest_plugin.fixtures import MARKER
from pgcontract.pytest_plugin.shared_session import SharedSession
from pgcontract.pytest_plugin.summary import VERDICT_PLUGIN, VerdictPlugin
from pgcontract.reporting.finding_status import weight_label
from pgcontract.reporting.markup import visible
from pgcontract.result import Finding, Observations, Status
from pgcontract.runner.acceptance import accept_alone
from pgcontract.runner.corrections import apply_corrections, declared_corrections
from pgcontract.runner.decisions import DECISIONS


class PromiseFile(pytest.File):
    """What is asked of one migration; the plan is the whole chain's, so that a project is loaded once."""

    @property
    def shared_session(self) -> SharedSession:
        judge = self.config.pluginmanager.get_plugin(VERDICT_PLUGIN)
        assert isinstance(judge, VerdictPlugin)
        root = project_of(self.path, self.config)
        assert root is not None
        return judge.shared_session(root)

    def collect(self) -> Iterable[pytest.Item]:
        try:
            plan = self.shared_session.plan
        except PgcontractError as error:
            raise self.CollectError(visible(str(error), lines=True)) from error
        own = self._migrations(plan.project)
        for item in (*plan.items, *self._decisions(plan)):
            if item.migration in own:
                name = item.name if item.migration == own[0] else f"{item.migration}/{item.name}"
                kind = DecisionItem if item in plan.decisions else PromiseItem
                yield kind.from_parent(self, name=visible(name), item=item)

    def _decisions(self, plan: runner.Plan) -> Iterable[runner.Item]:
        """The claims and waivers that are items of their own: where somebody names one. The verdict decides each in any
        case, and an item of its own asks again, in its process, all that it rests on."""
        words = (self.config.option.keyword, *self.config.args)
        by_name = any(info.family in word for word in words for info in DECISIONS)
        return (item for item in plan.decisions if item in plan.named or (by_name and item not in plan.skipped))

    def _migrations(self, project: Project) -> list[str]:
        """Of a contract its own migration first, then those without a contract up to the next: none goes unasked. Of a
        script its own alone."""
        path = self.path.resolve()
        of_file: dict[Path, list[str]] = {}
        waiting: list[str] = []
        current = waiting
        for migration in project.chain:
            if Path(migration.up.path).resolve() == path:
                return [migration.key]
            if migration.contract is not None:
                current = of_file[Path(migration.contract.path).resolve()] = [migration.key, *waiting]
                waiting = []
            else:
                current.append(migration.key)
        return of_file.get(path, [])


class NotKept(Exception):
    """The findings that make an item fail; `NotKept` outside the call phase is what pytest names an error."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(visible(f"{findings[0].item}: {findings[0].summary}"))
        self.findings = findings


class PromiseItem(pytest.Item):
    """One check and subject: kept passes, blocking fails, not shown errs, settled xfails, not asked is skipped."""

    def __init__(self, *, item: runner.Item, **rest: Any) -> None:
        super().__init__(**rest)
        self.item = item
        self.answers: dict[runner.Item, tuple[Finding, ...]] = {}
        self.resolved_findings: tuple[Finding, ...] = ()
        self.add_marker(MARKER)

    @property
    def shared_session(self) -> SharedSession:
        assert isinstance(self.parent, PromiseFile)
        return self.parent.shared_session

    def setup(self) -> None:
        self.ask(self.item)
        plan = self.shared_session.plan
        project = plan.project
        waived = accept_alone(self.answers[self.item], plan, dt.datetime.now(dt.UTC).date())
        # Whether what stands in its place holds is known when all was asked: the verdict says so.
        self.resolved_findings = apply_corrections(waived, project, runner.check_infos(), declared_corrections(project))
        if not any(finding.blocks for finding in self.resolved_findings):
            self._fail_on(Status.UNKNOWN, Status.ERROR)

    def ask(self, item: runner.Item) -> None:
        try:
            self.answers[item] = self.shared_session.ask(item)
        except PgcontractError as error:
            self.answers[item] = (runner.make_unanswered_finding(self.shared_session.plan, item, str(error)),)
            raise

    def runtest(self) -> None:
        if any(finding.blocks for finding in self.resolved_findings):
            self._fail_on(Status.BROKEN)
        if self.resolved_findings and all(finding.not_asked for finding in self.resolved_findings):
            pytest.skip(visible(self.resolved_findings[0].summary))
        settled = [finding for finding in self.resolved_findings if finding.resolution is not None]
        if settled:
            pytest.xfail(visible("; ".join(f"{finding.summary} ({finding.resolution})" for finding in settled)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        if isinstance(excinfo.value, NotKept):
            return "\n\n".join(map(_failure_text, excinfo.value.findings))
        if isinstance(excinfo.value, PgcontractError):
            return visible(f"error: {excinfo.value}", lines=True)
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name

    def _fail_on(self, *statuses: Status) -> None:
        if wrong := tuple(
            finding for finding in self.resolved_findings if finding.status in statuses and finding.resolution is None
        ):
            raise NotKept(wrong)


class DecisionItem(PromiseItem):
    """One claim or waiver, decided by all that it rests on: a note passes, else as any other item."""

    def setup(self) -> None:
        plan = self.shared_session.plan
        rests_on = [item for item in plan.items if item in plan.decisions[self.item]]
        for item in rests_on:
            self.ask(item)
        findings = [finding for item in rests_on for finding in self.answers[item]]
        self.answers[self.item] = ()  # the verdict concludes it from those
        run = runner.conclude(plan.select((*rests_on, self.item)), findings, Observations())
        key = (self.item.migration, self.item.check, self.item.subject)
        self.resolved_findings = tuple(
            finding for finding in run.findings if (finding.migration, finding.check, finding.subject) == key
        )


def _failure_text(finding: Finding) -> str:
    """The failure text of a finding: location, expected, found, remedy, and the evidence."""
    weight = f" ({weight_label(finding)})" if finding.severity else ""
    lines = [
        f"{finding.origin or finding.migration}: {finding.status.name}{weight} {finding.item}",
        finding.summary,
        finding.expected and f"expected: {finding.expected}",
        finding.actual and f"found:    {finding.actual}",
        finding.remedy and f"to do:    {finding.remedy}",
    ]
    for exhibit in finding.evidence:
        rows = (exhibit.columns, *exhibit.rows) if exhibit.columns or exhibit.rows else ()
        lines += [f"{exhibit.title}:", exhibit.text, *(" | ".join(row) for row in rows)]
    return visible("\n".join(line for line in lines if line), lines=True)
