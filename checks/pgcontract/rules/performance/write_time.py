"""Times that a claim states for a write, compared with those measured on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pgcontract.contract import Flow
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Correctable, Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

if TYPE_CHECKING:
    from pgcontract.performance.writes import SizeFigures

_RANGE: Final = re.compile(r"(?P<step>\w+\.\w+)\s*=\s*(?P<low>\d+(?:\.\d+)?)\s*\.\.\s*(?P<high>\d+(?:\.\d+)?)\s*ms")
_FACTOR: Final = 2


def _subjects(promise: Promise) -> Iterator[str]:
    """What claims say of this contract's flows, later ones too; and of those that no contract declares."""
    own = {flow.name for flow in promise.of(Flow)}
    later = {subject for subject in promise.claimed_subjects("write.time", later=True) if _flow(subject) in own}
    others = {
        flow.name
        for migration in promise.project.chain
        if migration.contract and migration is not promise.migration
        for flow in migration.contract.of(Flow)
    }
    for subject in dict.fromkeys((*promise.claimed_subjects("write.time"), *sorted(later))):
        if _flow(subject) in own or _flow(subject) not in others:
            yield subject


def _flow(subject: str) -> str:
    return subject.strip().partition(".")[0]


@check(
    "write.time",
    subjects=_subjects,
    severity=Severity.WARNING,
    head=True,
    measures=[MeasurementKind.WRITES],
    correctable=Correctable.WORDS,
    timed=True,
)
def write_time(context: Context) -> Iterator[Answer]:
    """A write takes about as long as a claim states (`write.time[checkout.submit = 2..5 ms]`).

    Why it matters: people plan with a time in a document for years after the machine that it was measured on is gone.
    How it is measured: p50 of 30 committed runs at the largest size, in the server and without COMMIT, on this machine
    and under its load. A time in the range keeps the claim. One within a factor of two of either end, as another machine
    may give it, is noted. Beyond that the claim is refuted.
    What to do: correct the claim with the measured figure and its conditions; or state buffers and WAL in place of a
    time.
    """

    from pgcontract.performance.writes import measured_writes

    for subject in _subjects(context.promise):
        match = _RANGE.fullmatch(subject.strip())
        if match is None:
            summary = (
                f"'{subject}' is not a time; write `<flow>.<step> = <from>..<to> ms`, as in checkout.submit = 2..5 ms."
            )
            yield Answer(Status.UNKNOWN, subject, summary)
            continue
        measured = measured_writes(context)
        step = next((candidate for candidate in measured.steps if candidate.subject == match["step"]), None)
        if step is None or not step.sizes:
            why = step.why_not if step else "no flow of this contract has this step"
            yield Answer(Status.UNKNOWN, subject, f"The step {match['step']} cannot be measured: {why}.")
            continue
        yield _time_answer(subject, step.sizes, float(match["low"]), float(match["high"]), measured.conditions)


def _time_answer(subject: str, sizes: tuple[SizeFigures, ...], low: float, high: float, conditions: str) -> Answer:
    p50_ms = sizes[-1].p50_us / 1000
    evidence = [
        Evidence(
            title="Time of one execution in the server, without COMMIT",
            columns=("size", "p50 ms", "p95 ms", "runs"),
            rows=tuple(
                (f"{size.size:,}", f"{size.p50_us / 1000:.3f}", f"{size.p95_us / 1000:.3f}", str(size.n))
                for size in sizes
            ),
        ),
        Evidence(title="Conditions", text=f"{conditions}; a time is of this machine and of its load"),
    ]
    expected, actual = f"{low:g} to {high:g} ms", f"{p50_ms:.3f} ms at p50 (n = {sizes[-1].n})"
    name = subject.partition("=")[0].strip()
    if low <= p50_ms <= high:
        summary = f"{name} takes between {low:g} and {high:g} ms on this machine."
        return Answer(Status.KEPT, subject, summary, expected=expected, actual=actual, evidence=evidence)
    way = "faster" if p50_ms < low else "slower"
    if low / _FACTOR <= p50_ms <= high * _FACTOR:
        summary = f"{name} is {way} on this machine than {low:g} to {high:g} ms, by less than a factor of two."
        return Answer(Status.NOTED, subject, summary, expected=expected, actual=actual, evidence=evidence)
    return Answer(
        Status.BROKEN,
        subject,
        f"{name} is {way} on this machine than {low:g} to {high:g} ms, by more than a factor of two.",
        expected=expected,
        actual=actual,
        remedy="Correct the claim with the measured time and machine, or remove the time from it.",
        evidence=evidence,
    )
