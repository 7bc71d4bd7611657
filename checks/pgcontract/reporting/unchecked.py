"""What was not checked, and why."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from pgcontract.reporting.fragments import outcome
from pgcontract.reporting.markup import code, join, prose
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Finding, Outcome, Run, Status
from pgcontract.result.claim_ranges import shorten_ids

MAX_GAP = 160
MAX_NAMED = 6


def gaps(view: RunView) -> tuple[tuple[Markup | str, str], ...]:
    """Pairs of what and why: what could not be asked, claims not shown (a row a reason), claims untestable (one row)."""
    return (*_unanswered(view), *_not_shown(view), *_untestable(view))


def gap_sentences(view: RunView) -> tuple[Markup | str, ...]:
    """What nobody asked, a clause each: what a selection left out, what has no answer, what was noted to be missing."""
    silent = [finding for finding in view.distinct_findings if finding.unanswered and not finding.follows]
    which = f" ({view.ids.of_all(silent)})" if len(silent) <= MAX_NAMED else ""
    claims = view.claim_ids_by(Outcome.NOT_SHOWN)
    are = "is" if len(claims) == 1 else "are"
    not_shown = (
        f"{' '.join(claims)} {are}"
        if len(claims) <= MAX_NAMED
        else f"{len(view.claims_by(Outcome.NOT_SHOWN))} claims are"
    )
    has = "check that has" if len(silent) == 1 else "checks that have"
    noted = (finding for finding in _telling(view) if finding.status is Status.NOTED)
    return (
        *left_out(view.run),
        *([prose(f"{len(silent):,} {has} no answer{which}")] if silent else []),
        *(
            prose(f"{len(held)} that cannot be asked while {view.run.display_name(key)} is not applied")
            for key, held in view.consequences.items()
        ),
        *([f"{not_shown} not shown"] if claims else []),
        *(
            Markup("{} ({})").format(prose(finding.summary.removesuffix("."), MAX_GAP), view.ids.of(finding))
            for finding in noted
        ),
    )


def left_out(run: Run) -> tuple[Markup, ...]:
    """What the owner's own selection left out, as it was given on the command line."""
    selection = []
    for option, globs, meaning in (
        ("only", run.options.only, "only these checks were asked"),
        ("skip", run.options.skip, "these checks were not asked"),
    ):
        if globs:
            selection.append(Markup("`--{}`: {}: {}").format(option, meaning, join(map(code, globs), ", ")))
    if run.options.through:
        selection.append(Markup("`--through`: the chain was judged up to {}").format(code(run.options.through)))
    return tuple(selection)


def _telling(view: RunView) -> Iterator[Finding]:
    telling = {check.id for check in view.run.checks if check.tells_gaps}
    return (finding for finding in view.distinct_findings if finding.check in telling)


def _unanswered(view: RunView) -> Iterator[tuple[Markup | str, str]]:
    telling = {check.id for check in view.run.checks if check.tells_gaps}
    alike: dict[tuple[Status, str], list[Finding]] = {}
    for finding in view.distinct_findings:
        gap = finding.check in telling and finding.status is Status.NOTED
        if gap or finding.not_asked or finding.status in (Status.UNKNOWN, Status.ERROR):
            alike.setdefault((finding.status, finding.summary), []).append(finding)
    for (_, summary), held in alike.items():
        name = code(view.name(held[0])) if len(held) == 1 else f"{len(held):,} checks"
        yield join((outcome(held[0]), name, view.ids.of_all(held)), " "), summary


def _not_shown(view: RunView) -> Iterator[tuple[Markup | str, str]]:
    by_reason: dict[str, list[str]] = {}
    for claim in view.claims_by(Outcome.NOT_SHOWN):
        by_reason.setdefault(claim.reason, []).append(view.claim_name(claim.id, claim.migration))
    for reason, ids in by_reason.items():
        yield " ".join(shorten_ids(ids)), reason


def _untestable(view: RunView) -> Iterator[tuple[Markup | str, str]]:
    if ids := view.claim_ids_by(Outcome.UNTESTABLE):
        yield " ".join(ids), "Called untestable by their owner, whose reasons stand beside each in its section."
