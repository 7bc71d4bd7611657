"""Triggers that do not do to rows what they are there for, and functions that no trigger runs."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.wording import first_of
from pgcontract.probes.context import Context
from pgcontract.probes.executed.trigger_effects import trigger_effects
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

_SHOWN = 3
_INSTEAD = {
    "insert": "RETURN NEW; at its end",
    "update": "RETURN NEW; at its end",
    "delete": "RETURN OLD; where TG_OP is 'DELETE'",
}


@check("trigger.keeps_rows", subjects=catalog_of_head, severity=Severity.ERROR, head=True, implied=True)
@otherwise_kept(CATALOG, "No trigger drops every write that it sees.")
def trigger_keeps_rows(context: Context) -> Iterator[Answer]:
    """No BEFORE trigger drops every write without a word.

    Why it matters: what a BEFORE trigger for each row returns is written; NULL means that the row is passed over. The
    statement succeeds with INSERT 0 0, and nobody is told. RETURN NEW in a DELETE returns NULL, too.
    How it is measured: at the head of the chain, rows are written in each table with such a trigger.
    It is told where none of the writes that succeed changes a row, in that table or another. A guard that lets some
    through, that moves the row elsewhere, or that does nothing but RETURN NULL for UPDATE or DELETE is left alone.
    What to do: RETURN NEW for INSERT and UPDATE, RETURN OLD for DELETE.
    """
    dropped = trigger_effects(context).dropped
    for write in dropped:
        trigger = write.trigger
        yield Answer(
            Status.BROKEN,
            trigger.name,
            f"{trigger.name} drops every {write.event.upper()} without a word: {trigger.function} returns NULL.",
            expected=f"{write.event.upper()} of 1 row",
            actual=f"{write.event.upper()} of 0 rows, and no error",
            remedy=f"{_INSTEAD[write.event]} of {trigger.function}.",
            evidence=[Evidence(title="The statement that changes no row", text=f"{write.statement};", language="sql")],
            origin=origin_in_chain(context.promise, "trigger", trigger.name),
        )


@check("trigger.sets_time", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "No trigger that is to set the time of a change leaves it.")
def trigger_sets_time(context: Context) -> Iterator[Answer]:
    """A trigger that is to set the time of the last change does.

    Why it matters: whoever reads updated_at (a cache, a sync, a person) takes a row that was changed for an old one.
    How it is measured: at the head of the chain, each column that is called so (updated_at, modified_on, last_change …)
    and that a row trigger's function assigns in NEW. Each other column is given another value; where not one of these
    UPDATEs changes the time, it is told.
    What to do: a BEFORE UPDATE trigger FOR EACH ROW that ends with RETURN NEW.
    """
    unset = trigger_effects(context).unset
    for time in unset:
        trigger = time.trigger
        yield Answer(
            Status.BROKEN,
            trigger.name,
            f"{trigger.name} never sets {trigger.table}.{time.column} when a row changes: {time.why}.",
            expected=f"another {time.column} after an UPDATE",
            actual="the same as before",
            remedy=f"CREATE TRIGGER … BEFORE UPDATE ON {trigger.table} FOR EACH ROW EXECUTE FUNCTION {trigger.function};",
            evidence=[Evidence(title=f"An UPDATE that leaves {time.column}", text=f"{time.statement};", language="sql")],
            origin=origin_in_chain(context.promise, "trigger", trigger.name),
        )


@check("function.fired", subjects=catalog_of_head, severity=Severity.INFO, head=True)
def function_fired(context: Context) -> Iterator[Answer]:
    """Each trigger function is run by a trigger.

    Why it matters: one that no trigger runs does nothing; often its CREATE TRIGGER was forgotten, or dropped.
    How it is measured: the functions of the chain at its head that return a trigger, and the triggers that name them.
    What to do: create the trigger, or drop the function.
    """
    fired = {trigger.function for trigger in context.after.triggers}
    fired |= {trigger.function for trigger in context.after.event_triggers}
    left = [
        function.name
        for function in made_parts(context, "functions")
        if function.returns in ("trigger", "event_trigger") and function.name not in fired
    ]
    if left:
        noun = "trigger function is" if len(left) == 1 else "trigger functions are"
        yield Answer(Status.NOTED, CATALOG, f"{len(left)} {noun} run by no trigger: {first_of(left, _SHOWN)}.")
    else:
        yield Answer(Status.KEPT, CATALOG, "Each trigger function is run by a trigger.")
