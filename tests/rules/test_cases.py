"""Every check keeps quiet where its promise is kept and speaks up where it is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cases import CASES, FOLDER, check_of, expectation, findings, name, said
from pgcontract.result.finding import Status
from pgcontract.rules.registry import checks

HOW = {"asks", "pg"}
WHOLE = {"subject", "status", "severity", "migration", "at", "origin"}
# These the engine makes itself, of everything the checks found.
CONCLUDED = {"claim.decided", "waiver.live"}

KEPT = [each for each in CASES if each.name.startswith("kept")]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_check_says_of_the_subject_what_the_case_expects(case: Path) -> None:
    expected = {key: value for key, value in expectation(case).items() if key not in HOW}
    about = [
        said(each)
        for each in findings(case)
        if each.subject == expected["subject"]
        and each.migration == expected.get("migration", each.migration)
        and each.at == expected.get("at", each.at)
    ]

    assert [expected] == [_shortened(expected, each) for each in about]


def _shortened(expected: dict[str, Any], found: dict[str, str]) -> dict[str, str]:
    """What was found, each text that holds the expected piece cut down to it."""
    return {
        key: piece if key not in WHOLE and piece.strip() in found[key] else found[key] for key, piece in expected.items()
    }


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_check_accuses_nobody_else(case: Path) -> None:
    accused = {each.subject for each in findings(case) if each.status not in (Status.KEPT, Status.NOTED)}
    meant = set() if case in KEPT else {expectation(case)["subject"]}

    assert set() == accused - meant


def test_every_check_has_a_kept_and_a_broken_case() -> None:
    wanted = {(check, word) for check in checks().keys() | CONCLUDED for word in ("kept", "broken")}
    there = {(check_of(each), each.name.partition("_")[0]) for each in CASES}

    assert wanted == there


def test_every_case_says_what_it_expects() -> None:
    folders = {each for each in FOLDER.glob("*/*") if each.is_dir() and each.parent.name != "__pycache__"}

    assert folders == set(CASES)
