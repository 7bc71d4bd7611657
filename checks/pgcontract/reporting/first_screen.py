"""The first screen: what a reviewer must know, in at most 30 lines of plain sentences. What is more is counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

from pgcontract.reporting.again import again_command
from pgcontract.reporting.effect_sentence import effect_sentence
from pgcontract.reporting.finding_status import counts, is_unresolved
from pgcontract.reporting.fragments import outcome
from pgcontract.reporting.heading import number
from pgcontract.reporting.markup import code, join, prose, quote, truncate_text
from pgcontract.reporting.run_view import OUTCOMES_WORST_FIRST, RunView, decision_meaning
from pgcontract.reporting.unchecked import gap_sentences
from pgcontract.result import ClaimResult, Finding, Outcome, Status
from pgcontract.values import dataclass

MAX_LINES = 30
# Lines that are always there: the title, the section's heading, the blank ones, and one each of the sentences.
_ALWAYS = 18
MIN_CLAIMS = 3
MAX_SENTENCE = 260
MAX_BRIEF = 120  # a longer summary has the example in it
MAX_REMEDY = 1_000  # what is to be typed stands in it, and half of it is of no use
MAX_REASON = 110
MAX_CLAIM = 90
MAX_GAPS = 3
MAX_NOT_SHOWN = 2
MAX_NAMES = 4
MAX_REASONS = 4
_NOT_STANDING = (Outcome.REFUTED, Outcome.WAIVED, Outcome.CORRECTED)
_CLAUSE = re.compile(r"[;:.](?=\s|$)")
# The counts of claims and waivers stand in a line of their own.
_COUNTED = re.compile(r"\d+ (?:claim|promise)s? (?:is|are) ")


@dataclass(frozen=True, kw_only=True)
class FirstScreen:
    """Its sentences in their order; `findings` and `claims` are the items of lists, each a line.

    `shown` are the findings that stand there with all their words, `rest` the others that need a person: what is said of
    them has its place under Evidence.
    """

    verdict: Markup
    effect: Markup
    findings: tuple[Markup, ...]
    claims_counted: Markup
    claims: tuple[Markup, ...]
    unchecked: Markup
    on_trust: Markup
    configured: Markup
    settled: Markup
    again: Markup
    shown: tuple[Finding, ...]
    rest: tuple[Finding, ...]


def first_screen_of(view: RunView) -> FirstScreen:
    groups = _people(view)
    claims = list(_claims(view))
    room = MAX_LINES - _ALWAYS - (2 if view.run.configured else 0)
    findings_room = max(room - len(claims), room - MIN_CLAIMS)
    findings = _fitted([_finding(group, view) for group in groups], findings_room, "finding", "Evidence")
    listed = groups if len(groups) <= findings_room else groups[: max(findings_room - 1, 1)]
    shown = [group for group in listed if _is_whole(group)]
    shown_ids = {id(finding) for group in shown for finding in group}
    return FirstScreen(
        verdict=_verdict(view),
        effect=effect_sentence(view.run),
        findings=findings,
        claims_counted=_claims_counted(view),
        claims=_fitted(claims, room - len(findings), "claim", "their sections"),
        unchecked=_unchecked(view),
        on_trust=_on_trust(view),
        configured=join(map(prose, view.run.configured), " "),
        settled=_settled(view),
        again=_again(view),
        shown=tuple(group[0] for group in shown),
        rest=tuple(finding for finding in view.people if id(finding) not in shown_ids),
    )


def _fitted(lines: Sequence[Markup], room: int, noun: str, place: str) -> tuple[Markup, ...]:
    """As many as there is room for; the last says how many more there are."""
    if len(lines) <= room:
        return tuple(lines)
    shown = max(room - 1, 1)
    more = Markup(f"And {number(len(lines) - shown, f'more {noun}')}: see {place}.")  # noqa: S704 - our own words
    return (*lines[:shown], more)


def _verdict(view: RunView) -> Markup:
    run = view.run
    # What names a finding has its place below.
    named = {finding.item for finding in run.findings if is_unresolved(finding)}
    reasons = [
        reason.removesuffix(".")
        for reason in run.verdict.reasons
        if not _COUNTED.match(reason) and not any(reason.startswith((f"{item}: ", f"{item} and ")) for item in named)
    ][:MAX_REASONS]
    wrong = f"{number(len(view.people), 'finding')} {'needs' if len(view.people) == 1 else 'need'} a person"
    said = (
        wrong if view.people else "",
        view.failures if run.server else "",
        *(truncate_text(reason, MAX_SENTENCE) for reason in reasons),
    )
    details = join(said, "; ")
    first = Markup("**{}.** {}").format(run.verdict.decision.value, prose(decision_meaning(run)))
    fault = Markup("**ERROR**: {}").format(prose(run.fault)) if run.fault else ""
    return join((first, Markup("{}{}.").format(details[:1].upper(), details[1:]) if details else "", fault), " ")


def _people(view: RunView) -> list[list[Finding]]:
    """What needs a person, worst first; a promise that two migrations make stands once, the later one's first. Where
    they are too many for a line each, one check's are one."""
    contracts = {source.path for source in view.run.sources if source.role == "contract"}

    def order(finding: Finding) -> tuple[object, ...]:
        """Of scripts that fail the first is the cause of more; of promises the last is what holds now."""
        place = view.place_in_chain(finding)
        return view.urgency(finding), place if finding.check in view.first_checks else -place

    def alike(finding: Finding) -> tuple[object, ...]:
        declared = finding.origin is not None and finding.origin.file in contracts
        weight = finding.severity, finding.reweighed
        return finding.check, finding.status, weight, finding.subject, not declared and id(finding)

    ordered = sorted(view.people, key=order)
    groups = _grouped(ordered, alike)
    if len(groups) <= MAX_LINES - _ALWAYS:
        return groups
    return _grouped(ordered, lambda finding: (finding.check, finding.status, finding.severity, finding.reweighed))


def _grouped(findings: Sequence[Finding], key: Callable[[Finding], tuple[object, ...]]) -> list[list[Finding]]:
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(key(finding), []).append(finding)
    return list(groups.values())


def _finding(group: Sequence[Finding], view: RunView) -> Markup:
    """`1. **BROKEN (error)** name (E3): what is wrong. To do: what to do.`"""
    first = group[0]
    ids = view.ids.of_all(group)
    others = _others(group, view)
    follow = view.following(first) if first.check in view.first_checks else ()
    behind = f" {number(len(follow), 'more migration')} could not follow." if follow else ""
    unasked = view.unasked(first) if first.check in view.first_checks else 0
    behind += f" {number(unasked, 'check')} could not be asked because of it." if unasked else ""
    remedy = Markup(" **To do:** {}").format(prose(first.remedy, MAX_REMEDY)) if first.remedy else ""
    accepted = Markup(" It is {}.").format(prose(first.resolution)) if first.accepted_though_critical else ""
    at = Markup(" At {}.").format(code(first.origin)) if first.origin else ""
    return Markup("{} {} ({}): {}{}{}{}{}{}").format(
        outcome(first), code(view.name(first)), ids, _sentence(first), accepted, others, behind, at, remedy
    )


def _others(group: Sequence[Finding], view: RunView) -> Markup:
    """Which more there are: the same promise of an earlier migration, or other subjects of the check."""
    first, *others = group
    if not others:
        return Markup("")
    if all(finding.subject == first.subject for finding in others):
        keys = dict.fromkeys(finding.migration for finding in others if finding.migration != first.migration)
        names = [view.run.display_name(key) for key in keys]
        if not names:
            return Markup("")
        return Markup(" {} {} the same.").format(prose(", ".join(names)), "promises" if len(names) == 1 else "promise")
    subjects = dict.fromkeys(view.name(finding).partition("[")[2].removesuffix("]") for finding in others)
    listed = join(map(code, list(subjects)[:MAX_NAMES]), ", ")
    return Markup(" And {} more: {}{}.").format(len(others), listed, ", …" if len(subjects) > MAX_NAMES else "")


def _is_whole(group: Sequence[Finding]) -> bool:
    """Whether the line of these findings says all that there is to say but for their evidence."""
    first = group[0]
    alike = all(finding.subject == first.subject for finding in group)
    fits = len(first.summary) <= MAX_SENTENCE and len(first.remedy or "") <= MAX_REMEDY
    return alike and fits and bool(_pair(first) or first.evidence or first.expected is first.actual is None)


def _sentence(finding: Finding) -> Markup:
    """Its summary and, where that has no example, the two short words that differ."""
    said = prose(finding.summary, MAX_SENTENCE)
    pair = _pair(finding)
    return Markup("{} Expected {}, found {}.").format(said, *map(code, pair)) if pair else said


def _pair(finding: Finding) -> tuple[str, ...]:
    """What was expected and found, where both are short and the summary has neither."""
    pair = tuple(text for text in (finding.expected, finding.actual) if text and len(text) <= 72 and "\n" not in text)
    explained = len(finding.summary) > MAX_BRIEF or any(text in finding.summary for text in pair)
    return pair if len(pair) == 2 and not explained else ()


def _claims_counted(view: RunView) -> Markup:
    if not view.run.claims:
        return Markup("none was made.")
    held = [(ended, len(view.claims_by(ended))) for ended in OUTCOMES_WORST_FIRST]
    mended = view.claim_ids_by(Outcome.MENDED)
    counted = ", ".join(f"{many} {ended.value}" for ended, many in held if many)
    which = f" ({' '.join(mended)})" if mended else ""
    return prose(f"{number(len(view.run.claims), 'claim')}: {counted.replace('mended', f'mended{which}')}.")


def _claims(view: RunView) -> Iterator[Markup]:
    """A line each for those that did not stand; those that were not shown share one where they are many."""
    yield from (_claim(claim, view) for ended in _NOT_STANDING for claim in view.claims_by(ended))
    not_shown = view.claims_by(Outcome.NOT_SHOWN)
    if len(not_shown) <= MAX_NOT_SHOWN:
        yield from (_claim(claim, view) for claim in not_shown)
    else:
        names, first = view.claim_ids_by(Outcome.NOT_SHOWN), not_shown[0]
        why = Markup("{}, {}").format(
            prose(view.claim_name(first.id, first.migration)), prose(first.reason, MAX_SENTENCE)
        )
        yield Markup("{} not shown; {}").format(prose(" ".join(names)), why)


def _claim(claim: ClaimResult, view: RunView) -> Markup:
    name, word = view.claim_name(claim.id, claim.migration), claim.outcome.value
    outcome = Markup("**{}**").format(word) if claim.outcome is Outcome.REFUTED else prose(word)
    ids = view.ids.of_all(view.deciding(claim)[:1])
    shown = Markup(" ({})").format(ids) if ids else ""
    said = quote(
        truncate_text(claim.description, MAX_CLAIM).partition(" … (")[0]
        + ("…" if len(claim.description) > MAX_CLAIM else "")
    )
    return Markup("{} {} {}: {}{}").format(prose(name), said, outcome, prose(claim.reason, MAX_SENTENCE), shown)


def _unchecked(view: RunView) -> Markup:
    gaps = gap_sentences(view)
    if not gaps:
        return Markup("nothing that was promised or asked.")
    more = f"and {len(gaps) - MAX_GAPS} more" if len(gaps) > MAX_GAPS else ""
    return join((*gaps[:MAX_GAPS], more), "; ") + Markup(".")


def _on_trust(view: RunView) -> Markup:
    """Names with the first clause of each reason; the whole reason stands beside the claim, or with the finding."""
    claims = ((view.claim_name(claim.id, claim.migration), claim.reason) for claim in view.claims_by(Outcome.UNTESTABLE))
    waived = (
        (view.name(finding), finding.resolution or "waived")
        for finding in view.run.accepted
        if not view.run.is_folded(finding)
    )
    named = (f"{name} ({_clause(reason)})" for name, reason in (*claims, *waived))
    return join((*named, *view.run.folded), "; ")


def _clause(reason: str) -> str:
    end = _CLAUSE.search(reason)
    return truncate_text(reason[: end.start()] if end else reason, MAX_REASON)


def _settled(view: RunView) -> Markup:
    """What does not count as it is, by why; and the notes."""
    resolved = [finding for finding in view.resolved if finding.status is not Status.WAIVED]
    reasons = sorted(resolved, key=lambda finding: str(finding.resolution).partition(":")[0])
    grouped = groupby(reasons, key=lambda finding: str(finding.resolution).partition(":")[0])
    words = [f"{number(len(held), 'finding')} {why}" for why, held in _lists(grouped)]
    waived = [finding for finding in view.resolved if finding.status is Status.WAIVED]
    notes = sum(finding.status is Status.NOTED and not finding.not_asked for finding in view.distinct_findings)
    words += [f"{number(len(waived), 'finding')} waived"] if waived else []
    said = f"{number(notes, 'note')} that {'decides' if notes == 1 else 'decide'} nothing" if notes else ""
    if not words:
        return Markup("**Besides:** {}.").format(said) if said else Markup("")
    return Markup("**Settled:** {}.").format(join((*words, said), "; "))


def _lists(
    grouped: Iterator[tuple[str, Iterator[Finding]]] | groupby[str, Finding],
) -> Iterator[tuple[str, list[Finding]]]:
    for why, held in grouped:
        yield why, list(held)


def _again(view: RunView) -> Markup:
    """The command, and what the answer holds for."""
    run = view.run
    server = f"PostgreSQL {run.server.version} ({run.server.provider})" if run.server else "no server"
    checks = counts(view.distinct_findings)
    total = f"{number(len(view.distinct_findings), 'check')}: {checks}" if checks else "no check ran"
    return Markup("{} asked {} on {}; {}. Each E… is an `id` in run.json.").format(
        code(again_command(run)), server, run.started[:10], total
    )
