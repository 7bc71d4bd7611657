"""Presence: a column has a value exactly when the row's other columns say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pgcontract.contract import Presence
from pgcontract.model.identifiers import quote_identifier
from pgcontract.probes.context import Context
from pgcontract.probes.rows import (
    reproduction_script,
)
from pgcontract.result import Evidence, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.behaviour.declared import ask_each, names_of
from pgcontract.rules.behaviour.presence_attempts import (
    EARLIER,
    LATER,
    NULL,
    VALUE,
    PresenceAttempt,
    PresenceTried,
    of_reached_rows,
    try_writes,
)
from pgcontract.rules.registry import check


@check("presence.holds", subjects=names_of(Presence), behaviour=True)
def presence_holds(context: Context) -> Iterator[Answer]:
    """The column has a value exactly when the declared condition on the row is true, and none that is too early.

    Why it matters: a row that is paid but has no time of payment, or the other way round, is counted by one report and
    not by the next.
    How it is measured: a row is brought to every combination of the columns that `present_when` reads: the states of a
    declared state machine by its transitions, other columns by values that their types and CHECKs suggest. The column is
    set to null, to the earliest allowed value, to a later and to an earlier one: in the write that brings the row there,
    and by an UPDATE afterwards. Accepted rows are read back: a trigger that corrects the value passes like a refusal.
    What is refused is tried again by COPY, upsert and MERGE, on two rows at once, by a move to another partition, and
    with other values in every other column; the columns that the condition reads are changed without the value. A
    partition or child table with other rules is asked by itself.
    What to do: CHECK ((column IS NOT NULL) = (condition)), and CHECK (column >= the other column).
    """
    yield from ask_each(context, Presence, lambda presence: _answer(presence, try_writes(context, presence)))


def _answer(presence: Presence, tried: PresenceTried) -> Answer:
    judged = of_reached_rows(tried.attempts)
    tables = dict.fromkeys(write.table for write in judged)
    evidence = [_attempts_evidence(presence, [one for one in judged if one.table == table]) for table in tables]
    evidence += _other_evidence(tried)
    wrong = [tried_write for tried_write in judged if tried_write.wrong]
    if wrong:
        accepted = sum(tried_write.refusal is None for tried_write in wrong)
        first = min(wrong, key=lambda tried_write: (tried_write.refusal is not None, len(tried_write.statements)))
        return Answer(
            Status.BROKEN,
            presence.name,
            f"{first.table} {'rejects' if first.refusal else 'accepts'} a row with {first.row} and "
            f"{_given_text(presence, first.given)}; {presence.bare_column} must {_rule_text(presence)}. Of {len(judged)} "
            f"writes tried, {accepted} were wrongly accepted and {len(wrong) - accepted} wrongly rejected.",
            expected=f"{first.row}, {_given_text(presence, first.given)}: {'accepted' if first.allowed else 'rejected'}",
            actual=f"rejected: {first.refusal}" if first.refusal else "accepted",
            remedy=_remedy(presence, first),
            evidence=[
                *evidence,
                Evidence(title="To see it happen", text=reproduction_script(first.statements), language="sql"),
            ],
            origin=presence.origin,
        )
    if wrong_writes := [write for writes in tried.others for write in writes.wrong]:
        simplest = min(wrong_writes, key=lambda write: write.script.count("\n"))
        return Answer(
            Status.BROKEN,
            presence.name,
            f"{simplest.table} keeps a row with {simplest.row} that is not as declared, after {simplest.label}; "
            f"{presence.bare_column} must {_rule_text(presence)}.",
            expected="rejected",
            actual="accepted",
            remedy=_remedy(presence, None),
            evidence=[*evidence, Evidence(title="To see it happen", text=simplest.script, language="sql")],
            origin=presence.origin,
        )
    missing = [word for word, null in (("set", False), ("null", True)) if not _was_tried(judged, null=null)]
    if missing:
        return Answer(
            Status.UNKNOWN,
            presence.name,
            f"No row of {presence.table} could be inserted in which {presence.column} must be {missing[0]}; declare the "
            "state machine of the column that `present_when` reads.",
            evidence=evidence,
            origin=presence.origin,
        )
    left_out = [*tried.left_out, *(words for writes in tried.others for words in writes.left_out)]
    if left_out:
        return Answer(
            Status.UNKNOWN,
            presence.name,
            f"No wrong write was found, but not every one was tried: {'; '.join(left_out)}.",
            evidence=evidence,
            origin=presence.origin,
        )
    others = sum(sum(writes.tried.values()) for writes in tried.others)
    return Answer(
        Status.KEPT,
        presence.name,
        f"{presence.column} has a value exactly when {presence.present_when}: {len(judged)} writes tried, and {others:,} "
        "others.",
        evidence=evidence,
        origin=presence.origin,
    )


def _other_evidence(tried: PresenceTried) -> Iterator[Evidence]:
    counts: Counter[str] = Counter()
    for writes in tried.others:
        counts.update(writes.tried)
    if counts:
        rows = tuple((kind, f"{count:,}") for kind, count in counts.items())
        yield Evidence(title="Other writes that were tried", columns=("kind", "tried"), rows=rows)


def _was_tried(judged: list[PresenceAttempt], *, null: bool) -> bool:
    return any(tried_write.allowed and (tried_write.given == NULL) is null for tried_write in judged)


def _given_text(presence: Presence, written: str) -> str:
    """`paid_at IS NULL`, `paid_at > opened_at`."""
    if presence.not_before is None or written == NULL:
        return f"{presence.bare_column} {'IS NULL' if written == NULL else 'IS NOT NULL'}"
    sign = {VALUE: "=", LATER: ">", EARLIER: "<"}[written]
    return f"{presence.bare_column} {sign} {presence.not_before}"


def _rule_text(presence: Presence) -> str:
    floor = f", never less than {presence.not_before}" if presence.not_before else ""
    return f"have a value exactly when {presence.present_when}{floor}"


def _remedy(presence: Presence, wrong: PresenceAttempt | None) -> str:
    if wrong is not None and wrong.refusal is not None:
        constraint = (
            f"constraint {quote_identifier(wrong.refusal.constraint)}" if wrong.refusal.constraint else "CHECK or trigger"
        )
        return f"Change the {constraint} that rejects it, or the condition under [presence.{presence.name}]."
    column = quote_identifier(presence.bare_column)
    floor = f", ADD CHECK ({column} >= {quote_identifier(presence.not_before)})" if presence.not_before else ""
    return (
        f"ALTER TABLE {presence.table} ADD CHECK (({column} IS NOT NULL) = (({presence.present_when}) IS TRUE)){floor};"
    )


def _attempts_evidence(presence: Presence, judged: list[PresenceAttempt]) -> Evidence:
    values_written = [written for written in (NULL, VALUE, LATER, EARLIER) if any(one.given == written for one in judged)]
    outcomes = {(tried_write.row, tried_write.way, tried_write.given): tried_write.outcome for tried_write in judged}
    rows = tuple(
        (row, way, *(outcomes.get((row, way, written), "not tried") for written in values_written))
        for row, way in dict.fromkeys((tried_write.row, tried_write.way) for tried_write in judged)
    )
    columns = ("row", "written by", *(_given_text(presence, written) for written in values_written))
    where = "" if all(one.table == presence.table for one in judged) else f" of {judged[0].table}"
    return Evidence(title=f"Each kind of row{where}, with and without the value", columns=columns, rows=rows)
