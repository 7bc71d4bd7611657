"""The baseline: which findings it knows, what of it applies no more, and what it is after this run. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Final

from pgcontract.contract import Baseline, BaselineEntry, FindingKey, Project
from pgcontract.model.schema import Origin
from pgcontract.result import Acceptance, CheckInfo, Evidence, Finding, Severity, Status
from pgcontract.result.check_info import family_of
from pgcontract.rules.registry import checks
from pgcontract.rules.traps.made_parts import CATALOG
from pgcontract.runner.finding_keys import FindingPlaces
from pgcontract.runner.item import Item
from pgcontract.runner.source_files import project_path
from pgcontract.values import dataclass

_NAME: Final = re.compile(r'(?:"[^"]+"|[^\W\d][\w$]*)(?:\.(?:"[^"]+"|[^\W\d][\w$]*))+')
_POWERS: Final = re.compile(
    r"\b(?:SELECT|INSERT|UPDATE|DELETE|TRUNCATE|REFERENCES|TRIGGER|MAINTAIN|EXECUTE|USAGE|CREATE|PUBLIC|Everybody|anon"
    r"|authenticated|signed-in|(?:read|insert|update|delete|change|write|call)s?)\b"
)
_WHO: Final = frozenset(("who", "role"))
_WHAT: Final = frozenset(("operation", "granted", "privileges"))

BASELINE_LIVE: Final = CheckInfo(
    id="baseline.live",
    title="Each entry of the baseline is about something that is still wrong",
    why="an entry that outlives its finding would hide the next one of that name: the fault that somebody mended, and "
    "that comes back.",
    how="each entry's check, subject, migration and statement are compared with what is broken now. An edited statement, "
    "a finding that weighs more than it did, and more findings than there were, are new: the entry does not know them. "
    "What this run did not ask, or could not, is not judged.",
    remedy="run `pgcontract verify --prune-baseline`, which removes these entries and no other.",
    severity=Severity.WARNING,
)


@dataclass(frozen=True, kw_only=True)
class BaselineMatch:
    """What findings make of a baseline: those it knows, by identity; why each other entry that was asked knows none;
    and those that are about the deploy of what production has by now."""

    known: frozenset[int]
    gone: Mapping[FindingKey, str]
    unasked: frozenset[FindingKey]
    past: frozenset[FindingKey]


def match_baseline(baseline: Baseline, findings: Sequence[Finding], project: Project, asked: Asked) -> BaselineMatch:
    """A finding is known where check, subject, migration and statement are those of an entry, it weighs no more, and
    there are no more of it."""
    groups = _groups(findings, FindingPlaces(project))
    known: set[int] = set()
    gone: dict[FindingKey, str] = {}
    unasked: set[FindingKey] = set()
    past: set[FindingKey] = set()
    for entry in baseline.entries:
        group = groups.get(entry.key, ())
        light = [finding for finding in group if _weight(finding.gravest) >= _weight(entry.severity)]
        if light and len(group) <= entry.times and not _further(entry, group):
            known |= set(map(id, light))
        elif not group and asked.is_past(entry.key, project):
            past.add(entry.key)
        elif not group and not asked.of(entry.key, findings):
            unasked.add(entry.key)
        else:
            gone[entry.key] = _why_gone(entry, group, groups, findings, project)
    return BaselineMatch(known=frozenset(known), gone=gone, unasked=frozenset(unasked), past=frozenset(past))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a run asked, for an entry that knows nothing in it: `items` that it planned, `left_out` of those by a
    selection. Where it is no `whole` run, as it ends before the head, is of one file alone or had no server, no entry
    was asked."""

    items: Collection[Item] = ()
    left_out: Collection[Item] = ()
    whole: bool = True

    def of(self, key: FindingKey, findings: Iterable[Finding]) -> bool:
        """Whether it would have found what the entry is about; where something of it is noted, or has no answer, nobody
        can tell."""
        if not self.whole or any(item.check == key.check for item in self.left_out):
            return False
        if (check := checks().get(key.check)) is None:
            return True
        planned = [item.subject for item in self._items(key, check.head)]
        subjects = {key.subject, *(planned if len(planned) == 1 else ())}
        silent = any(
            finding.check == key.check
            and finding.resolution is None
            and (finding.unanswered or (finding.status is Status.NOTED and finding.subject in subjects))
            for finding in findings
        )
        return not silent and (bool(planned) or not self._is_there(key))

    def is_past(self, key: FindingKey, project: Project) -> bool:
        """Whether it is about the deploy of a migration that production is said to have, of which nothing is asked."""
        check = checks().get(key.check)
        if check is None or check.head or not self.whole or not project.knows_applied:
            return False
        applied = {migration.key for migration in project.chain} - {migration.key for migration in project.pending}
        return key.migration in applied and not any(
            item.check == key.check and item.migration == key.migration for item in (*self.items, *self.left_out)
        )

    def _items(self, key: FindingKey, head: bool) -> list[Item]:
        return [item for item in self.items if item.check == key.check and (head or item.migration == key.migration)]

    def _is_there(self, key: FindingKey) -> bool:
        """Whether anything is asked of the entry's migration: of one that is gone nothing is."""
        return not key.migration or any(item.migration == key.migration for item in (*self.items, *self.left_out))


def _groups(findings: Iterable[Finding], places: FindingPlaces) -> dict[FindingKey, list[Finding]]:
    groups: dict[FindingKey, list[Finding]] = {}
    for finding in findings:
        if finding.status is Status.BROKEN and finding.resolution is None:
            groups.setdefault(places.key(finding), []).append(finding)
    return groups


def _why_gone(
    entry: BaselineEntry,
    group: Sequence[Finding],
    groups: Mapping[FindingKey, Sequence[Finding]],
    findings: Iterable[Finding],
    project: Project,
) -> str:
    key = entry.key
    if key.check not in checks():
        return "there is no such check"
    if key.migration and key.migration not in {migration.key for migration in project.chain}:
        return "its migration is no more there"
    if further := _further(entry, group):
        return f"it tells of more than it did: {', '.join(further)}"
    if group and len(group) > entry.times:
        return f"there are {len(group)} of it now, and {entry.times} before"
    if group:
        worst = min(group, key=lambda finding: _weight(finding.gravest))
        return f"it is {_an(worst.gravest)} now, and was {_an(entry.severity)}"
    same = (key.check, key.subject)
    if any((other.check, other.subject) == same for other in groups):
        return "its statement has changed, or another one is meant: what is found there is new"
    settled = (finding.resolution for finding in findings if (finding.check, finding.subject) == same)
    resolution = next(filter(None, settled), None)
    return f"it is {resolution}" if resolution else "it is broken no more"


def _further(entry: BaselineEntry, group: Sequence[Finding]) -> tuple[str, ...]:
    """What the findings name that the entry does not, where one finding is about all that there are of a kind."""
    return tuple(name for name in _about(group) if name not in entry.about)


def _about(group: Sequence[Finding]) -> tuple[str, ...]:
    """What it names of all that there are of a kind; and where something is open, who may do what: to read what was open
    is known, to write it is new."""
    texts = [
        text
        for finding in group
        if finding.subject == CATALOG
        for text in (finding.summary, finding.remedy or "", *(evidence.text or "" for evidence in finding.evidence))
    ]
    named = {match.group() for text in texts for match in _NAME.finditer(text)}
    return tuple(sorted(named.union(*map(_powers, group))))


def _powers(finding: Finding) -> frozenset[str]:
    if not (finding.critical or family_of(finding.check) == "access"):
        return frozenset()
    powers = set(_POWERS.findall(finding.summary))
    for evidence in finding.evidence:
        who = next((place for place, column in enumerate(evidence.columns) if column in _WHO), None)
        what = next((place for place, column in enumerate(evidence.columns) if column in _WHAT), None)
        if who is not None and what is not None:
            powers |= {f"{row[who]} {word}" for row in evidence.rows for word in row[what].split(", ") if word}
    return frozenset(powers)


def _weight(severity: Severity | None) -> int:
    """Heavier is less."""
    return list(Severity).index(severity or Severity.ERROR)


def _an(severity: Severity | None) -> str:
    word = (severity or Severity.ERROR).value
    return word if severity is Severity.CRITICAL else f"an {word}" if word[0] in "aei" else f"a {word}"


def accept_known(findings: Iterable[Finding], baseline: Baseline, match: BaselineMatch) -> tuple[Finding, ...]:
    """The findings, those that the baseline knows WAIVED, unless something else has settled them."""
    return tuple(
        replace(finding, status=Status.WAIVED, accepted=Acceptance.BASELINE, resolution=f"in {baseline.name}")
        if id(finding) in match.known
        else finding
        for finding in findings
    )


def judge_baseline(baseline: Baseline, match: BaselineMatch, project: Project, *, skipped: bool) -> Finding:
    """The one finding about the file."""
    counted = len(baseline.entries)
    unasked = counted if skipped else len(match.unasked)
    status, severity, remedy = Status.KEPT, None, None
    evidence: tuple[Evidence, ...] = ()
    unasked += len(match.past) if not skipped else 0
    live = counted - len(match.gone) - unasked
    origin = Origin(file=baseline.path, line=1)
    if skipped or (unasked and not live and not match.gone):
        status = Status.NOTED
        summary = f"{_of(counted, counted, baseline)} not judged: this run did not ask {_them(counted)}."
    elif match.gone:
        gone = [(entry, match.gone[entry.key]) for entry in baseline.entries if entry.key in match.gone]
        first, why = gone[0]
        status, severity = Status.BROKEN, BASELINE_LIVE.severity
        summary = (
            f"{_of(len(gone), counted, baseline, verb=('applies', 'apply'))} no more: "
            f"{_named(first)}: {why}{f'; and {len(gone) - 1} more' if len(gone) > 1 else ''}."
        )
        remedy = f"Remove what applies no more: {_prune_command(baseline, project)}"
        origin = Origin(file=baseline.path, line=first.line)
        rows = tuple((_named(entry), entry.key.migration, why, entry.sentence) for entry, why in gone)
        columns = ("finding", "migration", "applies no more, as", "what it was")
        evidence = (Evidence(title="Entries that apply no more", columns=columns, rows=rows),)
    else:
        more = f"; {unasked} {'was' if unasked == 1 else 'were'} not asked" if unasked else ""
        summary = f"{_of(live, counted, baseline)} about what is still wrong{more}."
    return Finding(
        check=BASELINE_LIVE.id,
        subject=baseline.name,
        status=status,
        severity=severity,
        summary=summary,
        expected="entries about what is still wrong" if severity else None,
        actual=f"{len(match.gone)} that apply no more" if severity else None,
        remedy=remedy,
        evidence=evidence,
        origin=origin,
        migration=project.head.key,
    )


def _prune_command(baseline: Baseline, project: Project) -> str:
    words = ["pgcontract", "verify", project_path(project), "--prune-baseline"]
    words += ["--baseline", baseline.path] if Path(baseline.path) != project.baseline_path else []
    return " ".join(map(quote, words))


def _named(entry: BaselineEntry) -> str:
    return f"{entry.key.check}[{entry.key.subject}]"


def _of(many: int, all_of: int, baseline: Baseline, verb: tuple[str, str] = ("is", "are")) -> str:
    """`The one entry of … is`, `All 5 entries of … are`, `2 of 5 entries of … are`."""
    counted = "1 entry" if all_of == 1 else f"{all_of} entries"
    led = f"{many} of {counted}" if many < all_of else "The one entry" if all_of == 1 else f"All {counted}"
    return f"{led} of {baseline.name} {verb[many != 1]}"


def _them(many: int) -> str:
    return "about it" if many == 1 else "about them"


def new_entries(
    findings: Iterable[Finding], project: Project, *, before: Baseline | None, match: BaselineMatch | None
) -> tuple[BaselineEntry, ...]:
    """What the baseline has once everything is in it that is wrong now and that no waiver or comment excuses; what was
    not asked stays as it is. What failed, or could not be asked, is never in it."""
    groups = _groups((finding for finding in findings if finding.check in checks()), FindingPlaces(project))
    entries = {
        key: BaselineEntry(
            key=key,
            severity=min((finding.gravest or Severity.ERROR for finding in group), key=_weight),
            times=len(group),
            about=_about(group),
            sentence=group[0].summary,
        )
        for key, group in groups.items()
    }
    for entry in before.entries if before and match else ():
        same = entries.get(entry.key)
        if same and (same.severity, same.times, same.about) == (entry.severity, entry.times, entry.about):
            entries[entry.key] = replace(same, sentence=entry.sentence)  # another example is no change
        elif match and entry.key in match.unasked:
            entries[entry.key] = entry
    return tuple(entries[key] for key in sorted(entries))


def live_entries(baseline: Baseline, match: BaselineMatch) -> tuple[BaselineEntry, ...]:
    """The same entries without those that apply no more."""
    return tuple(entry for entry in baseline.entries if entry.key not in match.gone and entry.key not in match.past)
