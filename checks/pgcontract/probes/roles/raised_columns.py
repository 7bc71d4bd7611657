"""What a user gives himself in a row of his own: a role, a balance, a paid status. Tried by UPDATE, INSERT, sign-up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Function, Schema, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, insert_statement, try_access
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.separation import called_in
from pgcontract.probes.roles.users import ANNA, FIRST, User
from pgcontract.probes.roles.users_rows import PRIVILEGED
from pgcontract.probes.roles.users_state import acting_stages, users_state
from pgcontract.values import dataclass

_SIGN_UP: Final = User(name="user C", number=3, id="c0000000-0000-4000-8000-00000000000c", email="cleo@example.org")
_SAID: Final = lazy_pattern(r"raw_user_meta_data\"?\s*->>?\s*'(\w+)'", re.IGNORECASE)
_NEW: Final = 930  # what a row that is tried to be inserted is made of
_TAKEN: Final = "23505"
# Said of any row, and not of the one that a user has: there they are content.
_ON_A_PROFILE_ALONE: Final = lazy_pattern(r"points|plan|tier|(is_?)?(verified|approved)|scopes?", re.IGNORECASE)
_POWER: Final = lazy_pattern(r"admin|owner|super|root|staff|moderator|pro|premium|paid", re.IGNORECASE)
_OF_PEOPLE: Final = lazy_pattern(
    r"(\w+_)?(users?|profiles?|members?|memberships?|roles?|accounts?|people|persons?|employees?|staff|admins?|customers?)(_\w+)?",
    re.IGNORECASE,
)
_STATUS: Final = lazy_pattern(r"((payment|subscription|order|membership)_?)?(status|state)|paid|is_paid", re.IGNORECASE)
_OF_A_PAYMENT: Final = lazy_pattern(
    r"(stripe|paddle|paypal|razorpay|lemon_?squeezy|polar|revenuecat)_\w+|price_id|payment_intent(_id)?"
    r"|checkout_session(_id)?|current_period_(start|end)",
    re.IGNORECASE,
)
_PAID: Final = lazy_pattern(r"paid|active|succeeded|complete|completed", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Raised:
    """A column that user A set, by which operation, to what, under which regimes. `asking` is the policy whose answer
    rests on that value, if any does. By SIGN UP it is `maker` that takes it from what he says of himself."""

    column: Column
    operation: str
    value: str
    regimes: tuple[str, ...]
    outcome: Outcome
    asking: str = ""
    maker: str = ""


def is_guarded(column: Column) -> bool:
    """Whether others are to set it, by its name."""
    return PRIVILEGED.fullmatch(column.bare_name) is not None


@cached_state_fact
def raised_columns(context: Context) -> tuple[Raised, ...]:
    """Each column once: the UPDATE, where several ways are open."""
    access = try_access(context)
    candidates = [*_candidates(context.after, access)]
    if not candidates:
        return ()
    found: dict[str, Raised] = {}
    with acting_stages(context) as open_stage:
        for regime in access.regimes:
            raiser = _Raiser(context, access, open_stage(regime), regime)
            for column in candidates:
                raised = raiser.by_update(column) or raiser.by_insert(column) or raiser.by_sign_up(column)
                if raised is not None:
                    known = found.get(column.name)
                    regimes = (*(known.regimes if known else ()), regime)
                    found[column.name] = Raised(**{**vars(raised), "regimes": regimes})
    return tuple(found.values())


def _candidates(schema: Schema, access: Access) -> Iterator[Column]:
    of_payments = {column.table for column in schema.columns if _OF_A_PAYMENT.fullmatch(column.bare_name)}
    for column in schema.columns:
        table = access.relations.get(column.table)
        if not isinstance(table, Table) or not table.row_security or (column.table, ANNA.number) not in access.rows:
            continue
        ties = access.ties.get(column.table, frozenset())
        if not ties or column.bare_name in ties or column.generated:
            continue
        is_status = column.table in of_payments and _STATUS.fullmatch(column.bare_name) is not None
        if any(_PAID.fullmatch(text) for text in re.findall(r"'([^']*)'::", column.default or "")):
            continue  # as each row begins
        if not is_status and not is_guarded(column):
            continue
        if _ON_A_PROFILE_ALONE.fullmatch(column.bare_name) and not _is_profile(schema, column.table, ties):
            continue
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


class _Raiser:
    """Tries under one regime."""

    def __init__(self, context: Context, access: Access, stage: Stage, regime: str) -> None:
        self._schema = context.after
        self._access = access
        self._stage = stage
        self._regime = regime
        self._made = users_state(context).made
        self._filled = {table.name: table for table in users_state(context).tables}

    def by_update(self, column: Column) -> Raised | None:
        held = self._access.held.get((self._regime, column.table, FIRST.role))
        if held is None or not held.may_column("UPDATE", column.bare_name):
            return None
        if any(column.bare_name == key.split()[0] for one in _keys(self._schema, column.table) for key in one):
            return None
        row = self._access.rows[column.table, ANNA.number]
        for value in self._higher(column, row.values.get(column.bare_name)):
            change = f"UPDATE {column.table} SET {column.quoted_name} = {literal(value)} WHERE {self._is_his(column)}"  # noqa: S608
            outcome = self._stage.attempt(change, FIRST, sent=f"{change} RETURNING {column.quoted_name}::text")
            if _holds(outcome, value):
                raised = self._raised(column, "UPDATE", value, outcome)
                # In one of many rows it says whose words a message is, or for what work somebody applies.
                is_rank = self._is_power(column, value) or self._is_of_a_member(column)
                if raised.asking or (is_rank and not self._is_free(column)):
                    return raised
        return None

    def by_insert(self, column: Column) -> Raised | None:
        """In a table whose rows are about users alone: of a team the role is one there."""
        filled = self._filled.get(column.table)
        held = self._access.held.get((self._regime, column.table, FIRST.role))
        if filled is None or held is None or not held.may_column("INSERT", column.bare_name):
            return None
        ties = self._access.ties[column.table]
        if not _STATUS.fullmatch(column.bare_name) and any(
            name not in ties for key in filled.references for name in key.columns
        ):
            return None
        for value in self._higher(column, None):
            if not self._is_power(column, value):
                continue
            values = self._made.values(filled, ANNA, _NEW) | {column.bare_name: value}
            values = {name: held_value for name, held_value in values.items() if held.may_column("INSERT", name)}
            statement = insert_statement(column.table, values)
            outcome = self._insert(statement, column)
            if outcome.refusal is not None and outcome.refusal.sqlstate == _TAKEN and not self._makers(filled.name):
                before = f"DELETE FROM {column.table} WHERE {self._is_his(column)}"  # noqa: S608 - the catalog's
                outcome = self._insert(statement, column, before=before)
            if _holds(outcome, value):
                raised = self._raised(column, "INSERT", value, outcome)
                if raised.asking or not self._is_free(column):
                    return raised
        return None

    def by_sign_up(self, column: Column) -> Raised | None:
        """By what he says of himself, where a function makes his row of it."""
        for function in self._makers(column.table):
            keys = dict.fromkeys(_SAID.findall(function.body or ""))
            privileged = [key for key in keys if key == column.bare_name or PRIVILEGED.fullmatch(key)]
            for value in self._higher(column, None) if privileged else ():
                for other in ("", "Cleo") if self._is_power(column, value) else ():
                    said = {key: value if key in privileged else other for key in keys if key in privileged or other}
                    outcome = self._sign_up(column, said)
                    if _holds(outcome, value):
                        return self._raised(column, "SIGN UP", value, outcome, maker=function.name)
        return None

    def _sign_up(self, column: Column, said: Mapping[str, str]) -> Outcome:
        values = ", ".join(map(literal, (_SIGN_UP.id, _SIGN_UP.email, "authenticated", json.dumps(said))))
        statement = f"INSERT INTO auth.users (id, email, role, raw_user_meta_data) VALUES ({values})"  # noqa: S608
        tie = min(self._access.ties[column.table])
        read = f"SELECT {column.quoted_name}::text FROM {column.table} WHERE {tie}::text = {literal(_SIGN_UP.id)}"  # noqa: S608
        return self._stage.attempt(statement, sent=f"{statement}; {read}")

    def _insert(self, statement: str, column: Column, *, before: str = "") -> Outcome:
        read = f"SELECT {column.quoted_name}::text FROM {column.table} WHERE {self._is_his(column)}"  # noqa: S608
        return self._stage.attempt(statement, FIRST, before=before, sent=f"{statement}; RESET ROLE; {read}")

    def _is_his(self, column: Column) -> str:
        return f"{min(self._access.ties[column.table])} = {literal(ANNA.id)}"

    def _makers(self, table: str) -> list[Function]:
        """The functions that insert into it: a user has his row of them before he could insert one."""
        name = re.escape(QualifiedName.parse(table).name)
        inserts = re.compile(rf'\bINSERT\s+INTO\s+(?:"?public"?\.)?"?{name}"?\W', re.IGNORECASE)
        return [function for function in self._schema.functions if inserts.search(function.body or "")]

    def _is_power(self, column: Column, value: str) -> bool:
        """Whether it is more than a user chooses of himself when he signs up, as to buy or to sell."""
        is_text = column.type != "boolean" and not value.isdigit()
        return not is_text or _POWER.search(value) is not None or _STATUS.fullmatch(column.bare_name) is not None

    def _is_free(self, column: Column) -> bool:
        """Whether it is a role in any words, in one of many rows, in a table that is not called as one of people."""
        return (
            column.bare_name.lower() == "role"
            and column.type.startswith(("text", "character"))
            and not self._listed(column)
            and not self._is_of_a_member(column)
            and not _OF_PEOPLE.fullmatch(QualifiedName.parse(column.table).name)
        )

    def _is_of_a_member(self, column: Column) -> bool:
        """Whether a user has one row of the table, or one for each of what he belongs to."""
        ties = self._access.ties[column.table]
        indexes = self._schema.indexes_by_table.get(column.table, ())
        return any(index.unique and not ties.isdisjoint(key.strip('"') for key in index.keys) for index in indexes)

    def _raised(self, column: Column, operation: str, value: str, outcome: Outcome, *, maker: str = "") -> Raised:
        return Raised(
            column=column,
            operation=operation,
            value=value,
            regimes=(self._regime,),
            outcome=Outcome(statement=outcome.statement),
            asking=self._asking(column, value),
            maker=maker,
        )

    def _asking(self, column: Column, value: str) -> str:
        """The first policy that looks into the table for this value, itself or by a function that it calls."""
        if column.type.startswith(("numeric", "int", "bigint", "smallint", "double", "real")):
            return ""
        words = [rf"\b{re.escape(QualifiedName.parse(column.table).name)}\b", rf"\b{re.escape(column.bare_name)}\b"]
        if column.type != "boolean":
            words.append(rf"'{re.escape(value)}'")
        for policy in self._schema.policies:
            texts = [policy.using or "", policy.check or ""]
            text = " ".join((*texts, *called_in(self._schema, texts)))
            if all(re.search(word, text, re.IGNORECASE) for word in (r"\bFROM\b", *words)):
                return f"the policy {policy.quoted_name} on {policy.table}"
        return ""

    def _listed(self, column: Column) -> list[str]:
        """What the CHECKs of the table name beside it."""
        rules = [one for one in self._schema.constraints if one.table == column.table and one.form == "check"]
        texts = [one.definition or "" for one in rules]
        return [text for check in texts if column.bare_name in check for text in re.findall(r"'([^']*)'::", check)]

    def _higher(self, column: Column, held: object) -> Iterator[str]:
        schema = self._schema
        labels = next((one.labels for one in schema.types if one.is_type(column.type)), ())
        known = [text for text in (*labels, *self._listed(column)) if text != held]
        if _STATUS.fullmatch(column.bare_name) and column.type != "boolean":
            yield from [text for text in known if _PAID.fullmatch(text)][:1]
            if not known and column.type.startswith(("text", "character")):
                yield "active"
        elif column.type == "boolean":
            yield "true"
        elif known:
            yield sorted(known, key=lambda text: not _POWER.search(text))[0]
        elif column.type.startswith(("numeric", "int", "bigint", "smallint", "double", "real")):
            yield "777"
        elif column.type.endswith("[]"):
            yield "{admin}"
        elif column.type.startswith(("text", "character")):
            yield "admin"


def _holds(outcome: Outcome, value: str) -> bool:
    return outcome.refusal is None and any(held == value or _equal(held, value) for (held,) in outcome.rows)


def _equal(one: object, other: str) -> bool:
    try:
        return float(str(one)) == float(other)
    except ValueError:
        return False
