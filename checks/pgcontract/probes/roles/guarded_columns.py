"""Columns that others are to set, by their names: what a user's rights or his money stand in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Schema, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.roles.access import Access
from pgcontract.probes.roles.users import ANNA
from pgcontract.probes.roles.users_rows import PRIVILEGED

# Said of any row, and not of the one that a user has: there they are content.
_ON_A_PROFILE_ALONE: Final = lazy_pattern(r"points|plan|tier|(is_?)?(verified|approved)|scopes?", re.IGNORECASE)
# As these, but for what somebody belongs to, and for a purse: a task or a course has its credits and its access level.
_OF_A_STANDING: Final = lazy_pattern(
    r"credits?|access_?level|permissions?|privileges?|is_?(premium|paid)|subscription_?(plan|tier|status|level)",
    re.IGNORECASE,
)
_HOLDS_A_STANDING: Final = lazy_pattern(
    r"users?(_\w+)?|(\w+_)?(profiles?|members?|memberships?|accounts?|wallets?|purses?|balances?|credits)", re.IGNORECASE
)
_STATUS: Final = lazy_pattern(r"((payment|subscription|order|membership)_?)?(status|state)|paid|is_paid", re.IGNORECASE)
# A column, or a table. What somebody sells has a product, a price and an account there, and is his.
_OF_A_PAYMENT: Final = lazy_pattern(
    r"(stripe|paddle|paypal|razorpay|lemon_?squeezy|polar|revenuecat)_(?!products?|prices?|accounts?|connect)\w+"
    r"|payment_intent(_id)?|checkout_session(_id)?|current_period_(start|end)",
    re.IGNORECASE,
)
POWER: Final = lazy_pattern(r"admin|owner|super|root|staff|moderator|pro|premium|paid", re.IGNORECASE)
PAID: Final = lazy_pattern(r"paid|active|succeeded|complete|completed", re.IGNORECASE)


def is_guarded(column: Column) -> bool:
    """Whether others are to set it, by its name."""
    return PRIVILEGED.fullmatch(column.bare_name) is not None


def is_status(column: Column) -> bool:
    """Whether it says how something stands: a payment, where the table is of a payment service."""
    return _STATUS.fullmatch(column.bare_name) is not None


def guarded_columns(schema: Schema, access: Access) -> Iterator[Column]:
    """Those of tables in which user A has a row."""
    of_payments = {
        column.table
        for column in schema.columns
        for name in (column.bare_name, QualifiedName.parse(column.table).name)
        if _OF_A_PAYMENT.fullmatch(name)
    }
    for column in schema.columns:
        table = access.relations.get(column.table)
        if not isinstance(table, Table) or not table.row_security or (column.table, ANNA.number) not in access.rows:
            continue
        ties = access.ties.get(column.table, frozenset())
        if not ties or column.bare_name in ties or column.generated:
            continue
        is_paid_for = column.table in of_payments and is_status(column)
        if any(PAID.fullmatch(text) for text in re.findall(r"'([^']*)'::", column.default or "")):
            continue  # as each row begins
        if not is_paid_for and not is_guarded(column):
            continue
        has_one = is_profile(schema, column.table, ties)
        if _ON_A_PROFILE_ALONE.fullmatch(column.bare_name) and not has_one:
            continue
        if _OF_A_STANDING.fullmatch(column.bare_name) and not (
            has_one or is_paid_for or is_membership(schema, column.table, ties) or _is_of_standing(column.table)
        ):
            continue
        yield column


def is_profile(schema: Schema, table: str, ties: frozenset[str]) -> bool:
    """Whether a user has one row of it."""
    return any(
        index.unique and len(index.keys) == 1 and index.keys[0].strip('"') in ties
        for index in schema.indexes_by_table.get(table, ())
    )


def is_membership(schema: Schema, table: str, ties: frozenset[str]) -> bool:
    """Whether a user has one row of it, or one for each of what he belongs to: it has a key of nothing but references."""
    referring = ties | {
        name.strip('" ')
        for rule in schema.constraints
        if rule.table == table and rule.form == "foreign key"
        for name in (rule.definition or "").partition("(")[2].partition(")")[0].split(",")
    }
    keys = [[key.strip('"') for key in index.keys] for index in schema.indexes_by_table.get(table, ()) if index.unique]
    return any(
        not ties.isdisjoint(key) and all(name in referring or name.endswith("_id") for name in key) for key in keys
    )


def _is_of_standing(table: str) -> bool:
    return _HOLDS_A_STANDING.fullmatch(QualifiedName.parse(table).name) is not None
