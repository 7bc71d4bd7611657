"""What findings and claims make of the whole: pure, so without a server."""

from __future__ import annotations

from typing import Any

import pytest
from pgcontract.result import ClaimResult, Decision, Finding, Outcome, RunOptions, Severity, Status, Verdict
from pgcontract.runner.head_findings import merge_with_head
from pgcontract.runner.verdict import conclude_verdict
from runs import base
from verdict_values import BROKEN, KEPT, NEXT, finding, migration, result

CRITICAL, WARNING = finding(Status.BROKEN, Severity.CRITICAL), finding(Status.BROKEN, Severity.WARNING)
NOTED, UNKNOWN, ERROR = finding(Status.NOTED), finding(Status.UNKNOWN), finding(Status.ERROR)


def concluded(*findings: Finding, claims: tuple[ClaimResult, ...] = (), **said: Any) -> Verdict:
    arguments: dict[str, Any] = {"complete": True, "production": None, "major": None, **said}
    return conclude_verdict(findings, claims, **arguments)


LADDER = {
    "a broken error": (BROKEN, Decision.BLOCKED),
    "broken and critical": (CRITICAL, Decision.BLOCKED),
    "our own fault": (ERROR, Decision.INCOMPLETE),
    "an unknown": (UNKNOWN, Decision.INCOMPLETE),
    "a broken warning": (WARNING, Decision.CAUTION),
    "a live waiver": (finding(Status.WAIVED, resolution="waived until 2027-01-01 by Ann: soon"), Decision.CAUTION),
    "an unknown that the head answers": (
        finding(Status.UNKNOWN, resolution="answered at 002, where it holds"),
        Decision.CLEAR,
    ),
    "a broken error that is excused": (finding(Status.BROKEN, resolution="corrected: C4"), Decision.CLEAR),
    "a broken info": (finding(Status.BROKEN, Severity.INFO), Decision.CLEAR),
    "a note": (NOTED, Decision.CLEAR),
    "all kept": (KEPT, Decision.CLEAR),
}


@pytest.mark.parametrize(("one", "decision"), LADDER.values(), ids=LADDER)
def test_one_finding_decides(one: Finding, decision: Decision) -> None:
    assert decision is concluded(KEPT, one).decision


@pytest.mark.parametrize(("worse", "better"), [
    ("a broken error", "our own fault"),
    ("our own fault", "a broken warning"),
    ("an unknown", "a live waiver"),
    ("a broken warning", "all kept"),
])  # fmt: skip
def test_the_worse_of_two_decides(worse: str, better: str) -> None:
    assert LADDER[worse][1] is concluded(LADDER[better][0], LADDER[worse][0]).decision


@pytest.mark.parametrize(("said", "reason"), [
    ({"claims": (result(Outcome.NOT_SHOWN),)}, "1 claim is not shown: T1"),
    ({"claims": tuple(result(Outcome.NOT_SHOWN, n) for n in (1, 2, 3))}, "3 claims are not shown: T1–T3"),
    ({"claims": (result(Outcome.CORRECTED),)}, "1 claim is corrected: T1"),
    ({"claims": (result(Outcome.WAIVED),)}, "1 claim is waived: T1"),
    ({"claims": tuple(result(Outcome.UNTESTABLE, n) for n in (1, 2))}, "2 claims are untestable: T1, T2"),
    ({"production": 17, "major": 18}, "judged on PostgreSQL 18; production runs 17"),
    ({"complete": False}, "only a selection of the checks was run"),
    ({"complete": False, "claims": (result(Outcome.NOT_SHOWN, asked=False),)}, "only a selection of the checks was run"),
])  # fmt: skip
def test_what_is_short_of_shown_is_caution_with_its_reason(said: dict[str, Any], reason: str) -> None:
    assert Verdict(decision=Decision.CAUTION, reasons=(reason,)) == concluded(KEPT, **said)


@pytest.mark.parametrize("outcome", [Outcome.UPHELD, Outcome.MENDED])
def test_a_claim_that_needs_nothing_leaves_it_clear(outcome: Outcome) -> None:
    assert Verdict(decision=Decision.CLEAR) == concluded(KEPT, claims=(result(outcome),))


def test_a_bug_of_ours_is_told_beside_what_blocks() -> None:
    expected = Verdict(
        decision=Decision.BLOCKED,
        reasons=("column.type[public.t.a]: It is integer.", "column.type[public.t.b]: It failed."),
    )

    assert expected == concluded(finding(Status.ERROR, subject="public.t.b", summary="It failed."), BROKEN)


@pytest.mark.parametrize(("decision", "strict", "findings", "code"), [
    (Decision.CLEAR, True, (), 0),
    (Decision.CAUTION, False, (), 0),
    (Decision.CAUTION, True, (), 1),
    (Decision.BLOCKED, False, (BROKEN,), 1),
    (Decision.BLOCKED, False, (BROKEN, ERROR), 4),
    (Decision.BLOCKED, True, (UNKNOWN, ERROR), 4),
    (Decision.INCOMPLETE, False, (UNKNOWN,), 3),
    (Decision.INCOMPLETE, False, (UNKNOWN, ERROR), 4),
    (Decision.CAUTION, False, (ERROR,), 4),
])  # fmt: skip
def test_each_decision_has_its_exit_code_and_a_bug_of_ours_before_it(
    decision: Decision, strict: bool, findings: tuple[Finding, ...], code: int
) -> None:
    run = base(verdict=Verdict(decision=decision), findings=findings, options=RunOptions(strict=strict))

    assert code == run.exit_code


# What words stand for in place of an answer


def test_untestable_claims_and_waivers_are_taken_on_trust_whatever_the_verdict() -> None:
    run = base(
        verdict=Verdict(decision=Decision.BLOCKED),
        migration=NEXT,
        findings=(finding(Status.WAIVED, resolution="waived until 2027-01-01 by Ann: soon"), BROKEN),
        claims=(result(Outcome.UNTESTABLE, migration=NEXT), result(Outcome.UPHELD, 2)),
    )
    expected = ("T1 is called untestable: told", "001_t:column.type[public.t.a] is waived until 2027-01-01 by Ann: soon")

    assert expected == run.on_trust


# Judged after its migration, and again at the head

MENDED = finding(Status.BROKEN, summary="It is integer.", resolution="mended by 002")
AT_HEAD = {"at": NEXT}
OTHER = {"subject": "public.t.b"}
HEADS: dict[str, tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]] = {
    "broken, then kept": ((BROKEN,), (KEPT,), (MENDED, finding(Status.KEPT, **AT_HEAD))),
    "a note mends nothing": ((BROKEN,), (NOTED,), (BROKEN, finding(Status.NOTED, **AT_HEAD))),
    "no answer mends nothing": ((BROKEN,), (UNKNOWN,), (BROKEN, finding(Status.UNKNOWN, **AT_HEAD))),
    "our own fault mends nothing": ((BROKEN,), (ERROR,), (BROKEN, finding(Status.ERROR, **AT_HEAD))),
    "one of two answers is kept": ((BROKEN,), (KEPT, NOTED),
                                   (BROKEN, finding(Status.KEPT, **AT_HEAD), finding(Status.NOTED, **AT_HEAD))),
    "broken at both is told once": ((BROKEN,), (BROKEN,), (BROKEN,)),
    "it weighs more at the head": ((WARNING,), (CRITICAL,),
                                   (WARNING, finding(Status.BROKEN, Severity.CRITICAL, **AT_HEAD))),
    "broken at the head beside what is kept there": ((KEPT,), (BROKEN, KEPT),
        (KEPT, finding(Status.BROKEN, summary="It is integer.", **AT_HEAD), finding(Status.KEPT, **AT_HEAD))),
    "unknown, then kept": ((UNKNOWN,), (KEPT,),
        (finding(Status.UNKNOWN, resolution="answered at 002, where it holds"), finding(Status.KEPT, **AT_HEAD))),
    "a note answers nothing": ((UNKNOWN,), (NOTED,), (UNKNOWN, finding(Status.NOTED, **AT_HEAD))),
    "a subject that only the head has": ((KEPT,), (finding(Status.BROKEN, **OTHER),),
                                         (KEPT, finding(Status.BROKEN, **OTHER, **AT_HEAD))),
}  # fmt: skip


@pytest.mark.parametrize(("own", "later", "expected"), HEADS.values(), ids=HEADS)
def test_what_the_head_says_joins_what_was_found_before(
    own: tuple[Finding, ...], later: tuple[Finding, ...], expected: tuple[Finding, ...]
) -> None:
    assert expected == merge_with_head(own, later, migration(NEXT))
