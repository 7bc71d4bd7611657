"""What differs between two Runs, as Markdown: for a pull request's comment, so that a reviewer sees the change."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from markupsafe import Markup

from pgcontract.reporting.effect_sentence import effect_sentence
from pgcontract.reporting.finding_status import status_label
from pgcontract.reporting.fragments import outcome
from pgcontract.reporting.heading import number
from pgcontract.reporting.markup import code, fold, join, prose
from pgcontract.reporting.run_diff import Change, RunDiff, compare_runs
from pgcontract.reporting.run_view import RunView
from pgcontract.result import Finding, Run

MAX_LISTED = 10
MAX_FOLDED = 60
MAX_SENTENCE = 240
MAX_VALUE = 80


def render_diff(before: Run, after: Run, *, heading: str = "# What changes") -> str:
    """A page of its own, or a section under another heading. What does not differ is not named."""
    diff = compare_runs(before, after)
    old, new = RunView(before), RunView(after)
    blocks = [Markup("{}").format(Markup(heading)), _opening(before, after, diff)]  # noqa: S704 - our own words
    blocks += [
        _list("New", [_new(finding, new) for finding in diff.new]),
        _list("Gone", [_gone(finding, now, old, new) for finding, now in diff.gone]),
        _list("Claims", map(_change, diff.claims)),
        _list("Shape", map(_change, diff.shape)),
        _list("Cost", map(_change, diff.cost)),
        _list("Told now, and not before", [_told(finding, new) for finding in diff.told]),
        _list("Promises asked", map(_change, diff.asked)),
        _list("Files", map(_file, diff.files)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _opening(before: Run, after: Run, diff: RunDiff) -> Markup:
    was, now = before.verdict.decision.value, after.verdict.decision.value
    verdict = f"The verdict was {was} and is {now}." if was != now else f"The verdict stays {now}."
    head = ""
    if before.migration != after.migration:
        head = f"The head was {before.display_name(before.migration)} and is {after.display_name(after.migration)}."
    new = number(len(diff.new), "finding")
    counted = f"{new} {'is' if len(diff.new) == 1 else 'are'} new, {len(diff.gone)} gone, {diff.same} as before."
    counted += f" {number(diff.silent, 'check')} cannot be asked any more." if diff.silent else ""
    does = effect_sentence(after)
    effect = Markup("It {}").format(does) if after.effect and (head or does != effect_sentence(before)) else ""
    tools = f"The first was made by pgcontract {before.pgcontract}, the second by {after.pgcontract}."
    majors = [f"PostgreSQL {run.server.version}" if run.server else "no server" for run in (before, after)]
    conditions = [
        tools if before.pgcontract != after.pgcontract else "",
        f"The first was asked on {majors[0]}, the second on {majors[1]}." if majors[0] != majors[1] else "",
    ]
    return join((Markup("**{}**").format(verdict), counted, head, effect, *conditions), " ")


def _list(title: str, lines: Iterable[Markup]) -> Markup:
    """A list under its title; what is beyond the first few, folded."""
    items = [Markup("- {}").format(line) for line in lines]
    if not items:
        return Markup("")
    first = Markup("\n").join([Markup("**{}** ({}):").format(title, len(items)), *items[:MAX_LISTED]])
    rest = items[MAX_LISTED:]
    folded = [*rest[:MAX_FOLDED], *([Markup("- …")] if len(rest) > MAX_FOLDED else [])]
    return join((first, fold(f"{len(rest)} more", Markup("\n").join(folded)) if rest else ""), "\n\n")


def _new(finding: Finding, view: RunView) -> Markup:
    remedy = Markup(" **To do:** {}").format(prose(finding.remedy, MAX_SENTENCE)) if finding.remedy else ""
    said = prose(finding.summary, MAX_SENTENCE)
    return Markup("{} {} ({}): {}{}").format(
        outcome(finding), code(view.name(finding)), view.ids.of(finding), said, remedy
    )


def _gone(finding: Finding, now: Finding | None, old: RunView, new: RunView) -> Markup:
    """A finding that is not asked any more is not mended."""
    then = f"{status_label(now)} now ({new.ids.of(now)})" if now else "not asked any more"
    return Markup("{}: {}, {}").format(code(old.name(finding)), prose(finding.summary, MAX_SENTENCE), prose(then))


def _told(finding: Finding, view: RunView) -> Markup:
    return Markup("{} ({}): {}").format(
        code(view.name(finding)), view.ids.of(finding), prose(finding.summary, MAX_SENTENCE)
    )


def _change(change: Change) -> Markup:
    return _sentence(change, lambda value: code(value, MAX_VALUE))


def _file(change: Change) -> Markup:
    return _sentence(change, lambda digest: code(digest[:12]))


def _sentence(change: Change, shown: Callable[[str], Markup]) -> Markup:
    name = code(change.name)
    if not change.before:
        return Markup("{} is new{}").format(name, _value(change.after, shown))
    if not change.after:
        return Markup("{} is gone").format(name)
    return Markup("{}: {} before, {} now").format(name, shown(change.before), shown(change.after))


def _value(value: str, shown: Callable[[str], Markup]) -> Markup:
    return Markup("") if value == "there" else Markup(": {}").format(shown(value))
