"""Who may do what: declared grants, and what default privileges give away under each regime."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pgcontract.model.comparison import Difference
from pgcontract.model.schema import Grant, Schema
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

_GRANTABLE = ("schemas", "tables", "functions", "views", "sequences", "types")
# The roles behind the key that every Supabase client carries.
_PUBLIC_ROLES = ("anon", "authenticated", "public")
_READ_OR_WRITE = frozenset({"select", "insert", "update", "delete"})


def _objects(promise: Promise) -> Iterator[str]:
    yield from dict.fromkeys(
        [grant.on for grant in promise.declared.grants]
        + [f"{part.kind} {part.name}" for kind in _GRANTABLE for part in getattr(promise.declared, kind)]
    )


@check("access.grants", subjects=_objects, severity=Severity.CRITICAL)
def access_grants(context: Context) -> Iterator[Answer]:
    """Each declared grantee has exactly the declared privileges, and nobody else has any beyond the defaults.

    Why it matters: one grant too many exposes data; one too few is "permission denied" in production.
    How it is measured: the expanded ACLs of the catalog are compared with the contract. What default privileges give to a
    grantee that the contract does not name is not counted as a difference here; access.default_privileges reports it.
    What to do: write GRANT and REVOKE explicitly in the migration, and declare the result in the contract.
    """
    wrong: dict[str, list[Answer]] = {}
    there = {(part.kind, part.name) for part in context.after.parts()}
    for difference in context.differences:
        # The privileges on what the migration drops go with it; that it drops it is told by another check.
        gone = isinstance(difference.part, Grant) and difference.actual == "none" and _is_gone(difference.part, there)
        if difference.kind == "grant" and (difference.origin is not None or not gone):
            on = getattr(difference.part, "on", difference.name)
            wrong.setdefault(on, []).append(_grant_answer(on, getattr(difference.part, "grantee", ""), difference))
    for subject in dict.fromkeys([*_objects(context.promise), *wrong]):
        if subject in wrong:
            yield from wrong[subject]
        else:
            yield Answer(Status.KEPT, subject, f"The privileges on {subject} are as declared.")


def _is_gone(grant: Grant, there: Collection[tuple[str, str]]) -> bool:
    """Whether there is no more what it was granted on; the database is no part of the catalog."""
    kind, name = grant.object
    return bool(name) and (kind, name) not in there


def _grant_answer(on: str, grantee: str, difference: Difference) -> Answer:
    return Answer(
        Status.BROKEN,
        on,
        f"{'Everybody' if grantee == 'public' else grantee} has other privileges on {on} than declared: "
        f"{difference.actual}, not {difference.expected}.",
        expected=difference.expected,
        actual=difference.actual,
        remedy=f"GRANT or REVOKE on {on} in the migration, or declare these privileges in the contract.",
        evidence=[
            Evidence(
                title="Privileges",
                columns=("role", "declared", "granted"),
                rows=((grantee, difference.expected, difference.actual),),
            )
        ],
        origin=difference.origin,
    )


def _tables_on_supabase(promise: Promise) -> Iterator[str]:
    if promise.project.platform == "supabase":
        yield from (f"table {table.name}" for table in promise.declared.tables)


@check("access.default_privileges", subjects=_tables_on_supabase, severity=Severity.WARNING, behaviour=True, implied=True)
def access_default_privileges(context: Context) -> Iterator[Answer]:
    """No table is open to the public key under either grant regime of Supabase.

    Why it matters: Supabase has two grant regimes. In projects made before 2026-05-30, a table without row security can
    be read and written by anybody with the public key. In projects made since then, even the service role has no access
    without explicit grants.
    How it is measured: the script is applied under both regimes, and the privileges of the API roles are read from the
    catalog.
    What to do: ENABLE ROW LEVEL SECURITY, REVOKE ALL from anon and authenticated, and GRANT what is needed to
    service_role.
    """
    catalogs = {regime.description: context.script_result(regime).after_catalog for regime in context.regimes}
    for subject in _tables_on_supabase(context.promise):
        rows: list[tuple[str, str, str]] = []
        open_to: set[str] = set()
        for regime, catalog in catalogs.items():
            if catalog is None:
                summary = f"The server refuses the script under the default privileges {regime}."
                yield Answer(Status.UNKNOWN, subject, summary)
                break
            secured = any(f"table {table.name}" == subject and table.row_security for table in catalog.tables)
            for grantee, privileges in _privileges(catalog, subject):
                rows.append((regime, grantee, ", ".join(privileges)))
                if grantee in _PUBLIC_ROLES and not secured and _READ_OR_WRITE & set(privileges):
                    open_to.add(f"{grantee} ({regime})")
        else:
            yield _default_privileges_answer(subject, rows, open_to)


def _privileges(catalog: Schema, subject: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for grant in catalog.grants:
        if grant.on == subject and grant.privileges:
            yield grant.grantee, grant.privileges


def _default_privileges_answer(subject: str, rows: list[tuple[str, str, str]], open_to: set[str]) -> Answer:
    evidence = [
        Evidence(
            title="Privileges after the migration, by project age",
            columns=("project made", "role", "privileges"),
            rows=tuple(rows),
        )
    ]
    if open_to:
        return Answer(
            Status.BROKEN,
            subject,
            f"The {subject} has no row security and can be read or written by {', '.join(sorted(open_to))}.",
            expected="row security, or no privilege to read or write for anon, authenticated and public",
            actual=", ".join(sorted(open_to)),
            remedy=_closing_sql(subject.removeprefix("table ")),
            evidence=evidence,
        )
    return Answer(Status.KEPT, subject, f"The {subject} is not open to anon, authenticated or public.", evidence=evidence)


def _closing_sql(table: str) -> str:
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; REVOKE ALL ON {table} FROM PUBLIC, anon, authenticated; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO service_role;"
    )
