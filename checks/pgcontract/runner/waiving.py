"""A waiver to be written: for one finding of a run that somebody may waive, in the contract where it belongs. Pure, but
for reading that contract."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import unified_diff
from typing import Final

from pgcontract.contract import (
    Migration,
    Project,
    Waiver,
    contract_path,
    contract_text,
    new_contract,
    with_contracts,
    with_waiver,
)
from pgcontract.contract.validation_errors import nearest
from pgcontract.errors import InputError
from pgcontract.model.qualified_name import split_name
from pgcontract.result import Acceptance, Finding, Run, Status
from pgcontract.rules.registry import checks
from pgcontract.runner.check_infos import check_infos
from pgcontract.runner.finding_keys import FindingPlaces
from pgcontract.runner.waivers import LONGEST, LONGEST_IF_CRITICAL, apply_waivers
from pgcontract.values import dataclass

_ITEM: Final = re.compile(r"(?P<check>[^\[\]]+)\[(?P<subject>.*)\]", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class WrittenWaiver:
    """The contract's file, its text with the waiver, how that differs from what is there, and what it means."""

    path: str
    text: str
    difference: str
    sentence: str


def read_item(item: str) -> tuple[str, str]:
    """Check and subject of `check[subject]`. Raises InputError where it is no such thing, where no check is called so,
    and for what nobody can waive."""
    match = _ITEM.fullmatch(item.strip())
    if match is None:
        raise InputError(f"{item!r} is no check with its subject, as reports name it: column.type[public.orders.total]")
    check, subject = match["check"], match["subject"]
    if check not in checks() and check in check_infos():
        raise InputError(f"{check} is what the verdict says of claims and of what is accepted, which nobody can waive")
    if "*" in check or "?" in check:
        raise InputError(f"{check!r} is a wildcard; a waiver that is written for you is about one check and one subject")
    if check not in checks():
        raise InputError(f"no check is called {check!r}; {nearest(check, checks())}")
    return check, subject


def read_until(word: str, today: dt.date) -> dt.date:
    """The last day. Raises InputError where it is no date, past, or more than a year away."""
    try:
        until = dt.date.fromisoformat(word)
    except ValueError:
        raise InputError(f"--until {word}: no date; write it as {(today + LONGEST_IF_CRITICAL).isoformat()}") from None
    if until < today:
        raise InputError(f"--until {word}: that day is past, so it would waive nothing")
    _require_at_most(until, today, LONGEST, "a year away at most")
    return until


def _require_at_most(until: dt.date, today: dt.date, longest: dt.timedelta, words: str) -> None:
    if until > today + longest:
        last = (today + longest).isoformat()
        raise InputError(f"--until {until.isoformat()}: a waiver ends {words}; the latest day is {last}")


def waive(
    project: Project,
    run: Run,
    waiver: Waiver,
    *,
    migration: str | None,
    today: dt.date,
) -> WrittenWaiver:
    """The waiver of what the run found; its subject may be the last part of a name. Raises InputError where it found no
    such thing, several, or one that nobody can waive, and where the day is too far away for it."""
    finding = _the_one(_called(run, waiver.check, waiver.subject), run, project, migration)
    _require_waivable(finding)
    if finding.critical:
        _require_at_most(waiver.until, today, LONGEST_IF_CRITICAL, "90 days away at most for what is critical")
    at = _home(finding, project)
    waiver = waiver.model_copy(update={"subject": finding.subject})
    path = at.contract.path if at.contract else str(contract_path(project, at))
    before = contract_text(path) if at.contract else ""
    text = with_waiver(before or new_contract(at.file), waiver)
    _require_excused(project, at, text, finding, today)
    old, new = (file.splitlines(keepends=True) for file in (before, text))
    difference = unified_diff(old, new, fromfile=path if before else "/dev/null", tofile=path)
    return WrittenWaiver(
        path=path,
        text=text,
        difference="".join(difference),
        sentence=f"{finding.item} of {at.display_name} is waived until {waiver.until.isoformat()}",
    )


def _called(run: Run, check: str, subject: str) -> tuple[Finding, ...]:
    """The findings of that subject, by its whole name or by its last part where no other has it."""
    own = [finding for finding in run.findings if finding.check == check]
    if same := tuple(finding for finding in own if finding.subject == subject):
        return same
    short = [finding for finding in own if _last_part(finding.subject) == subject]
    if len({finding.subject for finding in short}) == 1:
        return tuple(short)
    hint = nearest(subject, dict.fromkeys(finding.subject for finding in own))
    raise InputError(f"{check} found nothing of {subject!r}, so there is nothing to waive; {hint}")


def _last_part(subject: str) -> str:
    written, rest = split_name(subject)
    return written[-1] if written and not rest else subject


def _the_one(findings: Sequence[Finding], run: Run, project: Project, migration: str | None) -> Finding:
    """The finding of the migration that is named, else of the only one where something is wrong."""
    item = findings[0].item
    if migration is not None:
        key = project.migration(migration).key
        findings = [one for one in findings if key in (one.migration, _home(one, project).key)]
        if not findings:
            raise InputError(f"{item} is not of {migration}; leave --migration out to see where")
    wrong = [one for one in findings if one.status not in (Status.KEPT, Status.NOTED)] or list(findings)
    homes = {_home(finding, project).key: finding for finding in reversed(wrong)}
    if len(homes) > 1:
        names = ", ".join(run.display_name(key) for key in homes)
        raise InputError(f"{item} is of several migrations: {names}; choose one with --migration")
    return wrong[0]


def _require_waivable(finding: Finding) -> None:
    match finding.status:
        case Status.KEPT:
            raise InputError(f"{finding.item} is kept, so there is nothing to waive: {finding.summary}")
        case Status.NOTED:
            raise InputError(f"{finding.item} is only noted, and decides nothing: {finding.summary}")
        case Status.ERROR:
            raise InputError(f"{finding.item} failed by a bug of pgcontract, which nobody can waive: {finding.summary}")
        case Status.WAIVED if finding.accepted is not Acceptance.WAIVER:
            raise InputError(f"{finding.item} is accepted already: it is {finding.resolution}")
        case _ if finding.status is not Status.WAIVED and finding.resolution is not None:
            raise InputError(f"{finding.item} is {finding.resolution}, so there is nothing to waive")


def _home(finding: Finding, project: Project) -> Migration:
    return project.migration(FindingPlaces(project).home(finding))


def _require_excused(project: Project, at: Migration, text: str, finding: Finding, today: dt.date) -> None:
    """Raises InputError where the contract as it would be does not excuse the finding, as one that waives it by another
    name for a time that is over."""
    status = Status.BROKEN if finding.severity else Status.UNKNOWN
    as_found = replace(finding, status=status, resolution=None, accepted=None)
    [answer], _ = apply_waivers([as_found], with_contracts(project, {at.key: text.removeprefix(chr(0xFEFF))}), today)
    if answer.status is not Status.WAIVED:
        raise InputError(f"a waiver in the contract of {at.display_name} would not excuse {finding.item}")
