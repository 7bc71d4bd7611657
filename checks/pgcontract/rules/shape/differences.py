"""Turns differences of shape into findings: a check of shape is a kind of part and the fields it answers for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgcontract.model.comparison import Answer, Difference
from pgcontract.model.schema import Part
from pgcontract.probes.context import Promise, Trial
from pgcontract.probes.equivalence import certainly_different, separate
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import add, answer

PRESENT = ("",)


def shape_check(
    id: str,  # noqa: A002 - the field's word
    explanation: str,
    *,
    kinds: str | tuple[str, ...],
    fields: tuple[str, ...],
    severity: Severity = Severity.ERROR,
    prefixed: bool = False,
) -> None:
    """Register a check that holds while no difference touches `fields` of a declared part.

    `kinds` are fields of Schema; `prefixed` puts the kind before the subject's name (`extension pg_trgm`).
    """
    names = (kinds,) if isinstance(kinds, str) else kinds

    def parts(promise: Promise) -> Iterator[tuple[str, Part]]:
        for name in names:
            for part in getattr(promise.declared, name):
                yield (f"{part.kind} {part.name}" if prefixed else part.name), part

    def subjects(promise: Promise) -> Iterable[str]:
        return (subject for subject, _ in parts(promise))

    def ask(trial: Trial) -> Iterator[Finding]:
        found: dict[tuple[str, str], list[Difference]] = {}
        for difference in trial.differences:
            found.setdefault((difference.kind, difference.name), []).append(difference)
        for subject, part in parts(trial.promise):
            yield _judge(trial, subject, part, found.get((part.kind, server_name(trial, part)), []), fields)

    add(id, explanation, subjects=subjects, ask=ask, severity=severity)


def server_name(trial: Trial, part: Part) -> str:
    """The name the server knows a declared part by: a function's argument types may be declared in other words."""
    return trial.once("server names", _server_names).get((part.kind, part.name), part.name)


def _server_names(trial: Trial) -> dict[tuple[str, str], str]:
    pairs = zip(trial.promise.declared.parts(), trial.spelling.schema.parts(), strict=True)
    return {(ours.kind, ours.name): spelled.name for ours, spelled in pairs if ours.name != spelled.name}


def _judge(trial: Trial, subject: str, part: Part, differences: list[Difference], fields: tuple[str, ...]) -> Finding:
    label = f"{part.kind.replace('_', ' ')} {part.name}"
    missing = any(each.answer is Answer.MISSING for each in differences)
    if missing and "" in fields:
        return answer(
            Status.BROKEN,
            subject,
            f"The {label} is declared and is not there after the migration.",
            expected="present",
            actual="absent",
            remedy="Create it in the migration, or take it out of the contract.",
            origin=part.origin,
        )
    if fields == PRESENT:
        return answer(Status.KEPT, subject, f"The {label} is there.", origin=part.origin)
    if missing:
        return answer(
            Status.UNKNOWN,
            subject,
            f"The {label} is not there, so this cannot be asked of it.",
            origin=part.origin,
        )
    wrong = [each for each in differences if each.field in fields]
    if not wrong:
        told = ", ".join(field.replace("_", " ") for field in fields if field)
        return answer(Status.KEPT, subject, f"The {label} is as declared: {told}.", origin=part.origin)
    return judge_differences(trial, subject, label, wrong)


def judge_differences(trial: Trial, subject: str, label: str, wrong: list[Difference]) -> Finding:
    """One finding for the differing fields of one part: BROKEN where one is different, else UNKNOWN."""
    status = Status.UNKNOWN
    evidence: list[Evidence] = []
    tried = 0
    unspelled = {(each.kind, each.name): each.message for each in trial.spelling.unspelled}
    message = unspelled.get((wrong[0].kind, wrong[0].name))
    for each in wrong:
        if each.answer is Answer.UNPROVEN and not message and certainly_different(each):
            status = Status.BROKEN
        elif each.answer is Answer.UNPROVEN:
            found = separate(trial, each)
            tried += found.tried
            if found.evidence is not None:
                status = Status.BROKEN
                evidence.append(found.evidence)
        else:
            status = Status.BROKEN
    fields = ", ".join(each.field.replace("_", " ") for each in wrong)
    if message:
        evidence.append(Evidence(title="The server would not spell the declared text", text=message))
    if status is Status.BROKEN:
        summary = f"The {label} is not as declared: {fields}."
        remedy = "Change the migration, or, where the server is right, the contract."
    else:
        over = f"; {tried:,} row{'s' * (tried > 1)} tried on both, and none tells them apart" if tried else ""
        summary = f"The {label} is declared in other words than the server's: not proven the same: {fields}{over}."
        remedy = (
            "Where both mean the same, pin the server's text in the contract with "
            f"same_as = [{_quoted(wrong[0].actual)}]; else change the migration or the contract."
        )
    return answer(
        status,
        subject,
        summary,
        expected=_told(wrong, "expected"),
        actual=_told(wrong, "actual"),
        remedy=remedy,
        evidence=evidence,
        origin=wrong[0].origin,
    )


def _told(wrong: list[Difference], side: str) -> str:
    if len(wrong) == 1:
        return str(getattr(wrong[0], side))
    return "\n".join(f"{each.field.replace('_', ' ')}: {getattr(each, side)}" for each in wrong)


def _quoted(text: str) -> str:
    """The text as a TOML string."""
    return f"'{text}'" if "'" not in text and "\n" not in text else f"'''{text}'''"
