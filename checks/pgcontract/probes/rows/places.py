"""The places at which rows of a table are written, each in turn and undone: what is asked there, and where it could not
be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Generic, TypeVar

import psycopg

from pgcontract.errors import CouldNotAsk
from pgcontract.probes.context import Context
from pgcontract.probes.row_generation.made_row import NoRowAccepted
from pgcontract.probes.rows.write_targets import WriteTarget, write_targets
from pgcontract.probes.rows.write_trials import prepare_trials

T = TypeVar("T")


class Places(Generic[T]):
    """What `open_place` makes of each of the table's `write_targets`, with rows that are not led by the columns that are
    `asked` about (bare names). `labels` are those of the places that it opened; `obstacles` say of the others why not,
    and `closed` are those whose own rules refuse every row.

    Where one of the columns itself leads rows to a place, and so is given there, only the first is opened, if `led_by`
    says in words why.
    """

    def __init__(
        self,
        context: Context,
        connection: psycopg.Connection,
        table: str,
        asked: Collection[str],
        open_place: Callable[[WriteTarget], T],
        *,
        led_by: str = "",
    ) -> None:
        self.context = context
        self.connection = connection
        self.table = table
        self.asked = asked
        self.open_place = open_place
        self.led_by = led_by
        self.labels: list[str] = []
        self.obstacles: list[tuple[WriteTarget, str]] = []
        self.closed: list[tuple[WriteTarget, str]] = []
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        prepare_trials(connection)

    def __iter__(self) -> Iterator[T]:
        """CouldNotAsk where no row can be written anywhere."""
        for whole in write_targets(self.context, self.connection, self.table):
            target = whole.without(self.asked)
            with self.connection.transaction(force_rollback=True):
                try:
                    if target.obstacle:
                        raise CouldNotAsk(target.obstacle)
                    if self.led_by and self.labels and not whole.values.keys().isdisjoint(self.asked):
                        raise CouldNotAsk(self.led_by)
                    place = self.open_place(target)
                except CouldNotAsk as error:
                    is_closed = isinstance(error, NoRowAccepted) and error.is_closed
                    (self.closed if is_closed else self.obstacles).append((target, str(error)))
                    continue
                self.labels.append(target.label)
                yield place
        if not self.labels:
            raise CouldNotAsk((*self.obstacles, *self.closed)[0][1])

    @property
    def missing(self) -> list[str]:
        """The places that were passed over and are not closed, with the reason."""
        return [f"{target.label}: {reason}" for target, reason in self.obstacles]
