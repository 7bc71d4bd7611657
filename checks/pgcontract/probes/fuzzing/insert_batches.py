"""Many values tried by real INSERTs in one round trip, each rolled back before the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.target_column import TargetColumn
from pgcontract.probes.row_generation.made_row import MadeRow
from pgcontract.probes.sample_rows import as_text
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class InsertResult:
    """What the server did with one value: `stored` is its text as read back, where it was accepted; `sqlstate` and
    `constraint` say what refused it, else; neither, where it was put right."""

    value: str
    accepted: bool
    sqlstate: str | None = None
    constraint: str | None = None
    stored: str | None = None

    @property
    def refused_by(self) -> str:
        """`23514 email_format`, or the SQLSTATE alone where no constraint refused."""
        return " ".join(word for word in (self.sqlstate, self.constraint) if word)


BatchInsert: TypeAlias = Callable[[Sequence[str]], tuple[InsertResult, ...]]

# The exception that undoes an accepted row is raised by the block itself, so that a value costs one subtransaction
# and no message; the values of plpgsql's variables survive it.
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
_ACCEPTED_SQLSTATE = "PGC00"
_BATCH = 5_000
_UNSENDABLE: Final = lazy_pattern("[\0\ud800-\udfff]")


def sendable(value: str) -> bool:
    """Whether a text can be sent at all: a server takes no NUL, and UTF-8 has no lone surrogate."""
    return _UNSENDABLE.search(value) is None


@contextmanager
def batch_insert(context: Context, target: TargetColumn) -> Iterator[BatchInsert]:
    """A function that tries sendable values in the context's state, one round trip a call; everything is rolled back.

    Each value is inserted with the rest of the row as an application would, and rolled back before the next, so that no
    unique key is violated. Deferred constraints are checked at once.
    """
    with context.sandbox.rolled_back(context.after_state) as connection:
        MadeRow(values=target.row, parents=target.parents).insert_parents(connection)
        columns = [*target.row, target.column]
        values = [sql.Literal(as_text(value)) for value in target.row.values()]
        body = sql.SQL(_FUNCTION).format(
            table=sql.SQL(target.table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join([*values, sql.SQL("pgcontract_candidate{}").format(target.cast)]),
            column=identifier(QualifiedName.parse(target.table).member(target.column)),
        )
        connection.execute(_CREATE.format(sql.Literal(body.as_string(connection))))
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

        def insert_batch(values: Sequence[str]) -> tuple[InsertResult, ...]:
            judgements: list[InsertResult] = []
            for start in range(0, len(values), _BATCH):
                batch = list(values[start : start + _BATCH])
                rows = connection.execute("SELECT * FROM pg_temp.pgcontract_judge(%s::text[])", [batch])
                judgements += (_insert_result(value, *row) for value, row in zip(batch, rows, strict=True))
            return tuple(judgements)

        yield insert_batch


def _insert_result(value: str, state: str, constraint: str | None, stored: str | None) -> InsertResult:
    if state == _ACCEPTED_SQLSTATE:
        return InsertResult(value=value, accepted=True, stored=stored)
    return InsertResult(value=value, accepted=False, sqlstate=state, constraint=constraint or None)
