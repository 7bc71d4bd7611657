"""What findings make of a claim, a waiver and the whole: pure, so without a server."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import pytest
from pgcontract.contract import (
    CheckRef,
    Claim,
    Contract,
    Correction,
    Execution,
    Migration,
    Project,
    TransactionScope,
    Waiver,
)
from pgcontract.result import ClaimResult, Decision, Finding, Outcome, RunOptions, Severity, Status, Verdict
from pgcontract.runner import check_infos
from pgcontract.runner.verdict import claim_finding, conclude_verdict, decide_claim, matches, resolve_findings

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from runs import base

TODAY = dt.date(2026, 1, 4)
STEM = "001_t"
CHECKS = check_infos()


def finding(status: Status, severity: Severity | None = None, **said: Any) -> Finding:
    if status is Status.BROKEN and severity is None:
        severity = Severity.ERROR
    values = {"check": "column.type", "subject": "public.t.a", "summary": "As told.", "migration": STEM, **said}
    return Finding(status=status, severity=severity, **values)


def ref(text: str) -> CheckRef:
    return CheckRef.model_construct(text=text)  # as it is: claims.toml has globs of subjects only


def claim(*checks: str, **said: Any) -> Claim:
    return Claim(id="T1", description="It is so", checks=tuple(map(ref, checks)), **said)


def corrected(description: str, *checks: str) -> Correction:
    return Correction(description=description, checks=tuple(map(ref, checks)))


def project(*waivers: Waiver, claims: tuple[Claim, ...] = ()) -> Project:
    contract = Contract(path="contract.toml", migration=f"{STEM}.sql", sections=waivers, claims=claims)
    path = Path(f"{STEM}.sql")
    return Project(
        root=Path(),
        chain=(
            Migration(
                key=STEM,
                display_name="001",
                up=path,
                down_remedy="",
                execution=Execution(transaction=TransactionScope.FILE, repeatable=False),
                contract=contract,
            ),
        ),
    )


def waiver(until: dt.date, check: str = "column.type", subject: str = "public.t.*") -> Waiver:
    return Waiver(check=check, subject=subject, reason="widened soon", owner="Ann", until=until)


# The ladder


def concluded(*findings: Finding, claims: tuple[ClaimResult, ...] = (), **said: Any) -> Verdict:
    arguments: dict[str, Any] = {"promised": True, "complete": True, "production": None, "major": None, **said}
    return conclude_verdict(findings, claims, **arguments)


LADDER = {
    "a broken error": (finding(Status.BROKEN), Decision.BLOCKED),
    "broken and critical": (finding(Status.BROKEN, Severity.CRITICAL), Decision.BLOCKED),
    "our own fault": (finding(Status.ERROR), Decision.INCOMPLETE),
    "an unknown": (finding(Status.UNKNOWN), Decision.INCOMPLETE),
    "a broken warning": (finding(Status.BROKEN, Severity.WARNING), Decision.CAUTION),
    "a live waiver": (finding(Status.WAIVED, resolution="waived until 2027-01-01 by Ann: soon"), Decision.CAUTION),
    "a broken error that is excused": (finding(Status.BROKEN, resolution="corrected: C4"), Decision.CLEAR),
    "a broken info": (finding(Status.BROKEN, Severity.INFO), Decision.CLEAR),
    "a note": (finding(Status.NOTED), Decision.CLEAR),
    "all kept": (finding(Status.KEPT), Decision.CLEAR),
}


@pytest.mark.parametrize(("one", "decision"), LADDER.values(), ids=LADDER)
def test_one_finding_decides(one: Finding, decision: Decision) -> None:
    assert decision is concluded(finding(Status.KEPT), one).decision


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ("a broken error", "our own fault"),
        ("our own fault", "a broken warning"),
        ("an unknown", "a live waiver"),
        ("a broken warning", "all kept"),
    ],
)
def test_the_worse_of_two_decides(worse: str, better: str) -> None:
    assert LADDER[worse][1] is concluded(LADDER[better][0], LADDER[worse][0]).decision


def result(outcome: Outcome, number: int = 1) -> ClaimResult:
    return ClaimResult(id=f"T{number}", description="It is so", outcome=outcome, reason="told", migration=STEM)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"claims": (result(Outcome.NOT_SHOWN),)}, "1 claim is not shown: T1"),
        ({"claims": tuple(result(Outcome.NOT_SHOWN, n) for n in (1, 2, 3))}, "3 claims are not shown: T1–T3"),
        ({"claims": (result(Outcome.CORRECTED),)}, "1 claim is corrected: T1"),
        ({"claims": (result(Outcome.WAIVED),)}, "1 claim is waived: T1"),
        ({"production": 17, "major": 18}, "judged on PostgreSQL 18; production runs 17"),
        (
            {"promised": False},
            "no contract: nothing is promised, so only how the script runs and its indexes were checked",
        ),
        ({"complete": False}, "only a selection of the checks was run"),
    ],
)
def test_what_is_short_of_shown_is_caution_with_its_reason(said: dict[str, Any], reason: str) -> None:
    assert Verdict(decision=Decision.CAUTION, reasons=(reason,)) == concluded(finding(Status.KEPT), **said)


@pytest.mark.parametrize("outcome", [Outcome.UPHELD, Outcome.MENDED, Outcome.UNTESTABLE])
def test_a_claim_that_needs_nothing_leaves_it_clear(outcome: Outcome) -> None:
    assert Verdict(decision=Decision.CLEAR) == concluded(finding(Status.KEPT), claims=(result(outcome),))


@pytest.mark.parametrize(
    ("decision", "strict", "findings", "code"),
    [
        (Decision.CLEAR, True, (), 0),
        (Decision.CAUTION, False, (), 0),
        (Decision.CAUTION, True, (), 1),
        (Decision.BLOCKED, False, (finding(Status.ERROR),), 1),
        (Decision.INCOMPLETE, False, (finding(Status.UNKNOWN),), 3),
        (Decision.INCOMPLETE, False, (finding(Status.ERROR),), 4),
    ],
)
def test_each_decision_has_its_exit_code(
    decision: Decision, strict: bool, findings: tuple[Finding, ...], code: int
) -> None:
    run = base(verdict=Verdict(decision=decision), findings=findings, options=RunOptions(strict=strict))

    assert code == run.exit_code


# Claims


def outcome(one: Claim, *findings: Finding, selected: bool = False) -> tuple[Outcome, str]:
    decided = decide_claim(one, STEM, findings, CHECKS, selected)
    return decided.outcome, decided.reason


KEPT, BROKEN = finding(Status.KEPT), finding(Status.BROKEN, summary="It is integer.")
COUNT_2 = {"check": "schema.count", "subject": "tables = 2"}
COUNT_1 = {"check": "schema.count", "subject": "tables = 1"}
TWO = claim("schema.count[tables = 2]", corrected=corrected("One", "schema.count[tables = 1]"))

CLAIMS: dict[str, tuple[Claim, tuple[Finding, ...], Outcome, str]] = {
    "all hold": (claim("column.type[public.t.*]"), (KEPT,), Outcome.UPHELD, "1 check holds"),
    "a note is no doubt": (claim("column.type"), (finding(Status.NOTED),), Outcome.UPHELD, "1 check holds"),
    "one is broken": (claim("column.type"), (KEPT, BROKEN), Outcome.REFUTED, "It is integer."),
    "broken before unknown": (
        claim("column.type"),
        (finding(Status.UNKNOWN), BROKEN),
        Outcome.REFUTED,
        "It is integer.",
    ),
    "one is unknown": (
        claim("column.type"),
        (KEPT, finding(Status.UNKNOWN)),
        Outcome.NOT_SHOWN,
        "column.type[public.t.a]: As told.",
    ),
    "one failed by its own fault": (
        claim("column.type"),
        (finding(Status.ERROR),),
        Outcome.NOT_SHOWN,
        "column.type[public.t.a]: As told.",
    ),
    "one asks of nothing": (
        claim("column.type", "index.present[public.i]"),
        (KEPT,),
        Outcome.NOT_SHOWN,
        "index.present[public.i] found nothing to check",
    ),
    "no check": (claim(), (KEPT,), Outcome.NOT_SHOWN, "no check decides it yet"),
    "waived": (
        claim("column.type"),
        (finding(Status.WAIVED, resolution="waived until then"),),
        Outcome.WAIVED,
        "waived until then",
    ),
    "pending": (claim("column.type", pending="speed"), (KEPT,), Outcome.NOT_SHOWN, "pending: speed"),
    "pending and refuted": (claim("column.type", pending="speed"), (BROKEN,), Outcome.REFUTED, "It is integer."),
    "pending and mended": (
        claim("column.type", pending="Its speed."),
        (finding(Status.BROKEN, summary="It is integer.", resolution="mended by 021_b"),),
        Outcome.NOT_SHOWN,
        "pending: Its speed. Besides, mended by 021_b: It is integer.",
    ),
    "untestable": (claim(untestable="an opinion"), (), Outcome.UNTESTABLE, "an opinion"),
    "untestable and refuted": (
        claim("column.type", untestable="an opinion"),
        (BROKEN,),
        Outcome.REFUTED,
        "It is integer.",
    ),
    "corrected": (
        TWO,
        (finding(Status.BROKEN, summary="One table, not 2.", **COUNT_2), finding(Status.KEPT, **COUNT_1)),
        Outcome.CORRECTED,
        "One table, not 2.",
    ),
    "a correction that is wrong too": (
        TWO,
        (finding(Status.BROKEN, **COUNT_2), finding(Status.BROKEN, summary="Three.", **COUNT_1)),
        Outcome.REFUTED,
        "its correction does not hold: Three.",
    ),
    "a correction that is not shown": (
        TWO,
        (finding(Status.BROKEN, **COUNT_2),),
        Outcome.NOT_SHOWN,
        "its correction does not hold: schema.count[tables = 1] found nothing to check",
    ),
    "a correction of what is true": (
        TWO,
        (finding(Status.KEPT, **COUNT_2), finding(Status.KEPT, **COUNT_1)),
        Outcome.REFUTED,
        "it is corrected, and its own checks hold: the correction is not needed",
    ),
    "a correction of a time that this day's machine took": (
        claim(
            "write.time[shop.pay = 2..5 ms]",
            corrected=Correction(description="It is not promised.", checks=(CheckRef(text="write.growth"),)),
        ),
        (
            finding(Status.KEPT, check="write.time", subject="shop.pay = 2..5 ms"),
            finding(Status.KEPT, check="write.growth", subject="shop.pay"),
        ),
        Outcome.CORRECTED,
        "it depends on a time, which was measured on this machine only",
    ),
}


@pytest.mark.parametrize(("one", "findings", "became", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_findings_decide_the_claim(one: Claim, findings: tuple[Finding, ...], became: Outcome, reason: str) -> None:
    assert (became, reason) == outcome(one, *findings)


def test_a_claim_whose_check_was_left_out_is_not_shown() -> None:
    expected = (Outcome.NOT_SHOWN, "index.present was left out by the selection")

    assert expected == outcome(claim("column.type", "index.present"), KEPT, selected=True)


def test_a_claim_names_what_decided_it_worst_first() -> None:
    broken = finding(Status.BROKEN, subject="public.t.b")
    decided = decide_claim(claim("column.type"), STEM, (KEPT, broken), CHECKS, False)

    assert ("column.type[public.t.b]", "column.type[public.t.a]") == decided.decided_by


@pytest.mark.parametrize(
    ("became", "status"),
    [
        (Outcome.UPHELD, Status.KEPT),
        (Outcome.MENDED, Status.KEPT),
        (Outcome.REFUTED, Status.BROKEN),
        (Outcome.WAIVED, Status.WAIVED),
        (Outcome.CORRECTED, Status.NOTED),
        (Outcome.NOT_SHOWN, Status.NOTED),
        (Outcome.UNTESTABLE, Status.NOTED),
    ],
)
def test_every_claim_yields_one_finding(became: Outcome, status: Status) -> None:
    answer = claim_finding(result(became))

    assert (status, f"T1 is {became.value}: told.") == (answer.status, answer.summary)


def test_a_refuted_claim_blocks_however_lightly_its_check_weighs() -> None:
    assert claim_finding(result(Outcome.REFUTED)).blocks


@pytest.mark.parametrize(
    ("reference", "same"),
    [
        ("column.type", True),
        ("column.*", True),
        ("column.type[public.t.tags]", True),
        ("column.type[public.*]", True),
        ("column.type[public.t.?]", False),
        ("column.nullability[public.t.tags]", False),
    ],
)
def test_a_reference_is_a_glob_over_check_and_subject(reference: str, same: bool) -> None:
    assert same is matches(ref(reference), finding(Status.KEPT, subject="public.t.tags"))


def test_brackets_in_a_subject_are_brackets() -> None:
    kept_finding = finding(Status.KEPT, check="function.present", subject="public.f(text[])")

    assert matches(ref("function.present[public.f(text[])]"), kept_finding)


# Waivers and corrections


def test_a_live_waiver_excuses_what_is_broken() -> None:
    [resolved_findings], _ = resolve_findings([BROKEN], project(waiver(TODAY)), CHECKS, TODAY)

    assert (Status.WAIVED, "waived until 2026-01-04 by Ann: widened soon") == (
        resolved_findings.status,
        resolved_findings.resolution,
    )


@pytest.mark.parametrize(
    "other",
    [
        finding(Status.UNKNOWN),
        finding(Status.ERROR),
        finding(Status.BROKEN, check="column.nullability"),
        finding(Status.BROKEN, subject="public.u.a"),
        finding(Status.BROKEN, migration="002_u"),
    ],
    ids=["an unknown", "our own fault", "another check", "another subject", "another migration"],
)
def test_a_waiver_excuses_nothing_else(other: Finding) -> None:
    [answer], _ = resolve_findings([other], project(waiver(TODAY)), CHECKS, TODAY)

    assert other == answer


@pytest.mark.parametrize(
    ("findings", "until", "status", "problem"),
    [
        ([BROKEN], TODAY, Status.KEPT, None),
        ([BROKEN], TODAY - dt.timedelta(days=1), Status.BROKEN, "expired on 2026-01-03"),
        ([KEPT], TODAY, Status.BROKEN, "waives nothing"),
        ([], TODAY - dt.timedelta(days=1), Status.BROKEN, "expired on 2026-01-03"),
    ],
    ids=["on its last day", "a day later", "of what is kept", "expired and unused"],
)
def test_a_waiver_must_be_live_and_of_use(
    findings: list[Finding], until: dt.date, status: Status, problem: str | None
) -> None:
    _, [answer] = resolve_findings(findings, project(waiver(until)), CHECKS, TODAY)

    assert ("waiver.live", "column.type[public.t.*]", status, problem) == (
        answer.check,
        answer.subject,
        answer.status,
        answer.actual,
    )


def test_an_expired_waiver_leaves_the_promise_broken() -> None:
    [answer], _ = resolve_findings([BROKEN], project(waiver(TODAY - dt.timedelta(days=1))), CHECKS, TODAY)

    assert answer.blocks


def test_a_count_that_only_corrected_claims_name_is_excused() -> None:
    wrong = finding(Status.BROKEN, **COUNT_2)
    [answer], _ = resolve_findings([wrong], project(claims=(TWO,)), CHECKS, TODAY)

    assert "corrected: T1" == answer.resolution


def test_a_count_that_another_claim_names_too_is_not() -> None:
    other = Claim(id="T2", description="Two", checks=(ref("schema.count[tables = 2]"),))
    [answer], _ = resolve_findings([finding(Status.BROKEN, **COUNT_2)], project(claims=(TWO, other)), CHECKS, TODAY)

    assert answer.resolution is None


@pytest.mark.parametrize("check", ["query.runs", "query.index", "query.growth", "write.growth", "write.time"])
def test_what_is_said_of_speed_may_be_corrected(check: str) -> None:
    one = claim(f"{check}[by_status]", corrected=corrected("O(rows)", f"{check}[by_status_rows]"))
    [answer], _ = resolve_findings(
        [finding(Status.BROKEN, check=check, subject="by_status")], project(claims=(one,)), CHECKS, TODAY
    )

    assert "corrected: T1" == answer.resolution


def test_a_promise_about_more_than_words_cannot_be_corrected_away() -> None:
    one = claim("access.grants", corrected=corrected("Everybody may", "access.grants"))
    open_to_all = finding(Status.BROKEN, Severity.CRITICAL, check="access.grants")
    [answer], _ = resolve_findings([open_to_all], project(claims=(one,)), CHECKS, TODAY)

    assert answer.blocks
