"""Sequences."""

from __future__ import annotations

from pgcontract.rules.shape.differences import shape_check

shape_check(
    "sequence.definition",
    """Each sequence is there with the declared type, bounds, step and owner column.

    Why it matters: an integer sequence ends at 2,147,483,647; one without an owner outlives its table.
    How it is measured: pg_sequence and its dependency against the contract.
    What to do: ALTER SEQUENCE as declared.
    """,
    kinds="sequences",
    fields=(
        "",
        "type",
        "start",
        "increment",
        "minimum",
        "maximum",
        "cache",
        "cycle",
        "owned_by",
        "identity",
        "persistence",
    ),
)
