"""What holds for objects of every kind: nothing undeclared, a comment on each, the declared owner."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.comparison import Answer, Difference
from pgcontract.model.schema import Part
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Finding, Severity, Status
from pgcontract.rules.registry import answer, check
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

# Kinds that COMMENT ON can speak of; grants, settings and rows have no comment.
_COMMENTED = (
    "schemas",
    "tables",
    "columns",
    "constraints",
    "indexes",
    "triggers",
    "functions",
    "views",
    "rules",
    "types",
    "sequences",
    "policies",
    "event_triggers",
    "publications",
    "statistics",
)


def _subject(part: Part) -> str:
    return f"{part.kind} {part.name}"


def _label(kind: str, name: str) -> str:
    return f"{kind.replace('_', ' ')} {name}"


def _names(trial: Trial) -> dict[tuple[str, str], Part]:
    """Each declared part by its kind and the name the server knows it by."""
    return {(part.kind, server_name(trial, part)): part for part in trial.promise.declared.parts()}


def _catalog(promise: Promise) -> Iterator[str]:
    """One subject for the whole catalog, where there is a contract: extras name themselves."""
    return iter(("catalog",) if promise.contract else ())


@check("object.extra", subjects=_catalog)
def object_extra(trial: Trial) -> Iterator[Finding]:
    """Nothing is there that nobody declared, and nothing undeclared was changed or dropped.

    Why it matters: a leftover table, grant or function is maintained by nobody and seen by nobody.
    How it is measured: the whole catalog after the migration, less what stood before it, against the contract.
    What to do: declare the object, or take it out of the migration.
    """
    found = 0
    for each in _undeclared(trial):
        found += 1
        if each.kind == "rows":
            told = f"The rows of {each.name} were changed undeclared."
        elif each.answer is Answer.EXTRA:
            told = f"The {_label(each.kind, each.name)} is there and nobody declared it."
        elif each.answer is Answer.MISSING:
            told = f"The {_label(each.kind, each.name)} was dropped undeclared."
        else:
            told = f"The {_label(each.kind, each.name)} was changed undeclared: {each.field.replace('_', ' ')}."
        yield answer(
            Status.BROKEN,
            f"{each.kind} {each.name}",
            told,
            expected=each.expected or "absent",
            actual=each.actual or "present",
            remedy="Declare it in the contract with its purpose, or take it out of the migration.",
            origin=trial.promise.place_of(each.kind, each.name),
        )
    if not found:
        yield answer(Status.KEPT, "catalog", "Nothing is in the catalog that is not declared.")


def _undeclared(trial: Trial) -> Iterator[Difference]:
    """The differences that no declared part answers for, each told once: a table's without those of its parts.

    Grants are access.grants' to judge, and rows in a declared table rows.left's.
    """
    declared = _names(trial)
    extra_tables = {each.name for each in trial.differences if each.kind == "table" and each.answer is Answer.EXTRA}
    judged_rows = extra_tables | {table.name for table in trial.promise.declared.tables}
    for each in trial.differences:
        if (each.kind, each.name) in declared or each.kind == "grant" or each.field == "order":
            continue
        if getattr(each.part, "table", None) in extra_tables or (each.kind == "rows" and each.name in judged_rows):
            continue
        yield each


def _with_comment(promise: Promise) -> Iterator[Part]:
    if promise.contract is not None and promise.contract.comments == "optional":
        return
    for kind in _COMMENTED:
        for part in getattr(promise.declared, kind):
            if not getattr(part, "identity", False) or kind == "columns":
                yield part


def _comment_subjects(promise: Promise) -> Iterator[str]:
    return map(_subject, _with_comment(promise))


@check("object.comment", subjects=_comment_subjects, severity=Severity.WARNING)
def object_comment(trial: Trial) -> Iterator[Finding]:
    """Each declared object has a comment in the database, the declared one where the contract gives its text.

    Why it matters: whoever meets the table in a web console sees the comment and not the contract.
    How it is measured: pg_description for every declared object.
    What to do: COMMENT ON ... IS '...' in the migration.
    """
    live = {(part.kind, part.name): part for part in trial.after.parts()}
    for part in _with_comment(trial.promise):
        subject = _subject(part)
        label = _label(part.kind, part.name)
        there = live.get((part.kind, server_name(trial, part)))
        if there is None:
            yield answer(Status.UNKNOWN, subject, f"The {label} is not there, so it has no comment.", origin=part.origin)
        elif not (there.comment or "").strip():
            yield answer(
                Status.BROKEN,
                subject,
                f"The {label} has no comment.",
                expected=part.comment or "a comment",
                actual="none",
                remedy=f"Add COMMENT ON {part.kind.replace('_', ' ').upper()} ... IS '...' to the migration.",
                origin=trial.promise.place_of(part.kind, part.name) or part.origin,
            )
        elif part.comment is not None and part.comment != there.comment:
            yield answer(
                Status.BROKEN,
                subject,
                f"The {label} has another comment than the declared one.",
                expected=part.comment,
                actual=there.comment,
                remedy="Change the comment in the migration, or in the contract.",
                origin=part.origin,
            )
        else:
            yield answer(Status.KEPT, subject, f"The {label} has a comment.", actual=there.comment, origin=part.origin)


def _owned(promise: Promise) -> Iterator[str]:
    return (_subject(part) for part in promise.declared.parts() if hasattr(part, "owner"))


@check("object.owner", subjects=_owned)
def object_owner(trial: Trial) -> Iterator[Finding]:
    """Each declared object belongs to the declared role, by default the one that migrates.

    Why it matters: an owner may drop the object, and row security does not hold it.
    How it is measured: the owner columns of the catalog; `owner` in the contract, else the migrating login role.
    What to do: ALTER ... OWNER TO, or declare the owner.
    """
    wrong = {(each.kind, each.name): each for each in trial.differences if each.field == "owner"}
    gone = {(each.kind, each.name) for each in trial.differences if each.answer is Answer.MISSING}
    for name, part in _names(trial).items():
        if not hasattr(part, "owner"):
            continue
        subject = _subject(part)
        label = _label(part.kind, part.name)
        if name in gone:
            yield answer(Status.UNKNOWN, subject, f"The {label} is not there, so nobody owns it.", origin=part.origin)
        elif name in wrong:
            yield judge_differences(trial, subject, label, [wrong[name]])
        else:
            yield answer(Status.KEPT, subject, f"The {label} belongs to the declared role.", origin=part.origin)
