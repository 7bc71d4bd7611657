"""What findings make of a claim: pure, so without a server."""

from __future__ import annotations

import pytest
from pgcontract.contract import Claim, Project
from pgcontract.result import ClaimResult, Correctable, Finding, Outcome, Severity, Status
from pgcontract.runner.claim_findings import claim_finding, claim_findings
from pgcontract.runner.claims import Asked, decide_claim, decide_claims
from pgcontract.runner.corrections import apply_corrections, corrected_claims
from verdict_values import (
    BROKEN,
    CHECKS,
    COUNT_1,
    COUNT_2,
    KEPT,
    NEXT,
    STEM,
    TWO,
    chain,
    claim,
    corrected,
    finding,
    item,
    migration,
    project,
    ref,
    result,
)

NOTED, UNKNOWN = finding(Status.NOTED), finding(Status.UNKNOWN)
MENDED = finding(Status.BROKEN, summary="It is integer.", resolution="mended by 021_b")
WAIVED = finding(Status.WAIVED, Severity.ERROR, resolution="waived until then")
UNASKED = finding(Status.WAIVED, resolution="waived until then")
TOLD = "column.type[public.t.a]: As told."
NOTES = "column.type[public.t.a] only notes: As told."
OTHER = {"subject": "public.t.b"}


def outcome(one: Claim, *findings: Finding) -> tuple[Outcome, str]:
    decided = decide_claim(one, STEM, Asked(findings=findings), CHECKS)
    return decided.outcome, decided.reason


TYPE, PENDING = claim("column.type"), claim("column.type", pending="Its speed.")
WRONG, RIGHT = finding(Status.BROKEN, **COUNT_2), finding(Status.KEPT, **COUNT_1)
NOT_SHOWN, REFUTED, UPHELD, CORRECTED = Outcome.NOT_SHOWN, Outcome.REFUTED, Outcome.UPHELD, Outcome.CORRECTED
CLAIMS: dict[str, tuple[Claim, tuple[Finding, ...], Outcome, str]] = {
    "all hold": (claim("column.type[public.t.*]"), (KEPT,), UPHELD, "1 check holds"),
    "a note upholds nothing": (TYPE, (NOTED,), NOT_SHOWN, NOTES),
    "one of a glob only notes": (claim("column.type[public.*]"), (finding(Status.KEPT, **OTHER), NOTED),
                                 NOT_SHOWN, NOTES),
    "one is broken": (TYPE, (KEPT, BROKEN), REFUTED, "It is integer."),
    "broken before unknown": (TYPE, (UNKNOWN, BROKEN), REFUTED, "It is integer."),
    "broken before noted and mended": (TYPE,
        (NOTED, MENDED, finding(Status.BROKEN, summary="Wrong.", **OTHER)), REFUTED, "Wrong."),
    "one is unknown": (TYPE, (KEPT, UNKNOWN), NOT_SHOWN, TOLD),
    "unknown at the head": (TYPE, (KEPT, finding(Status.UNKNOWN, at=NEXT)), NOT_SHOWN, TOLD),
    "unknown, and answered at the head alone": (TYPE,
        (finding(Status.UNKNOWN, resolution="answered at 002, where it holds"), finding(Status.KEPT, at=NEXT)),
        NOT_SHOWN, TOLD),
    "one failed by its own fault": (TYPE, (finding(Status.ERROR),), NOT_SHOWN, TOLD),
    "one asks of nothing": (claim("column.type", "index.present[public.i]"), (KEPT,), NOT_SHOWN,
                            "index.present[public.i] found nothing to check"),
    "no check": (claim(), (KEPT,), NOT_SHOWN, "no check decides it yet"),
    "mended": (TYPE, (MENDED, KEPT), Outcome.MENDED, "mended by 021_b: It is integer."),
    "not shown before mended: a note": (TYPE, (MENDED, finding(Status.NOTED, **OTHER)), NOT_SHOWN,
                                        "column.type[public.t.b] only notes: As told."),
    "not shown before mended: unknown": (TYPE, (MENDED, finding(Status.UNKNOWN, **OTHER)),
                                         NOT_SHOWN, "column.type[public.t.b]: As told."),
    "not shown before mended: nothing asked": (claim("column.type", "index.present"), (MENDED,), NOT_SHOWN,
                                               "index.present found nothing to check"),
    "waived": (TYPE, (WAIVED,), Outcome.WAIVED, "column.type[public.t.a] is waived until then"),
    "mended before waived": (TYPE, (WAIVED, finding(Status.BROKEN, resolution="mended by 021_b", **OTHER)),
        Outcome.MENDED, "mended by 021_b: As told."),
    "not shown before waived": (TYPE, (WAIVED, finding(Status.NOTED, **OTHER)), NOT_SHOWN,
                                "column.type[public.t.b] only notes: As told."),
    "a waived unknown is not shown": (TYPE, (KEPT, UNASKED), NOT_SHOWN,
                                      "column.type[public.t.a] has no answer, which is waived until then"),
    "pending": (claim("column.type", pending="speed"), (KEPT,), NOT_SHOWN, "pending: speed"),
    "pending and refuted": (claim("column.type", pending="speed"), (BROKEN,), REFUTED, "It is integer."),
    "pending and mended": (PENDING, (MENDED,), NOT_SHOWN, "pending: Its speed. Besides, mended by 021_b: It is integer."),
    "pending and waived": (PENDING, (WAIVED,), NOT_SHOWN,
                           "pending: Its speed. Besides, column.type[public.t.a] is waived until then"),
    "untestable": (claim(untestable="an opinion"), (), Outcome.UNTESTABLE, "an opinion"),
    "untestable and refuted": (claim("column.type", untestable="an opinion"), (BROKEN,), REFUTED, "It is integer."),
    "corrected": (TWO, (finding(Status.BROKEN, summary="One table, not 2.", **COUNT_2), RIGHT),
                  CORRECTED, "One table, not 2."),
    "a correction that is wrong too": (TWO, (WRONG, finding(Status.BROKEN, summary="Three.", **COUNT_1)), REFUTED,
        "its correction does not hold: Three."),
    "a correction that nothing shows": (TWO, (WRONG,), REFUTED,
                                        "its correction does not hold: schema.count[tables = 1] found nothing to check"),
    "a correction that is only noted": (TWO, (WRONG, finding(Status.NOTED, **COUNT_1)),
        REFUTED, "its correction does not hold: schema.count[tables = 1] only notes: As told."),
    "a correction that could not be asked": (TWO, (WRONG, finding(Status.UNKNOWN, **COUNT_1)),
        NOT_SHOWN, "whether its correction holds is not known: schema.count[tables = 1]: As told."),
    "a correction that a later migration has yet to make true": (TWO,
        (WRONG, finding(Status.BROKEN, resolution="mended by 002", **COUNT_1)),
        REFUTED, "its correction does not hold: mended by 002: As told."),
    "a correction by something true of something else": (
        claim("schema.count[tables = 2]", corrected=corrected("It is there", "column.type")),
        (finding(Status.BROKEN, summary="One.", **COUNT_2), KEPT), REFUTED,
        "One; its correction is none: schema.count[tables = 2] is broken, and it names no schema.*"),
    "a correction of what no words correct": (
        claim("script.rerun[script]", corrected=corrected("It runs once", "script.applies[script]")),
        (finding(Status.BROKEN, Severity.WARNING, check="script.rerun", subject="script", summary="It fails."),
         finding(Status.KEPT, check="script.applies", subject="script")),
        REFUTED,
        "It fails; its correction is none: script.rerun[script] is broken, which no words correct",
    ),
    "a correction of what is true": (TWO, (finding(Status.KEPT, **COUNT_2), RIGHT),
        REFUTED, "it is corrected, and its own checks hold: the correction is not needed"),
    "a correction of a time that this day's machine took": (
        claim("write.time[shop.pay = 2..5 ms]", corrected=corrected("It is not promised.", "write.growth")),
        (finding(Status.KEPT, check="write.time", subject="shop.pay = 2..5 ms"),
         finding(Status.KEPT, check="write.growth", subject="shop.pay")),
        CORRECTED,
        "it depends on a time, which was measured on this machine only",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("one", "findings", "became", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_findings_decide_the_claim(one: Claim, findings: tuple[Finding, ...], became: Outcome, reason: str) -> None:
    assert (became, reason) == outcome(one, *findings)


@pytest.mark.parametrize(("left_out", "findings", "expected"), [
    (("index.present", "public.i"), (KEPT,), (NOT_SHOWN, False)),
    (("column.type", "public.t.b"), (KEPT,), (NOT_SHOWN, False)),
    (("column.type", "public.t.b"), (BROKEN,), (REFUTED, True)),
    (("table.present", "public.t"), (KEPT, finding(Status.KEPT, check="index.present")), (UPHELD, True)),
], ids=["a check", "a subject of a glob", "beside what is broken", "what it does not name"])  # fmt: skip
def test_a_selection_judges_no_claim_that_it_asked_in_part(
    left_out: tuple[str, str], findings: tuple[Finding, ...], expected: tuple[Outcome, bool]
) -> None:
    asked = Asked(findings=findings, left_out=(item(*left_out),))
    decided = decide_claim(claim("column.type[public.*]", "index.present"), STEM, asked, CHECKS)

    assert expected == (decided.outcome, decided.asked)


def test_a_claim_names_what_decided_it_worst_first() -> None:
    broken = finding(Status.BROKEN, subject="public.t.b")
    decided = decide_claim(TYPE, STEM, Asked(findings=(KEPT, broken)), CHECKS)

    assert ("column.type[public.t.b]", "column.type[public.t.a]") == decided.decided_by


# The finding of a claim


@pytest.mark.parametrize(("became", "status"), [
    (Outcome.UPHELD, Status.KEPT),
    (Outcome.MENDED, Status.KEPT),
    (Outcome.REFUTED, Status.BROKEN),
    (Outcome.WAIVED, Status.WAIVED),
    (Outcome.CORRECTED, Status.NOTED),
    (Outcome.NOT_SHOWN, Status.NOTED),
    (Outcome.UNTESTABLE, Status.NOTED),
])  # fmt: skip
def test_every_claim_yields_one_finding(became: Outcome, status: Status) -> None:
    answer = claim_finding(result(became))

    assert (status, f"T1 is {became.value}: told.") == (answer.status, answer.summary)


def test_a_refuted_claim_blocks_however_lightly_its_check_weighs() -> None:
    assert claim_finding(result(Outcome.REFUTED)).blocks


@pytest.mark.parametrize(
    ("description", "checks", "others", "doubt"),
    [
        ("It is pleasant", (), (), None),
        ("It is pleasant", ("column.type",), (), "names column.type, which can be asked"),
        ("Two users never share an email", (), (), "speaks of users, email, which no claim judges"),
        ("Two Users never share an e-mail", (), ("table.present[public.t]",), "speaks of users, which no claim judges"),
        ("Two users never share an email", (), ("column.type[public.users.email]",), None),
        ("Userspace emails", (), (), None),
    ],
    ids=["an opinion", "it names a check", "objects", "in another case", "judged by another claim", "other words"],
)
def test_an_untestable_claim_that_could_be_tested_is_a_warning(
    description: str, checks: tuple[str, ...], others: tuple[str, ...], doubt: str | None
) -> None:
    claims = (
        result(Outcome.UNTESTABLE, description=description, checks=checks),
        result(Outcome.UPHELD, 2, checks=others),
    )
    answer, _ = claim_findings(project(), claims, complete=True)
    expected = (Status.BROKEN, Severity.WARNING, doubt) if doubt else (Status.NOTED, None, None)

    assert expected == (answer.status, answer.severity, answer.actual)


def test_a_selection_says_nothing_of_what_no_claim_judges() -> None:
    [answer] = claim_findings(project(), (result(Outcome.UNTESTABLE, description="All users"),), complete=False)

    assert Status.NOTED is answer.status


@pytest.mark.parametrize(("reference", "same"), [
    ("column.type", True),
    ("column.type[public.t.tags]", True),
    ("column.type[public.*]", True),
    ("column.type[public.t.?]", False),
    ("column.nullability[public.t.tags]", False),
])  # fmt: skip
def test_a_reference_is_a_glob_over_check_and_subject(reference: str, same: bool) -> None:
    assert same is ref(reference).names("column.type", "public.t.tags")


def test_brackets_in_a_subject_are_brackets() -> None:
    assert ref("function.present[public.f(text[])]").names("function.present", "public.f(text[])")


# Statements in the place of others


def excused(one: Project, *findings: Finding) -> str | None:
    """The resolution of the first finding, once the claims are decided."""
    claims = decide_claims(one, findings, CHECKS)
    return apply_corrections(findings, one, CHECKS, corrected_claims(claims))[0].resolution


@pytest.mark.parametrize(("claims", "findings", "resolution"), [
    ((TWO,), (WRONG, RIGHT), "corrected: T1"),
    ((TWO, claim("schema.count[tables = 2]", id="T2")), (WRONG, RIGHT), None),
    ((TWO,), (WRONG, finding(Status.BROKEN, **COUNT_1)), None),
    ((TWO,), (WRONG, finding(Status.UNKNOWN, **COUNT_1)), None),
    ((TWO,), (WRONG, finding(Status.NOTED, **COUNT_1)), None),
    ((TWO,), (WRONG,), None),
    ((), (WRONG, RIGHT), None),
], ids=["corrected", "another claim too", "wrong too", "not asked", "only noted", "not there", "no claim"])  # fmt: skip
def test_a_wrong_count_is_excused_by_a_correction_that_holds(
    claims: tuple[Claim, ...], findings: tuple[Finding, ...], resolution: str | None
) -> None:
    assert resolution == excused(project(claims=claims), *findings)


@pytest.mark.parametrize("check", ["query.runs", "query.index", "query.growth", "write.growth", "write.time"])
def test_what_is_said_of_speed_may_be_corrected(check: str) -> None:
    one = claim(f"{check}[by_status]", corrected=corrected("O(rows)", f"{check}[by_status_rows]"))
    broken, held = (
        finding(status, check=check, subject=subject)
        for status, subject in ((Status.BROKEN, "by_status"), (Status.KEPT, "by_status_rows"))
    )

    assert "corrected: T1" == excused(project(claims=(one,)), broken, held)


def test_a_promise_about_more_than_words_cannot_be_corrected_away() -> None:
    one = claim("access.grants", corrected=corrected("Everybody may", "access.grants"))

    assert excused(project(claims=(one,)), finding(Status.BROKEN, Severity.CRITICAL, check="access.grants")) is None


STEPS = {"check": "flow.steps", "subject": "shop.pay"}
RESTATED: dict[str, tuple[Claim, tuple[Finding, ...], Outcome]] = {
    "it holds": (claim("flow.steps[shop.*]"), (finding(Status.KEPT, migration=NEXT, **STEPS),), Outcome.CORRECTED),
    "it is refuted too": (
        claim("flow.steps[shop.*]"),
        (finding(Status.BROKEN, migration=NEXT, **STEPS),),
        Outcome.REFUTED,
    ),
    "it is only noted": (claim("flow.steps[shop.*]"), (finding(Status.NOTED, migration=NEXT, **STEPS),), Outcome.REFUTED),
    "it is called untestable": (claim(untestable="It is so"), (), Outcome.REFUTED),
    "it rests on something else": (claim("column.type"), (finding(Status.KEPT, migration=NEXT),), Outcome.REFUTED),
}


@pytest.mark.parametrize(("later", "findings", "became"), RESTATED.values(), ids=RESTATED)
def test_a_claim_is_restated_by_one_that_holds_of_the_same_check(
    later: Claim, findings: tuple[Finding, ...], became: Outcome
) -> None:
    restated = chain(migration(STEM, claims=(claim("flow.steps[shop.*]"),)), migration(NEXT, claims=(later,)))
    broken = finding(Status.BROKEN, **STEPS)
    first: ClaimResult = decide_claims(restated, (broken, *findings), CHECKS)[0]
    resolution = "corrected: T1" if became is Outcome.CORRECTED else None

    assert (Correctable.STATEMENT, became, resolution) == (
        CHECKS["flow.steps"].correctable,
        first.outcome,
        excused(restated, broken, *findings),
    )


def test_a_restated_claim_excuses_nothing_of_who_may_write() -> None:
    grants = claim("access.grants")
    restated = chain(migration(STEM, claims=(grants,)), migration(NEXT, claims=(grants,)))
    findings = (
        finding(Status.BROKEN, Severity.WARNING, check="access.grants"),
        finding(Status.KEPT, check="access.grants", migration=NEXT),
    )

    assert Outcome.REFUTED is decide_claims(restated, findings, CHECKS)[0].outcome
