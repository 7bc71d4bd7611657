"""One statement as somebody, undone: in a savepoint of a transaction that is never committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

import psycopg
from psycopg import sql

from pgcontract.postgres.acting_identity import Identity, require_role
from pgcontract.postgres.script_execution import Refusal, read_refusal
from pgcontract.postgres.tries import read_rows, send_message
from pgcontract.probes.roles.users import Actor
from pgcontract.values import dataclass

DENIED: Final = "42501"
_SAVEPOINT: Final = "SAVEPOINT pgcontract_try"
_BACK: Final = "ROLLBACK TO SAVEPOINT pgcontract_try"
_BEGUN: Final = "ROLLBACK; BEGIN"
_TIMEOUT: Final = "SET LOCAL statement_timeout = 1000"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a statement: the rows it gave back or counted, or the refusal."""

    statement: str
    rows: tuple[tuple[Any, ...], ...] = ()
    count: int = 0
    refusal: Refusal | None = None

    @property
    def denied(self) -> bool:
        return self.refusal is not None and self.refusal.sqlstate == DENIED

    @property
    def reached(self) -> bool:
        """Whether the roles' rules let it through, though a constraint refused the row that we made."""
        return self.refusal is not None and self.refusal.sqlstate[:2] == "23"


class Stage:
    """`prepare` what lasts, then `attempt` as often as one likes; another stage on the connection undoes both."""

    def __init__(self, connection: psycopg.Connection, roles: Iterable[str], *, search_path: Sequence[str] = ()) -> None:
        """`connection` is in a transaction that somebody rolls back; `search_path` is where who acts finds names, if not
        as any session of the database's. CouldNotAsk where it may not be one of the roles."""
        self.connection = connection
        connection.execute(_BEGUN)
        for role in roles:
            require_role(connection, Identity(role=role))
        connection.execute(_TIMEOUT)
        if search_path:
            names = sql.SQL(", ").join(map(sql.Identifier, dict.fromkeys(search_path)))
            connection.execute(sql.SQL("SET LOCAL search_path = {}").format(names))
        connection.execute(_SAVEPOINT)

    def prepare(self, statement: str) -> None:
        """A statement of the migrating role's that the later ones find done. Raises psycopg.Error."""
        self.connection.execute(_BACK)
        self.connection.execute(statement.encode())
        self.connection.execute(_SAVEPOINT)

    def attempt(self, statement: str, actor: Actor | None = None, *, before: str = "", sent: str = "") -> Outcome:
        """The statement as the actor, else as who migrates; `before` is done first, by who migrates, and undone, too.
        `sent` is what is sent in its place."""
        text = f"{_BACK}; {before}{';' if before else ''} {as_actor(actor) if actor else ''} {sent or statement}"
        try:
            result = send_message(self.connection, text, said=statement)[-1]
        except psycopg.Error as error:
            return Outcome(statement=statement, refusal=read_refusal(error))
        rows = tuple(read_rows(self.connection, result))
        return Outcome(statement=statement, rows=rows, count=len(rows) or result.command_tuples or 0)


@cache
def as_actor(actor: Actor) -> str:
    """The statements after which it is the actor who asks."""
    return actor.identity.settings().as_string(None) + ";"


def as_shown(outcome: Outcome, actor: Actor) -> str:
    """What to paste into a session of one's own to see the same."""
    begins, _ = actor.identity.script
    return f"BEGIN;\n{begins}\n{outcome.statement.strip().rstrip(';')};\nROLLBACK;"


def literal(value: object) -> str:
    return "NULL" if value is None else sql.Literal(str(value)).as_string(None)
