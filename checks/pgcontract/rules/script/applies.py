"""The script applies: as its tool runs it, after those before it, under each grant regime."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Origin
from pgcontract.model.wording import number_of
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.context import Context
from pgcontract.probes.failure import Failure, FailureKind
from pgcontract.probes.failure_injection import object_labels
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.script.lifecycle import one_script


@check("script.applies", subjects=one_script, comes_first=True, replays=True, always_asked=True)
def script_applies(context: Context) -> Iterator[Answer]:
    """The script applies to a fresh database, run by a role that is no superuser.

    Why it matters: everything else depends on it.
    How it is measured: every file of the folder is applied in its order, each as its tool would, under each grant regime
    of the platform; after a failure the next one is tried all the same. What fails only because an earlier file failed
    is told under that one: it would pass where whatever can be applied of the earlier file is, or it lacks what that file
    would have made. What no file makes, and what this server lacks, is "not shown" and no failure of the script. What
    takes longer than --timeout is stopped from outside, even if the script raises the server's own limits.
    What to do: fix the statement at the given line; or give what comes from elsewhere with --setup; or run pgcontract on
    a server that has what is missing.
    """
    if context.failure is not None:
        yield _failure_answer(context, context.failure)
        return
    if context.replayed:
        yield Answer(Status.KEPT, "script", "The script runs to its end.")
        return
    for regime in context.regimes[1:]:
        refusal = context.script_result(regime).refusal
        if refusal is not None:
            yield Answer(
                Status.BROKEN,
                "script",
                f"With the default privileges {regime.description}, the server rejects the script: {refusal.message}.",
                expected="the script runs to its end",
                actual=str(refusal),
                remedy=refusal.hint or "Fix the statement that the server rejected.",
                evidence=refusal.evidence(),
                origin=_refused_at(context, refusal),
            )
            return
    names = object_labels(context.changed_parts)
    yield Answer(
        Status.KEPT,
        "script",
        "The script has no statement, so nothing was run."
        if context.promise.script.is_empty
        else f"The script runs to its end and creates {number_of(len(names), 'objects')}.",
        evidence=[Evidence(title="Objects created", text="\n".join(names))],
    )


def _failure_answer(context: Context, failure: Failure) -> Answer:
    promise, refusal = context.promise, failure.refusal
    pending = promise.is_pending
    severity = None
    match failure.kind:
        case FailureKind.OWN:
            status = Status.BROKEN
            if promise.project.knows_applied and not pending:
                severity = Severity.WARNING
        case FailureKind.CONSEQUENCE:
            # What nobody waits for follows its cause without a word of its own.
            status = Status.UNKNOWN if pending else Status.NOTED
        case _:
            status = Status.UNKNOWN
    summary, remedy = failure.summary, failure.remedy
    if refusal is not None and refusal.is_timeout:
        within = f"{context.sandbox.timeout_ms / 1000:g} s"
        summary = f"The script does not end within {within}."
        remedy = "Fix the loop or the wait in it, or raise the limit with --timeout."
    elif severity is Severity.WARNING:
        summary += " It is applied already; but an empty database cannot be built from the folder."
    return Answer(
        status,
        "script",
        summary,
        expected="the script runs to its end",
        actual=str(refusal) if refusal is not None else None,
        remedy=remedy,
        evidence=refusal.evidence() if refusal is not None else (),
        origin=_refused_at(context, refusal) if refusal is not None else _line(promise, failure.line),
        severity=severity,
        follows=failure.follows,
    )


def _line(promise: Promise, line: int | None) -> Origin | None:
    return Origin(file=promise.script.path, line=line) if line is not None else None


def _refused_at(context: Context, refusal: Refusal) -> Origin:
    return Origin(file=refusal.path or context.promise.script.path, line=refusal.line, column=refusal.column)
