"""What was not checked, and why: the answer a report owes beside every answer it gives."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from pgcontract.reporting.fragments import outcome
from pgcontract.reporting.markup import code, join, quote
from pgcontract.reporting.run_view import Reading
from pgcontract.result.claim_ranges import spans
from pgcontract.result.finding import Outcome, Run, Status


def gaps(read: Reading) -> tuple[tuple[Markup | str, str], ...]:
    """Pairs of what and why: what could not be asked, claims not shown (one row a reason), claims untestable."""
    return (*_unanswered(read), *_not_shown(read), *_untestable(read))


def left_out(run: Run) -> tuple[Markup, ...]:
    """What the owner's own selection left out, as it was given on the command line."""
    said = []
    for option, meaning in (("only", "only these checks were asked"), ("skip", "these checks were not asked")):
        if chosen := run.options.get(option):
            globs = [chosen] if isinstance(chosen, str) else list(chosen)
            said.append(Markup("`--{}`: {}: {}.").format(option, meaning, join((code(each) for each in globs), ", ")))
    if run.options.get("through"):
        said.append(Markup("`--through`: the chain was judged up to {}.").format(code(run.options["through"])))
    return tuple(said)


def _unanswered(read: Reading) -> Iterator[tuple[Markup | str, str]]:
    for each in read.checks:
        unread = each.check == "text.readable" and each.status is Status.NOTED
        if unread or each.status in (Status.UNKNOWN, Status.ERROR):
            yield join((outcome(each), code(read.name(each))), " "), each.summary


def _not_shown(read: Reading) -> Iterator[tuple[Markup | str, str]]:
    by_reason: dict[str, list[str]] = {}
    for each in read.claims_by(Outcome.NOT_SHOWN):
        by_reason.setdefault(each.reason, []).append(read.claim_name(each.id, each.migration))
    for reason, ids in by_reason.items():
        yield " ".join(spans(ids)), reason


def _untestable(read: Reading) -> Iterator[tuple[Markup | str, str]]:
    for each in read.claims_by(Outcome.UNTESTABLE):
        yield join((read.claim_name(each.id, each.migration), quote(each.says)), " "), each.reason
