"""Comments in the SQL that accept findings: what they excuse, where they hold, and whether each is of use. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pgcontract.contract import IgnoreComment, IgnoredCheck, Project
from pgcontract.result import Acceptance, CheckInfo, Finding, Severity, Status
from pgcontract.rules.registry import checks
from pgcontract.runner.finding_keys import FindingPlaces
from pgcontract.runner.item import Item

IGNORE_LIVE: Final = CheckInfo(
    id="ignore.live",
    title="Each pgcontract-ignore comment has a reason, and excuses something that is broken",
    why="a comment that excuses nothing would hide the next fault at its statement; one without a reason tells nobody "
    "why it may be so; and in a file that production has, some tools stop at a comment that is new.",
    how="the comment's checks are compared with what is broken at the statement that it stands in, that ends on its "
    "line, or that follows; where no statement stands before it, with what is said of the whole file too. What is "
    "critical is excused by its own check's name only, and stays where everybody sees it; what could not be asked is not "
    "excused. In an applied file of a tool that keeps checksums no comment holds.",
    remedy="correct or remove the comment; for an applied file of a tool that keeps checksums, take the finding into the "
    "baseline: `pgcontract verify --write-baseline`.",
    severity=Severity.WARNING,
)


@dataclass(kw_only=True)
class _Use:
    comment: IgnoreComment
    holds: bool
    excused: list[Finding] = field(default_factory=list)
    used: set[IgnoredCheck] = field(default_factory=set)
    refused: list[Finding] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)


def comment_uses(project: Project) -> list[_Use]:
    return [_Use(comment=one, holds=project.may_be_edited(one.migration)) for one in project.ignore_comments]


def apply_comments(findings: Iterable[Finding], project: Project, uses: Sequence[_Use]) -> tuple[Finding, ...]:
    """The findings, those WAIVED that a comment excuses. It excuses what is broken, and never what has no answer."""
    if not uses:
        return tuple(findings)
    places = FindingPlaces(project)
    return tuple(_excuse(finding, uses, places) for finding in findings)


def _excuse(finding: Finding, uses: Sequence[_Use], places: FindingPlaces) -> Finding:
    if finding.status not in (Status.BROKEN, Status.UNKNOWN, Status.ERROR) or finding.check not in checks():
        return finding
    for use in uses:
        named = [one for one in use.comment.checks if one.matches(finding.check, finding.subject)]
        if not named or use.comment.mistake or not _is_about(use.comment, finding, places):
            continue
        if finding.status is not Status.BROKEN:
            use.obstacles.append(f"{finding.item} has no answer, which nobody can ignore")
        elif finding.resolution is not None:
            use.obstacles.append(f"{finding.item} is {finding.resolution}")
        elif finding.critical and all(one.check != finding.check for one in named):
            use.obstacles.append(f"{finding.item} is critical, and a wildcard does not excuse it: name its check")
        elif not use.holds:
            use.refused.append(finding)
        else:
            use.excused.append(finding)
            use.used |= set(named)
            resolution = f"ignored at {use.comment.origin.file}:{use.comment.origin.line}: {use.comment.reason}"
            return replace(finding, status=Status.WAIVED, accepted=Acceptance.COMMENT, resolution=resolution)
    return finding


def _is_about(comment: IgnoreComment, finding: Finding, places: FindingPlaces) -> bool:
    place = places.statement(finding)
    if place is not None:
        return place.script is comment.script and comment.statement in place.statements
    of_script = finding.origin is None or finding.origin.file == comment.script.path
    return comment.opens_script and of_script and finding.migration == comment.migration


def judge_comments(
    uses: Iterable[_Use],
    findings: Iterable[Finding],
    project: Project,
    *,
    asked: Collection[Item],
    undecided: Collection[Item],
) -> tuple[Finding, ...]:
    """A finding for each comment that somebody can edit; of the others for those that would be of use. `findings` are as
    they are after the baseline."""
    silenced = {(one.check, one.subject, one.migration) for one in findings if one.status is Status.WAIVED}
    left_out = {(item.migration, item.subject) for item in undecided if item.check == IGNORE_LIVE.id}
    findings = []
    for use in uses:
        if not use.holds:
            open_ones = [one for one in use.refused if (one.check, one.subject, one.migration) not in silenced]
            findings += [_not_held(use.comment, open_ones, project)] if open_ones else []
        elif (use.comment.migration, use.comment.name) in left_out:
            findings.append(_finding(use.comment, Status.NOTED, "is not judged: the selection left it out."))
        else:
            findings.append(_judge(use, asked))
    return tuple(findings)


def _judge(use: _Use, asked: Collection[Item]) -> Finding:
    comment = use.comment
    if comment.mistake:
        remedy = f"{comment.mistake.partition(': ')[2].capitalize()}, or remove it."
        return _finding(comment, Status.BROKEN, f"{comment.mistake}.", actual=comment.mistake, remedy=remedy)
    idle = [one for one in comment.checks if one not in use.used and _is_asked(one, comment, asked)]
    if idle:
        why = f": {use.obstacles[0]}" if use.obstacles else ""
        which = f" by {', '.join(map(str, idle))}" if len(idle) < len(comment.checks) else ""
        remedy = "Remove that, or put it above the statement that it is about."
        said = f"ignores nothing{which}"
        return _finding(comment, Status.BROKEN, f"{said}{why}.", actual=said, remedy=remedy)
    if use.excused:
        return _finding(comment, Status.KEPT, f"excuses {', '.join(dict.fromkeys(one.item for one in use.excused))}.")
    return _finding(comment, Status.NOTED, "is not judged: this run asked nothing that it is about, as of an old deploy.")


def _not_held(comment: IgnoreComment, refused: Sequence[Finding], project: Project) -> Finding:
    name = next(migration.display_name for migration in project.chain if migration.key == comment.migration)
    return _finding(
        comment,
        Status.BROKEN,
        f"does not hold for {refused[0].item}: {name} counts as applied, and {project.layout} minds an applied file "
        "that has changed, be it by a comment.",
        actual="a comment in an applied file",
        remedy=f"Take the finding into the baseline, with pgcontract verify --write-baseline; if {name} is not applied "
        "anywhere yet, say what is, with --applied.",
    )


def _is_asked(ignored: IgnoredCheck, comment: IgnoreComment, asked: Collection[Item]) -> bool:
    """Whether anything that it names is asked of its migration, or of the head, which may show it there."""
    known = checks()
    return any(
        ignored.names(item.check) and (item.migration == comment.migration or known[item.check].head) for item in asked
    )


def _finding(
    comment: IgnoreComment, status: Status, said: str, *, actual: str | None = None, remedy: str | None = None
) -> Finding:
    broken = status is Status.BROKEN
    return Finding(
        check=IGNORE_LIVE.id,
        subject=comment.name,
        status=status,
        severity=IGNORE_LIVE.severity if broken else None,
        summary=f"The comment that ignores {', '.join(map(str, comment.checks)) or 'something'} {said}",
        expected="a comment with a reason, of something that is broken at its statement" if broken else None,
        actual=actual,
        remedy=remedy,
        origin=comment.origin,
        migration=comment.migration,
    )
