"""A history as SQL that anyone can paste: what was played, what it did, and the query that must give no row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.contract import Invariant, Step
from pgcontract.probes.sample_rows import as_text
from pgcontract.probes.scenarios.player import PLAYED, Outcome

_PARAMETER: Final = re.compile(r"%(?:\((?P<name>[^()\s]+)\)s|%)")


def tell_history(
    outcomes: Sequence[Outcome], step: Callable[[str], Step], invariant: Invariant | None, connection: psycopg.Connection
) -> str:
    """The script, in a transaction that is undone; a value that a step keeps goes by way of a setting.

    Nothing in it varies from run to run, whatever ids the server made.
    """
    lines = ["BEGIN;"]
    teller = Teller(connection)
    for seq, outcome in enumerate(outcomes, 1):
        lines.append(f"\n-- {seq}. {tell_move(outcomes[: seq - 1], outcome)}: {outcome.told}")
        lines += teller.statement(step(outcome.move.step), outcome)
    if invariant is not None:
        if "pgcontract_played" in invariant.never:
            lines += ["\n-- what was played", f"{PLAYED};", *teller.played(outcomes)]
        lines += [f"\n-- {invariant.says}: this must give no row", _ended(invariant.never.strip())]
    return "\n".join((*lines, "", "ROLLBACK;"))


def tell_move(before: Sequence[Outcome], outcome: Outcome) -> str:
    """`paid, actor 1, the same event again`."""
    move = outcome.move
    if not move.actor:
        return f"{move.step}, for ids that nobody knows"
    told = f"{move.step}, actor {move.actor}"
    if move.event:
        if any(each.move == move for each in before):
            return f"{told}, the same event again"
        return f"{told}, event {move.event}" if move.event > 1 else told
    return f"{told}, again" if any(each.move == move for each in before) else told


class Teller:
    """Spells statements with their values, and remembers which values came from the server."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._types: dict[int, str] = {}
        self._casts: dict[tuple[int, str], str] = {}

    def statement(self, step: Step, outcome: Outcome) -> Iterator[str]:
        """The step's statement; one that was refused changes nothing and would end the transaction."""
        words = self.words(step.sql, outcome).strip().removesuffix(";")
        if outcome.refusal is not None:
            yield "\n".join(f"-- {line}" for line in (str(outcome.refusal), *words.splitlines()))
            return
        if not outcome.kept:
            yield _ended(words)
            return
        actor = outcome.move.actor
        for name, oid in outcome.types.items():
            self._casts[actor, name] = self._type(oid)
        settings = ", ".join(f"set_config('played.{name}_{actor}', {name}::text, true)" for name in outcome.kept)
        yield f"WITH kept AS (\n{words}\n)\nSELECT {settings} FROM kept;"

    def played(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """The rows of pgcontract_played."""
        for seq, outcome in enumerate(outcomes, 1):
            move, refusal = outcome.move, outcome.refusal
            row = (seq, move.step, move.actor, move.event_id, outcome.rows, refusal.sqlstate if refusal else None)
            told = ", ".join(literal(value) for value in row)
            yield f"INSERT INTO pgcontract_played VALUES ({told}, {self._parameters(outcome)});"  # noqa: S608 - told

    def words(self, text: str, outcome: Outcome) -> str:
        """The SQL with each parameter's value in its place."""

        def value(found: re.Match[str]) -> str:
            name = found["name"]
            if name is None:
                return "%"
            return self._kept(outcome.move.actor, name) or literal(as_text(outcome.parameters.get(name)))

        return _PARAMETER.sub(value, text)

    def _parameters(self, outcome: Outcome) -> str:
        both = {**outcome.parameters, **outcome.kept}
        kept = {name: setting for name in both if (setting := self._kept(outcome.move.actor, name))}
        plain = {name: value for name, value in both.items() if name not in kept}
        told = literal(json.dumps(plain, ensure_ascii=False, default=str))
        return told + "::jsonb" + "".join(f" || jsonb_build_object('{each}', {kept[each]})" for each in kept)

    def _kept(self, actor: int, name: str) -> str | None:
        cast = self._casts.get((actor, name))
        return f"current_setting('played.{name}_{actor}')::{cast}" if cast else None

    def _type(self, oid: int) -> str:
        if oid not in self._types:
            found = self.connection.execute("SELECT pg_catalog.format_type(%s, NULL)", [oid]).fetchone()
            self._types[oid] = found[0] if found else "text"
        return self._types[oid]


def literal(value: Any) -> str:
    return sql.Literal(value).as_string(None)


def _ended(words: str) -> str:
    return f"{words.rstrip().removesuffix(';')};"
