"""Turns differences of shape into answers: a shape check covers one kind of object and some of its fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pgcontract.model.comparison import ComparisonResult, Difference
from pgcontract.model.schema import Part
from pgcontract.model.sql.frozen_times import first_time, frozen_words
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

PRESENT = ("",)


def shape_check(
    id: str,  # noqa: A002 - the field's word
    explanation: str,
    *,
    kinds: str | tuple[str, ...],
    fields: tuple[str, ...],
    version_features: tuple[str, ...] = (),
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

    def ask(context: Context) -> Iterator[Answer]:
        by_part: dict[tuple[str, str], list[Difference]] = {}
        for difference in context.differences:
            by_part.setdefault((difference.kind, difference.name), []).append(difference)
        for subject, part in parts(context.promise):
            yield _judge(context, subject, part, by_part.get((part.kind, server_name(context, part)), []), fields)

    check(id, subjects=subjects, explanation=explanation, version_features=version_features)(ask)


def server_name(context: Context, part: Part) -> str:
    """The name the server knows a declared part by: a function's argument types may be declared in other words."""
    return _server_names(context).get((part.kind, part.name), part.name)


@cached_fact
def _server_names(context: Context) -> dict[tuple[str, str], str]:
    pairs = zip(context.promise.declared.parts(), context.spelling.schema.parts(), strict=True)
    return {(declared.kind, declared.name): spelled.name for declared, spelled in pairs if declared.name != spelled.name}


def _judge(context: Context, subject: str, part: Part, differences: list[Difference], fields: tuple[str, ...]) -> Answer:
    label = f"{part.kind.replace('_', ' ')} {part.name}"
    missing = any(difference.result is ComparisonResult.MISSING for difference in differences)
    if missing and "" in fields:
        return Answer(
            Status.BROKEN,
            subject,
            f"The {label} is declared but does not exist after the migration.",
            expected="present",
            actual="absent",
            remedy="Create it in the migration, or remove it from the contract.",
            origin=part.origin,
        )
    if fields == PRESENT:
        return Answer(Status.KEPT, subject, f"The {label} exists.", origin=part.origin)
    if missing:
        return Answer(
            Status.UNKNOWN,
            subject,
            f"The {label} does not exist, so this was not checked.",
            origin=part.origin,
        )
    wrong = [difference for difference in differences if difference.field in fields]
    if not wrong:
        field_names = ", ".join(field.replace("_", " ") for field in fields if field)
        return Answer(Status.KEPT, subject, f"The {label} is as declared: {field_names}.", origin=part.origin)
    return judge_differences(context, subject, label, wrong)


def judge_differences(context: Context, subject: str, label: str, wrong: list[Difference]) -> Answer:
    """One answer for the differing fields of one part: BROKEN where one is different, else UNKNOWN."""

    from pgcontract.probes.equivalence import is_certainly_different, tell_apart

    status = Status.UNKNOWN
    evidence: list[Evidence] = []
    tried = 0
    refused_declarations = {(part.kind, part.name): part.message for part in context.spelling.refused_declarations}
    message = refused_declarations.get((wrong[0].kind, wrong[0].name))
    for difference in wrong:
        if difference.result is ComparisonResult.UNPROVEN and not message and is_certainly_different(difference):
            status = Status.BROKEN
        elif difference.result is ComparisonResult.UNPROVEN:
            separation = tell_apart(context, difference)
            tried += separation.tried
            if separation.evidence is not None:
                status = Status.BROKEN
                evidence.append(separation.evidence)
        else:
            status = Status.BROKEN
    fields = ", ".join(difference.field.replace("_", " ") for difference in wrong)
    if message:
        evidence.append(Evidence(title="The server rejects the declared text", text=message))
    frozen = next((time for difference in wrong if (time := _frozen_time(context, difference))), None)
    if status is Status.BROKEN and frozen:
        summary = (
            f"The {label} keeps the moment at which the script ran, {frozen}: 'now' in quotes is read once, as the "
            "script runs."
        )
        remedy = "Write now(), or CURRENT_DATE, without quotes."
    elif status is Status.BROKEN:
        summary = f"The {label} is not as declared: {fields}."
        remedy = "Change the migration; or, where the server is right, declare in the contract what it shows."
    else:
        over = f"; {tried:,} row{'s' * (tried > 1)} gave the same result in both" if tried else ""
        summary = f"The {label} is spelled differently by the server, and was not proven equivalent: {fields}{over}."
        remedy = (
            "Where both mean the same, accept the server's text in the contract with "
            f"same_as = [{_toml_string(wrong[0].actual)}]; else change the migration or the contract."
        )
    return Answer(
        status,
        subject,
        summary,
        expected=_difference_text(wrong, "expected"),
        actual=_difference_text(wrong, "actual"),
        remedy=remedy,
        evidence=evidence,
        origin=wrong[0].origin,
    )


def _frozen_time(context: Context, difference: Difference) -> str | None:
    """The time that stands where a time was to be read anew."""
    if difference.result is not ComparisonResult.UNPROVEN or first_time(difference.expected):
        return None
    return first_time(difference.actual) if frozen_words(context.promise.script.text) else None


def _difference_text(wrong: list[Difference], side: str) -> str:
    if len(wrong) == 1:
        return str(getattr(wrong[0], side))
    return "\n".join(f"{difference.field.replace('_', ' ')}: {getattr(difference, side)}" for difference in wrong)


def _toml_string(text: str) -> str:
    """The text as a TOML string."""
    return f"'{text}'" if "'" not in text and "\n" not in text else f"'''{text}'''"
