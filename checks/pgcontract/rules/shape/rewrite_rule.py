"""Rewrite rules."""

from __future__ import annotations

from pgcontract.rules.shape.differences import shape_check

shape_check(
    "rule.definition",
    """Each rewrite rule is there and rewrites as declared.

    Why it matters: a rule changes a statement before it runs; DO INSTEAD NOTHING drops writes silently.
    How it is measured: pg_get_ruledef and ev_enabled against the contract; views' own rules are left out.
    What to do: use a trigger instead where you can; else CREATE OR REPLACE RULE as declared.
    """,
    kinds="rules",
    fields=("", "definition", "enabled"),
)
