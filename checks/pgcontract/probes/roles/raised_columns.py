"""What a user gives himself in a row of his own: a role, a balance, a paid status. Tried by UPDATE, INSERT, sign-up, and
through views and functions that write with their owner's rights."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Function, Schema, Table
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.access import Access, insert_statement, try_access
from pgcontract.probes.roles.acting import Outcome, Stage, literal
from pgcontract.probes.roles.definer_writes import try_definer_writes
from pgcontract.probes.roles.guarded_columns import PAID, POWER, guarded_columns, is_membership, is_profile, is_status
from pgcontract.probes.roles.raising_calls import RaisingCalls, is_numeric
from pgcontract.probes.roles.separation import called_in
from pgcontract.probes.roles.users import ANNA, FIRST, User
from pgcontract.probes.roles.users_rows import PRIVILEGED
from pgcontract.probes.roles.users_state import acting_stages, users_state
from pgcontract.values import dataclass

_SIGN_UP: Final = User(name="user C", number=3, id="c0000000-0000-4000-8000-00000000000c", email="cleo@example.org")
_SAID: Final = lazy_pattern(r"raw_user_meta_data\"?\s*->>?\s*'(\w+)'", re.IGNORECASE)
_NEW: Final = 930  # what a row that is tried to be inserted is made of
_TAKEN: Final = "23505"
_OF_PEOPLE: Final = lazy_pattern(
    r"(\w+_)?(users?|profiles?|members?|memberships?|roles?|accounts?|people|persons?|employees?|staff|admins?|customers?)(_\w+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Raised:
    """A column that user A set, by which operation, to what, under which regimes. `asking` is the policy whose answer
    rests on that value, if any does. `maker` is the function that takes it from what he says of himself at SIGN UP, or
    from whoever makes a CALL, the VIEW through which he changes it, or the table in which a ROW of his makes a trigger
    change it."""

    column: Column
    operation: str
    value: str
    regimes: tuple[str, ...]
    outcome: Outcome
    asking: str = ""
    maker: str = ""


@cached_state_fact
def raised_columns(context: Context) -> tuple[Raised, ...]:
    """Each column once: the UPDATE, where several ways are open in new projects; and a CALL only where no other is."""
    access = _with_partitions(try_access(context))
    candidates = [*guarded_columns(context.after, access)]
    if not candidates:
        return ()
    found: dict[str, Raised] = {}
    try_definer_writes(context)  # asked on stages of its own, which undo what is open
    with acting_stages(context) as open_stage:
        for regime in access.regimes:
            raiser = _Raiser(context, access, open_stage(regime), regime)
            for column in candidates:
                known = found.get(column.name)
                raised = raiser.by_any(column, known.operation if known else "")
                if raised is None:
                    continue
                if known is None:
                    found[column.name] = raised
                elif raised.operation == known.operation:
                    found[column.name] = replace(raised, regimes=(*known.regimes, regime))
    return tuple(found.values())


def primary_keys(schema: Schema, table: str) -> Iterator[Sequence[str]]:
    return (
        one.keys for one in schema.indexes_by_table.get(table, ()) if (one.constraint or "").startswith("primary key ")
    )


def _with_partitions(access: Access) -> Access:
    """A partition holds rows of its parent, and is written with grants and policies of its own."""
    ties, rows = dict(access.ties), dict(access.rows)
    for table in access.relations.values():
        root = table
        while isinstance(root, Table) and root.partition_of and root.partition_of in access.relations:
            root = access.relations[root.partition_of]
        if root is not table and root.name in ties and (root.name, ANNA.number) in rows:
            ties[table.name], rows[table.name, ANNA.number] = ties[root.name], rows[root.name, ANNA.number]
    return replace(access, ties=ties, rows=rows)


class _Raiser:
    """Tries under one regime."""

    def __init__(self, context: Context, access: Access, stage: Stage, regime: str) -> None:
        self._schema = context.after
        self._access = access
        self._stage = stage
        self._regime = regime
        self._made = users_state(context).made
        self._filled = {table.name: table for table in users_state(context).tables}
        self._views = [view for view in context.migrated.views if not view.materialized]
        self._told = {(one.name, one.table) for one in try_definer_writes(context).views if one.operation == "UPDATE"}
        self._calls = RaisingCalls(context, access, stage)

    def by_any(self, column: Column, first: str) -> Raised | None:
        """The way that is known of another regime is tried first."""
        ways = {
            "UPDATE": self.by_update,
            "INSERT": self.by_insert,
            "SIGN UP": self.by_sign_up,
            "VIEW": self.by_view,
            "CALL": self.by_call,
            "ROW": self.by_row,
        }
        if first != "CALL" and self._regime != self._access.regimes[0]:
            del ways["CALL"]  # what is granted by default on tables changes nothing in who may call a function
        for way in sorted(ways, key=lambda way: way != first):
            raised = ways[way](column)
            if raised is not None:
                return raised
        return None

    def by_update(self, column: Column) -> Raised | None:
        held = self._access.held.get((self._regime, column.table, FIRST.role))
        if held is None or not held.may_column("UPDATE", column.bare_name):
            return None
        if any(column.bare_name == key.split()[0] for one in primary_keys(self._schema, column.table) for key in one):
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
        """In a table of which he has one row, or whose rows are about users alone: of a team the role is one there."""
        filled = self._filled.get(column.table)
        held = self._access.held.get((self._regime, column.table, FIRST.role))
        if filled is None or held is None or not held.may_column("INSERT", column.bare_name):
            return None
        ties = self._access.ties[column.table]
        has_one = is_profile(self._schema, column.table, ties)
        if not (has_one or is_status(column)) and any(
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

    def by_view(self, column: Column) -> Raised | None:
        """Through a view that shows it. One that reaches others' rows is told of by itself."""
        name = re.compile(rf"\b{re.escape(QualifiedName.parse(column.table).name)}\b")
        for view in self._views:
            held = self._access.held.get((self._regime, view.name, FIRST.role))
            shown = {one.bare_name for one in self._schema.columns_of(view.name)}
            if held is None or not held.may_column("UPDATE", column.bare_name) or column.bare_name not in shown:
                continue
            if not name.search(view.definition) or (view.name, column.table) in self._told:
                continue
            tie = next((one for one in sorted(self._access.ties[column.table]) if one in shown), "")
            where = f" WHERE {identifier(tie).as_string(None)} = {literal(ANNA.id)}" if tie else ""
            for value in self._higher(column, self._access.rows[column.table, ANNA.number].values.get(column.bare_name)):
                change = f"UPDATE {view.name} SET {column.quoted_name} = {literal(value)}{where}"  # noqa: S608 - the catalog's
                outcome = self._insert(change, column)
                if _holds(outcome, value) and self._is_power(column, value):
                    return self._raised(column, "VIEW", value, outcome, maker=view.name)
        return None

    def by_call(self, column: Column) -> Raised | None:
        """By a function that writes there what its caller gives."""
        for value in self._higher(column, self._access.rows[column.table, ANNA.number].values.get(column.bare_name)):
            if self._is_power(column, value):
                call = self._calls.raising(column, value, self._is_his(column))
                if call is not None:
                    return self._raised(column, "CALL", call.value, call.outcome, maker=call.function.name)
        return None

    def by_row(self, column: Column) -> Raised | None:
        """By a row in a ledger: of what he has one row, for of many they are his own accounts."""
        if is_profile(self._schema, column.table, self._access.ties[column.table]):
            row = self._calls.raising_by_row(column, self._is_his(column), self._regime)
            if row is not None:
                return self._raised(column, "ROW", row.value, row.outcome, maker=row.table)
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
        return not is_text or POWER.search(value) is not None or is_status(column)

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
        return is_membership(self._schema, column.table, self._access.ties[column.table])

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
        if is_numeric(column):
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
        if is_status(column) and column.type != "boolean":
            yield from [text for text in known if PAID.fullmatch(text)][:1]
            if not known and column.type.startswith(("text", "character")):
                yield "active"
        elif column.type == "boolean":
            yield "true"
        elif known:
            yield sorted(known, key=lambda text: not POWER.search(text))[0]
        elif is_numeric(column):
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
