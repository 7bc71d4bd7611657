"""Every check keeps quiet where its promise is kept and speaks up where it is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

import pytest
from case_projects import CASES, Case
from cases import findings, said
from pgcontract.result import Finding, Status

HOW = {"asks", "found", "history", "linters", "pg", "since"}
WHOLE = {"subject", "status", "severity", "migration", "at", "origin"}
QUIET = (Status.KEPT, Status.NOTED)


@pytest.mark.parametrize("case", CASES, ids=attrgetter("id"))
def test_the_check_says_what_the_case_expects_and_accuses_nobody_else(case: Case) -> None:
    answers = list(_answers(case.expected))
    actual = [
        [_shortened(answer, said(finding)) for finding in findings(case) if _is_about(finding, answer)]
        for answer in answers
    ]

    accused = {finding.subject for finding in findings(case) if finding.status not in QUIET}
    elsewhere = accused - (set() if case.is_kept else {answer["subject"] for answer in answers})

    assert ([[answer] for answer in answers], set()) == (actual, elsewhere), [
        said(finding) for finding in findings(case) if finding.status not in QUIET
    ]


def _answers(expected: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What must be said: of the subject, or of each one that is `found`."""
    whole = {key: value for key, value in expected.items() if key not in HOW}
    for subject, own in expected.get("found", {whole["subject"]: {}} if "subject" in whole else {}).items():
        answer = {**whole, "subject": subject, **own}
        if answer["status"] != Status.BROKEN.value and "severity" not in own and "found" in expected:
            answer.pop("severity", None)
        yield answer


def _is_about(finding: Finding, answer: Mapping[str, Any]) -> bool:
    return all(
        answer.get(key, value) == value for key, value in said(finding).items() if key in ("subject", "migration", "at")
    )


def _shortened(expected: dict[str, Any], actual: dict[str, str]) -> dict[str, Any]:
    """What was found, each text that holds the expected piece, or each of them, cut down to it."""
    return {
        key: pieces if key not in WHOLE and _holds(actual[key], pieces) else actual[key]
        for key, pieces in expected.items()
    }


def _holds(text: str, pieces: str | list[str]) -> bool:
    return all(piece.strip() in text for piece in ([pieces] if isinstance(pieces, str) else pieces))
