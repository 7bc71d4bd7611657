"""The same project verified on several major versions: what differs, and which change of PostgreSQL causes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from pgcontract.postgres.versions import VERSION_FEATURES
from pgcontract.result import Decision, Finding, Run, Severity, Status
from pgcontract.runner.verdict import major_mismatch

NOT_ASKED = "-"

_Subject: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class MajorDifference:
    """The result of one check of one subject on each major: a status, or `-` where it was not run.

    Where the statuses are the same, the words differ. `cause` names what PostgreSQL brought between the majors that
    differ; None where nothing known explains it.
    """

    check: str
    subject: str
    migration: str
    results_by_major: Mapping[int, str]
    cause: str | None


def decision(run: Run) -> Decision:
    """The Run's decision, as it would be had it been reached on production's own major."""
    reason = major_mismatch(run.server.major if run.server else None, run.production_major)
    if run.verdict.decision is Decision.CAUTION and run.verdict.reasons == (reason,):
        return Decision.CLEAR
    return run.verdict.decision


def decisions_agree(runs: Mapping[int, Run]) -> bool:
    """Whether the majors come to the same decision."""
    return len({decision(run) for run in runs.values()}) <= 1


def differences(runs: Mapping[int, Run]) -> tuple[MajorDifference, ...]:
    """Where the majors answer differently, in the order of the first Run that has the subject.

    A status that differs is always listed. Summaries that differ are listed for checks whose answer depends on the
    major: others hold figures, which differ from run to run.
    """
    results_by_major = {major: _by_subject(run) for major, run in sorted(runs.items())}
    version_features = {check.id: check.version_features for run in runs.values() for check in run.checks}
    subjects = dict.fromkeys(subject for answers in results_by_major.values() for subject in answers)
    collected: list[MajorDifference] = []
    for subject in subjects:
        by_major = {major: answers.get(subject, ()) for major, answers in results_by_major.items()}
        statuses = {major: _statuses(findings) for major, findings in by_major.items()}
        words = {major: tuple(one.summary for one in findings) for major, findings in by_major.items()}
        features = version_features.get(subject[2], ())
        differing = statuses if len(set(statuses.values())) > 1 else words if features else {}
        if len(set(differing.values())) > 1:
            migration, at, check, name = subject
            collected.append(
                MajorDifference(
                    check=check,
                    subject=name,
                    migration=f"{migration} at {at}" if at else migration,
                    results_by_major={major: ", ".join(status) or NOT_ASKED for major, status in differing.items()},
                    cause=_cause_of(features, differing),
                )
            )
    return tuple(collected)


def _by_subject(run: Run) -> Mapping[_Subject, Sequence[Finding]]:
    by_subject: dict[_Subject, list[Finding]] = {}
    for finding in run.findings:
        by_subject.setdefault((finding.migration, finding.at, finding.check, finding.subject), []).append(finding)
    return by_subject


def _statuses(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The statuses with what weighs in the verdict: a broken warning is another thing than a broken error."""
    return tuple(
        finding.status.value
        + (f" {finding.severity.value}" if finding.severity not in (None, Severity.ERROR) else "")
        + (" excused" if finding.status is Status.BROKEN and finding.resolution else "")
        for finding in findings
    )


def _cause_of(features: Sequence[str], differing: Mapping[int, tuple[str, ...]]) -> str | None:
    """What PostgreSQL brought with each major at which the answer changes; None if one change has no such name."""
    named: list[str] = []
    majors = sorted(differing)
    for before, after in pairwise(majors):
        if differing[before] != differing[after]:
            brought = [
                novelty for novelty in VERSION_FEATURES if before < novelty.since <= after and novelty.name in features
            ]
            if not brought:
                return None
            named += [f"{novelty.name}, since {novelty.since}" for novelty in brought]
    return "; ".join(named) or None
