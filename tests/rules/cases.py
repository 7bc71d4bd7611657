"""The cases of tests/cases, judged, and what a case expects of its check.

A case names the subject, the status the check must give it where that is not the word its name begins with, and a piece
of what must be said of it (summary, expected, actual, remedy, evidence), or a list of them. `asks` names the checks to
run where they are not the one on show, `linters` what is asked beside them, `migration` the file that is meant where
there are several, `at` the later one in whose state it is judged again, `history` the file with the tool's own table of
what is applied, `since` the files that a commit had otherwise, with their text then, and `pg` a server other than the
usual. `found` has several subjects, each with what must be said of it: cases that could not fail for each other share a
project.
"""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from case_projects import Case
from obtaining import USUAL_SERVER, fetched
from pgcontract import RunOptions, load_project
from pgcontract.contract import FolderOptions
from pgcontract.postgres.providers import Production
from pgcontract.result import Evidence, Finding, Observations, Run
from pgcontract.runner import NO_SERVER, Session, conclude, plan
from shared_server import shared_server

TODAY = dt.date(2026, 1, 4)  # so that a waiver of a case is as live next year


@cache
def judged(case: Case) -> Run:
    """The case judged by its check alone; once, however many tests look at it."""
    pg = case.expected.get("pg", USUAL_SERVER)
    with fetched(pg), case.project() as root:
        asks, linters = (tuple(case.expected.get(key, usual)) for key, usual in (("asks", [case.check]), ("linters", ())))
        history, since = case.expected.get("history"), case.expected.get("since")
        options = FolderOptions(history=str(root / history)) if history else None
        if since is not None:
            options = FolderOptions(since=committed(root, since))
        planned = plan(load_project(root, options=options), RunOptions(only=asks, pg=pg, linters=linters))
        production = Production(platform=planned.project.platform, postgres=planned.project.postgres)
        with Session(planned, provider=shared_server(pg, production) if pg != NO_SERVER else None) as session:
            findings = [finding for item in planned.items for finding in session.ask(item)]
        # What a report would show beside the findings is not looked at.
        return conclude(planned, findings, Observations(), today=TODAY)


def committed(root: Path, then: Mapping[str, str]) -> str:
    """A commit of the folder in which these files are otherwise, which the working tree is not; "" are not there."""
    texts = {name: (root / name).read_text() if (root / name).is_file() else None for name in then}
    write_texts(root, {name: text or None for name, text in then.items()})
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "then")):
        subprocess.run(["git", *who, *words], cwd=root, check=True)
    write_texts(root, texts)
    return "HEAD"


def write_texts(root: Path, texts: Mapping[str, str | None]) -> None:
    for name, text in texts.items():
        path = root / name
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def findings(case: Case) -> tuple[Finding, ...]:
    """What the case's check said, of whatever subject."""
    return tuple(finding for finding in judged(case).findings if finding.check == case.check)


def said(finding: Finding) -> dict[str, str]:
    """A finding's words by the keys of a case."""
    return {
        "subject": finding.subject,
        "status": finding.status.value,
        "migration": finding.migration,
        "at": finding.at,
        "severity": finding.severity.value if finding.severity else "",
        "summary": finding.summary,
        "expected": finding.expected or "",
        "actual": finding.actual or "",
        "remedy": finding.remedy or "",
        "resolution": finding.resolution or "",
        "origin": Path(str(finding.origin)).name if finding.origin else "",
        "evidence": "\n".join(map(_told, finding.evidence)),
    }


def _told(evidence: Evidence) -> str:
    table = (evidence.columns, *evidence.rows)
    return "\n".join([evidence.title, evidence.text or "", *(" | ".join(row) for row in table)])
