"""Tables: there, of the declared form, with the declared row security."""

from __future__ import annotations

from pgcontract.rules.shape.differences import PRESENT, shape_check

shape_check(
    "table.present",
    """Each declared table is there.

    Why it matters: everything else in the contract of a table depends on it.
    How it is measured: the declared names against pg_class, after the migration ran in a fresh database.
    What to do: create the table in the migration, or remove it from the contract.
    """,
    kinds="tables",
    fields=PRESENT,
)

shape_check(
    "table.definition",
    """Each table has the declared form: persistence, partitioning, inheritance, options, location.

    Why it matters: an UNLOGGED table is emptied by a crash and is not replicated; a partition or an inheritance parent
    changes what every query and constraint does.
    How it is measured: pg_class, pg_partitioned_table and pg_inherits against the contract; what is not declared is
    PostgreSQL's default (a permanent, plain heap table in the default tablespace).
    What to do: declare the form that you intend, and change the migration to match.
    """,
    kinds="tables",
    fields=(
        "form",
        "persistence",
        "access_method",
        "partition_key",
        "partition_of",
        "partition_bound",
        "inherits",
        "of_type",
        "options",
        "replica_identity",
        "tablespace",
        "server",
    ),
)

shape_check(
    "table.security",
    """Each table has row security enabled and forced as declared.

    Why it matters: without row security a table on Supabase is as open as its grants; with it and no policy, closed.
    How it is measured: relrowsecurity and relforcerowsecurity of pg_class against the contract (default: off).
    What to do: ALTER TABLE ... ENABLE ROW LEVEL SECURITY, or declare row_security as it is.
    """,
    kinds="tables",
    fields=("row_security", "force_row_security"),
)
