"""The same project judged on several majors: what differs between the Runs, and what in PostgreSQL does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from pgcontract.postgres.versions import NOVELTIES
from pgcontract.result.finding import Decision, Finding, Run, Severity, Status
from pgcontract.runner.verdict import another_major

MISSING = "-"

_Subject: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What one check of one subject said on each major: a status, or `-` where it was not asked.

    Where the statuses are the same, the words differ. `because` names what PostgreSQL brought between the majors that
    differ; None where nothing known explains it.
    """

    check: str
    subject: str
    migration: str
    said: Mapping[int, str]
    because: str | None


def decision(run: Run) -> Decision:
    """The Run's decision, as it would be had it been reached on production's own major."""
    reason = another_major(run.server.get("major"), run.facts.get("production"))
    if run.verdict.decision is Decision.CAUTION and run.verdict.reasons == (reason,):
        return Decision.CLEAR
    return run.verdict.decision


def agree(runs: Mapping[int, Run]) -> bool:
    """Whether the majors come to the same decision."""
    return len({decision(run) for run in runs.values()}) <= 1


def differences(runs: Mapping[int, Run]) -> tuple[Difference, ...]:
    """Where the majors answer differently, in the order of the first Run that has the subject.

    A status that differs is always told. Words that differ are told of checks whose answer is known to depend on the
    major: others hold figures, which differ from run to run.
    """
    said = {major: _by_subject(run) for major, run in sorted(runs.items())}
    subjects = dict.fromkeys(subject for answers in said.values() for subject in answers)
    told: list[Difference] = []
    for subject in subjects:
        found = {major: answers.get(subject, ()) for major, answers in said.items()}
        statuses = {major: _statuses(each) for major, each in found.items()}
        words = {major: tuple(one.summary for one in each) for major, each in found.items()}
        coloured = any(subject[2] in each.colours for each in NOVELTIES)
        differing = statuses if len(set(statuses.values())) > 1 else words if coloured else {}
        if len(set(differing.values())) > 1:
            migration, at, check, name = subject
            told.append(
                Difference(
                    check=check,
                    subject=name,
                    migration=f"{migration} at {at}" if at else migration,
                    said={major: ", ".join(each) or MISSING for major, each in differing.items()},
                    because=_because(check, differing),
                )
            )
    return tuple(told)


def _by_subject(run: Run) -> Mapping[_Subject, Sequence[Finding]]:
    found: dict[_Subject, list[Finding]] = {}
    for each in run.findings:
        found.setdefault((each.migration, each.at, each.check, each.subject), []).append(each)
    return found


def _statuses(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The statuses with what weighs in the verdict: a broken warning is another thing than a broken error."""
    return tuple(
        each.status.value
        + (f" {each.severity.value}" if each.severity not in (None, Severity.ERROR) else "")
        + (" excused" if each.status is Status.BROKEN and each.resolution else "")
        for each in findings
    )


def _because(check: str, differing: Mapping[int, tuple[str, ...]]) -> str | None:
    """What PostgreSQL brought with each major at which the answer changes; None if one change has no such name."""
    named: list[str] = []
    majors = sorted(differing)
    for before, after in pairwise(majors):
        if differing[before] != differing[after]:
            brought = [each for each in NOVELTIES if before < each.since <= after and check in each.colours]
            if not brought:
                return None
            named += [f"{each.name}, since {each.since}" for each in brought]
    return "; ".join(named) or None
