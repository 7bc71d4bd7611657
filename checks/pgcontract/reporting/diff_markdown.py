"""What differs between two Runs, as Markdown: for a pull request's comment, so that a reviewer sees the change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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
MAX_CHARACTERS = 40_000  # GitHub takes a comment of 65,536, the first screen before it included
MAX_SENTENCE = 240
MAX_REMEDY = 1_000
MAX_VALUE = 80


def render_diff(before: Run, after: Run, *, heading: str = "# What changes") -> str:
    """A page of its own, or a section under another heading. What does not differ is not named; what is much is counted,
    so that the page fits into a comment."""
    diff = compare_runs(before, after)
    page = _page(before, after, diff, heading, folded=MAX_FOLDED)
    return page if len(page) <= MAX_CHARACTERS else _page(before, after, diff, heading, folded=0)


def _page(before: Run, after: Run, diff: RunDiff, heading: str, *, folded: int) -> str:
    def listed(title: str, lines: Iterable[Markup]) -> Markup:
        return _items(title, list(lines), folded)

    old, new = RunView(before), RunView(after)
    blocks = [Markup("{}").format(Markup(heading)), _opening(before, after, diff)]  # noqa: S704 - our own words
    blocks += [
        listed("New", [_new(finding, new) for finding in diff.new]),
        listed("Gone", [_gone(finding, now, old, new) for finding, now in diff.gone]),
        listed("Claims", map(_change, diff.claims)),
        listed("Shape", map(_change, diff.shape)),
        listed("Cost", map(_change, diff.cost)),
        listed("Told now, and not before", [_reported(finding, new) for finding in diff.reported]),
        listed("Promises asked", map(_change, diff.asked)),
        listed("Files", map(_file, diff.files)),
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


def _items(title: str, lines: Sequence[Markup], folded: int) -> Markup:
    """A list under its title: the first few lines, so many more of them folded, and how many are left out."""
    if not lines:
        return Markup("")
    items = [Markup("- {}").format(line) for line in lines]
    rest = items[MAX_LISTED : MAX_LISTED + folded]
    left = len(items) - len(items[:MAX_LISTED]) - len(rest)
    more = [Markup("- and {} more, as `pgcontract diff --format json` has them").format(left)] if left else []
    first = [Markup("**{}** ({}):").format(title, len(items)), *items[:MAX_LISTED], *(more if not rest else [])]
    hidden = fold(f"{len(rest)} more", Markup("\n").join([*rest, *more])) if rest else ""
    return join((Markup("\n").join(first), hidden), "\n\n")


def _new(finding: Finding, view: RunView) -> Markup:
    remedy = Markup(" **To do:** {}").format(prose(finding.remedy, MAX_REMEDY)) if finding.remedy else ""
    said = prose(finding.summary, MAX_SENTENCE)
    return Markup("{} {} ({}): {}{}").format(
        outcome(finding), code(view.name(finding)), view.ids.of(finding), said, remedy
    )


def _gone(finding: Finding, now: Finding | None, old: RunView, new: RunView) -> Markup:
    """A finding that is not asked any more is not mended."""
    then = f"{status_label(now)} now ({new.ids.of(now)})" if now and not now.not_asked else "not asked any more"
    said = prose(finding.summary.removesuffix("."), MAX_SENTENCE)
    return Markup("{}: {}, {}").format(code(old.name(finding)), said, prose(then))


def _reported(finding: Finding, view: RunView) -> Markup:
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
