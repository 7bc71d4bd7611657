"""Columns that a user is not to set for himself, and columns that hold what is nobody else's business."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pgcontract.model.schema import Column, Schema, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, try_access
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.users import ANNA, ANON, FIRST, SECOND
from pgcontract.probes.roles.users_rows import PRIVILEGED
from pgcontract.probes.roles.users_state import acting_stages
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, origin_in_chain

# Said of any row, and not of the one that a user has: there they are content.
_ON_A_PROFILE_ALONE: Final = lazy_pattern(r"points|plan|tier|(is_?)?(verified|approved)|scopes?", re.IGNORECASE)
_POWER: Final = lazy_pattern(r"admin|owner|super|root|staff|moderator|pro|premium|paid", re.IGNORECASE)
_PERSONAL: Final = lazy_pattern(
    r"e_?mail(_?address)?|phone(_?(no|number))?|mobile(_?(phone|number))?|ssn|social_security(_?number)?|passport(_?(no|number))?"
    r"|national_id|tax_id|iban|bank_account(_?number)?|credit_?card(_?number)?|card_number|cvv|date_of_birth|birth_?(date|day)"
    r"|dob|(home|street|postal|billing|shipping)_?address|password(_?(hash|digest))?|api_?key|secret(_?key)?"
    r"|(access|refresh)_?token|ip_?address|salary|medical_.*|diagnosis",
    re.IGNORECASE,
)


@check("column.guarded", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "No user sets a role, a balance or the like on his own row.")
def column_guarded(context: Context) -> Iterator[Answer]:
    """No user sets on his own row what others are to give him: a role, is_admin, a balance.

    Why it matters: a policy lets a user change his row, all of it. What his rights or his money stand in stands there,
    too.
    How it is measured: a signed-in user sets each such column, by its name, on his own row, and what it then holds is
    read: a trigger that puts it back, a WITH CHECK that refuses it, or a grant of other columns keeps it.
    What to do: REVOKE UPDATE ON the table and GRANT UPDATE (the columns that are his); or a trigger that keeps the old
    value.
    """
    access = try_access(context)
    raised = raised_columns(context)
    for column, regimes, outcome in raised:
        others = [
            one.quoted_name
            for one in context.after.columns
            if one.table == column.table
            and not PRIVILEGED.fullmatch(one.bare_name)
            and one.bare_name not in access.ties.get(column.table, ())
            and not one.generated
            and one.identity is None
        ]
        yield Answer(
            Status.BROKEN,
            column.name,
            f"A user sets {column.bare_name} on his own row of {column.table}{in_projects(context, access, regimes)}.",
            expected="a column that others set",
            actual=outcome.statement,
            remedy=f"REVOKE UPDATE ON {column.table} FROM anon, authenticated; GRANT UPDATE "
            f"({', '.join(others) or '…'}) ON {column.table} TO authenticated;",
            evidence=[session(outcome, FIRST)],
            origin=origin_in_chain(context.promise, "table", column.table),
        )


@cached_state_fact
def raised_columns(context: Context) -> tuple[tuple[Column, tuple[str, ...], Outcome], ...]:
    """The columns that user A set on his own row, with the regimes under which, and the statement."""
    access = try_access(context)
    candidates = [*_candidates(context.after, access)]
    if not candidates:
        return ()
    found: dict[str, tuple[Column, tuple[str, ...], Outcome]] = {}
    with acting_stages(context) as open_stage:
        for regime in access.regimes:
            stage = open_stage(regime)
            for column in candidates:
                outcome = _raise(context.after, access, stage, regime, column)
                if outcome is not None:
                    known = found.get(column.name)
                    found[column.name] = column, (*(known[1] if known else ()), regime), outcome
    return tuple(found.values())


def _candidates(schema: Schema, access: Access) -> Iterator[Column]:
    for column in schema.columns:
        table = access.relations.get(column.table)
        if not isinstance(table, Table) or not table.row_security or (column.table, ANNA.number) not in access.rows:
            continue
        ties = access.ties.get(column.table, frozenset())
        if not ties or column.bare_name in ties or column.generated or not PRIVILEGED.fullmatch(column.bare_name):
            continue
        if _ON_A_PROFILE_ALONE.fullmatch(column.bare_name) and not _is_profile(schema, column.table, ties):
            continue
        if not any(column.bare_name == key.split()[0] for one in _keys(schema, column.table) for key in one):
            yield column


def _keys(schema: Schema, table: str) -> Iterator[Sequence[str]]:
    return (
        one.keys for one in schema.indexes_by_table.get(table, ()) if (one.constraint or "").startswith("primary key ")
    )


def _is_profile(schema: Schema, table: str, ties: frozenset[str]) -> bool:
    """Whether a user has one row of it."""
    return any(
        index.unique and len(index.keys) == 1 and index.keys[0].strip('"') in ties
        for index in schema.indexes_by_table.get(table, ())
    )


def _raise(schema: Schema, access: Access, stage: Stage, regime: str, column: Column) -> Outcome | None:
    held = access.held.get((regime, column.table, "authenticated"))
    row = access.rows[column.table, ANNA.number]
    if held is None or not held.may_column("UPDATE", column.bare_name):
        return None
    tie = next(iter(sorted(access.ties[column.table])))
    for value in _higher(schema, column, row.values.get(column.bare_name)):
        change = f"UPDATE {column.table} SET {column.quoted_name} = {literal(value)} WHERE {tie} = {literal(ANNA.id)}"  # noqa: S608
        outcome = stage.attempt(change, FIRST, sent=f"{change} RETURNING {column.quoted_name}::text")
        if any(held_value == value or _equal(held_value, value) for (held_value,) in outcome.rows):
            return outcome
    return None


def _equal(one: object, other: str) -> bool:
    try:
        return float(str(one)) == float(other)
    except ValueError:
        return False


def _higher(schema: Schema, column: Column, held: object) -> Iterator[str]:
    labels = next((one.labels for one in schema.types if one.is_type(column.type)), ())
    checks = [one.definition or "" for one in schema.constraints if one.table == column.table and one.form == "check"]
    listed = [text for check in checks if column.bare_name in check for text in re.findall(r"'([^']*)'::", check)]
    known = [text for text in (*labels, *listed) if text != held]
    if column.type == "boolean":
        yield "true"
    elif known:
        yield sorted(known, key=lambda text: not _POWER.search(text))[0]
    elif column.type.startswith(("numeric", "int", "bigint", "smallint", "double", "real")):
        yield "777"
    elif column.type.endswith("[]"):
        yield "{admin}"
    elif column.type.startswith(("text", "character")):
        yield "admin"


@check("column.personal", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "No column that is called as personal data is read by everybody.")
def column_personal(context: Context) -> Iterator[Answer]:
    """No column that is called as personal data is read by everybody.

    Why it matters: an e-mail address, a telephone number or a date of birth that any visitor can list will be listed.
    How it is measured: columns of tables with row security, by their names (email, phone, date_of_birth, ...), of rows
    that anon reads, or any signed-in user of another's, under both grant regimes.
    What to do: REVOKE SELECT ON the table, and GRANT SELECT (the other columns); or a table of their own, for their
    owner.
    """
    access = try_access(context)
    for column in context.after.columns:
        table = access.relations.get(column.table)
        if not isinstance(table, Table) or not table.row_security or not _PERSONAL.fullmatch(column.bare_name):
            continue
        for actor in (ANON, SECOND):
            regimes = [
                regime
                for regime in access.regimes
                for tried in [access.of(regime, column.table, actor, "SELECT")]
                for held in [access.held.get((regime, column.table, actor.role))]
                if tried.others + tried.loose and held and held.may_column("SELECT", column.bare_name)
            ]
            if not regimes:
                continue
            rest = [
                one.quoted_name
                for one in context.after.columns
                if one.table == column.table and not _PERSONAL.fullmatch(one.bare_name)
            ]
            shown = access.of(regimes[0], column.table, actor, "SELECT").shown
            taken = f"REVOKE SELECT ON {column.table} FROM anon, authenticated;"  # noqa: S608 - the catalog's
            again = f"GRANT SELECT ({', '.join(rest)}) ON {column.table} TO {actor.role};"
            yield Answer(
                Status.BROKEN,
                column.name,
                f"{described(actor)} reads {column.bare_name} in other people's rows of "
                f"{column.table}{in_projects(context, access, regimes)}: by its name that is personal data.",
                expected="personal data for whom it is about",
                actual=f"read by {described(actor)}",
                remedy=f"{taken} {again}",
                evidence=[session(shown, actor)] if shown else [],
                origin=origin_in_chain(context.promise, "table", column.table),
            )
            break
