"""Waivers: what they excuse, for how long, and whether each is one that may stay. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pgcontract.contract import Migration, Project, Waiver
from pgcontract.result import Acceptance, CheckInfo, Evidence, Finding, Severity, Status, WaiverTerm
from pgcontract.rules.registry import checks
from pgcontract.runner.finding_keys import FindingPlaces
from pgcontract.runner.item import Item

LONGEST: Final = dt.timedelta(days=366)
LONGEST_IF_CRITICAL: Final = dt.timedelta(days=90)

WAIVER_LIVE: Final = CheckInfo(
    id="waiver.live",
    title="Each waiver is in force, excuses one thing that is broken, and ends within a year",
    why="an expired waiver hides a fault that its owner promised to fix by then; one that excuses nothing, or whatever "
    "matches a wildcard, would hide the next fault; one without an end is no waiver but a decision that nobody took.",
    how="the waiver's last day is compared with the day of the run, and its check and subject with what is broken, or "
    "could not be asked, at its migration. A wildcard and an end more than a year away are warnings. What is critical, "
    "and what could not be asked, is excused by its own check and subject only; what is critical for at most 90 days.",
    remedy="fix what it waives and remove it from the contract, or have its owner name the check and the subject, and "
    "a day within the year.",
)


@dataclass(kw_only=True)
class _Use:
    """One waiver, and what the findings make of it."""

    migration: Migration
    waiver: Waiver
    excused: list[Finding] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)


def apply_waivers(
    findings: Iterable[Finding], project: Project, today: dt.date, *, undecided: Collection[Item] = ()
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings, those that a waiver excuses WAIVED, and a finding for each waiver.

    A waiver excuses what is broken or could not be asked of its own migration's promises; never a check that failed by
    a fault of its own. Of one that is `undecided` nothing is said: a selection left it out, or what it is about.
    """
    uses = [
        _Use(migration=migration, waiver=waiver) for migration in project.at_head.chain for waiver in migration.of(Waiver)
    ]
    places = FindingPlaces(project)
    excused = tuple(_excuse(finding, uses, today, places) for finding in findings)
    left_out = {(item.migration, item.check, item.subject) for item in undecided}
    return excused, tuple(_judge(use, today, _key(use) not in left_out) for use in uses)


def _key(use: _Use) -> tuple[str, str, str]:
    return use.migration.key, WAIVER_LIVE.id, waiver_name(use.waiver)


def _excuse(finding: Finding, uses: Sequence[_Use], today: dt.date, places: FindingPlaces) -> Finding:
    """The finding as it is after the first waiver that is in force; one of its own name before a wildcard."""
    if finding.status not in (Status.BROKEN, Status.UNKNOWN, Status.ERROR):
        return finding
    matching = []
    named = [use for use in uses if use.waiver.matches(finding.check, finding.subject)]
    for use in named:
        if _is_of(finding, use.migration.key, places):
            if obstacle := _obstacle(use.waiver, finding, today):
                use.obstacles.append(obstacle)
            else:
                matching.append(use)
    matching.sort(key=lambda use: (use.waiver.until < today, not use.waiver.names(finding.check, finding.subject)))
    if not matching:
        return finding
    first = matching[0]
    first.excused.append(finding)
    if first.waiver.until < today:
        return finding
    resolution = _resolution(first.waiver, finding, today)
    return replace(finding, status=Status.WAIVED, accepted=Acceptance.WAIVER, resolution=resolution)


def _is_of(finding: Finding, key: str, places: FindingPlaces) -> bool:
    """Whether a waiver of that migration is about the finding: what is told of the head's state, of what the migration
    made, is its own, whatever the head is by now."""
    return key == finding.migration or (finding.check in checks() and key == places.home(finding))


def _obstacle(waiver: Waiver, finding: Finding, today: dt.date) -> str | None:
    """Why the waiver does not excuse the finding that it matches."""
    named = waiver.names(finding.check, finding.subject)
    critical = finding.critical
    if finding.status is Status.ERROR:
        return f"{finding.item} failed by a bug of pgcontract, which nobody can waive"
    if finding.resolution is not None:
        return f"{finding.item} is {finding.resolution}"
    if critical and not named:
        return f"{finding.item} is critical, and a wildcard does not waive it: name its check and subject"
    if critical and waiver.until > today + LONGEST_IF_CRITICAL:
        last = (today + LONGEST_IF_CRITICAL).isoformat()
        return f"{finding.item} is critical, and may be waived for 90 days at most: until {last}"
    if finding.status is Status.UNKNOWN and not named:
        return f"{finding.item} could not be asked, and a wildcard does not waive it: name its check and subject"
    return None


def _resolution(waiver: Waiver, finding: Finding, today: dt.date) -> str:
    remarks = [
        remark
        for remark, applies in (
            ("it is critical", finding.critical),
            ("it was not asked", finding.status is Status.UNKNOWN),
            (f"by a wildcard, {waiver_name(waiver)}", not waiver.names(finding.check, finding.subject)),
            ("its end is more than a year away", waiver.until > today + LONGEST),
        )
        if applies
    ]
    remarks_text = f" ({'; '.join(remarks)})" if remarks else ""
    return f"waived until {waiver.until.isoformat()} by {waiver.owner}: {waiver.reason}{remarks_text}"


def waiver_terms(findings: Iterable[Finding], project: Project) -> tuple[WaiverTerm, ...]:
    """Every waiver of the chain, those that end first before the others, with what it excuses of these findings."""
    waived = [finding for finding in findings if finding.accepted is Acceptance.WAIVER]
    places = FindingPlaces(project)
    terms = (
        WaiverTerm(
            migration=migration.key,
            check=waiver.check,
            subject=waiver.subject,
            reason=waiver.reason,
            owner=waiver.owner,
            until=waiver.until.isoformat(),
            excuses=tuple(
                dict.fromkeys(
                    finding.item
                    for finding in waived
                    if waiver.matches(finding.check, finding.subject) and _is_of(finding, migration.key, places)
                )
            ),
        )
        for migration in project.at_head.chain
        for waiver in migration.of(Waiver)
    )
    return tuple(sorted(terms, key=lambda term: (term.until, term.item, term.migration)))


def waiver_name(waiver: Waiver) -> str:
    """The subject of the finding about it."""
    return f"{waiver.check}[{waiver.subject}]"


def _judge(use: _Use, today: dt.date, asked: bool) -> Finding:
    waiver, migration = use.waiver, use.migration
    subject, until = waiver_name(waiver), waiver.until.isoformat()
    status, severity, problem, remedy = Status.BROKEN, WAIVER_LIVE.severity, None, None
    about = f"The waiver of {subject}"
    if not asked:
        status, summary = Status.NOTED, f"{about} is not judged: the selection left it out, or what it may excuse."
    elif waiver.until < today:
        problem = f"expired on {until}"
        summary = f"{about} {problem}."
        remedy = "Fix what it waived and remove the [[waiver]] from the contract, or have its owner set a later `until`."
    elif not use.excused:
        problem = "waives nothing"
        summary = f"{about} {problem}{f': {use.obstacles[0]}' if use.obstacles else ''}."
        remedy = (
            "Remove the [[waiver]] from the contract, or name in it the check, the subject and the day that are meant."
        )
    elif loose := _loose(use, today):
        severity, problem = Severity.WARNING, loose
        summary = f"{about} holds until {until}, and {loose}."
        remedy = "Name the one check and subject that it is about, and a last day within a year."
    else:
        status, summary = Status.KEPT, f"{about} holds until {until}."
    broken = status is Status.BROKEN
    return Finding(
        check=WAIVER_LIVE.id,
        subject=subject,
        status=status,
        severity=severity if broken else None,
        summary=summary,
        expected="a waiver that is in force, excuses one thing and ends within a year" if broken else None,
        actual=problem,
        remedy=remedy,
        evidence=(Evidence(title="Reason", text=f"{waiver.owner}: {waiver.reason}"),),
        origin=waiver.origin,
        migration=migration.key,
    )


def _loose(use: _Use, today: dt.date) -> str | None:
    """How the waiver excuses more, or for longer, than one thing for a time."""
    waiver = use.waiver
    wide = [finding.item for finding in use.excused if not waiver.names(finding.check, finding.subject)]
    more = f" and {len(wide) - 1} more" if len(wide) > 1 else ""
    faults = [f"excuses whatever matches its wildcard, now {wide[0]}{more}"] if wide else []
    if waiver.until > today + LONGEST:
        faults.append("ends more than a year from now")
    return " and ".join(faults) or None
