"""What the chain made and left at its head: where traps are looked for."""

from __future__ import annotations

from typing import Any

from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise

CATALOG = "catalog"


def catalog_of_head(promise: Promise) -> tuple[str, ...]:
    """The whole catalog, at the head of the chain alone."""
    return (CATALOG,) if promise.migration.key == promise.project.head.key else ()


def made_parts(context: Context, kind: str) -> tuple[Any, ...]:
    """The parts of one kind (a field of Schema) that the chain made, without what a platform or the setup had before."""
    before = {part.name for part in getattr(context.sandbox.starting_catalog, kind)}
    return tuple(part for part in getattr(context.migrated, kind) if part.name not in before)


def origin_in_chain(promise: Promise, kind: str, name: str) -> Origin | None:
    """Where the text of the chain makes it last, for a finding to point at."""
    return promise.project.origins.get((kind, name))
