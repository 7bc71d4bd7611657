"""What a waiver excuses, and for how long: pure, so without a server."""

from __future__ import annotations

import datetime as dt

import pytest
from pgcontract.contract import Waiver
from pgcontract.result import Finding, Severity, Status
from pgcontract.runner.decisions import waiver_item
from pgcontract.runner.waivers import apply_waivers
from verdict_values import BROKEN, KEPT, STEM, TODAY, finding, migration, project, waiver

DAY = dt.timedelta(days=1)
CRITICAL, UNKNOWN = finding(Status.BROKEN, Severity.CRITICAL), finding(Status.UNKNOWN)
ANN = "waived until 2026-01-04 by Ann: widened soon"


def excused(one: Finding, *waivers: Waiver) -> Finding:
    [answer], _ = apply_waivers([one], project(*waivers), TODAY)
    return answer


def judged(one: Finding, *waivers: Waiver) -> list[tuple[Status, Severity | None, str]]:
    _, answers = apply_waivers([one], project(*waivers), TODAY)
    return [(answer.status, answer.severity, answer.summary.partition("] ")[2]) for answer in answers]


EXCUSED: dict[str, tuple[Finding, Waiver, str]] = {
    "by its own name": (BROKEN, waiver(TODAY), ANN),
    "by a wildcard": (BROKEN, waiver(TODAY, subject="public.t.*"), f"{ANN} (by a wildcard, column.type[public.t.*])"),
    "by a wildcard for the check": (BROKEN, waiver(TODAY, check="column.*"),
                                    f"{ANN} (by a wildcard, column.*[public.t.a])"),
    "for a year": (BROKEN, waiver(dt.date(2027, 1, 4)), "waived until 2027-01-04 by Ann: widened soon"),
    "for longer": (BROKEN, waiver(dt.date(9999, 12, 31)),
                   "waived until 9999-12-31 by Ann: widened soon (its end is more than a year away)"),
    "what is critical, by its own name": (CRITICAL, waiver(TODAY), f"{ANN} (it is critical)"),
    "what is critical, for 90 days": (CRITICAL, waiver(TODAY + 90 * DAY),
                                      "waived until 2026-04-04 by Ann: widened soon (it is critical)"),
    "what could not be asked": (UNKNOWN, waiver(TODAY), f"{ANN} (it was not asked)"),
}  # fmt: skip


@pytest.mark.parametrize(("one", "by", "resolution"), EXCUSED.values(), ids=EXCUSED)
def test_a_live_waiver_excuses(one: Finding, by: Waiver, resolution: str) -> None:
    answer = excused(one, by)

    assert (Status.WAIVED, one.severity, resolution) == (answer.status, answer.severity, answer.resolution)


NOT_EXCUSED: dict[str, tuple[Finding, Waiver]] = {
    "our own fault": (finding(Status.ERROR), waiver(TODAY)),
    "a note": (finding(Status.NOTED), waiver(TODAY)),
    "another check": (finding(Status.BROKEN, check="column.nullability"), waiver(TODAY)),
    "another subject": (finding(Status.BROKEN, subject="public.u.a"), waiver(TODAY, subject="public.t.*")),
    "another migration": (finding(Status.BROKEN, migration="002_u"), waiver(TODAY)),
    "what is mended": (finding(Status.BROKEN, resolution="mended by 002"), waiver(TODAY)),
    "after its last day": (BROKEN, waiver(TODAY - DAY)),
    "what is critical, by a wildcard": (CRITICAL, waiver(TODAY, subject="public.t.*")),
    "what is critical, by a wildcard for the check": (CRITICAL, waiver(TODAY, check="column.t*")),
    "what is critical, by brackets in the check": (CRITICAL, waiver(TODAY, check="column.[t]ype")),
    "what is critical, for 91 days": (CRITICAL, waiver(TODAY + 91 * DAY)),
    "what could not be asked, by a wildcard": (UNKNOWN, waiver(TODAY, subject="*")),
}


@pytest.mark.parametrize(("one", "by"), NOT_EXCUSED.values(), ids=NOT_EXCUSED)
def test_a_waiver_does_not_excuse(one: Finding, by: Waiver) -> None:
    assert one == excused(one, by)


JUDGED: dict[str, tuple[Finding, Waiver, tuple[Status, Severity | None, str]]] = {
    "on its last day": (BROKEN, waiver(TODAY), (Status.KEPT, None, "holds until 2026-01-04.")),
    "a day later": (BROKEN, waiver(TODAY - DAY), (Status.BROKEN, Severity.ERROR, "expired on 2026-01-03.")),
    "expired and unused": (KEPT, waiver(TODAY - DAY), (Status.BROKEN, Severity.ERROR, "expired on 2026-01-03.")),
    "of what is kept": (KEPT, waiver(TODAY), (Status.BROKEN, Severity.ERROR, "waives nothing.")),
    "of what is mended": (finding(Status.BROKEN, resolution="mended by 002"), waiver(TODAY),
                          (Status.BROKEN, Severity.ERROR, "waives nothing: column.type[public.t.a] is mended by 002.")),
    "of our own fault": (
        finding(Status.ERROR),
        waiver(TODAY),
        (Status.BROKEN, Severity.ERROR,
         "waives nothing: column.type[public.t.a] failed by a bug of pgcontract, which nobody can waive."),
    ),
    "of what is critical, by a wildcard": (
        CRITICAL,
        waiver(TODAY, subject="*"),
        (Status.BROKEN, Severity.ERROR,
         "waives nothing: column.type[public.t.a] is critical, and a wildcard does not waive it: name its check and "
         "subject."),
    ),
    "of what is critical, for too long": (
        CRITICAL,
        waiver(TODAY + 91 * DAY),
        (Status.BROKEN, Severity.ERROR,
         "waives nothing: column.type[public.t.a] is critical, and may be waived for 90 days at most: until 2026-04-04."),
    ),
    "a wildcard": (
        BROKEN,
        waiver(TODAY, subject="*"),
        (Status.BROKEN, Severity.WARNING,
         "holds until 2026-01-04, and excuses whatever matches its wildcard, now column.type[public.t.a]."),
    ),
    "without an end to speak of": (BROKEN, waiver(dt.date(9999, 12, 31)),
        (Status.BROKEN, Severity.WARNING, "holds until 9999-12-31, and ends more than a year from now.")),
    "a year and a week": (BROKEN, waiver(dt.date(2027, 1, 11)),
        (Status.BROKEN, Severity.WARNING, "holds until 2027-01-11, and ends more than a year from now.")),
}  # fmt: skip


@pytest.mark.parametrize(("one", "by", "expected"), JUDGED.values(), ids=JUDGED)
def test_a_waiver_must_be_live_of_use_and_of_one_thing(
    one: Finding, by: Waiver, expected: tuple[Status, Severity | None, str]
) -> None:
    assert [expected] == judged(one, by)


def test_of_two_waivers_the_one_of_its_own_name_is_used() -> None:
    expected = [(Status.BROKEN, Severity.ERROR, "waives nothing."), (Status.KEPT, None, "holds until 2026-01-04.")]

    assert expected == judged(BROKEN, waiver(TODAY, subject="*"), waiver(TODAY))


def test_a_wildcard_leaves_what_is_critical_and_excuses_the_rest() -> None:
    other = finding(Status.BROKEN, Severity.CRITICAL, subject="public.t.b")
    answers, _ = apply_waivers([BROKEN, other], project(waiver(TODAY, subject="*")), TODAY)

    assert [Status.WAIVED, Status.BROKEN] == [answer.status for answer in answers]


def test_an_expired_waiver_leaves_the_promise_broken() -> None:
    assert excused(BROKEN, waiver(TODAY - DAY)).blocks


@pytest.mark.parametrize("until", [TODAY, TODAY - DAY], ids=["live", "expired"])
def test_a_selection_judges_no_waiver_that_it_did_not_ask(until: dt.date) -> None:
    one = waiver(until)
    undecided = [waiver_item(migration(STEM), one)]
    _, [answer] = apply_waivers([], project(one), TODAY, undecided=undecided)

    assert Status.NOTED is answer.status
