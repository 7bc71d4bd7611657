"""Rows of one user that another reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pgcontract.model.schema import Origin
from pgcontract.model.wording import joined
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, try_access
from pgcontract.probes.roles.separation import Crossing, find_crossings
from pgcontract.probes.roles.users import ANNA
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, origin_in_chain

_WORDS = {
    "SELECT": "reads {} row",
    "UPDATE": "updates {} row",
    "DELETE": "deletes {} row",
    "INSERT": "inserts a row in {} name",
}


@check("table.separates_users", subjects=catalog_on_supabase, severity=Severity.CRITICAL, head=True, implied=True)
def table_separates_users(context: Context) -> Iterator[Answer]:
    """No user reaches a row of another's where the table's policies mean to keep them apart.

    Why it matters: anybody can sign up. A policy that lets in whoever is signed in, or that compares a column with
    itself, gives each of them the others' rows.
    How it is measured: a row of each of two users is put into every table; a row is a user's by a foreign key to
    auth.users, by a column that a policy compares with auth.uid(), or by name (user_id, owner_id, ...). Then one of
    them and anon try to read, change, delete and make the other's. What USING (true) lets them read is not told here,
    nor what a value of the row (it is published) or a list of people (he is an admin) allows: both are tried. Nor may
    one of them make himself a member by a row of his own, and so read what he could not before. That he puts a row to
    what is another's, which he may not read, and that the other then reads it, is a warning; of tables that are called
    as what comes from outside (requests, orders, reviews, ...) it is not told.
    What to do: compare the column with (SELECT auth.uid()) in the policy, in WITH CHECK as well.
    """
    access = try_access(context)
    crossings = find_crossings(context)
    for table in dict.fromkeys(crossing.table for crossing in crossings):
        of_table = [crossing for crossing in crossings if crossing.table == table]
        direct = [crossing for crossing in of_table if not crossing.opens and not crossing.among]
        joined_by = [crossing for crossing in of_table if crossing.opens]
        if direct:
            yield _answer(context, access, direct)
        elif joined_by:
            yield _joined(context, access, joined_by)
        else:
            yield _put_among(context, access, of_table)
    if not crossings:
        empty = access.without_rows
        left = (
            f" {', '.join(empty[:3])}{', …' if len(empty) > 3 else ''} took no row, and was not asked." if empty else ""
        )
        yield Answer(Status.KEPT, CATALOG, f"No user reached a row of another's that policies keep apart.{left}")


def _joined(context: Context, access: Access, crossings: Sequence[Crossing]) -> Answer:
    first = crossings[0]
    opened = " and ".join(dict.fromkeys(crossing.opens for crossing in crossings))
    where = in_projects(context, access, (crossing.regime for crossing in crossings))
    return Answer(
        Status.BROKEN,
        first.table,
        f"{described(first.actor)} puts a row of his own into {first.table}, and by it reads {ANNA.name}'s row of "
        f"{opened}{where}.",
        expected="that others let him in",
        actual="; ".join(f"{policy.quoted_name}: {policy.check or policy.using}" for policy in first.policies),
        remedy=f"REVOKE INSERT ON {first.table} FROM anon, authenticated; and add members by a function that asks for an "
        "invitation; or ask in WITH CHECK whether the caller may add somebody there.",
        evidence=[session(first.outcome, first.actor)],
        origin=_origin(context, first),
    )


def _origin(context: Context, crossing: Crossing) -> Origin | None:
    """Where the first of its policies is made, else its table."""
    made = (origin_in_chain(context.promise, "policy", policy.name) for policy in crossing.policies)
    return next(filter(None, made), origin_in_chain(context.promise, "table", crossing.table))


def _put_among(context: Context, access: Access, crossings: Sequence[Crossing]) -> Answer:
    first = crossings[0]
    parents = " and ".join(dict.fromkeys(crossing.among for crossing in crossings))
    where = in_projects(context, access, (crossing.regime for crossing in crossings))
    does = "puts a row of his own to" if first.operation == "INSERT" else "moves a row of his own to"
    clause = "WITH CHECK" if first.operation == "INSERT" else "USING and WITH CHECK"
    return Answer(
        Status.BROKEN,
        first.table,
        f"{described(first.actor)} {does} {ANNA.name}'s row of {parents}, which he may not read, in {first.table}, and "
        f"{ANNA.name} finds it there{where}.",
        expected="rows from whom belongs there",
        actual="; ".join(f"{policy.quoted_name}: {policy.check or policy.using}" for policy in first.policies),
        remedy=f"Ask in {clause} for what the policy for SELECT asks, too: that the caller is a member there. Or waive "
        "it, where strangers are to send such rows.",
        evidence=[session(first.outcome, first.actor)],
        origin=_origin(context, first),
        severity=Severity.WARNING,
    )


def _answer(context: Context, access: Access, crossings: Sequence[Crossing]) -> Answer:
    table = crossings[0].table
    actor = crossings[0].actor
    done = [crossing for crossing in crossings if crossing.actor == actor]
    words = [_WORDS[crossing.operation].format(f"{ANNA.name}'s") for crossing in done]
    ties = access.ties.get(table, ())
    tie = next((column for column in context.after.columns_of(table) if column.bare_name in ties), None)
    policies = dict.fromkeys(policy for crossing in done for policy in crossing.policies)
    own, expected = f"… = {table}.…", "each member's rows for himself"
    if tie is not None:
        own = f"(SELECT auth.uid()){'' if tie.type == 'uuid' else '::text'} = {tie.quoted_name}"
        expected = f"each user's rows, told by {tie.bare_name}, for himself"
    remedies = []
    for policy in policies:
        clauses = [] if policy.command == "insert" else [f"USING ({own})"]
        clauses += [] if policy.command in ("select", "delete") else [f"WITH CHECK ({own})"]
        remedies.append(f"ALTER POLICY {policy.quoted_name} ON {table} {' '.join(clauses)};")
    where = in_projects(context, access, (crossing.regime for crossing in done))
    listed = joined(words)
    return Answer(
        Status.BROKEN,
        table,
        f"{described(actor)} {listed} of {table}{where if len(access.regimes) == 1 else ''}.",
        expected=expected,
        actual="; ".join(f"{policy.quoted_name}: {policy.using or policy.check}" for policy in policies),
        remedy=" ".join(remedies),
        evidence=[session(crossing.outcome, crossing.actor) for crossing in done],
        origin=next(
            (origin for policy in policies if (origin := origin_in_chain(context.promise, "policy", policy.name))),
            origin_in_chain(context.promise, "table", table),
        ),
    )
