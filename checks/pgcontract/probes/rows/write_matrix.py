"""Every way in which values can be written to a row of one place, whatever is asked about: by each kind of statement, of
two rows at once, with other columns before the write and with it, by a move to another partition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from psycopg import sql

from pgcontract.probes.rows.attempts import Attempt, Attempts, Sent, Tried
from pgcontract.probes.rows.other_columns import NO_CHANGE, Change
from pgcontract.probes.rows.probe_row import ColumnValues, ProbeRow
from pgcontract.probes.rows.statement_kinds import (
    copy_row,
    insert_both,
    merge_insert,
    merge_update,
    moved,
    update_both,
    upsert,
)
from pgcontract.probes.rows.write_targets import WriteTarget
from pgcontract.values import dataclass

# What kind of attempts they are, the changes of other columns, and what is sent with each of them.
Block: TypeAlias = tuple[str, Iterable[Change], Iterable[Sent]]
Setup: TypeAlias = tuple[sql.Composed, ...]


@dataclass(frozen=True, kw_only=True)
class WriteMatrix:
    """`row` is the one that is written, `second` one like it, if there can be one. `word` stands before what an INSERT
    sends (`INSERT as paid`), `kind` is that of statements which are no plain INSERT or UPDATE. An UPDATE's row is looked
    at before it, too, where `looks_before`."""

    row: ProbeRow
    second: ProbeRow | None
    target: WriteTarget
    word: str
    kind: str
    looks_before: bool

    # New rows

    def insert(self, kind: str, sent: Sent, change: Change = NO_CHANGE, *, label: str = "") -> Attempt:
        """INSERT of the row with what is sent, and with the change's values."""
        return Attempt(
            kind=kind,
            label=label or _called("INSERT", self.word, sent, change),
            setup=change.set_statements,
            write=self.row.insert({**sent.values, **change.beside}),
            after=(moved(self.row, {**sent.key, **change.key}),),
            is_new=True,
            sent=sent,
            change=change,
        )

    def inserts(self, *blocks: Block) -> Iterator[Attempt]:
        """INSERTs with each change that no row must be there for."""
        for kind, changes, several in blocks:
            listed = list(several)
            for change in changes:
                if not change.before:
                    yield from (self.insert(kind, sent, change) for sent in listed)

    def insert_statements(
        self, several: Iterable[Sent], *, others: ColumnValues | None, plain: bool = False
    ) -> Iterator[Attempt]:
        """Each other kind of statement that inserts (and with `plain` INSERT); `others` are the other row's values."""
        row, second = self.row, self.second
        for sent in several:
            values = sent.values
            if plain:
                yield self.insert(self.kind, sent)
            if row.key:
                yield self._new("INSERT … ON CONFLICT DO UPDATE of a new row", sent, upsert(row, values, values))
            yield self._new("MERGE that inserts", sent, merge_insert(row, values))
            if second is not None:
                good = values if others is None else others
                both, label = (row, second), "INSERT of two rows, of which it is the"
                yield self._new(f"{label} last", sent, insert_both(row, good, second, values), both, wrote=(second,))
                yield self._new(f"{label} first", sent, insert_both(row, values, second, good), both, wrote=(row,))
                if others is not None:
                    yield self._new("INSERT of two such rows", sent, insert_both(row, values, second, values), both)

    def copies(self, attempts: Attempts, several: Iterable[Sent], look: sql.Composable) -> Iterator[Tried]:
        """COPY of each, made and counted."""
        for sent in several:
            row = moved(self.row, sent.key)
            lines, result = copy_row(attempts.connection, self.row, sent.values, row.select(look))
            attempts.tried[self.kind] += 1
            label, write = _called("COPY", self.word, sent), sql.Composed([])
            attempt = Attempt(kind=self.kind, label=label, write=write, after=(row,), is_new=True, sent=sent)
            yield Tried(attempt=attempt, result=result, copied=lines)

    # Rows that are there

    def update(self, kind: str, sent: Sent, change: Change = NO_CHANGE, *, setup: Setup = (), label: str = "") -> Attempt:
        """UPDATE of the row that the setup leaves there to what is sent, and to the change's values."""
        return Attempt(
            kind=kind,
            label=label or _called("UPDATE", "to", sent, change),
            setup=setup,
            write=self.row.update({**sent.values, **change.beside}),
            before=(self.row,) if self.looks_before else (),
            after=(moved(self.row, {**sent.key, **change.key}),),
            sent=sent,
            change=change,
        )

    def updates(self, *blocks: Block, setup: Callable[[ColumnValues], Setup]) -> Iterator[Attempt]:
        """UPDATEs with each change, of a row that the `setup` puts there with the values that are to be there before;
        none that would write nothing."""
        marked = [(kind, change, list(several)) for kind, changes, several in blocks for change in changes]
        last: tuple[tuple[str, str], ...] | None = None
        there: Setup = ()
        settings = list(dict.fromkeys(tuple(change.settings.items()) for _, change, _ in marked))
        for kind, change, several in sorted(marked, key=lambda mark: _order(mark[1], settings)):
            if _key(change) != last:
                last, there = _key(change), (*setup(change.before), *change.set_statements)
            for sent in several:
                if sent.values or change.beside:
                    yield self.update(kind, sent, change, setup=there)

    def update_statements(
        self,
        several: Iterable[Sent],
        *,
        proposed: ColumnValues | None,
        kept: ColumnValues,
        setup: Setup = (),
        second_setup: Setup = (),
        plain: bool = False,
    ) -> Iterator[Attempt]:
        """Each other kind of statement that changes the row (and with `plain` UPDATE). `proposed` are the values of the
        row that an upsert proposes (None: those that it changes it to), `kept` those that leave a row as it is;
        `second_setup` puts both rows there."""
        row, second = self.row, self.second
        for sent in several:
            values, there = sent.values, "INSERT … ON CONFLICT DO UPDATE"
            if plain:
                yield self.update(self.kind, sent, setup=setup)
            if row.key:
                write = upsert(row, values if proposed is None else proposed, values)
                yield self._there(f"{there} of the row that is there", sent, write, setup)
                write = upsert(row, values, values)
                yield self._there(f"{there} that proposes the same values", sent, write, setup)
            yield self._there("MERGE that updates", sent, merge_update(row, values), setup)
            if second is not None and row.key:
                both, label, there_both = (row, second), "UPDATE of two rows, of which it is the", second_setup or setup
                write = update_both(row, kept, second, values)
                yield self._there(f"{label} last", sent, write, there_both, both, wrote=(second,))
                write = update_both(row, values, second, kept)
                yield self._there(f"{label} first", sent, write, there_both, both, wrote=(row,))
                write = update_both(row, values, second, values)
                yield self._there("UPDATE of two such rows", sent, write, there_both, both)

    def moves(self, several: Iterable[Sent], *, setup: Setup = ()) -> Iterator[Attempt]:
        """UPDATEs that move the row to another partition."""
        listed = list(several)
        for led in self.target.elsewhere:
            key = {name: sql.Literal(value) for name, value in led.items()}
            for sent in listed:
                write = self.row.update({**sent.values, **key})
                row = moved(self.row, led)
                attempt = self._there("UPDATE that moves the row to another partition", sent, write, setup, (row,))
                yield replace(attempt, before=attempt.before and (self.row,), is_move=True)

    def _new(
        self,
        statement: str,
        sent: Sent,
        write: sql.Composed,
        rows: tuple[ProbeRow, ...] = (),
        *,
        wrote: tuple[ProbeRow, ...] = (),
    ) -> Attempt:
        """A statement that inserts these rows (else the row), and of them those that it `wrote` (else all) as sent."""
        rows = rows or (self.row,)
        return Attempt(
            kind=self.kind,
            label=_called(statement, self.word, sent),
            write=write,
            after=tuple(moved(row, sent.key) if row in (wrote or rows) else row for row in rows),
            is_new=True,
            sent=sent,
        )

    def _there(
        self,
        statement: str,
        sent: Sent,
        write: sql.Composed,
        setup: Setup,
        rows: tuple[ProbeRow, ...] = (),
        *,
        wrote: tuple[ProbeRow, ...] = (),
    ) -> Attempt:
        """A statement that changes rows which the setup leaves there."""
        attempt = self._new(statement, sent, write, rows, wrote=wrote)
        before = (rows or (self.row,)) if self.looks_before else ()
        label = _called(statement, "to", sent)
        return replace(attempt, label=label, setup=setup, before=before, is_new=False)


def _called(statement: str, word: str, sent: Sent, change: Change = NO_CHANGE) -> str:
    """`UPDATE to paid with note = 'a'`; `MERGE that updates, to paid`."""
    comma = "" if statement in ("INSERT", "UPDATE") else ","
    label = f"{statement}{comma} {word} {sent.name}" if sent.name else statement
    return f"{label} {change.label}" if change.label else label


def _key(change: Change) -> tuple[tuple[str, str], ...]:
    """What tells apart what is there before the write."""
    return (*((name, value.as_string()) for name, value in change.before.items()), *change.settings.items())


def _order(change: Change, settings: Sequence[tuple[tuple[str, str], ...]]) -> tuple[tuple[tuple[str, str], ...], int]:
    """Those with the same rows before and the same settings together; settings in the order that they are given in."""
    before = tuple((name, value.as_string()) for name, value in change.before.items())
    return before, settings.index(tuple(change.settings.items()))
