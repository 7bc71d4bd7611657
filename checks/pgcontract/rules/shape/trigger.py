"""Triggers: there, on the declared events, switched on."""

from __future__ import annotations

from pgcontract.rules.shape.differences import PRESENT, shape_check

shape_check(
    "trigger.present",
    """Each declared trigger is there.

    Why it matters: without it, what the trigger maintains is no longer updated, and no error is raised.
    How it is measured: the declared names against pg_trigger, internal ones left out.
    What to do: create it in the migration.
    """,
    kinds="triggers",
    fields=PRESENT,
)

shape_check(
    "trigger.definition",
    """Each trigger fires when declared and calls the declared function.

    Why it matters: BEFORE can change a row and AFTER cannot; a trigger for UPDATE does not fire on INSERT.
    How it is measured: timing, events, columns, level, WHEN, function and arguments in pg_trigger against the contract.
    What to do: CREATE OR REPLACE TRIGGER as declared.
    """,
    kinds="triggers",
    fields=(
        "table",
        "timing",
        "events",
        "level",
        "columns",
        "when",
        "function",
        "arguments",
        "constraint",
        "deferrable",
        "initially_deferred",
        "old_table",
        "new_table",
        "references",
    ),
)

shape_check(
    "trigger.state",
    """Each trigger is enabled as declared.

    Why it matters: a disabled trigger is still listed by information_schema.
    How it is measured: tgenabled of pg_trigger against the contract (default: fires for ordinary sessions).
    What to do: ALTER TABLE ... ENABLE TRIGGER.
    """,
    kinds="triggers",
    fields=("enabled",),
)
