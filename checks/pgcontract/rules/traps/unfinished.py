"""Constraints and indexes that were begun and never finished: NOT VALID, INVALID."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Constraint, Index
from pgcontract.probes.context import Context
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain


@check("constraint.validated", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "No constraint that the migrations made is left NOT VALID.")
def constraint_validated(context: Context) -> Iterator[Answer]:
    """Each constraint that was added NOT VALID is validated by the end of the chain.

    Why it matters: until then the rows that were there before it may break it, and nobody knows; any UPDATE of such a row
    is refused, whichever column it changes, and the planner cannot rely on the constraint.
    How it is measured: convalidated in pg_constraint at the head of the chain. One that the last migration adds to a
    table that was there is noted: to validate it is the next step. One that is NOT ENFORCED promises nothing, and is
    left out; one that a contract declares valid is told by constraint.state.
    What to do: ALTER TABLE ... VALIDATE CONSTRAINT, in a migration of its own behind the one that adds it: it reads the
    table, and lets others write meanwhile.
    """
    declared = {constraint.name for constraint in context.promise.declared.constraints if constraint.validated}
    for constraint in made_parts(context, "constraints"):
        if constraint.validated or not constraint.enforced or constraint.inherited or constraint.name in declared:
            continue
        is_begun = _is_begun(context, constraint)
        yield Answer(
            Status.NOTED if is_begun else Status.BROKEN,
            constraint.name,
            f"{constraint.name} is NOT VALID until a later migration validates it."
            if is_begun
            else f"{constraint.name} is NOT VALID, and no migration validates it: rows from before it may break it.",
            expected="a validated constraint",
            actual=f"{constraint.definition} NOT VALID" if constraint.definition else "NOT VALID",
            remedy=_validation(context, constraint),
            origin=origin_in_chain(context.promise, "constraint", constraint.name),
        )


def _is_begun(context: Context, constraint: Constraint) -> bool:
    """Whether the last migration adds it to what was there before: the first of two steps, the second still to come."""
    names = {part.name for part in (*context.before.constraints, *context.before.tables, *context.before.types)}
    return constraint.name not in names and constraint.table in names


def _validation(context: Context, constraint: Constraint) -> str:
    if constraint.form == "not null":
        column = constraint.quoted_name.removesuffix(" not null")
        return f"In a later migration: ALTER TABLE {constraint.table} ALTER COLUMN {column} SET NOT NULL;"
    kind = "DOMAIN" if any(domain.name == constraint.table for domain in context.after.types) else "TABLE"
    return f"In a later migration: ALTER {kind} {constraint.table} VALIDATE CONSTRAINT {constraint.quoted_name};"


@check("index.valid", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
@otherwise_kept(CATALOG, "No index that the migrations made is left INVALID.")
def index_valid(context: Context) -> Iterator[Answer]:
    """Each index is valid by the end of the chain.

    Why it matters: an INVALID index, which a CREATE INDEX CONCURRENTLY leaves that was refused, is updated by every write
    and serves no query; CREATE INDEX IF NOT EXISTS passes over it as if all were well.
    How it is measured: indisvalid in pg_index at the head of the chain. The index of a partitioned table that was made ON
    ONLY it is noted as long as a partition has none attached to it. One that a contract declares is told by index.state.
    What to do: REINDEX INDEX CONCURRENTLY, or DROP INDEX CONCURRENTLY and create it anew.
    """
    partitioned = {table.name for table in context.after.tables if table.form == "partitioned table"}
    declared = {index.name for index in context.promise.declared.indexes if index.valid}
    for index in made_parts(context, "indexes"):
        if index.valid or index.name in declared:
            continue
        yield (
            _of_partitions(context, index)
            if index.table in partitioned
            else Answer(
                Status.BROKEN,
                index.name,
                f"{index.name} is INVALID at the end of the chain: each write updates it, and no query can use it.",
                expected="a valid index",
                actual="an INVALID index",
                remedy=f"DROP INDEX CONCURRENTLY {index.name}; and create it anew."
                + (" It is unique: first make the rows so." if index.unique else ""),
                origin=origin_in_chain(context.promise, "index", index.name),
            )
        )


def _of_partitions(context: Context, index: Index) -> Answer:
    attached = {one.table for one in context.after.indexes if one.partition_of == index.name}
    without = [one.name for one in context.after.partitions_by_parent.get(index.table, ()) if one.name not in attached]
    return Answer(
        Status.NOTED,
        index.name,
        f"{index.name} is ON ONLY {index.table}: {', '.join(without) or 'a partition'} has no index attached to it.",
        remedy=f"ALTER INDEX {index.name} ATTACH PARTITION ...; with an index of each partition.",
        origin=origin_in_chain(context.promise, "index", index.name),
    )
