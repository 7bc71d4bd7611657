"""The sentence that each section opens with: what its heading asks, answered from the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from pgcontract.model.schema import Part
from pgcontract.model.wording import joined
from pgcontract.reporting.finding_status import is_unresolved
from pgcontract.reporting.heading import file_name, number
from pgcontract.reporting.live_tables import worst_lock
from pgcontract.reporting.markup import code, join, prose, visible
from pgcontract.reporting.run_view import RunView
from pgcontract.reporting.unchecked import gaps, left_out
from pgcontract.result import Content, Decision, Finding, OutlineSection, Status

_NOT_ASKED = Markup("Not shown: no check of this run asks about it.")
_PLURALS = {"index": "indexes", "policy": "policies", "rows": "rows", "statistics": "statistics"}
MAX_KINDS = 4
_DEPLOYED = (Decision.CLEAR, Decision.CAUTION)


def opening(section: OutlineSection, view: RunView) -> Markup:
    """One sentence; none where the section is the verdict's, which answers for itself, or a text of the owner's alone."""
    if "verdict" in section.shows:
        return Markup("")
    for content in section.shows:
        if content in _BY_CONTENT:
            return _BY_CONTENT[content](section, view)
    if section.families or section.objects:
        return join((_objects(section, view), state_sentence(view.findings(section), view)), " ")
    return Markup("")


def state_sentence(findings: Sequence[Finding], view: RunView, *, named: bool = True) -> Markup:
    """`39 of 41 checks hold; 2 do not (E3 E9).`"""
    if not findings:
        return _NOT_ASKED
    kept = [finding for finding in findings if finding.status is Status.KEPT]
    asked = [finding for finding in findings if finding.status is not Status.NOTED]
    unasked = sum(finding.not_asked for finding in findings)
    broken = [finding for finding in findings if finding.status is Status.BROKEN and is_unresolved(finding)]
    silent = [finding for finding in findings if finding.unanswered]
    settled = [
        finding
        for finding in findings
        if finding.status is Status.WAIVED or (finding.resolution is not None and finding.status is not Status.KEPT)
    ]
    notes = len(findings) - len(asked) - unasked
    left = f"{number(unasked, 'check')} could not be asked" if unasked else ""
    if not asked:
        more = f"{number(notes, 'note')} {'tells' if notes == 1 else 'tell'} more" if notes else ""
        return join(("Nothing was promised of it", more, left), "; ") + Markup(".")
    if len(kept) == len(asked):
        said = "The one check holds" if len(kept) == 1 else f"All {len(kept):,} checks hold"
    else:
        said = f"{len(kept):,} of {number(len(asked), 'check')} {'holds' if len(kept) == 1 else 'hold'}"
    others = (
        (broken, "does not", "do not"),
        (silent, "has no answer", "have no answer"),
        (settled, "is settled", "are settled"),
    )
    words = [
        f"{len(held):,} {one if len(held) == 1 else many}{f' ({view.ids.of_all(held)})' if named else ''}"
        for held, one, many in others
        if held
    ]
    words += [f"{number(notes, 'note')} beside {'it' if len(asked) == 1 else 'them'}"] if notes else []
    return join((said, *words, left), "; ") + Markup(".")


def _objects(section: OutlineSection, view: RunView) -> Markup:
    """`7 indexes are declared.`"""
    held = [(view.parts(kind), kind) for kind in view.listed_kinds(section)]
    counted = [_count(parts) for parts, _ in held if parts][:MAX_KINDS]
    if not counted:
        return Markup("")
    some = sum(len(parts) for parts, _ in held)
    is_declared = view.promised and view.run.declared == view.schema
    return prose(
        f"{joined(counted)} {'is' if some == 1 else 'are'} "
        f"{'declared' if is_declared else 'there, and none is declared'}."
    )


def _count(parts: Sequence[Part]) -> str:
    noun = parts[0].kind.replace("_", " ")
    return f"{len(parts):,} {noun if len(parts) == 1 else _PLURALS.get(parts[0].kind, f'{noun}s')}"


def _deployment(section: OutlineSection, view: RunView) -> Markup:
    decision = view.run.verdict.decision
    if decision is Decision.BLOCKED:
        return Markup("**Do not run any of this before what is wrong is put right: the verdict is BLOCKED.**")
    if decision is Decision.INCOMPLETE:
        return Markup("**Do not run any of this before the checks have been answered: the verdict is INCOMPLETE.**")
    return Markup("Run {} once, by one of the ways below, after its checksum has been compared.").format(
        code(file_name(view.run))
    )


def _verification(section: OutlineSection, view: RunView) -> Markup:
    queries = view.family("verification")
    if not queries:
        return Markup("Not shown: no verification query ran.")
    kept = sum(finding.status is Status.KEPT for finding in queries)
    many = number(len(queries), "query").replace("querys", "queries")
    return prose(
        f"{kept} of {many} gave what was promised when run here against the migrated database; run them again "
        "after the deployment and compare."
    )


def _rollback(section: OutlineSection, view: RunView) -> Markup:
    run = view.run
    if run.rollback is None:
        return Markup("There is no rollback script: the migration has no `.down.sql` beside it.")
    file = join((code(run.rollback.path), number(run.rollback.lines, "line"), _checksum(run.rollback.sha256)), ", ")
    findings = view.findings(section)
    tried = state_sentence(findings, view) if findings else Markup("Not shown: it was not run here.")
    return Markup("The way back is {}. {}").format(file, tried)


def _sql(section: OutlineSection, view: RunView) -> Markup:
    run = view.run
    file = join((code(file_name(run)), _checksum(run.script.sha256)), ", ")
    escaped = visible(run.script.text, lines=True) != run.script.text
    hidden = "; characters that cannot be seen are shown escaped" if escaped else ""
    return Markup("This is the file that was judged: {}{}.").format(file, hidden)


def _checksum(sha256: str) -> Markup:
    return Markup("SHA-256 {}").format(code(sha256))


def _unchecked(section: OutlineSection, view: RunView) -> Markup:
    missing = len(gaps(view)) + len(left_out(view.run))
    if not missing:
        return Markup("Every claim and every check of this run has an answer.")
    return Markup(f"{number(missing, 'thing')} {'was' if missing == 1 else 'were'} not checked:")  # noqa: S704


def _status(section: OutlineSection, view: RunView) -> Markup:
    return state_sentence(view.distinct_findings, view, named=False)


def _next_steps(section: OutlineSection, view: RunView) -> Markup:
    decision = view.run.verdict.decision
    return prose("It can be deployed, in this order:" if decision in _DEPLOYED else "It cannot be deployed yet:")


def _components(section: OutlineSection, view: RunView) -> Markup:
    none = (
        ""
        if view.promised
        else "No contract was given: nothing was promised, and the objects are listed as the server holds them."
    )
    return join((none, state_sentence(view.findings(section), view)), " ")


def _performance(section: OutlineSection, view: RunView) -> Markup:
    return state_sentence(view.findings(section), view)


def _live(section: OutlineSection, view: RunView) -> Markup:
    return join((worst_lock(view.run), state_sentence(view.findings(section), view)), " ")


_BY_CONTENT: Mapping[Content, Callable[[OutlineSection, RunView], Markup]] = {
    "deployment": _deployment,
    "verification": _verification,
    "rollback": _rollback,
    "sql": _sql,
    "unchecked": _unchecked,
    "status": _status,
    "next_steps": _next_steps,
    "components": _components,
    "performance": _performance,
    "live": _live,
}
