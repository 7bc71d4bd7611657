"""What defaults give or keep back that nobody wrote down: the service shut out, PUBLIC let in, extensions in the open."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.schema import Table
from pgcontract.model.wording import first_of, number_of
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.probes.roles.access import Access, try_access
from pgcontract.probes.roles.users import ANON, FIRST, SERVICE
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, in_projects
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

_OPERATIONS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_NAMED = 3
_SHOWN = """
SELECT DISTINCT pg_catalog.quote_ident(e.extname)
  FROM pg_catalog.pg_extension AS e
  JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
  LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.objid
  LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::regclass AND c.oid = d.objid
 WHERE d.deptype = 'e' AND 'public'::regnamespace IN (p.pronamespace, c.relnamespace)
"""
_GRANTED_KINDS = ("table", "view", "sequence", "schema")


def _catalog_elsewhere(promise: Promise) -> tuple[str, ...]:
    return () if promise.project.platform == "supabase" else catalog_of_head(promise)


@check("access.service_role", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
def access_service_role(context: Context) -> Iterator[Answer]:
    """service_role reaches every table under both grant regimes.

    Why it matters: service_role is not bound by row security, but by privileges it is. Supabase grants nothing on new
    tables any more, so that a migration without GRANT leaves the server's own code with "permission denied".
    How it is measured: service_role reads and writes each table of the exposed schemas under both regimes. A table on
    which it holds nothing under one of them, and something under the other, is told; one that was revoked is not.
    What to do: GRANT SELECT, INSERT, UPDATE, DELETE ON each table TO service_role in its migration.
    """
    access = try_access(context)
    shut = {regime: [*_shut_out(access, regime)] for regime in access.regimes}
    names = list(dict.fromkeys(name for held in shut.values() for name in held))
    if not names:
        yield Answer(Status.KEPT, CATALOG, "service_role reaches every table under both grant regimes.")
        return
    where = in_projects(context, access, (regime for regime, held in shut.items() if held))
    yield Answer(
        Status.BROKEN,
        CATALOG,
        f"service_role can neither read nor write {number_of(len(names), 'tables')}{where}: {first_of(names, _NAMED)}.",
        expected="SELECT, INSERT, UPDATE, DELETE for service_role, granted by the migration",
        actual="permission denied",
        remedy=f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(names)} TO service_role;",
        evidence=[Evidence(title=f"All {len(names)}", text="\n".join(names))] if len(names) > _NAMED else [],
        origin=origin_in_chain(context.promise, "table", names[0]),
    )


def _shut_out(access: Access, regime: str) -> Iterator[str]:
    for name, relation in access.relations.items():
        if not isinstance(relation, Table) or relation.partition_of:
            continue
        held = {each: any(access.of(each, name, SERVICE, one).may for one in _OPERATIONS) for each in access.regimes}
        if not held[regime] and any(held.values()):
            yield name


@check("access.unasked", subjects=catalog_on_supabase, severity=Severity.INFO, head=True, implied=True)
def access_unasked(context: Context) -> Iterator[Answer]:
    """anon and authenticated hold nothing on a table that row security does not bind.

    Why it matters: Supabase's default privileges give them TRUNCATE on each new table, which no policy is asked about.
    The REST API offers none; a function that runs one, or SQL as one of these roles, does.
    How it is measured: the privileges that they hold on the tables of the exposed schemas, under both grant regimes.
    What to do: REVOKE TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA public FROM anon, authenticated; where it
    matters.
    """
    access = try_access(context)
    names = [
        name
        for name in access.relations
        if any(access.of(regime, name, actor, "TRUNCATE").may for regime in access.regimes for actor in (ANON, FIRST))
    ]
    if not names:
        yield Answer(Status.KEPT, CATALOG, "anon and authenticated hold no privilege that row security does not bind.")
        return
    yield Answer(
        Status.NOTED,
        CATALOG,
        f"anon and authenticated hold TRUNCATE on {number_of(len(names), 'tables')}, which no migration granted and row "
        "security does not bind.",
    )


@check("access.public", subjects=_catalog_elsewhere, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "Nothing is granted to PUBLIC.")
def access_public(context: Context) -> Iterator[Answer]:
    """Nothing is granted to PUBLIC.

    Why it matters: PUBLIC is every role there is, and every one that will be made: of another application, of a backup,
    of somebody who is to read one table.
    How it is measured: the privileges of PUBLIC at the head of the chain on tables, views and sequences that it made,
    and CREATE on schemas; those by ALTER DEFAULT PRIVILEGES too.
    What to do: REVOKE ... FROM PUBLIC; and GRANT ... TO the role that needs it.
    """
    for grant in context.migrated.grants:
        kind, name = grant.object
        given = [one for one in grant.privileges if kind != "schema" or (one == "create" and one not in grant.implied)]
        if grant.grantee != "public" or kind not in _GRANTED_KINDS or not given:
            continue
        words = ", ".join(one.upper() for one in given)
        by_default = "Take it from ALTER DEFAULT PRIVILEGES; " if set(given) & set(grant.implied) else ""
        yield Answer(
            Status.BROKEN,
            grant.on,
            f"PUBLIC, which is every role, has {words} on the {kind} {name}.",
            expected="privileges for the roles that need them",
            actual=words,
            remedy=f"{by_default}REVOKE {words} ON {kind.upper().replace('VIEW', 'TABLE')} {name} FROM PUBLIC; then "
            "GRANT it to the role that needs it.",
            origin=origin_in_chain(context.promise, kind, name),
        )


@check("extension.schema", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "No extension is in the schema public.")
def extension_schema(context: Context) -> Iterator[Answer]:
    """No extension is in the schema public.

    Why it matters: the REST API shows the functions and tables of public, an extension's among them, to anon.
    How it is measured: pg_extension.extnamespace at the head of the chain, for the extensions that it made and that have
    a function or a table in public: those of pg_net and pg_cron stand in schemas of their own.
    What to do: CREATE EXTENSION ... SCHEMA extensions; or ALTER EXTENSION ... SET SCHEMA extensions.
    """
    extensions = [extension for extension in made_parts(context, "extensions") if extension.schema == "public"]
    if not extensions:
        return
    with context.sandbox.rolled_back(context.after_state) as connection:
        shown = {name for (name,) in connection.execute(_SHOWN)}
    for extension in extensions:
        if extension.name not in shown:
            continue
        yield Answer(
            Status.BROKEN,
            extension.name,
            f"The extension {extension.name} is in the schema public, which the REST API shows.",
            expected="the schema extensions",
            actual="public",
            remedy=f"ALTER EXTENSION {extension.name} SET SCHEMA extensions;",
            origin=origin_in_chain(context.promise, "extension", extension.name),
        )
