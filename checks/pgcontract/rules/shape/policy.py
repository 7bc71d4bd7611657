"""Row security policies."""

from __future__ import annotations

from pgcontract.rules.shape.differences import shape_check

shape_check(
    "policy.definition",
    """Each policy is there, for the declared command and roles, with the declared expressions.

    Why it matters: permissive policies add up: one that is too wide opens the table whatever the others say.
    How it is measured: pg_policy against the contract, expressions in the server's spelling.
    What to do: drop the policy and create it as it is meant.
    """,
    kinds="policies",
    fields=("", "command", "permissive", "roles", "using", "check"),
)
