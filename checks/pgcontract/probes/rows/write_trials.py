"""Many writes tried in one round trip, each undone before the next: what the server did with it, and the rows afterwards.

The function that tries them is the session's own and goes with the transaction. A write is sent as SQL text, as a client
would send it; deferred constraints are those of the transaction, so `SET CONSTRAINTS ALL IMMEDIATE` first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.errors import CouldNotAsk
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.values import dataclass

# An accepted write is undone by an exception of the block's own; values of plpgsql's variables survive it. OTHERS leaves
# out a failed ASSERT, which refuses as any error does, and a cancelled query, which must end the whole call.
_FUNCTION: Final = """
    DECLARE
        pgcontract_group pg_catalog.jsonb;
        pgcontract_trial pg_catalog.jsonb;
        pgcontract_text pg_catalog.text;
    BEGIN
        FOR pgcontract_group IN SELECT value FROM pg_catalog.jsonb_array_elements(pgcontract_groups) LOOP
            pgcontract_place := (pgcontract_group ->> 'place')::pg_catalog.int4;
            BEGIN
                FOR pgcontract_text IN SELECT value FROM pg_catalog.jsonb_array_elements_text(pgcontract_group -> 'setup')
                LOOP
                    EXECUTE pgcontract_text;
                END LOOP;
                FOR pgcontract_trial IN SELECT value FROM pg_catalog.jsonb_array_elements(pgcontract_group -> 'trials')
                LOOP
                    pgcontract_place := (pgcontract_trial ->> 'place')::pg_catalog.int4;
                    pgcontract_state := NULL;
                    pgcontract_message := NULL;
                    pgcontract_constraint := NULL;
                    pgcontract_rows := NULL;
                    BEGIN
                        FOR pgcontract_text IN
                            SELECT value FROM pg_catalog.jsonb_array_elements_text(pgcontract_trial -> 'writes')
                        LOOP
                            EXECUTE pgcontract_text;
                        END LOOP;
                        EXECUTE pgcontract_trial ->> 'look' INTO pgcontract_rows;
                        RAISE SQLSTATE 'PGC00';
                    EXCEPTION
                        WHEN SQLSTATE 'PGC00' THEN
                            NULL;
                        WHEN OTHERS OR ASSERT_FAILURE THEN
                            GET STACKED DIAGNOSTICS
                                pgcontract_state := RETURNED_SQLSTATE,
                                pgcontract_message := MESSAGE_TEXT,
                                pgcontract_constraint := CONSTRAINT_NAME;
                    END;
                    RETURN NEXT;
                END LOOP;
                RAISE SQLSTATE 'PGC00';
            EXCEPTION
                WHEN SQLSTATE 'PGC00' THEN
                    NULL;
                WHEN OTHERS OR ASSERT_FAILURE THEN
                    NULL;
            END;
        END LOOP;
    END
"""
_CREATE: Final = sql.SQL("""
    CREATE OR REPLACE FUNCTION pg_temp.pgcontract_try(pgcontract_groups pg_catalog.jsonb)
    RETURNS TABLE (
        pgcontract_place pg_catalog.int4,
        pgcontract_state pg_catalog.text,
        pgcontract_message pg_catalog.text,
        pgcontract_constraint pg_catalog.text,
        pgcontract_rows pg_catalog.jsonb
    ) LANGUAGE plpgsql AS {}
""")
_BATCH: Final = 2_000
_SERVER_FAILED: Final = ("53", "58", "XX")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Writes on what `setup` left, and what is then looked at: each of `look` a SELECT of one text from one row.

    Trials in a row that have the same tuple as `setup` share it.
    """

    setup: tuple[sql.Composed, ...] = ()
    writes: tuple[sql.Composed, ...]
    look: tuple[sql.Composed, ...]


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What became of a trial: `rows` has for each look the text that was found, as a tuple of one, or () where no row
    was; None where `refusal` says who refused, or where the setup itself was refused."""

    refusal: Refusal | None = None
    rows: tuple[tuple[str | None, ...], ...] | None = None


def prepare_trials(connection: psycopg.Connection) -> None:
    """Make the function that `try_writes` calls, for the rest of the transaction."""
    connection.execute(_CREATE.format(sql.Literal(_FUNCTION)))


def try_writes(connection: psycopg.Connection, trials: Sequence[Trial]) -> tuple[TrialResult, ...]:
    """The result of each trial, in order. CouldNotAsk where the server fails, or a batch does not end in time."""
    results: list[TrialResult] = []
    for start in range(0, len(trials), _BATCH):
        results += _try_batch(connection, trials[start : start + _BATCH])
    return tuple(results)


def _try_batch(connection: psycopg.Connection, trials: Sequence[Trial]) -> list[TrialResult]:
    groups: list[dict[str, Any]] = []
    setup: tuple[sql.Composed, ...] | None = None
    looks: dict[int, str] = {}  # rendered once: many trials look at the same rows
    for place, trial in enumerate(trials):
        if setup is not trial.setup:
            setup = trial.setup
            groups.append({"place": place, "setup": _texts(setup), "trials": []})
        if id(trial.look) not in looks:
            looks[id(trial.look)] = _look(trial.look)
        look = looks[id(trial.look)]
        groups[-1]["trials"].append({"place": place, "writes": _texts(trial.writes), "look": look})
    try:
        with connection.transaction(force_rollback=True):
            records = connection.execute(
                "SELECT * FROM pg_temp.pgcontract_try(%s::pg_catalog.jsonb)", [json.dumps(groups)]
            ).fetchall()
    except psycopg.Error as error:
        raise CouldNotAsk(f"{len(trials)} writes could not be tried: {read_refusal(error)}") from error
    results = [TrialResult()] * len(trials)
    for place, state, message, constraint, rows in records:
        if state is not None and state[:2] in _SERVER_FAILED:
            raise CouldNotAsk(f"the server failed at `{trials[place].writes[-1].as_string()}`: {message} ({state})")
        if state is not None:
            results[place] = TrialResult(refusal=Refusal(sqlstate=state, message=message, constraint=constraint or None))
        else:
            results[place] = TrialResult(rows=tuple(tuple(row) for row in rows or [[]]))
    return results


def _texts(statements: Iterable[sql.Composed]) -> list[str]:
    return [statement.as_string() for statement in statements]


def _look(queries: tuple[sql.Composed, ...]) -> str:
    """One query for an array that has an array of texts for each look; of one look the cheapest, no row where it finds
    none."""
    if len(queries) == 1:
        query = sql.SQL("SELECT pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(value)) FROM ({}) AS l (value)")
        return query.format(queries[0]).as_string()
    columns = [
        sql.SQL("(SELECT coalesce(pg_catalog.jsonb_agg(looked.value), '[]') FROM ({}) AS looked (value))").format(query)
        for query in queries
    ]
    return sql.SQL("SELECT pg_catalog.jsonb_build_array({})").format(sql.SQL(", ").join(columns)).as_string()
