"""What reports call the evidence of a finding: its `id` in run.json, E1, E2, …; neighbours closed up to a range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pgcontract.result import Finding, Run
from pgcontract.result.claim_ranges import shorten_ids


def evidence_id(place: int) -> str:
    """That of the finding at a place of the Run, from 0."""
    return f"E{place + 1}"


class EvidenceIds:
    """The ids of the findings of one Run; a copy of a finding has the id of the first that is equal to it."""

    def __init__(self, run: Run) -> None:
        self._by_identity: Mapping[int, str] = {
            id(finding): evidence_id(place) for place, finding in enumerate(run.findings)
        }
        self._findings = run.findings

    def of(self, finding: Finding) -> str:
        """The id of one finding; empty where it is none of the Run's."""
        return self._by_identity.get(id(finding)) or self._same(finding)

    def of_all(self, findings: Iterable[Finding]) -> str:
        """E3–E7 E12: those of several, in their order in run.json."""
        return " ".join(shorten_ids(filter(None, map(self.of, findings))))

    def _same(self, finding: Finding) -> str:
        """A collapsed finding has another subject than the one it stands for."""
        keys = (finding.check, finding.migration, finding.at, finding.summary, finding.status)
        for place, known in enumerate(self._findings):
            if keys == (known.check, known.migration, known.at, known.summary, known.status):
                return evidence_id(place)
        return ""
