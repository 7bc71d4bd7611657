"""Every check keeps quiet where its promise is kept and speaks up where it is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cases import CASES, FOLDER, check_of, expectation, findings, name, said
from pgcontract.result import Status
from pgcontract.rules.registry import checks

HOW = {"asks", "pg"}
WHOLE = {"subject", "status", "severity", "migration", "at", "origin"}
# These the engine makes itself, of everything the checks found.
CONCLUDED = {"claim.decided", "waiver.live"}

KEPT = [case for case in CASES if case.name.startswith("kept")]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_check_says_of_the_subject_what_the_case_expects(case: Path) -> None:
    expected = {key: value for key, value in expectation(case).items() if key not in HOW}
    about = [
        said(finding)
        for finding in findings(case)
        if finding.subject == expected["subject"]
        and finding.migration == expected.get("migration", finding.migration)
        and finding.at == expected.get("at", finding.at)
    ]

    assert [expected] == [_shortened(expected, finding) for finding in about]


def _shortened(expected: dict[str, Any], actual: dict[str, str]) -> dict[str, str]:
    """What was found, each text that holds the expected piece cut down to it."""
    return {
        key: piece if key not in WHOLE and piece.strip() in actual[key] else actual[key]
        for key, piece in expected.items()
    }


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_check_accuses_nobody_else(case: Path) -> None:
    accused = {finding.subject for finding in findings(case) if finding.status not in (Status.KEPT, Status.NOTED)}
    meant = set() if case in KEPT else {expectation(case)["subject"]}

    assert set() == accused - meant


def test_every_check_has_a_kept_and_a_broken_case() -> None:
    expected = {(check, word) for check in checks().keys() | CONCLUDED for word in ("kept", "broken")}
    actual = {(check_of(case), case.name.partition("_")[0]) for case in CASES}

    assert expected == actual


def test_every_case_says_what_it_expects() -> None:
    folders = {path for path in FOLDER.glob("*/*") if path.is_dir() and path.parent.name != "__pycache__"}

    assert folders == set(CASES)
