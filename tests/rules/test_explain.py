"""What `pgcontract explain` prints of every check: its promise, why it matters, how it is measured, what to do."""

from __future__ import annotations

import re

import pytest
from pgcontract.rules.registry import Check, checks

PARTS = ["Why it matters", "How it is measured", "What to do"]
CHECKS = pytest.mark.parametrize("check", checks().values(), ids=checks())


@CHECKS
def test_the_explanation_has_its_three_parts_in_order(check: Check) -> None:
    words = re.findall(r"^(\w[\w ]+): (?=\S)", check.explanation.partition("\n\n")[2], re.MULTILINE)

    assert PARTS == [part for part in words if part in PARTS]


@CHECKS
def test_the_title_is_one_line_and_the_explanation_apart(check: Check) -> None:
    lines = check.explanation.splitlines()

    assert (f"{check.title}.", "") == (lines[0], lines[1])


@CHECKS
def test_the_title_is_the_promise_in_one_sentence(check: Check) -> None:
    assert re.fullmatch(r"[^\s.].{10,130}", check.title)
