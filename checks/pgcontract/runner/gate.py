"""Whether contracts, configuration, baseline and comments ask as much as at the commit of a scope. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgcontract.contract import EarlierGate, LoosenedFile, Loosening, Project
from pgcontract.contract.severities import Severities, is_lighter
from pgcontract.model.schema import Origin
from pgcontract.model.wording import first_of
from pgcontract.result import CheckInfo, Evidence, Finding, Severity, Status
from pgcontract.rules.registry import checks
from pgcontract.runner.baselined import BASELINE_LIVE
from pgcontract.runner.claim_findings import CLAIM_DECIDED
from pgcontract.runner.ignored import IGNORE_LIVE
from pgcontract.runner.waivers import WAIVER_LIVE

GATE_NOT_LOOSENED: Final = CheckInfo(
    id="gate.not_loosened",
    title="What was asked before is asked as strictly now",
    why="a change that takes its own promise away, accepts its own fault or lowers its weight passes a gate that reads "
    "the new files alone; whoever reviews it must see that.",
    how="with --since, contracts, claims, configuration, baseline and pgcontract-ignore comments are compared, key by "
    "key, with what they said where the work left the commit. Told is what is gone, what has another value where nobody "
    "can tell which asks more, and what was added that accepts, leaves out or weighs less. What a new migration's own "
    "files accept is told where it accepts something; what its contract takes back by `removed = true` is no loosening.",
    remedy="put it back; or, where it is meant, have it reviewed and merged: behind that it is what was asked before. No "
    "waiver, comment, baseline or severity excuses it.",
    severity=Severity.WARNING,
)
ACCEPTANCES: Final = (BASELINE_LIVE, CLAIM_DECIDED, IGNORE_LIVE, WAIVER_LIVE)  # whether what is accepted still may be
_MAX_NAMES: Final = 3


def gate_findings(project: Project) -> Iterator[Finding]:
    """One for each file by which less may be asked; where there is none, one that says so."""
    if (scope := project.scope) is None:
        return
    files = [*scope.gate.files]
    if changes := tuple(_severities(scope.gate, project.severities)):
        name = scope.gate.configuration
        own = next((file for file in files if file.subject == name), None)
        if own is not None:
            files[files.index(own)] = LoosenedFile(subject=name, path=own.path, changes=(*own.changes, *changes))
        else:
            path = next((file.path for file in project.files if file.path.endswith(name)), name)
            files.append(LoosenedFile(subject=name, path=path, changes=changes))
    for file in files:
        yield _finding(file, project, scope.ref)
    if not files:
        yield Finding(
            check=GATE_NOT_LOOSENED.id,
            subject="gate",
            status=Status.KEPT,
            summary=f"Contracts, configuration, baseline and comments ask no less than at {scope.ref}.",
            migration=project.head.key,
        )


def _finding(file: LoosenedFile, project: Project, ref: str) -> Finding:
    names = [str(change) for change in file.changes]
    listed = first_of(names, _MAX_NAMES)
    return Finding(
        check=GATE_NOT_LOOSENED.id,
        subject=file.subject,
        status=Status.BROKEN,
        severity=GATE_NOT_LOOSENED.severity,
        summary=f"{file.subject} may ask less than at {ref}: {listed}.",
        expected=f"what was asked at {ref}",
        actual=listed,
        remedy="Put it back. Where it is meant, it is for whoever reviews this to say so; nothing else excuses it.",
        evidence=(
            Evidence(
                title=f"What differs from {ref}",
                columns=("what", "how", "then", "now"),
                rows=tuple((change.what, change.how, change.then, change.now) for change in file.changes),
            ),
        ),
        origin=Origin(file=file.path) if file.path else None,
        migration=_migration(file, project),
    )


def _migration(file: LoosenedFile, project: Project) -> str:
    """The one that the file is of, else the head."""
    for migration in project.chain:
        files = migration.contract.files if migration.contract else ()
        if file.path in {migration.up.path, *(one.path for one in files)}:
            return migration.key
    return project.head.key


def _severities(gate: EarlierGate, now: Severities) -> Iterator[Loosening]:
    """What weighs less, by the rule of then or of now that names it."""
    then = gate.severities
    if then is None or then == now:
        return
    reported = set()
    for info in (*(check.info for check in checks().values()), *ACCEPTANCES):
        own = info.severity
        named = {_subject(rule.glob) for rule in (*then.rules, *now.rules)}
        for subject in sorted(named | {""}):
            before, after = (rules.weigh(info.id, subject, own, least=Severity.INFO)[0] for rules in (then, now))
            is_note = then.promises(info.id, subject) and not now.promises(info.id, subject)
            rule = now.of(info.id, subject) or then.of(info.id, subject)
            if not (is_lighter(after, before) or (is_note and not is_lighter(before, own))):
                continue
            what = f"blocks = {now.blocks.value}" if rule is None else f'severity."{rule.glob}"'
            if what not in reported:
                reported.add(what)
                how = "gone" if rule is not None and now.of(info.id, subject) is None else "changed"
                yield Loosening(how=how, what=what, then=before.value, now=after.value)


def _subject(glob: str) -> str:
    return glob.partition("[")[2].removesuffix("]")
