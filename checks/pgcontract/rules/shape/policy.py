"""Row security policies."""

from __future__ import annotations

from pgcontract.rules.shape.differences import shape_check

shape_check(
    "policy.definition",
    """Each policy is there, for the declared command and roles, with the declared expressions.

    Why it matters: permissive policies add up: one that is too wide opens the table, whatever the others are.
    How it is measured: pg_policy against the contract, expressions as the server spells them.
    What to do: DROP POLICY and CREATE POLICY as declared.
    """,
    kinds="policies",
    fields=("", "command", "permissive", "roles", "using", "check"),
)
