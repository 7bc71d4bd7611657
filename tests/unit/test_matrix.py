"""What differs between the majors is found, named where that is known, and fails the matrix where it weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import version_matrix
from pgcontract.result import Decision, Finding, Run, ServerInfo, Severity, Status, Verdict
from runs import base
from side_by_side import Ended, Side, differing, judge, passes, table
from version_matrix import MajorDifference

ELSEWHERE = "judged on PostgreSQL {}; production runs 17"


def finding(check: str, status: Status = Status.KEPT, *, summary: str = "It holds.", **more: Severity | str) -> Finding:
    return Finding(check=check, subject="x", status=status, summary=summary, migration="001_note", **more)  # type: ignore[arg-type]


def run(major: int, *findings: Finding, decision: Decision = Decision.CAUTION, reasons: tuple[str, ...] = ()) -> Run:
    reasons = (*reasons, *([ELSEWHERE.format(major)] if major != 17 and decision is Decision.CAUTION else []))
    return base(
        migration="001_note",
        verdict=Verdict(decision=decision, reasons=reasons),
        findings=findings,
        claims=(),
        server=ServerInfo(provider="wheel", version=f"{major}.4", major=major),
    )


def side(major: int, run_of_side: Run | None = None, *, code: int = 0, tests: int | None = None) -> Side:
    ran = None if tests is None else Ended(code=tests, cpu_s=150.0, last_line="1 failed, 900 passed")
    gate = Ended(code=code, cpu_s=12.34, last_line="error: no server" if code else "wrote it")
    return Side(major=major, gate=gate, run=run_of_side, tests=ran)


def by_major(**findings_by_major: Finding) -> Mapping[int, Run]:
    return {int(name[1:]): run(int(name[1:]), findings) for name, findings in findings_by_major.items()}


def test_a_status_that_differs_is_told_for_each_major() -> None:
    broken = finding("column.type", Status.BROKEN, severity=Severity.ERROR)
    actual = version_matrix.differences(by_major(_15=broken, _16=broken, _17=finding("column.type")))

    results_by_major = {15: "broken", 16: "broken", 17: "kept"}
    assert (
        MajorDifference(
            check="column.type", subject="x", migration="001_note", results_by_major=results_by_major, cause=None
        ),
    ) == actual


@pytest.mark.parametrize(("findings", "told"), [
    (({"severity": Severity.WARNING}, {"severity": Severity.ERROR, "resolution": "mended by 002"}),
     ("broken warning", "broken excused")),
    ((None, {"severity": Severity.ERROR}), (version_matrix.NOT_ASKED, "broken")),
], ids=["a severity and an excuse", "not asked by one"])  # fmt: skip
def test_what_differs_beside_the_status(findings: tuple[dict[str, Severity | str] | None, ...], told: tuple[str]) -> None:
    broken = [() if more is None else (finding("column.type", Status.BROKEN, **more),) for more in findings]
    (difference,) = version_matrix.differences({15: run(15, *broken[0]), 16: run(16, *broken[1])})

    assert dict(zip((15, 16), told, strict=True)) == difference.results_by_major


def test_words_that_differ_by_a_known_cause_are_told_with_it() -> None:
    few, more = (finding("information_schema.complete", summary=f"Hides {number} parts.") for number in (5, 8))
    actual = version_matrix.differences(by_major(_15=few, _16=few, _17=more, _18=more))

    told = {major: f"Hides {number} parts." for major, number in ((15, 5), (16, 5), (17, 8), (18, 8))}
    whole = {"check": "information_schema.complete", "subject": "x", "migration": "001_note", "results_by_major": told}
    assert (MajorDifference(**whole, cause="the privilege MAINTAIN, since 17"),) == actual  # type: ignore[arg-type]


def test_a_change_between_other_majors_has_another_cause() -> None:
    few, more = (finding("information_schema.complete", summary=f"Hides {number} parts.") for number in (5, 8))
    (difference,) = version_matrix.differences(by_major(_15=few, _16=more, _17=few))

    assert difference.cause is None


def test_figures_are_no_difference() -> None:
    runs = by_major(_15=finding("query.latency", summary="1.1 ms"), _16=finding("query.latency", summary="1.2 ms"))

    assert () == version_matrix.differences(runs)


@pytest.mark.parametrize(("judged_run", "expected"), [
    (run(15), Decision.CLEAR),
    (run(15, reasons=("1 claim is corrected: C4",)), Decision.CAUTION),
    (run(17, reasons=("1 claim is corrected: C4",)), Decision.CAUTION),
    (run(15, decision=Decision.BLOCKED), Decision.BLOCKED),
    (run(17, decision=Decision.CLEAR), Decision.CLEAR),
], ids=["the major alone", "another reason too", "production's own", "blocked", "clear"])  # fmt: skip
def test_the_major_itself_is_no_reason_to_differ(judged_run: Run, expected: Decision) -> None:
    assert expected == version_matrix.decision(judged_run)


def test_clear_on_productions_major_agrees_with_caution_for_the_major() -> None:
    assert version_matrix.decisions_agree({17: run(17, decision=Decision.CLEAR), 18: run(18)})


@pytest.mark.parametrize(("sides", "expected"), [
    ([side(15, run(15)), side(17, run(17, decision=Decision.CLEAR))], True),
    ([side(15, run(15), tests=0), side(17, run(17, decision=Decision.CLEAR), tests=0)], True),
    ([side(15, run(15)), side(17, run(17, reasons=("another",)))], False),
    ([side(15, run(15, decision=Decision.BLOCKED)), side(17, run(17, decision=Decision.BLOCKED))], False),
    ([side(15, run(15)), side(17, code=3)], False),
    ([side(17, run(17, reasons=("a",)), tests=1)], False),
], ids=["agree", "tests pass", "decisions differ", "all are blocked", "one gave no verdict", "tests fail"])  # fmt: skip
def test_the_matrix_passes_where_all_agree_that_it_may_be_deployed(sides: list[Side], expected: bool) -> None:
    assert expected == passes(sides)


def test_the_table_has_a_column_for_each_major_and_a_block_for_each_difference() -> None:
    broken = finding("column.type", Status.BROKEN, severity=Severity.ERROR)
    sides = [
        side(15, run(15, broken, decision=Decision.BLOCKED), code=1, tests=0),
        side(16, run(16, finding("column.type")), tests=1),
        side(17, code=3),
    ]

    expected = """\
                     15       16       17
server               15.4     16.4     -
verdict              BLOCKED  CAUTION  -
  but for the major  BLOCKED  CLEAR    -
findings             1        1        -
CPU of the gate      12.3 s   12.3 s   12.3 s
tests                passed   failed   none
CPU of the tests     150 s    150 s    -

001_note: column.type[x], because of nothing that is known by name
  15: broken
  16: kept
failed: the tests on 16 failed: 1 failed, 900 passed
failed: the gate on 17 gave no verdict (exit code 3): error: no server
the majors come to different decisions"""
    assert expected == table(sides)


def test_subjects_that_differ_in_the_same_way_are_told_once() -> None:
    names = ("id", "body", "email")
    broken = [
        replace(finding("column.nullability", Status.BROKEN, severity=Severity.ERROR), subject=name) for name in names
    ]
    findings = [replace(finding("column.nullability"), subject=name) for name in names]

    expected = [
        "001_note: column.nullability[id] and 2 more, because of nothing that is known by name",
        "  15, 17: kept",
        "  16: broken",
    ]
    assert expected == differing({15: run(15, *findings), 16: run(16, *broken), 17: run(17, *findings)})


def test_a_gate_that_gives_no_run_is_told_with_its_last_words(tmp_path: Path) -> None:
    judged = judge(14, "schema", tmp_path)

    words = "PostgreSQL 14 is none that pgcontract knows: name a major from 15 to 18, as in --pg 17"
    assert f"the gate on 14 gave no verdict (exit code 2): error: {words}" == judged.failed
