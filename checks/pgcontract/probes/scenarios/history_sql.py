"""A history as SQL that anyone can paste: what was executed, what it did, and the query that must return no row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.contract import Invariant, Step
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.moves import identity_of
from pgcontract.probes.scenarios.player import LOG, MoveResult

_PARAMETER: Final = re.compile(r"%(?:\((?P<name>[^()\s]+)\)s|%)")


def history_as_sql(
    outcomes: Sequence[MoveResult],
    step: Callable[[str], Step],
    invariant: Invariant | None,
    connection: psycopg.Connection,
) -> str:
    """The script, in a transaction that is undone; a value that a step captures goes by way of a setting.

    Nothing in it varies from run to run, whatever ids the server made.
    """
    lines = ["BEGIN;"]
    writer = HistoryWriter(connection)
    for seq, outcome in enumerate(outcomes, 1):
        lines.append(f"\n-- {seq}. {describe_move(outcomes[: seq - 1], outcome)}: {outcome.description}")
        lines += writer.statement_lines(step(outcome.move.step), outcome)
    if invariant is not None:
        if "pgcontract_log" in invariant.violations:
            lines += ["\n-- the steps that were run", f"{LOG};", *writer.played_rows(outcomes)]
        lines += [
            f"\n-- {invariant.description}: this query must return no row",
            _terminated(invariant.violations.strip()),
        ]
    return "\n".join((*lines, "", "ROLLBACK;"))


def describe_move(before: Sequence[MoveResult], outcome: MoveResult) -> str:
    """`paid, actor 1, the same event again`."""
    move = outcome.move
    if not move.actor:
        return f"{move.step}, for unknown ids"
    description = f"{move.step}, actor {move.actor}"
    if move.event:
        if any(earlier_outcome.move == move for earlier_outcome in before):
            return f"{description}, the same event again"
        return f"{description}, event {move.event}" if move.event > 1 else description
    return f"{description}, again" if any(earlier_outcome.move == move for earlier_outcome in before) else description


class HistoryWriter:
    """Writes statements with their values, and remembers which values came from the server."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._types: dict[int, str] = {}
        self._casts: dict[tuple[int, str], str] = {}

    def statement_lines(self, step: Step, outcome: MoveResult) -> Iterator[str]:
        """The step's statement; one that was refused changes nothing and would end the transaction."""
        identity = identity_of(step, outcome.parameters)
        begins, ends = identity.script if identity else ("", "")
        if outcome.refusal is not None:
            words = [_terminated(self.fill_parameters(text, outcome).strip()) for text in step.statements]
            lines = "\n".join([begins, *words]).strip().removesuffix(";").splitlines()
            yield "\n".join(f"-- {line}" for line in (str(outcome.refusal), *lines))
            return
        if begins:
            yield begins
        captured = iter(outcome.captured)
        for text in step.statements:
            yield from self._statement_lines(text, next(captured, ()), outcome)
        if ends:
            yield ends

    def _statement_lines(self, text: str, captured: Sequence[str], outcome: MoveResult) -> Iterator[str]:
        """One statement; `captured` are the values that it gives to later ones."""
        words = self.fill_parameters(text, outcome).strip().removesuffix(";")
        if not captured:
            yield _terminated(words)
            return
        actor = outcome.move.actor
        for name in captured:
            self._casts[actor, name] = self._type(outcome.types[name])
        settings = ", ".join(f"set_config('pgcontract.{name}_{actor}', {name}::text, true)" for name in captured)
        yield f"WITH kept AS (\n{words}\n)\nSELECT {settings} FROM kept;"

    def played_rows(self, outcomes: Sequence[MoveResult]) -> Iterator[str]:
        """The rows of pgcontract_log."""
        for seq, outcome in enumerate(outcomes, 1):
            move, refusal = outcome.move, outcome.refusal
            row = (seq, move.step, move.actor, move.event_id, outcome.rows, refusal.sqlstate if refusal else None)
            values = ", ".join(literal(value) for value in row)
            yield f"INSERT INTO pgcontract_log VALUES ({values}, {self._parameters_as_json(outcome)});"  # noqa: S608 - printed, never run

    def fill_parameters(self, text: str, outcome: MoveResult) -> str:
        """The SQL with each parameter's value in its place."""

        def value(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None:
                return "%"
            return self._kept_setting(outcome.move.actor, name) or literal(as_text(outcome.parameters.get(name)))

        return _PARAMETER.sub(value, text)

    def _parameters_as_json(self, outcome: MoveResult) -> str:
        both = {**outcome.parameters, **outcome.kept_values}
        kept = {name: setting for name in both if (setting := self._kept_setting(outcome.move.actor, name))}
        plain = {name: value for name, value in both.items() if name not in kept}
        parameters = literal(json.dumps(plain, ensure_ascii=False, default=str))
        return parameters + "::jsonb" + "".join(f" || jsonb_build_object('{key}', {kept[key]})" for key in kept)

    def _kept_setting(self, actor: int, name: str) -> str | None:
        cast = self._casts.get((actor, name))
        return f"current_setting('pgcontract.{name}_{actor}')::{cast}" if cast else None

    def _type(self, oid: int) -> str:
        if oid not in self._types:
            row = self.connection.execute("SELECT pg_catalog.format_type(%s, NULL)", [oid]).fetchone()
            self._types[oid] = row[0] if row else "text"
        return self._types[oid]


def literal(value: Any) -> str:
    return sql.Literal(value).as_string(None)


def _terminated(words: str) -> str:
    return f"{words.rstrip().removesuffix(';')};"
