"""Statements that the server passed over, and names that it cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pgcontract.probes.context import Context
from pgcontract.probes.cut_names import cut_names
from pgcontract.probes.skipped_objects import skipped_objects
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head


@check("object.not_skipped", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "Nothing that is made a second time has another shape.")
def object_not_skipped(context: Context) -> Iterator[Answer]:
    """Nothing that the migrations make a second time is passed over in another shape.

    Why it matters: IF NOT EXISTS asks for the name alone. Where it is there, in whatever shape, the statement does
    nothing and says so in a notice that nobody reads; the code that was written for the new shape fails later.
    How it is measured: a table, index, materialised view or column that is made again with IF NOT EXISTS, or an enum in a
    DO block, in other words than before, is made by itself in a database that is rolled back, and compared with what is
    there at the head: columns with their types and NOT NULL, constraints, an index's definition, labels. What later
    migrations brought to that shape is fine.
    What to do: ALTER what is there; leave out the second CREATE.
    """
    skipped = skipped_objects(context)
    for one in skipped:
        yield Answer(
            Status.BROKEN,
            one.name,
            f"The {one.kind} {one.name} was there, so this statement did nothing: it wants {one.wanted}, and there is "
            f"{one.there}.",
            expected=one.wanted,
            actual=f"{one.there}, as {Path(one.first.file).name}:{one.first.line} made it",
            remedy="Leave this statement out, and ALTER what is there.",
            origin=one.origin,
        )


@check("object.name_whole", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "No name that the migrations give is cut.")
def object_name_whole(context: Context) -> Iterator[Answer]:
    """No name is cut.

    Why it matters: PostgreSQL keeps 63 bytes of a name and cuts the rest, with a notice alone. Whoever looks the object
    up by its whole name (a tool, a query of the catalog) does not find it, and two long names may become one.
    How it is measured: the names of more than 63 bytes in the scripts, and what the head of the chain has under what is
    left of them. Names that the server makes itself, it shortens so that they stay apart: they are left out.
    What to do: a name of at most 63 bytes.
    """
    names = cut_names(context)
    for name in names:
        others = f"; {name.others[0]} is cut to the same" if name.others else ""
        yield Answer(
            Status.BROKEN,
            name.kept,
            f"The name {name.written} has {len(name.written.encode())} bytes and is cut to {name.kept}{others}.",
            expected="at most 63 bytes",
            actual=f"{len(name.written.encode())} bytes",
            remedy="Give it a shorter name.",
            origin=name.origin,
        )
