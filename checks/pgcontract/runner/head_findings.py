"""A promise judged after its migration and again at the head of the chain, as one answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pgcontract.contract import Migration
from pgcontract.result import Finding, Severity, Status
from pgcontract.result.finding import MENDED


def merge_with_head(own: Sequence[Finding], later: Sequence[Finding], head: Migration) -> tuple[Finding, ...]:
    """What one check found after its migration (`own`) and at the head of the chain (`later`).

    What is broken at first is mended where everything at the head about its subject is KEPT: a note or no answer mends
    nothing. What could not be asked at first is answered by the same. What is kept at first must be kept at the head;
    what is broken at both is reported once, unless it weighs more at the head.
    """
    at_head: dict[str, list[Finding]] = {}
    for finding in later:
        at_head.setdefault(finding.subject, []).append(finding)
    joined: list[Finding] = []
    for finding in own:
        now = at_head.get(finding.subject, [])
        holds = bool(now) and all(answer.status is Status.KEPT for answer in now)
        if holds and finding.status is Status.BROKEN:
            finding = replace(finding, resolution=f"{MENDED}{head.display_name}")
        elif holds and finding.status is Status.UNKNOWN:
            finding = replace(finding, resolution=f"answered at {head.display_name}, where it holds")
        joined.append(finding)
    weights = {finding.subject: _weight(finding) for finding in own if finding.status is Status.BROKEN}
    repeats = [
        answer.status is Status.BROKEN and answer.subject in weights and _weight(answer) >= weights[answer.subject]
        for answer in later
    ]
    return (*joined, *(replace(answer, at=head.key) for answer, repeat in zip(later, repeats, strict=True) if not repeat))


def _weight(finding: Finding) -> int:
    """Heavier is less, as severities are listed."""
    return list(Severity).index(finding.severity or Severity.ERROR)
