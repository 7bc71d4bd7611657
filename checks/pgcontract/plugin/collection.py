"""A contract.toml as pytest sees it: a file of items, each of which asks one check about one subject."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pgcontract import engine
from pgcontract.errors import PgcontractError
from pgcontract.finding import Finding, Status
from pgcontract.plugin.bench import Bench
from pgcontract.plugin.judge import JUDGE, Judge


class ContractFile(pytest.File):
    """One migration's promises; the plan is the whole chain's, so that a project is loaded once."""

    @property
    def bench(self) -> Bench:
        judge = self.config.pluginmanager.get_plugin(JUDGE)
        assert isinstance(judge, Judge)
        return judge.bench(self.path.parents[2])

    def collect(self) -> Iterable[pytest.Item]:
        try:
            plan = self.bench.plan
        except PgcontractError as error:
            raise self.CollectError(str(error)) from error
        for item in plan.items:
            if item.migration == self.path.parent.name:
                yield PromiseItem.from_parent(self, name=item.name, item=item)


class NotKept(Exception):
    """The findings that make an item fail; `NotKept` outside the call phase is what pytest names an error."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(f"{findings[0].item}: {findings[0].summary}")
        self.findings = findings


class PromiseItem(pytest.Item):
    """One check and subject. KEPT and NOTED pass; what blocks fails; UNKNOWN and ERROR are errors; settled is xfail."""

    def __init__(self, *, item: engine.Item, **rest: Any) -> None:
        super().__init__(**rest)
        self.item = item
        self.findings: tuple[Finding, ...] = ()

    @property
    def bench(self) -> Bench:
        assert isinstance(self.parent, ContractFile)
        return self.parent.bench

    def setup(self) -> None:
        self.findings = self.bench.ask(self.item)
        if not any(finding.blocks for finding in self.findings):
            self._demand_none(
                finding for finding in self.findings if finding.status in (Status.UNKNOWN, Status.ERROR)
            )

    def runtest(self) -> None:
        self._demand_none(finding for finding in self.findings if finding.blocks)
        settled = [each for each in self.findings if each.status is Status.WAIVED or each.resolution is not None]
        if settled:
            pytest.xfail("; ".join(f"{each.summary} ({each.resolution or 'waived'})" for each in settled))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        if isinstance(excinfo.value, NotKept):
            return "\n\n".join(map(_told, excinfo.value.findings))
        if isinstance(excinfo.value, PgcontractError):
            return f"error: {excinfo.value}"
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name

    @staticmethod
    def _demand_none(findings: Iterable[Finding]) -> None:
        if wrong := tuple(findings):
            raise NotKept(wrong)


def _told(finding: Finding) -> str:
    """What a person needs to mend it: place, what was promised, what was found, what to do, and the exhibits."""
    weight = f" ({finding.severity.value})" if finding.severity else ""
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
    return "\n".join(line for line in lines if line)
