"""What holds for objects of every kind: nothing undeclared, a comment on each, the declared owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from pgcontract.model.comparison import ComparisonResult, Difference
from pgcontract.model.schema import PART_TYPES, UNCOMMENTED, Part, Schema
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.shape.differences import judge_differences, server_name, shape_check

shape_check(
    "object.definition",
    """Each declared object of any other kind is there as declared.

    Why it matters: extensions, event triggers, publications, settings and the like act on the whole database.
    How it is measured: schemas, extensions, event triggers, publications, extended statistics, roles, settings,
    default privileges and other objects of the catalog against the contract.
    What to do: create it in the migration as declared, or correct the contract.
    """,
    kinds=(
        "schemas",
        "extensions",
        "event_triggers",
        "publications",
        "statistics",
        "default_grants",
        "roles",
        "settings",
        "others",
    ),
    fields=(
        "",
        "schema",
        "event",
        "tags",
        "function",
        "enabled",
        "all_tables",
        "tables",
        "schemas",
        "operations",
        "via_root",
        "table",
        "kinds",
        "definition",
        "target",
        "privileges",
        "attributes",
        "member_of",
        "value",
        "form",
    ),
    prefixed=True,
)

# Kinds that need a comment where the contract does not make them optional; the rarer ones may have one.
_COMMENTED = frozenset(field for field, part in PART_TYPES.items() if part.kind not in UNCOMMENTED)


def _subject(part: Part) -> str:
    return f"{part.kind} {part.name}"


def _label(kind: str, name: str) -> str:
    return f"{kind.replace('_', ' ')} {name}"


def _parts_by_server_name(context: Context) -> dict[tuple[str, str], Part]:
    """Each declared part by its kind and the name the server knows it by."""
    return {(part.kind, server_name(context, part)): part for part in context.promise.declared.parts()}


def _catalog_subject(promise: Promise) -> Iterator[str]:
    """One subject for the whole catalog, where there is a contract: extras name themselves. One that promises what it
    names, and names no object, is there for something else, as for a waiver."""
    names_something = promise.is_whole or promise.declared != Schema()
    return iter(("catalog",) if promise.contract and names_something else ())


@check("object.declared", subjects=_catalog_subject)
def object_declared(context: Context) -> Iterator[Answer]:
    """Nothing is there that nobody declared, and nothing undeclared was changed or dropped.

    Why it matters: nobody maintains or notices a leftover table, grant or function.
    How it is measured: the whole catalog after the migration, less what was there before it, against the contract.
    What to do: declare the object, or remove it from the migration.
    """
    number = 0
    for change in _undeclared_differences(context):
        number += 1
        if change.kind == "rows":
            summary = f"The migration changes rows of {change.name}, and no contract declares it."
        elif change.result is ComparisonResult.EXTRA:
            summary = f"The {_label(change.kind, change.name)} exists after the migration, and no contract declares it."
        elif change.result is ComparisonResult.MISSING:
            summary = f"The {_label(change.kind, change.name)} is dropped by the migration, and no contract declares it."
        else:
            summary = (
                f"The {_label(change.kind, change.name)} is changed, and no contract declares it: "
                f"{change.field.replace('_', ' ')}."
            )
        yield Answer(
            Status.BROKEN,
            f"{change.kind} {change.name}",
            summary,
            expected=change.expected or "absent",
            actual=change.actual or "present",
            remedy="Declare it in the contract with its purpose, or remove it from the migration.",
            origin=context.promise.origin_of(change.kind, change.name),
        )
    if not number:
        yield Answer(Status.KEPT, "catalog", "The migration creates, changes and drops nothing undeclared.")


def _undeclared_differences(context: Context) -> Iterator[Difference]:
    """The differences that no declared part answers for, each reported once: a table's without those of its parts.

    Grants are access.grants' to judge, and rows in a declared table table.row_count's. A contract that promises no more
    than what it names says nothing of what it drops, unless that was declared.
    """
    declared = _parts_by_server_name(context)
    extra_tables = {
        difference.name
        for difference in context.differences
        if difference.kind == "table" and difference.result is ComparisonResult.EXTRA
    }
    judged_rows = extra_tables | {table.name for table in context.promise.declared.tables}
    for difference in context.differences:
        if (difference.kind, difference.name) in declared or difference.kind == "grant" or difference.field == "order":
            continue
        if difference.result is ComparisonResult.MISSING and not context.promise.is_whole:
            continue
        if getattr(difference.part, "table", None) in extra_tables or (
            difference.kind == "rows" and difference.name in judged_rows
        ):
            continue
        yield difference


def _parts_to_comment(promise: Promise) -> Iterator[Part]:
    """Those whose comment is declared; and all that can have one, unless the contract says that comments are optional."""
    optional = promise.comments == "optional"
    for field in fields(promise.declared):
        for part in getattr(promise.declared, field.name):
            needs_one = field.name in _COMMENTED and (field.name == "columns" or not getattr(part, "identity", False))
            if part.comment is not None or (needs_one and not optional):
                yield part


def _comment_subjects(promise: Promise) -> Iterator[str]:
    return map(_subject, _parts_to_comment(promise))


@check("object.commented", subjects=_comment_subjects, severity=Severity.WARNING)
def object_commented(context: Context) -> Iterator[Answer]:
    """Each declared object has a comment in the database, with the declared text where the contract gives one.

    Why it matters: somebody who opens the table in a web console sees the comment and not the contract.
    How it is measured: pg_description for every declared object; with `comments = "optional"`, for those alone whose
    comment the contract gives.
    What to do: COMMENT ON ... IS '...' in the migration.
    """
    live = {(part.kind, part.name): part for part in context.after.parts()}
    for part in _parts_to_comment(context.promise):
        subject = _subject(part)
        label = _label(part.kind, part.name)
        live_part = live.get((part.kind, server_name(context, part)))
        if live_part is None:
            yield Answer(
                Status.UNKNOWN, subject, f"The {label} does not exist, so it has no comment.", origin=part.origin
            )
        elif not (live_part.comment or "").strip():
            yield Answer(
                Status.BROKEN,
                subject,
                f"The {label} has no comment.",
                expected=part.comment or "a comment",
                actual="none",
                remedy=f"Add to the migration: {_comment_sql(part)}",
                origin=context.promise.origin_of(part.kind, part.name) or part.origin,
            )
        elif part.comment is not None and part.comment != live_part.comment:
            yield Answer(
                Status.BROKEN,
                subject,
                f"The comment of the {label} is not the declared one.",
                expected=part.comment,
                actual=live_part.comment,
                remedy="Change the comment in the migration, or in the contract.",
                origin=part.origin,
            )
        else:
            yield Answer(
                Status.KEPT, subject, f"The {label} has a comment.", actual=live_part.comment, origin=part.origin
            )


def _owned_subjects(promise: Promise) -> Iterator[str]:
    return (_subject(part) for part in promise.declared.parts() if hasattr(part, "owner"))


@check("object.owner", subjects=_owned_subjects)
def object_owner(context: Context) -> Iterator[Answer]:
    """Each declared object belongs to the declared role, by default the one that migrates.

    Why it matters: an owner may drop the object, and row security does not apply to it.
    How it is measured: the owner columns of the catalog, against `owner` in the contract, else the migrating login role.
    What to do: ALTER ... OWNER TO, or declare the owner.
    """
    wrong = {
        (difference.kind, difference.name): difference
        for difference in context.differences
        if difference.field == "owner"
    }
    missing = {
        (difference.kind, difference.name)
        for difference in context.differences
        if difference.result is ComparisonResult.MISSING
    }
    for name, part in _parts_by_server_name(context).items():
        if not hasattr(part, "owner"):
            continue
        subject = _subject(part)
        label = _label(part.kind, part.name)
        if name in missing:
            yield Answer(Status.UNKNOWN, subject, f"The {label} does not exist, so it has no owner.", origin=part.origin)
        elif name in wrong:
            yield judge_differences(context, subject, label, [wrong[name]])
        else:
            yield Answer(Status.KEPT, subject, f"The {label} is owned by the declared role.", origin=part.origin)


def _comment_sql(part: Part) -> str:
    kind, table = part.kind.replace("_", " ").upper(), getattr(part, "table", None)
    if table is None or part.kind in ("column", "index"):
        return f"COMMENT ON {kind} {part.name} IS '…';"
    return f"COMMENT ON {kind} {part.quoted_name} ON {table} IS '…';"
