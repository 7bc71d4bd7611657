"""The verdict of a pytest run: findings gathered from every process, concluded once, where the summary is printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pgcontract.pytest_plugin.arguments import project_of, without_contracts

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from pgcontract.pytest_plugin.shared_session import SharedSession
    from pgcontract.result import Finding, Observations, Run
    from pgcontract.runner import Item

Key = tuple[str, str, str]  # an item's migration, check and subject

VERDICT_PLUGIN: Final = "pgcontract-judge"  # its name in the plugin manager
INTERNAL_ERROR: Final = 4  # as on the command line: a bug of pgcontract, whatever else was found
_ATTRIBUTE: Final = "pgcontract"  # the name under which a report, and a worker's output carry our data


class VerdictPlugin:
    """In every process of a pytest run: those that ask mark their reports, and the one that prints concludes.

    With pytest-xdist the findings come in the reports, and what each worker's server showed when the worker ends.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shared_sessions: dict[Path, SharedSession] = {}
        self._answers: dict[str, dict[Key, tuple[Finding, ...]]] = defaultdict(dict)
        self._observed: dict[str, list[Observations]] = defaultdict(list)
        self._others_failed = False
        self._interrupted = False
        self._crashed: list[str] = []
        self._runs: list[Run] = []

    def shared_session(self, project: Path) -> SharedSession:
        """The one of this project in this process."""
        from pgcontract.pytest_plugin.shared_session import SharedSession

        if project not in self._shared_sessions:
            self._shared_sessions[project] = SharedSession(self._config, project)
        return self._shared_sessions[project]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if self._shared_sessions:
            from pgcontract.pytest_plugin.collection import PromiseItem

            if isinstance(item, PromiseItem):
                answers = item.answers.items() if report.when == "setup" else ()
                dumped = [(_key(asked), _dump(findings)) for asked, findings in answers]
                setattr(report, _ATTRIBUTE, {"project": str(item.shared_session.project), "answers": dumped})
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        marked = getattr(report, _ATTRIBUTE, None)
        if marked is None:
            self._others_failed |= report.failed
            self._crashed += [report.nodeid] if report.failed else []
        else:
            own = self._answers[marked["project"]]
            own.update((tuple(key), _load(findings)) for key, findings in marked["answers"])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._others_failed |= report.failed

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has ended; one that crashed has sent no output."""
        for project, observed in getattr(node, "workeroutput", {}).get(_ATTRIBUTE, {}).items():
            self._observed[project].append(_observations().validate_json(observed))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest calls this for -x and --maxfail under xdist too: those runs end early and are judged all the same.
        self._interrupted = not isinstance(excinfo.value, pytest.Session.Interrupted)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        # After an interruption a server may be in the middle of an answer: it is asked no more, only closed.
        finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        try:
            observed = {
                str(project_bench.project): project_bench.observed()
                for project_bench in self._shared_sessions.values()
                if finished
            }
        finally:
            for project_bench in self._shared_sessions.values():
                project_bench.close()
        if hasattr(self._config, "workeroutput"):
            sent = {project: _observations().dump_json(seen).decode() for project, seen in observed.items()}
            self._config.workeroutput[_ATTRIBUTE] = sent
            return
        for project, seen in observed.items():
            self._observed[project].append(seen)
        if self._answers and not self._interrupted:
            self._conclude(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not self._config.option.pgcontract:
            for word in without_contracts(self._config):
                terminalreporter.write_line(
                    f"pgcontract: {word} holds migrations, and no contract; `pytest --pgcontract {word}` asks what "
                    f"`pgcontract verify {word}` does"
                )
        for run in self._runs:
            _print_verdict(run, terminalreporter)

    def _conclude(self, session: pytest.Session) -> None:
        """One verdict a project. It alone decides the exit status unless a test of somebody else failed too."""
        from pgcontract import runner

        for project, answers in self._answers.items():
            shared_session = self.shared_session(Path(project))
            answers |= {key: unanswered for key, unanswered in self._unanswered(shared_session) if key not in answers}
            # In the order of the plan, whichever worker came first: as on the command line.
            every = (*shared_session.plan.items, *shared_session.plan.decisions)
            plan = shared_session.plan.select(item for item in every if _key(item) in answers)
            findings = [finding for item in plan.items for finding in answers[_key(item)]]
            observed = _merge_observed(self._observed[project])
            self._runs.append(runner.conclude(plan, findings, observed))
        if (folder := self._config.option.pgcontract_report) is not None:
            from pgcontract.reporting import write_reports

            for run in self._runs:
                write_reports(run, self._config.invocation_params.dir / folder)
        if any(run.errors for run in self._runs):
            session.exitstatus = INTERNAL_ERROR
        elif any(run.exit_code for run in self._runs):
            session.exitstatus = max(session.exitstatus, pytest.ExitCode.TESTS_FAILED)
        elif session.exitstatus == pytest.ExitCode.TESTS_FAILED and not self._others_failed:
            session.exitstatus = pytest.ExitCode.OK

    def _unanswered(self, shared_session: SharedSession) -> Iterator[tuple[Key, tuple[Finding, ...]]]:
        """What was being asked where a worker of pytest-xdist was killed: left out, it would count as not selected."""
        from pgcontract.reporting.markup import visible
        from pgcontract.runner import make_unanswered_finding

        for file, _, name in (nodeid.partition("::") for nodeid in self._crashed):
            if project_of(self._config.rootpath / file, self._config) != shared_session.project:
                continue
            for item in shared_session.plan.items:
                if name in (visible(item.name), visible(f"{item.migration}/{item.name}")):
                    reason = "The process that asked ended before it had an answer. Run it again."
                    yield _key(item), (make_unanswered_finding(shared_session.plan, item, reason),)


def _print_verdict(run: Run, terminal: pytest.TerminalReporter) -> None:
    """The decision, its reasons, and the warnings: they passed, and somebody should know."""
    from pgcontract.reporting.markup import visible
    from pgcontract.result import Decision, Severity, Status

    colour = {Decision.CLEAR: "green", Decision.BLOCKED: "red"}.get(run.verdict.decision, "yellow")
    terminal.section(f"pgcontract: {visible(run.migration)}")
    if run.fault:
        terminal.write_line(visible(f"error: {run.fault}"), red=True, bold=True)
    for reason in run.verdict.reasons:
        terminal.write_line(visible(reason))
    for sentence in run.on_trust:
        terminal.write_line(visible(f"on trust: {sentence}"), yellow=True)
    for sentence in run.configured:
        terminal.write_line(visible(f"configured: {sentence}"), yellow=True)
    for finding in run.findings:
        warning = finding.status is Status.BROKEN and finding.severity is Severity.WARNING and finding.resolution is None
        if warning and not any(reason.startswith(f"{finding.item}:") for reason in run.verdict.reasons):
            terminal.write_line(visible(f"warning: {finding.item}: {finding.summary}"), yellow=True)
    terminal.write_line(f"verdict: {run.verdict.decision.value}", bold=True, **{colour: True})


def _key(item: Item) -> Key:
    return item.migration, item.check, item.subject


def _dump(findings: tuple[Finding, ...]) -> str:
    return _findings().dump_json(findings).decode()


def _load(text: str) -> tuple[Finding, ...]:
    return _findings().validate_json(text)


@cache
def _findings() -> TypeAdapter[tuple[Finding, ...]]:
    from pydantic import TypeAdapter

    from pgcontract.result import Finding

    return TypeAdapter(tuple[Finding, ...])


@cache
def _observations() -> TypeAdapter[Observations]:
    from pydantic import TypeAdapter

    from pgcontract.result import Observations

    return TypeAdapter(Observations)


def _merge_observed(observed: list[Observations]) -> Observations:
    """What several servers showed, as if one had: the schemas of whichever saw the head, the phases of all."""
    from pgcontract.result import Observations

    best = max(observed, key=lambda seen: seen.live is not None, default=Observations())
    effects = [seen.effect for seen in observed if seen.effect is not None]
    return replace(
        best,
        # Its statements were traced by whichever was asked for the locks.
        effect=max(effects, key=lambda effect: effect.live is not None, default=None),
        stops=max((seen.stops for seen in observed), key=len, default=()),
        losses=max((seen.losses for seen in observed), key=len, default=()),
        access=max((seen.access for seen in observed), key=len, default=()),
        phases=tuple(phase for seen in observed for phase in seen.phases),
    )
