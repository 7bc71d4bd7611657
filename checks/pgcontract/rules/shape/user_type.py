"""Enums, composites, ranges and domains."""

from __future__ import annotations

from pgcontract.rules.shape.differences import shape_check

shape_check(
    "type.definition",
    """Each type is there with the declared labels or attributes.

    Why it matters: a missing label is rejected at the first INSERT, and labels sort in their declared order.
    How it is measured: pg_type, pg_enum and the composite's attributes against the contract.
    What to do: ALTER TYPE ... ADD VALUE, or correct the contract; a label cannot be removed.
    """,
    kinds="types",
    fields=("", "form", "labels", "attributes", "null", "default"),
)
