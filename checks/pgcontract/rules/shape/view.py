"""Views, materialised or not."""

from __future__ import annotations

from pgcontract.postgres.versions import VIEW_COLUMNS
from pgcontract.rules.shape.differences import shape_check

shape_check(
    "view.definition",
    """Each view is there and selects what is declared.

    Why it matters: a view without security_invoker reads with its owner's privileges and bypasses row security.
    How it is measured: pg_get_viewdef and the options in pg_class against the declared query as the server spells it.
    What to do: CREATE OR REPLACE VIEW as declared, or pin the server's text with `same_as`.
    """,
    kinds="views",
    fields=("", "definition", "materialized", "populated", "options", "access_method", "tablespace"),
    version_features=(VIEW_COLUMNS.name,),
)
