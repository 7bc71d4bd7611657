"""Renders what a person must see as GitLab's code quality report: a list of issues, each with its fingerprint."""

from __future__ import annotations

import json

from pgcontract.reporting.levels import fingerprint, levels_of
from pgcontract.reporting.markup import visible
from pgcontract.reporting.places import place_of, relative_path
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Run

FORMAT = "gitlab"


def render(run: Run) -> str:
    """In the order of the Run. A finding of which an earlier one has the fingerprint is left out, as GitLab does."""
    view = RunView(run)
    issues: dict[str, dict[str, object]] = {}
    for finding in view.distinct_findings:
        if level := levels_of(finding).gitlab:
            place, key = place_of(finding, run), fingerprint(finding)
            issues.setdefault(
                key,
                {
                    "description": visible(f"{view.name(finding)}: {finding.summary}"),
                    "check_name": finding.check,
                    "fingerprint": key,
                    "severity": level,
                    "location": {"path": relative_path(place.file), "lines": {"begin": place.line}},
                },
            )
    return json.dumps(list(issues.values()), indent=2) + "\n"
