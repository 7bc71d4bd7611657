"""What a migration writes is the same in whatever order the rows lie."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.populated.undetermined_writes import UndeterminedWrite, undetermined_writes
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check, otherwise_kept


@check("rows.determined", subjects=pending_script, severity=Severity.WARNING)
@otherwise_kept("script", "What the migration writes hangs on no order in which rows lie.")
def rows_determined(context: Context) -> Iterator[Answer]:
    """What the migration writes does not hang on the order in which rows lie.

    Why it matters: LIMIT 1, DISTINCT ON and UPDATE … FROM take the row that comes first where several would do, as
    SELECT … INTO does in a block; string_agg and FOR take one after another as they come. Without an ORDER BY that
    order is nobody's: an UPDATE, a VACUUM or another plan changes it, so that production gets other values than the
    test did.
    How it is measured: each such statement of the pending migration is run over the rows as they lie, and over the same
    rows the other way round, with rows among them that its ORDER BY does not tell apart. What differs is told. Numbers
    and uuids that each run makes anew are left out; where the same values come in another order alone, or the same
    numbers are dealt out, it is noted.
    What to do: ORDER BY what decides, down to a key; for UPDATE … FROM a subquery with DISTINCT ON … ORDER BY, or max().
    """
    for write in undetermined_writes(context):
        yield Answer(
            Status.NOTED if write.only_order else Status.BROKEN,
            write.subject,
            _summary(write),
            expected="the same values whatever order the rows lie in",
            actual=f"{write.expected} in one order, {write.actual} in the other",
            remedy=_remedy(write),
            evidence=[Evidence(title="The statement", text=write.statement.shown, language="sql")],
            origin=Origin(file=context.promise.script.path, line=write.statement.line),
            severity=None if write.only_order else Severity.WARNING,
        )


def _summary(write: UndeterminedWrite) -> str:
    line = write.statement.line
    what = f"what {write.subject} gets" if write.column else f"what {write.table} holds then"
    values = f"{write.expected} where the rows lie in one order, {write.actual} in another"
    by = f"{write.pick.words} {'with ties in its' if write.pick.by_order else 'without'} ORDER BY"
    return f"The statement at line {line} leaves open {what}, by {by}: {values}."


def _remedy(write: UndeterminedWrite) -> str:
    if write.pick.words == "UPDATE … FROM":
        return (
            "Join one row each: (SELECT DISTINCT ON (key) … ORDER BY key, what decides), or an aggregate such as max()."
        )
    if write.pick.words.startswith("ON CONFLICT"):
        return "Choose in the SELECT which row goes in: DISTINCT ON (key) … ORDER BY key, what decides."
    if write.pick.by_order:
        return "Add a key behind what its ORDER BY names."
    return "Add ORDER BY with what decides, and a key behind it."
