"""The ids of the checks are stable for ever, and each names a file of cases: none goes, a new one brings its own."""

from __future__ import annotations

from case_projects import CASES
from pgcontract.runner import check_infos


def test_checks_are_those_of_tests_cases_each_kept_and_broken() -> None:
    expected = {(check, word) for check in check_infos() for word in ("kept", "broken")}

    assert expected == {(case.check, case.name.partition("_")[0]) for case in CASES}
