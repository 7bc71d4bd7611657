"""Every combination of the values that a condition reads: the writes that produce it, and whether it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product
from math import prod
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import Presence, StateMachine
from pgcontract.errors import CouldNotAsk
from pgcontract.model.identifiers import read_identifier
from pgcontract.model.schema import Column
from pgcontract.postgres.script_execution import read_refusal
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.simple_values import any_value
from pgcontract.probes.rows.alternative_values import other_values
from pgcontract.probes.rows.castable_values import castable_values
from pgcontract.probes.rows.column_values import rule_values
from pgcontract.probes.rows.probe_row import ColumnValues
from pgcontract.probes.rows.rule_texts import RuleTexts, read_rule_texts
from pgcontract.probes.rows.state_matrix import probe_state_matrix
from pgcontract.values import dataclass

MAX_COMBINATIONS: Final = 64
_MAX_WORDS: Final = 12
_MAX_WORD: Final = 30  # longer strings are messages
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_WORD: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\W\d][\w$]*""")


@dataclass(frozen=True, kw_only=True)
class Combination:
    """Values of the columns that a condition reads. `route` are the writes that produce such a row, the first one
    an INSERT; `present` is whether the condition holds for it."""

    label: str
    route: tuple[ColumnValues, ...]
    present: bool


def state_machine_of(context: Context, column: str) -> StateMachine | None:
    """The state machine that was declared of the column by the promise's time."""
    chain = context.promise.project.chain
    known = chain[: chain.index(context.promise.migration) + 1]
    state_machines = [
        state_machine
        for one in known
        if one.contract
        for state_machine in one.contract.of(StateMachine)
        if state_machine.column == column
    ]
    return state_machines[-1] if state_machines else None


def columns_read(context: Context, presence: Presence) -> dict[str, Column]:
    """The columns that the condition reads, by bare name. CouldNotAsk where it reads none."""
    columns = [column for column in context.after.columns if column.table == presence.table]
    words = {read_identifier(word) for word in _WORD.findall(presence.present_when) if not word.startswith("'")}
    read = {name: column for column in columns if (name := column.bare_name) in words}
    if not read:
        raise CouldNotAsk(f"`{presence.present_when}` reads no column of {presence.table}")
    return read


def value_combinations(
    context: Context, connection: psycopg.Connection, presence: Presence
) -> tuple[tuple[Combination, ...], int]:
    """At most 64 of them, and how many there must be; of a column with a state machine its states, each by the way its
    moves allow."""
    read = columns_read(context, presence)
    choices = [list(_choices(context, connection, presence, name, column)) for name, column in read.items()]
    combinations: list[Combination] = []
    plain = [[one for one in several if not one.is_near] for several in choices]
    number = prod(map(len, plain))
    # What is near stands beside the others' plain values: one column at a time, as far as there is room.
    near = (
        choice
        for at, several in enumerate(choices)
        for choice in product(*plain[:at], [one for one in several if one.is_near], *plain[at + 1 :])
    )
    for choice in islice((*product(*plain), *near), MAX_COMBINATIONS):
        route: tuple[ColumnValues, ...] = ({},)
        for one in choice:
            route = ({**route[0], **one.route[0]}, *route[1:], *one.route[1:])
        values = {name: one.value for name, one in zip(read, choice, strict=True)}
        present = _condition_holds(connection, presence, read, values)
        if present is not None:
            description = ", ".join(f"{name} = {one.label}" for name, one in zip(read, choice, strict=True))
            combinations.append(Combination(label=description, route=route, present=present))
    return tuple(combinations), number


@dataclass(frozen=True, kw_only=True)
class _Choice:
    label: str
    value: sql.Composable
    route: tuple[ColumnValues, ...]
    is_near: bool = False  # to what the condition says, where no rule of the table says it


def _choices(
    context: Context, connection: psycopg.Connection, presence: Presence, name: str, column: Column
) -> Iterator[_Choice]:
    state_machine = state_machine_of(context, column.name)
    if state_machine is not None:
        matrix = probe_state_matrix(context, state_machine)
        for state in state_machine.states:
            if state in matrix.routes:
                yield _Choice(label=state, value=sql.Literal(state), route=matrix.routes[state])
        return
    literals = [sql.SQL(word) for word in _LITERAL.findall(presence.present_when)]
    seen: set[str] = set()
    for value in (*literals, *_suggested_values(context, column), *_rule_values(context, connection, column)):
        text = value.as_string()
        if text not in seen:
            seen.add(text)
            yield _Choice(label=text, value=value, route=({name: value},))
    for text in castable_values(connection, column.type, dict.fromkeys(_near_values(context, presence, column))):
        value = sql.Literal(text)
        if value.as_string() not in seen:
            yield _Choice(label=value.as_string(), value=value, route=({name: value},), is_near=True)


def _suggested_values(context: Context, column: Column) -> Iterator[sql.Composable]:
    """Values of a column that no state machine is declared of: true and false, or what its type and CHECKs suggest."""
    if column.type == "boolean":
        yield from (sql.SQL("true"), sql.SQL("false"))
        if column.null:
            yield sql.SQL("NULL")
        return
    name = column.quoted_name
    for value in other_values(context, column):
        if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", value.as_string()):
            yield value
    if re.match(r"smallint|integer|bigint|numeric", column.type):
        yield from map(sql.Literal, (0, 1))


def _rule_values(context: Context, connection: psycopg.Connection, column: Column) -> Iterator[sql.Composable]:
    """What the rules of the table compare the column with: only such values can be an exception to them."""
    rules = read_rule_texts(context.after, column.table).of_column(column.bare_name)
    words = [word for word in (*rules.strings, *rules.numbers) if len(word) <= _MAX_WORD]
    yield from map(sql.Literal, castable_values(connection, column.type, words)[:_MAX_WORDS])


def _near_values(context: Context, presence: Presence, column: Column) -> Iterator[str]:
    """A plain value; what lies beside those that the condition or a rule names; and texts that only look alike."""
    yield str(any_value(context.after, column))
    rules = read_rule_texts(context.after, column.table).of_column(column.bare_name)
    if not re.match(r"character|text|citext", column.type):
        yield from rule_values(RuleTexts((presence.present_when, *rules.texts)), context.after, column, None)
    for word in RuleTexts((presence.present_when,)).strings:
        yield from (word.upper(), word.capitalize(), f"{word} ", f"{word}a")


def _condition_holds(
    connection: psycopg.Connection, presence: Presence, read: dict[str, Column], values: ColumnValues
) -> bool | None:
    """Whether the condition holds for a row with these values, NULL counting as false; None where no row can have them.

    CouldNotAsk where it is no condition.
    """
    row = sql.SQL(", ").join(
        sql.SQL("CAST({} AS {}) AS {}").format(values[name], sql.SQL(column.type), identifier(name))
        for name, column in read.items()
    )
    query = sql.SQL("SELECT ({}) IS TRUE FROM (SELECT {}) AS row").format(sql.SQL(presence.present_when), row)
    try:
        with connection.transaction(force_rollback=True):
            record = connection.execute(query).fetchone()
    except psycopg.Error as error:
        refusal = read_refusal(error)
        if refusal.sqlstate[:2] == "22":
            return None
        raise CouldNotAsk(
            f"`{presence.present_when}` is not a condition over the row's other columns: {refusal}"
        ) from error
    return bool(record and record[0])
