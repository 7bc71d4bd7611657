"""Functions: present, with the declared body and attributes."""

from __future__ import annotations

from pgcontract.rules.shape.differences import PRESENT, shape_check

shape_check(
    "function.present",
    """Each declared function is there, with the declared input types.

    Why it matters: triggers, policies and defaults that call it fail without it.
    How it is measured: name and input types against pg_proc.
    What to do: create it in the migration.
    """,
    kinds="functions",
    fields=PRESENT,
)

shape_check(
    "function.definition",
    """Each function has the declared arguments, result and body.

    Why it matters: a body that differs by a word does something else.
    How it is measured: arguments, result, language and body in pg_proc against the contract; a body that differs in any
    character is not proven the same.
    What to do: CREATE OR REPLACE FUNCTION with the declared body, or pin the server's text with `same_as`.
    """,
    kinds="functions",
    fields=("form", "arguments", "returns", "language", "body"),
)

shape_check(
    "function.attributes",
    """Each function has the declared security, settings and planner attributes.

    Why it matters: SECURITY DEFINER without a fixed search_path runs what an attacker puts in front of it.
    How it is measured: pg_proc against the contract (default: invoker, volatile, unsafe, no settings).
    What to do: declare the attributes that you intend, and ALTER FUNCTION in the migration to match.
    """,
    kinds="functions",
    fields=(
        "security",
        "volatility",
        "strict",
        "parallel",
        "leakproof",
        "cost",
        "rows",
        "support",
        "settings",
    ),
)
