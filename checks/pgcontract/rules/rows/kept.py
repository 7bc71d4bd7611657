"""Rows that are there before a migration are there after it, with what was in them."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract.toml_writer import write_text
from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.populated.loss_words import excludes_by_list
from pgcontract.probes.populated.losses import find_losses
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.unmet_writes import UnmetWrite, unmet_writes
from pgcontract.probes.populated.unseen_losses import UnseenLoss, unseen_losses
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.result.row_effects import LossKind, RowLoss
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check


@check("rows.kept", subjects=pending_script, severity=Severity.ERROR)
def rows_kept(context: Context) -> Iterator[Answer]:
    """No row that was there is lost, and no value in it.

    Why it matters: what a migration takes away no rollback brings back.
    How it is measured: the pending migration is run statement by statement over rows that were there before it, and after
    each what they hold is compared. What stands elsewhere at the end (in another column, in another table) is moved, not
    lost; values that change and can still be told apart are not lost either. A loss that the statement names itself is a
    warning, with the number of rows: DROP, TRUNCATE, DELETE, an UPDATE that reads what it changes or chooses its rows. A
    silent one is critical: a cast that narrows, a CASCADE onto another table, one value written over all that there were,
    a CASE without ELSE. A DELETE that takes none of the rows that were tried is a warning, too, and so is a DROP of what
    no row could be made in; what else is done there is noted, and so is an UPDATE that changes none.
    What to do: copy what is taken away to another table first; or say that it is meant: `removed = true` on the column or
    table in the contract, or loses = ["public.t.c"].
    """
    over = run_over_rows(context)
    losses = find_losses(context)
    counts: dict[str, int] = {}
    for loss in losses:
        counts[loss.subject] = counts.get(loss.subject, 0) + 1
        if counts[loss.subject] == 1:
            yield _answer(context, loss)
    unmet = [each for each in unmet_writes(context) if each.table not in counts]
    unmet.sort(key=lambda each: each.command)  # a DELETE goes before an UPDATE of the same table
    yield from (_unmet_answer(context, each) for each in {each.table: each for each in reversed(unmet)}.values())
    unseen = [each for each in unseen_losses(context) if each.subject not in counts]
    yield from (_unseen_answer(context, each) for each in unseen)
    if not losses and not unmet and not unseen and over.after is not None:
        yield Answer(Status.KEPT, "script", "Every row that was there is there, with what was in it.")
    elif not losses and over.after is None:
        yield Answer(Status.NOTED, "script", "The rows that are there stop the migration, so nothing of them is lost.")


def _answer(context: Context, loss: RowLoss) -> Answer:
    summary = _summary(loss)
    evidence = [Evidence(title="The statement", text=loss.statement, language="sql")] if loss.statement else []
    if loss.example:
        evidence.insert(0, Evidence(title="One of the rows, before", text=loss.example))
    origin = Origin(file=context.promise.script.path, line=loss.line) if loss.line else None
    if loss.subject in _declared(context.promise):
        return Answer(
            Status.KEPT, loss.subject, f"{summary[:-1]}, as the contract says.", evidence=evidence, origin=origin
        )
    return Answer(
        Status.BROKEN,
        loss.subject,
        summary,
        expected="every row that was there, with what was in it",
        actual=f"{loss.lost} of {loss.held} rows {'without it' if loss.column else 'gone'}",
        remedy="Copy it elsewhere first; or, if it is meant, "
        f"loses = [{write_text(loss.subject, lines=False)}] in the contract says so.",
        evidence=evidence,
        origin=origin,
        severity=Severity.WARNING if loss.named else Severity.CRITICAL,
    )


def _unmet_answer(context: Context, unmet: UnmetWrite) -> Answer:
    statement = unmet.statement
    origin = Origin(file=context.promise.script.path, line=statement.line)
    evidence = [Evidence(title="The statement", text=statement.shown, language="sql")]
    if unmet.command == "UPDATE":
        return Answer(
            Status.NOTED,
            unmet.table,
            f"The UPDATE at line {statement.line} changed none of the {unmet.rows} rows of {unmet.table} that were "
            "tried. What it writes in production was not seen.",
            remedy=f"Declare a row of {unmet.table} that it changes as its `sample`.",
            evidence=evidence,
            origin=origin,
        )
    blind = excludes_by_list(statement)
    why = ": NOT IN is true of no row while the list that it reads has a NULL in it" if blind else ""
    return Answer(
        Status.KEPT if unmet.table in _declared(context.promise) else Status.BROKEN,
        unmet.table,
        f"The DELETE at line {statement.line} took none of the {unmet.rows} rows of {unmet.table} that were tried{why}. "
        "What it takes in production was not seen.",
        expected="every row that was there, with what was in it",
        actual="a DELETE that was not seen to take any row",
        remedy=("Write NOT EXISTS (SELECT FROM … WHERE …) instead. " if blind else "")
        + f"Count first what it takes there; if it is meant, loses = [{write_text(unmet.table, lines=False)}] in the "
        "contract says so.",
        evidence=evidence,
        origin=origin,
        severity=Severity.WARNING,
    )


def _unseen_answer(context: Context, unseen: UnseenLoss) -> Answer:
    statement = unseen.statement
    place = f" at line {statement.line}" if statement else ""
    lacks = "took no row that was made" if unseen.column is None else "took no value that was made"
    script = context.promise.script
    origin = Origin(file=script.path, line=statement.line) if statement else None
    evidence = [Evidence(title="The statement", text=statement.shown, language="sql")] if statement else []
    remedy = f"Declare a row of {unseen.table} {'' if unseen.column is None else 'with a value in it '}as its `sample`"
    if not unseen.taken:
        return Answer(
            Status.NOTED,
            unseen.subject,
            f"{unseen.subject} is changed{place}. It {lacks}, so whether anything in it is lost was not seen.",
            remedy=f"{remedy}.",
            evidence=evidence,
            origin=origin,
        )
    what = "loses rows" if statement and "DROP" not in statement.words[:1] and unseen.column is None else "is dropped"
    return Answer(
        Status.KEPT if unseen.subject in _declared(context.promise) else Status.BROKEN,
        unseen.subject,
        f"{unseen.subject} {what}{place}. It {lacks}, so how much is lost in production was not seen.",
        expected="every row that was there, with what was in it",
        actual="a loss that was not seen",
        remedy=f"{remedy}; or, if it is meant, "
        f"loses = [{write_text(unseen.subject, lines=False)}] in the contract says so.",
        evidence=evidence,
        origin=origin,
        severity=Severity.WARNING,
    )


def _summary(loss: RowLoss) -> str:
    place = f" at line {loss.line}" if loss.line else ""
    rows = f"{loss.lost} of the {loss.held} rows that were there"
    had = "row that was" if loss.lost == 1 else "rows that were"
    match loss.kind:
        case LossKind.DROPPED if loss.column:
            what = f"{loss.subject} is dropped{place}: {loss.lost} {had} there had a value in it"
        case LossKind.DROPPED:
            what = f"{loss.table} is dropped{place}, with {rows}"
        case LossKind.DELETED:
            what = f"{rows} in {loss.table} {'is' if loss.lost == 1 else 'are'} deleted{place}"
        case LossKind.NARROWED:
            values = f"{loss.lost} of {loss.held} values change"
            what = f"The new type of {loss.subject}{place} does not hold what was there: {values}"
        case LossKind.CUT_OFF:
            what = f"{loss.subject} is emptied{place} in {rows}, because what it refers to is deleted"
        case LossKind.REPLACED:
            what = f"Another column's value is written over what {loss.subject} had{place}, in {rows}"
        case LossKind.EMPTIED:
            what = f"{loss.subject} is set to NULL{place} in {rows}"
        case LossKind.OVERWRITTEN:
            what = f"One value is written over several different ones of {loss.subject}{place}, in {rows}"
    return what + ("." if loss.named else ", and nothing in the statement says so.")


def _declared(promise: Promise) -> frozenset[str]:
    """What the contract says is lost, or removed; one that was drafted only shows that it is removed."""
    contract = promise.contract
    if contract is None:
        return frozenset()
    removed = (name for _, name in contract.removed) if promise.is_whole else ()
    return frozenset([*contract.loses, *removed])
