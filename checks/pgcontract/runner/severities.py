"""A finding as its team's configuration weighs it, and the sentences that tell what was weighed anew. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from pgcontract.contract import Project
from pgcontract.model.wording import first_of
from pgcontract.result import Finding, Reweighed, Severity, Status

_MAX_NAMES: Final = 3
_WORDS: Final = {
    Severity.CRITICAL: ("as critical", "as critical"),
    Severity.ERROR: ("as an error", "as errors"),
    Severity.WARNING: ("as a warning", "as warnings"),
    Severity.INFO: ("as info", "as info"),
}


def weighed(finding: Finding, project: Project, *, own: Severity | None, promised: bool) -> Finding:
    """The broken finding, with what its configuration says that it weighs; `own` is what it weighs by itself, None where
    it would be a note. What blocks by itself (data exposed or lost, a script that fails), and what a contract, a claim
    or a tool `promised`, is a warning at least: no configuration makes it CLEAR."""
    grave = own in (Severity.CRITICAL, Severity.ERROR)
    least = Severity.WARNING if grave or promised else Severity.INFO
    by_itself = own or Severity.INFO
    severity, origin = project.severities.weigh(finding.check, finding.subject, by_itself, least=least)
    if origin is None or severity is own:
        return replace(finding, severity=own)
    return replace(finding, severity=severity, reweighed=Reweighed(own=own, origin=origin))


def reweighed_decision(finding: Finding, project: Project) -> Finding:
    """The same of what the verdict itself found of a claim or a waiver; none of them is a note."""
    if finding.status is not Status.BROKEN:
        return finding
    return weighed(finding, project, own=finding.severity, promised=True)


def severity_sentences(findings: Iterable[Finding]) -> Iterator[str]:
    """A sentence each for what one line of the configuration changes."""
    groups: dict[tuple[str, Severity | None], list[Finding]] = {}
    for finding in findings:
        if finding.reweighed is not None and finding.status is Status.BROKEN and finding.resolution is None:
            groups.setdefault((str(finding.reweighed.origin), finding.severity), []).append(finding)
    for (place, severity), group in groups.items():
        assert severity is not None
        one, many = _WORDS[severity]
        counted = f"1 finding counts {one}" if len(group) == 1 else f"{len(group)} findings count {many}"
        items = list(dict.fromkeys(finding.item for finding in group))
        grave = sum(finding.critical for finding in group) if severity is not Severity.CRITICAL else 0
        remark = f"; critical {'is' if grave == 1 else 'are'} {grave} of them" if grave and len(group) > 1 else ""
        remark = "; it is critical" if grave and len(group) == 1 else remark
        yield f"{counted} by {place}{remark}: {first_of(items, _MAX_NAMES)}."
