"""Columns that a user is not to set for himself, and columns that hold what is nobody else's business."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from itertools import chain
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Schema, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import try_access
from pgcontract.probes.roles.guarded_columns import is_guarded
from pgcontract.probes.roles.raised_columns import Raised, primary_keys, raised_columns
from pgcontract.probes.roles.users import ANON, FIRST, SECOND
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, in_projects, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, origin_in_chain

_PERSONAL: Final = lazy_pattern(
    r"e_?mail(_?address)?|phone(_?(no|number))?|mobile(_?(phone|number))?|ssn|social_security(_?number)?|passport(_?(no|number))?"
    r"|national_id|tax_id|iban|bank_account(_?number)?|credit_?card(_?number)?|card_number|cvv|date_of_birth|birth_?(date|day)"
    r"|dob|(home|street|postal|billing|shipping)_?address|password(_?(hash|digest))?|api_?key|secret(_?key)?"
    r"|ip_?address|salary|medical_.*|diagnosis",
    re.IGNORECASE,
)
# Whoever has read one may use it. What is to be shared by its link may be meant to be read.
_TOKEN: Final = lazy_pattern(
    r"(?!share|public|csrf)(\w+_)?token|(invite|invitation|join|reset|otp|verification|confirmation|access)_?code|otp|magic_?link",
    re.IGNORECASE,
)
_OF_AN_INVITATION: Final = lazy_pattern(r"(\w+_)?invit(e|ation)s?(_\w+)?", re.IGNORECASE)
_OF_SOMEBODY: Final = lazy_pattern(
    r"(\w+_)?(user|owner|profile|account|member|team|org|organi[sz]ation|e?mail|expires|expiry|used|revoked|accepted)(_\w+)?",
    re.IGNORECASE,
)
_CARRIES: Final = ("text", "character", "uuid", "bytea")
_FOR_ONE: Final = "a secret"


@check("column.guarded", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "No user sets a role, a balance or the like on his own row.")
def column_guarded(context: Context) -> Iterator[Answer]:
    """No user sets on his own row what others are to give him: a role, is_admin, a balance.

    Why it matters: a policy lets a user change his row, all of it. What his rights or his money stand in stands there,
    too.
    How it is measured: a signed-in user sets each such column, by its name, on his own row, or in one that he inserts,
    and what it then holds is read: a trigger that puts it back, a WITH CHECK that refuses it, or a grant of other columns
    keeps it; somebody signs up who says it of himself, where a function makes his row of that; and he calls each SECURITY
    DEFINER function, and writes through each view or ledger, that reaches the column: what grows by the number that he
    gives, or holds his word, counts. A status is one where the table is of a payment service (stripe_...,
    current_period_end); credits, permissions and the like are those of a profile, a purse or a membership. An inserted
    role counts where no other key says of what, and only one of power (admin). It is critical where a policy, or a
    function that one calls, asks this table for the very value.
    What to do: REVOKE UPDATE ON the table and GRANT UPDATE (the columns that are his); or a trigger that keeps the old
    value. At sign-up take a role from raw_app_meta_data, or write it down. REVOKE EXECUTE ON a function that is the
    server's to call.
    """
    told = raised_columns(context)
    for raised in told:
        yield _raised_answer(context, raised, {one.column.name for one in told})


def _raised_answer(context: Context, raised: Raised, told: Set[str]) -> Answer:
    access, column, operation = try_access(context), raised.column, raised.operation
    # Nor which row it is: of a membership, where he is in.
    kept = {*access.ties.get(column.table, ()), *chain.from_iterable(primary_keys(context.after, column.table))}
    others = [
        one.quoted_name
        for one in context.after.columns
        if one.table == column.table
        and not is_guarded(one)
        and one.name not in told
        and (operation == "INSERT" or not kept & {one.bare_name, one.quoted_name})
    ]
    where = in_projects(context, access, raised.regimes)
    remedy = f"REVOKE {operation} ON {column.table} FROM anon, authenticated;"
    if others:
        remedy = f"{remedy} GRANT {operation} ({', '.join(others)}) ON {column.table} TO authenticated;"
    shown = session(raised.outcome, FIRST)
    if raised.maker:
        remedy = _without_maker(raised)
    if operation == "SIGN UP":
        shown = Evidence(title="What a sign-up comes to", text=f"{raised.outcome.statement};", language="sql")
    summary = _summary(raised, where)
    if raised.asking and raised.maker:
        summary = f"{summary} That is what {raised.asking} asks for."
    elif raised.asking:
        summary = f"{summary.removesuffix('.')}, which {raised.asking} asks for."
    return Answer(
        Status.BROKEN,
        column.name,
        summary,
        expected="a column that others set",
        actual=raised.outcome.statement,
        remedy=remedy,
        evidence=[shown],
        origin=origin_in_chain(context.promise, "function", raised.maker)
        or origin_in_chain(context.promise, "view", raised.maker)
        or origin_in_chain(context.promise, "table", column.table),
        severity=Severity.CRITICAL if raised.asking else None,
    )


def _summary(raised: Raised, where: str) -> str:
    name, table, maker = raised.column.bare_name, raised.column.table, raised.maker
    if raised.operation == "SIGN UP":
        return (
            f"Whoever signs up has {name} {raised.value!r} in {table} where he says so{where}: {maker} takes it from "
            "raw_user_meta_data, which he writes himself."
        )
    if raised.operation in ("CALL", "ROW"):
        does, what = "sets", f"{raised.value!r}"
        if raised.value.lstrip("-").isdigit():
            does, what = "raises", "a negative amount" if raised.value.startswith("-") else "the amount"
        how = f"calling {maker}, which" if raised.operation == "CALL" else f"an INSERT into {maker}, a trigger of which"
        return (
            f"A user {does} {name} on his own row of {table} by {how} takes {what} from him and writes with its owner's "
            f"rights{where}."
        )
    if raised.operation == "INSERT":
        return f"A user puts a row of his own into {table} with {name} {raised.value!r}{where}."
    through = f" through the view {maker}, which writes with its owner's rights" if maker else ""
    return f"A user sets {name} on his own row of {table}{through}{where}."


def _without_maker(raised: Raised) -> str:
    """What to do about the function or the view."""
    if raised.operation == "SIGN UP":
        return f"Write {raised.column.quoted_name} down in {raised.maker}, or take it from raw_app_meta_data."
    if raised.operation == "CALL":
        return (
            f"REVOKE EXECUTE ON FUNCTION {raised.maker} FROM PUBLIC, anon, authenticated; and GRANT it TO service_role; "
            "or ask in its body what gives the caller a right to that, and refuse the rest."
        )
    if raised.operation == "ROW":
        return (
            f"REVOKE INSERT ON {raised.maker} FROM anon, authenticated; or bound the amount in its trigger or a policy."
        )
    return (
        f"ALTER VIEW {raised.maker} SET (security_invoker = true); or REVOKE INSERT, UPDATE, DELETE ON {raised.maker} "
        "FROM PUBLIC, anon, authenticated;"
    )


@check("column.personal", subjects=catalog_on_supabase, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "No column that is called as personal data is read by everybody.")
def column_personal(context: Context) -> Iterator[Answer]:
    """No column that is called as personal data, or as a secret, is read by everybody.

    Why it matters: an e-mail address, a telephone number or a date of birth that any visitor can list will be listed; the
    token of an invitation or of a reset is used by whoever has read it.
    How it is measured: columns of tables with row security, by their names (email, phone, date_of_birth, ..._token), of
    rows that anon reads, or any signed-in user of another's, under both grant regimes.
    What to do: REVOKE SELECT ON the table, and GRANT SELECT (the other columns); or a table of their own, for their
    owner.
    """
    access = try_access(context)
    for column in context.after.columns:
        table = access.relations.get(column.table)
        said = _said_by_its_name(column, context.after)
        if not isinstance(table, Table) or not table.row_security or not said:
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
                if one.table == column.table and not _said_by_its_name(one, context.after)
            ]
            shown = access.of(regimes[0], column.table, actor, "SELECT").shown
            taken = f"REVOKE SELECT ON {column.table} FROM anon, authenticated;"  # noqa: S608 - the catalog's
            again = f"GRANT SELECT ({', '.join(rest)}) ON {column.table} TO {actor.role};"
            yield Answer(
                Status.BROKEN,
                column.name,
                f"{described(actor)} reads {column.bare_name} in other people's rows of "
                f"{column.table}{in_projects(context, access, regimes)}: by its name that is {said}.",
                expected=f"{said} for whom it is {'meant' if said == _FOR_ONE else 'about'}",
                actual=f"read by {described(actor)}",
                remedy=f"{taken} {again}",
                evidence=[session(shown, actor)] if shown else [],
                origin=origin_in_chain(context.promise, "table", column.table),
            )
            break


def _said_by_its_name(column: Column, schema: Schema) -> str:
    """What everybody is not to read; nothing of any other."""
    if _PERSONAL.fullmatch(column.bare_name):
        return "personal data"
    table = QualifiedName.parse(column.table).name
    is_token = _TOKEN.fullmatch(column.bare_name) or (column.bare_name == "code" and _OF_AN_INVITATION.fullmatch(table))
    return _FOR_ONE if is_token and column.type.startswith(_CARRIES) and not _is_a_sign(column, schema) else ""


def _is_a_sign(column: Column, schema: Schema) -> bool:
    """Whether it names a coin, a word or a colour: nothing draws it, and the table is about nobody."""
    return (
        column.bare_name.lower() == "token"
        and column.default is None
        and not any(rule.table == column.table and rule.form == "foreign key" for rule in schema.constraints)
        and not any(_OF_SOMEBODY.fullmatch(one.bare_name) for one in schema.columns_of(column.table))
    )
