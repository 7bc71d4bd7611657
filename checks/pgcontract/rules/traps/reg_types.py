"""Columns of types that hold an OID of the catalog, which keep a server from being upgraded in place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.probes.context import Context
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

# Of the reg types regclass, regrole and regtype alone keep their OIDs through pg_upgrade.
_LOST: Final = re.compile(r"reg(?:collation|config|dictionary|namespace|oper|operator|proc|procedure)(?:\[\])?$")


@check("column.upgradable", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "pg_upgrade carries over the type of each column.")
def column_upgradable(context: Context) -> Iterator[Answer]:
    """No column holds what pg_upgrade cannot carry over.

    Why it matters: regproc, regnamespace and their like store an OID of the catalog. It is another one on the next major,
    so pg_upgrade, and every provider's upgrade in place, refuses the database.
    How it is measured: the types of the columns that the chain made, in tables and materialised views at its head.
    What to do: text, with a cast where it is used; regclass, regrole and regtype are carried over.
    """
    for column in made_parts(context, "columns"):
        if not _LOST.match(column.type):
            continue
        yield Answer(
            Status.BROKEN,
            column.name,
            f"{column.name} is of type {column.type}: pg_upgrade refuses a database with such a column.",
            expected="a type that is carried over",
            actual=column.type,
            remedy=f"ALTER TABLE {column.table} ALTER COLUMN {column.quoted_name} TYPE text;",
            origin=origin_in_chain(context.promise, "column", column.name),
        )
