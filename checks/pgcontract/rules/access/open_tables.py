"""Tables that the public key opens, and policies that are not in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgcontract.model.schema import Table
from pgcontract.model.wording import joined, number_of
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, Try, is_exposed, try_access
from pgcontract.probes.roles.users import Actor
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

_WORDS = {"SELECT": "reads", "INSERT": "inserts", "UPDATE": "updates", "DELETE": "deletes"}
_PARTITIONS_NAMED = 3


@check("table.row_security", subjects=catalog_on_supabase, severity=Severity.CRITICAL, head=True, implied=True)
@otherwise_kept(CATALOG, "No table that the REST API shows is open to the public key.")
def table_row_security(context: Context) -> Iterator[Answer]:
    """No table that the REST API shows is open to the public key.

    Why it matters: the key of anon is in every page that uses it. A table without row security that anon or authenticated
    has privileges on is read and written by anybody who looks at the page.
    How it is measured: at the head of the chain, under both grant regimes, anon and two signed-in users SELECT, INSERT,
    UPDATE and DELETE in each table of the exposed schemas that has no row security, over rows, each in a savepoint. A
    table of another schema that is in the publication supabase_realtime is read: Realtime sends it to whoever may.
    What to do: ALTER TABLE ... ENABLE ROW LEVEL SECURITY, with policies for whoever is to read it; a partition needs its
    own. Or REVOKE ALL FROM anon, authenticated, where nobody is to reach it from a browser.
    """
    access = try_access(context)
    tables = {table.name: table for table in access.relations.values() if isinstance(table, Table)}
    opened = {name: openings for name in tables if (openings := _openings(access, tables[name]))}
    for name in opened:
        root = _root(tables, name)
        if root != name and root in opened:
            continue  # it is told with its partitioned table
        if root != name and name != next(one for one in opened if _root(tables, one) == root):
            continue
        partitions = [one for one in opened if root != name and _root(tables, one) == root]
        yield _open_answer(context, access, root, partitions, opened[name])
    if access.left:
        yield Answer(
            Status.UNKNOWN,
            CATALOG,
            f"{len(access.left)} of {len(access.left) + len(access.relations)} tables and views were not tried as anon "
            f"and as users, as they are too many: {', '.join(access.left[:3])}, … No rule of roles was asked of them.",
            remedy="Judge the folder in two parts, or waive it.",
            required=True,
        )


def _root(tables: dict[str, Table], name: str) -> str:
    while (parent := tables[name].partition_of if name in tables else None) is not None:
        name = parent
    return name


def _openings(access: Access, table: Table) -> list[tuple[str, Actor, str, Try]]:
    if table.row_security:
        return []
    tried = [
        (regime, actor, operation, one)
        for operation in _WORDS
        for regime, actor, one in access.all(table.name, operation)
        if one.may
    ]
    is_foreign = table.form == "foreign table"  # what is behind it is not here to be read
    return [each for each in tried if each[3].rows or (each[2] == "SELECT" and (is_foreign or each[3].refused is None))]


def _open_answer(
    context: Context,
    access: Access,
    table: str,
    partitions: Sequence[str],
    openings: Sequence[tuple[str, Actor, str, Try]],
) -> Answer:
    reader = openings[0][1]
    done = dict.fromkeys(operation for _, actor, operation, _ in openings if actor == reader)
    words = [
        f"reads {number_of(one.rows, 'rows')}" if operation == "SELECT" else _WORDS[operation]
        for operation in done
        for one in [next(each for _, actor, of, each in openings if (actor, of) == (reader, operation))]
    ]
    where = in_projects(context, access, (regime for regime, *_ in openings))
    rows = tuple(
        dict.fromkeys(
            (described(actor), operation, number_of(one.rows, "rows"), _age(context, regime))
            for regime, actor, operation, one in openings
        )
    )
    names = partitions or [table]
    of = ""
    if partitions:
        listed = ", ".join(names[:_PARTITIONS_NAMED]) + (", …" if len(names) > _PARTITIONS_NAMED else "")
        of = f" past it: {number_of(len(names), 'partitions')} ({listed}) {'has' if len(names) == 1 else 'have'} none"
    policies = [policy.name for policy in context.after.policies if policy.table == table]
    idle = ""
    if policies and not partitions:
        idle = " Its policy restricts" if len(policies) == 1 else f" Its {len(policies)} policies restrict"
        idle += " nothing."
    who = f"{described(reader)} {joined(words)}"
    subject_has = f"{table} has row security, and is open{of}" if partitions else f"{table} has no row security"
    if not is_exposed(context, names[0]):
        subject_has += ", and Realtime sends it, as it is in supabase_realtime"
    remedy = " ".join(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;" for name in names)
    remedy += " Then a policy for whoever is to reach it." if not partitions else ""
    relation = access.relations.get(table)
    if isinstance(relation, Table) and relation.form == "foreign table":
        subject_has, who = f"{table} is a foreign table, which no row security binds", f"{described(reader)} may read it"
        remedy = f"REVOKE ALL ON {table} FROM PUBLIC, anon, authenticated; or a schema for it that is not exposed."
    shown = next((one.shown for _, _, _, one in openings if one.shown is not None), None)
    return Answer(
        Status.BROKEN,
        table,
        f"{subject_has}: {who}{where}.{idle}",
        expected="row security, or no privilege of anon and authenticated",
        actual=f"no row security on {', '.join(names[:_PARTITIONS_NAMED])}",
        remedy=remedy,
        evidence=[
            *([session(shown, reader)] if shown is not None else []),
            Evidence(title="What they reached", columns=("who", "operation", "rows", "project made"), rows=rows),
        ],
        origin=origin_in_chain(context.promise, "table", names[0]),
    )


def _age(context: Context, regime: str) -> str:
    return next(each.description for each in context.regimes if each.name == regime)


@check("policy.in_force", subjects=catalog_of_head, severity=Severity.ERROR, head=True, implied=True)
@otherwise_kept(CATALOG, "Each policy is on a table that has row security.")
def policy_in_force(context: Context) -> Iterator[Answer]:
    """Each policy is on a table that has row security.

    Why it matters: a policy on a table without row security is asked by nobody, though it reads as if it protected it.
    How it is measured: pg_policy against pg_class.relrowsecurity at the head of the chain, for the tables that it made.
    What to do: ALTER TABLE ... ENABLE ROW LEVEL SECURITY.
    """
    policies = context.migrated.policies
    for table in made_parts(context, "tables"):
        idle = [policy.quoted_name for policy in policies if policy.table == table.name]
        if table.row_security or not idle:
            continue
        have, them = ("a policy", "it") if len(idle) == 1 else (f"{len(idle)} policies", "them")
        yield Answer(
            Status.BROKEN,
            table.name,
            f"{table.name} has {have} ({', '.join(idle[:3])}) and no row security: nobody asks {them}.",
            expected="row security",
            actual="row security is off",
            remedy=f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY;",
            origin=origin_in_chain(context.promise, "table", table.name),
        )
