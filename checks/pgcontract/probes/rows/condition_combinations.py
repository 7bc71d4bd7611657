"""Every combination of what a condition reads: the ways to bring a row there, and whether the condition holds then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract import Machine, Tie
from pgcontract.contract.identifiers import bare
from pgcontract.model.schema import Column
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.rows.alternative_values import another_values
from pgcontract.probes.rows.probe_row import Values, identifier
from pgcontract.probes.rows.state_matrix import Sweep, sweep

MOST: Final = 64
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_WORD: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\W\d][\w$]*""")


@dataclass(frozen=True, kw_only=True)
class Combination:
    """Values of the columns that a condition reads. `route` are the writes that bring a row there, the first one an
    INSERT; `present` is what the condition says of it."""

    told: str
    route: tuple[Values, ...]
    present: bool


def machine_of(trial: Trial, column: str) -> Machine | None:
    """The machine that was declared of the column by the promise's time."""
    chain = trial.promise.project.chain
    known = chain[: chain.index(trial.promise.migration) + 1]
    found = [each for one in known if one.contract for each in one.contract.machines if each.column == column]
    return found[-1] if found else None


def combinations(trial: Trial, connection: psycopg.Connection, tie: Tie) -> Iterator[Combination]:
    """At most 64 of them; of a column with a machine its states, each by the way its moves allow."""
    columns = [each for each in trial.after.columns if each.table == tie.table]
    words = {bare(found) for found in _WORD.findall(tie.present_when) if not found.startswith("'")}
    read = {name: each for each in columns if (name := bare(last_part(each.name, each.table))) in words}
    if not read:
        raise CouldNotAsk(f"`{tie.present_when}` reads no column of {tie.table}")
    choices = [list(_choices(trial, tie, name, column)) for name, column in read.items()]
    for choice in islice(product(*choices), MOST):
        route: tuple[Values, ...] = ({},)
        for one in choice:
            route = ({**route[0], **one.route[0]}, *route[1:], *one.route[1:])
        values = {name: one.value for name, one in zip(read, choice, strict=True)}
        present = _holds(connection, tie, read, values)
        if present is not None:
            told = ", ".join(f"{name} = {one.told}" for name, one in zip(read, choice, strict=True))
            yield Combination(told=told, route=route, present=present)


@dataclass(frozen=True, kw_only=True)
class _Choice:
    told: str
    value: sql.Composable
    route: tuple[Values, ...]


def _choices(trial: Trial, tie: Tie, name: str, column: Column) -> Iterator[_Choice]:
    machine = machine_of(trial, column.name)
    if machine is not None:
        swept: Sweep = trial.once(f"machine/{machine.name}", partial(sweep, machine=machine))
        for state in machine.states:
            if state in swept.routes:
                yield _Choice(told=state, value=sql.Literal(state), route=swept.routes[state])
        return
    literals = [sql.SQL(found) for found in _LITERAL.findall(tie.present_when)]
    seen: set[str] = set()
    for value in (*literals, *_plain(trial, column)):
        text = value.as_string()
        if text not in seen:
            seen.add(text)
            yield _Choice(told=text, value=value, route=({name: value},))


def _plain(trial: Trial, column: Column) -> Iterator[sql.Composable]:
    """Values of a column that no machine is declared of: both truths, or what its type and CHECKs suggest."""
    if column.type == "boolean":
        yield from (sql.SQL("true"), sql.SQL("false"))
        if column.null:
            yield sql.SQL("NULL")
        return
    name = last_part(column.name, column.table)
    for value in another_values(trial, column):
        if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", value.as_string()):
            yield value
    if re.match(r"smallint|integer|bigint|numeric", column.type):
        yield from map(sql.Literal, (0, 1))


def _holds(connection: psycopg.Connection, tie: Tie, read: dict[str, Column], values: Values) -> bool | None:
    """What the condition says of a row with these values, unknown counting as no; None where no row has them.

    CouldNotAsk where it is no condition.
    """
    row = sql.SQL(", ").join(
        sql.SQL("CAST({} AS {}) AS {}").format(values[name], sql.SQL(column.type), identifier(name))
        for name, column in read.items()
    )
    query = sql.SQL("SELECT ({}) IS TRUE FROM (SELECT {}) AS row").format(sql.SQL(tie.present_when), row)
    try:
        with connection.transaction(force_rollback=True):
            found = connection.execute(query).fetchone()
    except psycopg.Error as error:
        refusal = refusal_of(error)
        if refusal.sqlstate[:2] == "22":
            return None
        raise CouldNotAsk(f"`{tie.present_when}` is no condition over the row's other columns: {refusal}") from error
    return bool(found and found[0])
