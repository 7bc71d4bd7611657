"""What is put up with: by a waiver, by a comment in the SQL, and by the baseline, in that order. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pgcontract.contract import BaselineEntry, Project
from pgcontract.result import Finding
from pgcontract.runner.baselined import (
    Asked,
    accept_known,
    judge_baseline,
    live_entries,
    match_baseline,
    new_entries,
)
from pgcontract.runner.decisions import baseline_item
from pgcontract.runner.ignored import apply_comments, comment_uses, judge_comments
from pgcontract.runner.plan import Plan
from pgcontract.runner.session import NO_SERVER
from pgcontract.runner.waivers import apply_waivers


def accept_findings(
    findings: Iterable[Finding], plan: Plan, today: dt.date
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings, those that somebody accepts WAIVED, and a finding for each waiver and comment, and the baseline."""
    unaccepted, project = tuple(findings), plan.project
    accepted, judged = apply_waivers(unaccepted, project, today, undecided=plan.undecided)
    uses = comment_uses(project)
    accepted = apply_comments(accepted, project, uses)
    if (baseline := project.baseline) is not None:
        match = match_baseline(baseline, unaccepted, project, _asked(plan))
        skipped = baseline_item(project, baseline) in plan.skipped
        accepted = accept_known(accepted, baseline, match)
        judged = (*judged, judge_baseline(baseline, match, project, skipped=skipped))
    comments = judge_comments(uses, accepted, project, asked=plan.items, undecided=plan.undecided)
    return accepted, (*judged, *comments)


def accept_alone(findings: Iterable[Finding], plan: Plan, today: dt.date) -> tuple[Finding, ...]:
    """The same of some findings alone, where nothing is to be said of waivers and the baseline."""
    return accept_findings(findings, plan, today)[0]


def entries_after(
    plan: Plan, findings: Iterable[Finding], resolved: Iterable[Finding], *, prune: bool
) -> tuple[BaselineEntry, ...]:
    """What the baseline has after the run, whose findings are `resolved` by all but the baseline; see
    `verify_with_baseline`."""
    before = plan.project.baseline
    match = match_baseline(before, tuple(findings), plan.project, _asked(plan)) if before else None
    if prune:
        return live_entries(before, match) if before and match else ()
    return new_entries(resolved, plan.project, before=before, match=match)


def is_whole(project: Project) -> bool:
    """Whether the chain goes to its end, and is not one file of a folder."""
    return project.ended is None and not project.alone


def _asked(plan: Plan) -> Asked:
    return Asked(items=plan.items, left_out=plan.left_out, whole=plan.options.pg != NO_SERVER and is_whole(plan.project))
