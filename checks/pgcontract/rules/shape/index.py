"""Indexes: present, on the declared keys, and valid."""

from __future__ import annotations

from pgcontract.rules.shape.differences import PRESENT, shape_check

shape_check(
    "index.present",
    """Each declared index is there.

    Why it matters: without it the queries it was made for read the whole table.
    How it is measured: the declared names against pg_index.
    What to do: create it in the migration, under the declared name.
    """,
    kinds="indexes",
    fields=PRESENT,
)

shape_check(
    "index.definition",
    """Each index has the declared method, keys, predicate and uniqueness.

    Why it matters: an index of the right name on other keys serves nothing, and only a unique one prevents duplicates.
    How it is measured: keys, operator classes, collations, directions, included columns and predicate in pg_index,
    against the declared ones as the same server spells them.
    What to do: DROP INDEX and CREATE INDEX as declared; CREATE INDEX IF NOT EXISTS silently leaves a wrong one in place.
    """,
    kinds="indexes",
    fields=(
        "table",
        "method",
        "keys",
        "include",
        "predicate",
        "unique",
        "nulls_not_distinct",
        "constraint",
        "partition_of",
    ),
)

shape_check(
    "index.state",
    """Each index is valid and has the declared options.

    Why it matters: an invalid index costs every write and serves no query; CREATE INDEX CONCURRENTLY leaves one
    behind when it fails.
    How it is measured: indisvalid, indisclustered, indisreplident, reloptions and tablespace against the contract.
    What to do: REINDEX, or drop the index and create it again.
    """,
    kinds="indexes",
    fields=("valid", "clustered", "replica_identity", "options", "tablespace"),
)
