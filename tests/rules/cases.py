"""The smallest projects that show what each check says: `tests/cases/<check id>/<kept or broken ...>/`.

`expect.toml` beside the project names the subject, the status the check must give it, and pieces of what must be
said of it (summary, expected, actual, remedy, evidence). `asks` names the checks to run where they are not the
one on show, `migration` the file that is meant where there are several, `at` the later one in whose state it is
judged again, and `pg` a server other than the usual.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from obtaining import fetched
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Evidence, Finding, Run

FOLDER = Path(__file__).parents[1] / "cases"
# The matrix of majors asks every case of each of them.
USUAL_SERVER = os.environ.get("PGCONTRACT_PG", "auto")
CASES = tuple(sorted(path.parent for path in FOLDER.glob("*/*/expect.toml")))


def name(case: Path) -> str:
    """`column.type/broken_modifier`."""
    return case.relative_to(FOLDER).as_posix()


def check_of(case: Path) -> str:
    return case.parent.name


def expectation(case: Path) -> dict[str, Any]:
    return tomllib.loads((case / "expect.toml").read_text("utf-8"))


@cache
def judged(case: Path) -> Run:
    """The case judged by its check alone; once, however many tests look at it."""
    expect = expectation(case)
    pg = expect.get("pg", USUAL_SERVER)
    with fetched(pg):
        return verify(load_project(case), RunOptions(only=tuple(expect.get("asks", [check_of(case)])), pg=pg))


def findings(case: Path) -> tuple[Finding, ...]:
    """What the case's check said, of whatever subject."""
    return tuple(finding for finding in judged(case).findings if finding.check == check_of(case))


def said(finding: Finding) -> dict[str, str]:
    """A finding's words by the keys of expect.toml."""
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
