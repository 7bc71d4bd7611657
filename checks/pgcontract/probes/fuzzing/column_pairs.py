"""A language of two columns (a timestamp, and the one it must not precede): each pair is tried by a real INSERT."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract import DeclaredLanguage, identifiers
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.fuzzing.hypothesis_draws import collect
from pgcontract.probes.sample_rows import as_text, insert_statement, simplest_row

Pair: TypeAlias = "tuple[str | None, str | None]"

_KINDS: Final = ("near_misses", "valid", "hostile")


@dataclass(frozen=True, kw_only=True)
class Mistaken:
    """A pair that the table answered otherwise than it is meant, why, and the INSERT that shows it."""

    pair: Pair
    reason: str
    insert: str


@dataclass(frozen=True, kw_only=True)
class PairAnswers:
    """What a table answered to `tried` distinct pairs; the mistaken ones one of a reason, the shortest of each."""

    tried: int
    accepted_wrongly: tuple[Mistaken, ...]
    refused_wrongly: tuple[Mistaken, ...]


def is_of_pairs(declared: DeclaredLanguage) -> bool:
    """Whether the language's values are of two columns."""
    return any(not isinstance(known.value, str) for known in declared.meaning.corpus())


def ask_pairs(trial: Trial, declared: DeclaredLanguage) -> PairAnswers:
    """Known pairs and drawn ones, each put into the sample row and undone.

    CouldNotAsk where one of the two columns is not there.
    """
    table, column, other = _place(trial, declared)
    language = declared.meaning
    accepted: dict[str, Mistaken] = {}
    refused: dict[str, Mistaken] = {}
    pairs = _pairs(trial, declared)
    row = {**(trial.promise.samples.get(table) or simplest_row(trial.after, table))}
    with trial.workbench.rolled_back(trial.after_state) as connection:
        for pair in pairs:
            sent = {**row, column: pair[0], other: pair[1]}
            why_not = language.why_not(pair)
            refusal = _refusal(connection, table, sent)
            statement = insert_statement(table, sent)
            if refusal is None and why_not is not None:
                _note(accepted, pair, why_not, _line(connection, statement, sent))
            elif refusal is not None and why_not is None:
                _note(refused, pair, refusal, _line(connection, statement, sent))
    return PairAnswers(
        tried=len(pairs), accepted_wrongly=tuple(accepted.values()), refused_wrongly=tuple(refused.values())
    )


def _place(trial: Trial, declared: DeclaredLanguage) -> tuple[str, str, str]:
    column = next((each for each in trial.after.columns if each.name == declared.column), None)
    if column is None:
        raise CouldNotAsk(f"the column {declared.column} is not there")
    other = str(declared.parameters.get("other", ""))
    bare = [
        identifiers.bare(last_part(each.name, each.table)) for each in trial.after.columns if each.table == column.table
    ]
    if other not in bare:
        raise CouldNotAsk(f"{column.table} has no column {other}, which {declared.column} is measured by")
    return column.table, identifiers.bare(last_part(column.name, column.table)), other


def _pairs(trial: Trial, declared: DeclaredLanguage) -> tuple[Pair, ...]:
    """Each pair once, known ones first; none that leaves out a value which its column must have."""
    language = declared.meaning
    found: dict[Pair, None] = dict.fromkeys(known.value for known in language.corpus())
    examples = trial.promise.max_examples // len(_KINDS)
    for kind in _KINDS:
        seed = f"{trial.promise.seed}/{declared.name}/{kind}"
        found |= dict.fromkeys(collect(getattr(language, kind)(), seed=seed, examples=examples))
    table, *columns = _place(trial, declared)
    nullable = {
        identifiers.bare(last_part(each.name, each.table)): each.null
        for each in trial.after.columns
        if each.table == table
    }
    return tuple(
        pair
        for pair in found
        if all(value is not None or nullable[column] for value, column in zip(pair, columns, strict=True))
        and not any("\0" in value for value in pair if value is not None)
    )


def _refusal(connection: psycopg.Connection, table: str, sent: dict[str, Any]) -> str | None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(insert_statement(table, sent), [as_text(value) for value in sent.values()])
    except psycopg.Error as error:
        refusal = refusal_of(error)
        return " ".join(filter(None, (refusal.sqlstate, refusal.constraint)))
    return None


def _note(found: dict[str, Mistaken], pair: Pair, reason: str, insert: str) -> None:
    kept = found.get(reason)
    if kept is None or len(insert) < len(kept.insert):
        found[reason] = Mistaken(pair=pair, reason=reason, insert=insert)


def _line(connection: psycopg.Connection, statement: Any, sent: dict[str, Any]) -> str:
    return psycopg.ClientCursor(connection).mogrify(statement, [as_text(value) for value in sent.values()]) + ";"


def tell_pair(pair: Iterable[str | None]) -> str:
    """`2026-01-04 11:00:00+00, 2026-01-04 12:00:00+00`; a NULL as (null)."""
    return ", ".join("(null)" if value is None else value for value in pair)
