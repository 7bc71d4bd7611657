"""Renders unresolved findings as GitHub workflow commands, so that each is shown at its line of the pull request."""

from __future__ import annotations

from pgcontract.reporting.levels import levels_of
from pgcontract.reporting.markup import visible
from pgcontract.reporting.places import details, place_of
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Finding, Run

FORMAT = "github"


def render(run: Run) -> str:
    """One `::error` or `::warning` a wrong finding, `::notice` for one that is settled, then the verdict."""
    view = RunView(run)
    lines = [_command(finding, view) for finding in (*view.unresolved, *view.resolved) if levels_of(finding).github]
    verdict = f"{run.verdict.decision.value}: {run.migration}"
    reasons = (f"  {reason}" for reason in run.verdict.reasons)
    on_trust = (f"  on trust: {sentence}" for sentence in run.on_trust)
    faults = (f"  {fault}" for fault in (run.fault,) if fault)
    return "\n".join((*lines, *(visible(line) for line in (verdict, *faults, *reasons, *on_trust)))) + "\n"


def _command(finding: Finding, view: RunView) -> str:
    place = place_of(finding, view.run)
    title = f"{finding.status.name} {view.name(finding)}"
    properties = {"file": place.file, "line": place.line, "col": place.column, "title": title}
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None)
    message = "\n".join(filter(None, (finding.summary, details(finding))))
    return f"::{levels_of(finding).github} {written}::{_message(message)}"


def _message(text: str) -> str:
    shown = visible(text, lines=True)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(visible(text)).replace(":", "%3A").replace(",", "%2C")
