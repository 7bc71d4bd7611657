"""Many values judged by real INSERTs in one round trip, each undone before the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from psycopg import sql

from pgcontract.probes.context import Trial
from pgcontract.probes.fuzzing.target_column import Place
from pgcontract.probes.sample_rows import as_text


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the server made of one value: `stored` is its text as read back, where it was accepted; `sqlstate` and
    `constraint` tell who refused it, else."""

    value: str
    accepted: bool
    sqlstate: str | None = None
    constraint: str | None = None
    stored: str | None = None

    @property
    def refused_by(self) -> str:
        """`23514 email_format`, or the SQLSTATE alone where no constraint refused."""
        return " ".join(word for word in (self.sqlstate, self.constraint) if word)


Judge: TypeAlias = Callable[[Sequence[str]], tuple[Judgement, ...]]

# The exception that undoes an accepted row is raised by the block itself, so that a value costs one subtransaction
# and no message; what plpgsql's variables hold outlives it.
_FUNCTION = """
    #variable_conflict use_variable
    DECLARE
        pgcontract_candidate text;
    BEGIN
        FOREACH pgcontract_candidate IN ARRAY pgcontract_candidates LOOP
            pgcontract_state := '02000';
            pgcontract_constraint := NULL;
            pgcontract_stored := NULL;
            BEGIN
                INSERT INTO {table} ({columns}) VALUES ({values})
                RETURNING {column}::text INTO pgcontract_stored;
                IF FOUND THEN
                    RAISE SQLSTATE 'PGC00';
                END IF;
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS
                    pgcontract_state := RETURNED_SQLSTATE,
                    pgcontract_constraint := CONSTRAINT_NAME;
            END;
            RETURN NEXT;
        END LOOP;
    END
"""
_CREATE = sql.SQL("""
    CREATE FUNCTION pg_temp.pgcontract_judge(pgcontract_candidates text[])
    RETURNS TABLE (pgcontract_state text, pgcontract_constraint text, pgcontract_stored text)
    LANGUAGE plpgsql AS {}
""")
_ACCEPTED = "PGC00"
_BATCH = 5_000


def sendable(value: str) -> bool:
    """Whether a text can be sent at all: a server takes no NUL, and UTF-8 has no lone surrogate."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


@contextmanager
def judging(trial: Trial, place: Place) -> Iterator[Judge]:
    """A judge of sendable values in the trial's state, one round trip a call; whatever it does is undone.

    Each value is put into the rest of the row as an application's INSERT would, and undone before the next, so that
    no unique key is in the way. Deferred constraints speak at once.
    """
    with trial.workbench.rolled_back(trial.after_state) as connection:
        columns = [*place.row, place.column]
        values = [sql.Literal(as_text(value)) for value in place.row.values()]
        body = sql.SQL(_FUNCTION).format(
            table=sql.SQL(place.table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join([*values, sql.SQL("pgcontract_candidate{}").format(place.cast)]),
            column=sql.SQL("{}.{}").format(sql.SQL(place.table), sql.Identifier(place.column)),
        )
        connection.execute(_CREATE.format(sql.Literal(body.as_string(connection))))
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

        def judge(values: Sequence[str]) -> tuple[Judgement, ...]:
            found: list[Judgement] = []
            for start in range(0, len(values), _BATCH):
                batch = list(values[start : start + _BATCH])
                rows = connection.execute("SELECT * FROM pg_temp.pgcontract_judge(%s::text[])", [batch])
                found += (_judgement(value, *row) for value, row in zip(batch, rows, strict=True))
            return tuple(found)

        yield judge


def _judgement(value: str, state: str, constraint: str | None, stored: str | None) -> Judgement:
    if state == _ACCEPTED:
        return Judgement(value=value, accepted=True, stored=stored)
    return Judgement(value=value, accepted=False, sqlstate=state, constraint=constraint or None)
