"""Renders a Run as SARIF 2.1.0 (OASIS), as code scanning reads it: rules with their help, results with file and line."""

from __future__ import annotations

import json
from typing import Any

from pgcontract.reporting.levels import fingerprint, levels_of
from pgcontract.reporting.markup import visible
from pgcontract.reporting.places import details, place_of, uri
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Acceptance, CheckInfo, Finding, Run, Severity

FORMAT = "sarif"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "pgcontract/v1"
_DEFAULT = {Severity.WARNING: "warning", Severity.INFO: "note"}


def render(run: Run) -> str:
    """One run: a result for each finding that somebody has to know of, in the Run's order, and the rules of these."""
    view = RunView(run)
    findings = [finding for finding in view.distinct_findings if levels_of(finding).sarif]
    broken = {finding.check for finding in findings}
    checks = [check for check in run.checks if check.id in broken]
    rules = {check.id: place for place, check in enumerate(checks)}
    results = [_result(finding, view, rules) for finding in findings]
    driver = {"name": "pgcontract", "version": run.pgcontract, "rules": list(map(_rule, checks))}
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"pgcontract/{visible(run.migration)}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": not run.errors, "exitCode": run.exit_code}],
                "results": results,
                "properties": {"verdict": run.verdict.decision.value, "reasons": list(map(visible, run.verdict.reasons))},
            }
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _rule(check: CheckInfo) -> dict[str, Any]:
    parts = (("Why it matters", check.why), ("How it is measured", check.how), ("What to do", check.remedy))
    return {
        "id": check.id,
        "shortDescription": {"text": f"{check.title}."},
        "fullDescription": {"text": check.why or f"{check.title}."},
        "help": {
            "text": "\n\n".join(f"{name}: {text}" for name, text in parts if text) or f"{check.title}.",
            "markdown": "\n\n".join(f"**{name}:** {text}" for name, text in parts if text) or f"{check.title}.",
        },
        "defaultConfiguration": {"level": _DEFAULT.get(check.severity, "error")},
        "properties": {"tags": [check.family]},
    }


def _result(finding: Finding, view: RunView, rules: dict[str, int]) -> dict[str, Any]:
    levels, place = levels_of(finding), place_of(finding, view.run)
    region = {"startLine": place.line} | ({"startColumn": place.column} if place.column else {})
    physical = {"artifactLocation": {"uri": uri(place.file)}, "region": region}
    words = "\n".join(text for text in (finding.summary, details(finding)) if text)
    result: dict[str, Any] = {
        "ruleId": finding.check,
        **({"ruleIndex": rules[finding.check]} if finding.check in rules else {}),
        "level": levels.sarif,
        "message": {"text": visible(words, lines=True) or finding.check},
        "locations": [
            {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": visible(finding.subject)}]}
        ],
        "partialFingerprints": {FINGERPRINT: fingerprint(finding)},
        "properties": {"migration": finding.migration, "status": finding.status.value, "evidence": view.ids.of(finding)},
    }
    if levels.suppressed:
        reason = visible(finding.resolution or "waived")
        kind = "inSource" if finding.accepted is Acceptance.COMMENT else "external"
        result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": reason}]
    return result
