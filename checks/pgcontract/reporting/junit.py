"""Renders a Run as JUnit XML: a suite a migration, a test case a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from pgcontract.reporting.finding_status import status_label
from pgcontract.reporting.levels import JUnit, levels_of
from pgcontract.reporting.markup import visible
from pgcontract.reporting.places import details, place_of
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Finding, Run
from pgcontract.result.check_info import family_of

FORMAT = "junit"
_COUNTED = {"failures": JUnit.FAILURE, "errors": JUnit.ERROR, "skipped": JUnit.SKIPPED}


def render(run: Run) -> str:
    view = RunView(run)
    suites: dict[str, list[Finding]] = {migration.key: [] for migration in run.chain}
    for finding in view.distinct_findings:
        suites.setdefault(finding.migration or run.migration, []).append(finding)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="pgcontract"{_counts(view.distinct_findings)}>']
    for key, findings in suites.items():
        if findings:
            lines += _suite(key, findings, view)
    return "\n".join((*lines, "</testsuites>")) + "\n"


def _suite(key: str, findings: Sequence[Finding], view: RunView) -> Iterator[str]:
    run = view.run
    server = f"PostgreSQL {run.server.version}" if run.server else "none"
    named = {"verdict": run.verdict.decision.value, "server": server, "pgcontract": run.pgcontract}
    yield f"<testsuite{_attributes(name=key, timestamp=run.started[:19])}{_counts(findings)}>"
    yield "<properties>"
    yield from (f"<property{_attributes(name=name, value=value)}/>" for name, value in named.items())
    yield "</properties>"
    for finding in findings:
        yield from _case(finding, view)
    yield "</testsuite>"


def _case(finding: Finding, view: RunView) -> Iterator[str]:
    place = place_of(finding, view.run)
    name = f"{finding.item} at {view.run.display_name(finding.at)}" if finding.at else finding.item
    head = _attributes(
        classname=f"{view.run.display_name(finding.migration)}.{family_of(finding.check)}",
        name=name,
        file=place.file,
        line=str(place.line),
        time=f"{finding.seconds:.3f}",
    )
    ended = levels_of(finding).junit
    said = _text(f"{finding.summary}\n{details(finding)}\n{place}, evidence {view.ids.of(finding)}")
    about = _attributes(message=finding.summary, type=status_label(finding))
    match ended:
        case JUnit.PASSED:
            yield f"<testcase{head}/>"
        case JUnit.SAID:
            yield f"<testcase{head}><system-out>{_text(status_label(finding))}: {said}</system-out></testcase>"
        case JUnit.SKIPPED:
            yield f"<testcase{head}><skipped{_attributes(message=finding.resolution or finding.summary)}/></testcase>"
        case JUnit.FAILURE | JUnit.ERROR:
            yield f"<testcase{head}><{ended.value}{about}>{said}</{ended.value}></testcase>"


def _counts(findings: Sequence[Finding]) -> str:
    ended = Counter(levels_of(finding).junit for finding in findings)
    seconds = f"{sum(finding.seconds for finding in findings):.3f}"
    counted = {name: str(ended[level]) for name, level in _COUNTED.items()}
    return _attributes(tests=str(len(findings)), **counted, time=seconds)


def _attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(visible(value))}" for name, value in values.items())


def _text(text: str) -> str:
    """Text that is XML whatever it holds: what XML has no character for is shown escaped."""
    return escape(visible(text, lines=True))
