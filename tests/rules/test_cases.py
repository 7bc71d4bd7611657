"""Every check keeps quiet where its promise is kept and speaks up where it is broken."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest
from case_projects import CASES, Case
from cases import findings, said
from pgcontract.result import Status

HOW = {"asks", "history", "linters", "pg", "since"}
WHOLE = {"subject", "status", "severity", "migration", "at", "origin"}


@pytest.mark.parametrize("case", CASES, ids=attrgetter("id"))
def test_the_check_says_what_the_case_expects_and_accuses_nobody_else(case: Case) -> None:
    expected = {key: value for key, value in case.expected.items() if key not in HOW}
    about = [
        said(finding)
        for finding in findings(case)
        if finding.subject == expected["subject"]
        and finding.migration == expected.get("migration", finding.migration)
        and finding.at == expected.get("at", finding.at)
    ]

    accused = {finding.subject for finding in findings(case) if finding.status not in (Status.KEPT, Status.NOTED)}
    elsewhere = accused - (set() if case.is_kept else {expected["subject"]})

    assert ([expected], set()) == ([_shortened(expected, finding) for finding in about], elsewhere)


def _shortened(expected: dict[str, Any], actual: dict[str, str]) -> dict[str, str]:
    """What was found, each text that holds the expected piece cut down to it."""
    return {
        key: piece if key not in WHOLE and piece.strip() in actual[key] else actual[key]
        for key, piece in expected.items()
    }
