"""What is granted to a role and what it needs beside it."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Context
from pgcontract.probes.roles.unusable import find_unusable
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

_NAMED = 3


@check("access.usable", subjects=catalog_of_head, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "Each role can use what it is granted.")
def access_usable(context: Context) -> Iterator[Answer]:
    """Each role can use what it is granted.

    Why it matters: GRANT SELECT ON a table gives nothing to a role without USAGE on its schema, and GRANT INSERT nothing
    where a serial column draws from a sequence that the role may not use: each statement is "permission denied".
    How it is measured: the privileges in the catalog at the head of the chain, on what it made. A table that a view or a
    policy of another schema reads is left out, as is a role whose members have the rest by another role; an identity
    column asks for no privilege on its sequence.
    What to do: GRANT USAGE ON SCHEMA, and ON SEQUENCE, to the role.
    """
    unusable = find_unusable(context)
    made = {part.name for kind in ("tables", "views") for part in made_parts(context, kind)}
    for role, schema, relations in unusable.schemas:
        names = [name for name in relations if name in made]
        if not names:
            continue
        listed = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        yield Answer(
            Status.BROKEN,
            f"{role} in {schema}",
            f"{role} is granted privileges on {listed}, and has no USAGE on the schema {schema}: it reaches none of it.",
            expected=f"USAGE on the schema {schema}",
            actual="permission denied for the schema",
            remedy=f"GRANT USAGE ON SCHEMA {schema} TO {role};",
            origin=origin_in_chain(context.promise, "table", names[0]),
        )
    for role, table, sequences in unusable.sequences:
        if table not in made:
            continue
        listed = ", ".join(sequences)
        yield Answer(
            Status.BROKEN,
            f"{role} in {table}",
            f"{role} may insert into {table}, and not use {listed}, which a default there draws from: its INSERT is "
            "refused.",
            expected=f"USAGE on {listed}",
            actual="permission denied for the sequence",
            remedy=f"GRANT USAGE ON SEQUENCE {listed} TO {role};",
            origin=origin_in_chain(context.promise, "table", table),
        )
