"""Where rows stop a migration, the fewest that do, and whether every row does, some do, or its own guard says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, islice
from typing import Final

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Schema
from pgcontract.model.sql import Script
from pgcontract.model.sql.written_values import constant_of, read_writes
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.own_guard import is_own_guard
from pgcontract.probes.populated.offending_rows import Offence, count, from_value, offences, still_referenced, with_value
from pgcontract.probes.populated.row_trials import RowTrials
from pgcontract.probes.populated.stored_rows import StoredRow, read_rows
from pgcontract.probes.script_words import assigned_columns, names_in_code
from pgcontract.result.row_effects import RowStop, StopKind
from pgcontract.values import dataclass

_MAX_STOPS: Final = 8
_MAX_ROWS: Final = 24
_MAX_PAIRS: Final = 6
_MAX_DIGITS: Final = 20  # a bigint's: more are halved too often
_MAX_STATEMENTS: Final = 2_000  # that are run again for one question, about: of long scripts fewer rows are tried
# Errors of the code that runs, whatever the row holds: a name that is not there, a feature, a state of the transaction.
_HARMLESS: Final = ("SET", "SELECT", "DO", "SHOW", "RESET", "BEGIN", "START", "COMMIT")
_WRITES: Final = ("UPDATE", "DELETE", "INSERT", "MERGE", "WITH")
_OF_THE_CODE: Final = ("42", "0A", "2F", "25", "2D", "26", "34", "55")


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A refusal over rows. `rows` are the fewest that were found to cause it; `together`: no one alone does. `beside` are
    other tables without whose rows they would not; `changed`: rows that the statement leaves alone go past."""

    kind: StopKind
    refusal: Refusal
    table: str | None = None
    rows: tuple[StoredRow, ...] = ()
    together: bool = False
    offence: Offence | None = None
    beside: tuple[str, ...] = ()
    changed: bool = False


@dataclass(frozen=True, kw_only=True)
class Stops:
    """What stopped the script, in the order of its statements; `unknown` is what could not be got past."""

    found: tuple[Stop, ...] = ()
    unknown: Refusal | None = None


def as_row_stop(migration: str, stop: Stop) -> RowStop:
    """The stop as a value of the Run."""
    refusal, offence = stop.refusal, stop.offence
    # A guard counts by itself, and one value that was found says nothing of others that stop it too.
    counts_all = offence is not None and not offence.is_example and stop.kind is not StopKind.GUARD
    return RowStop(
        migration=migration,
        kind=stop.kind,
        message=refusal.message,
        line=refusal.line,
        statement=refusal.statement,
        table=stop.table,
        row=tuple(stop.rows[0].values.items()) if stop.rows else (),
        condition=offence.condition if offence else None,
        counting=offence.counting if offence and counts_all else None,
    )


def find_stops(trials: RowTrials, before: Schema, after: Schema, bounds: Callable[[], Mapping[str, str]] = dict) -> Stops:
    """Run the script over the rows; wherever some stop it, take them out for good and go on. `bounds` reads what holds
    afterwards for the rows of each partition, by its name, as SQL."""
    found: list[Stop] = []
    for _ in range(_MAX_STOPS):
        refusal = trials.refusal()
        if refusal is None or refusal.is_timeout:
            return Stops(found=tuple(found), unknown=refusal)
        search = _Search(trials, refusal, before, after, bounds)
        stop, removed = search.stop()
        if stop is None:
            return Stops(found=tuple(found), unknown=refusal)
        found.append(stop)
        trials.remove(removed)
    return Stops(found=tuple(found), unknown=trials.refusal())


class _Search:
    """The rows behind one refusal."""

    def __init__(
        self,
        trials: RowTrials,
        refusal: Refusal,
        before: Schema,
        after: Schema,
        bounds: Callable[[], Mapping[str, str]],
    ) -> None:
        self.trials = trials
        self.script: Script = trials.script
        self.refusal = refusal
        self.before = before
        self.after = after
        self.bounds = bounds
        self.roots: dict[str, str] = {}  # of each partition the table at the top
        self.most = max(4, min(_MAX_ROWS, _MAX_STATEMENTS // max(len(self.script.statements), 1)))

    def stop(self) -> tuple[Stop | None, Sequence[StoredRow]]:
        """What stops the script, and the rows without which it goes past there."""
        rows = read_rows(self.trials.connection)
        self.roots = {row.holder: row.table for row in rows}
        for table in self._tables(rows):
            own = [row for row in rows if row.table == table]
            if not self._stops(own):
                return self._in_table(table, own)
        if rows and not self._stops(rows):
            of_code = self.refusal.sqlstate[:2] in _OF_THE_CODE
            kind = StopKind.GUARD if self._is_guard() else StopKind.ANY_ROW if of_code else StopKind.SOME_ROWS
            return Stop(kind=kind, refusal=self.refusal), rows
        return None, ()

    def _in_table(self, table: str, rows: list[StoredRow]) -> tuple[Stop, Sequence[StoredRow]]:
        tried = self._some_of(rows)
        own = [(row, refusal) for row in tried if (refusal := self._refusal_with(rows, [row]))]
        alone = [row for row, _ in own]
        passing = [row for row in tried if row not in alone]
        if own:
            row, refusal = min(own, key=lambda pair: (not self._is_told_alike(pair[1]), _size(pair[0])))
            fewest: tuple[StoredRow, ...] = (row,)
        else:
            fewest = self._fewest(rows)
            refusal = self._refusal_with(rows, fewest) or self.refusal
        accepted = self._accepted(rows, passing)
        together = not alone
        beside: tuple[str, ...] = ()
        changed = False
        if self._is_guard():
            kind = StopKind.GUARD
        elif together:
            kind = StopKind.SOME_ROWS if self._some_pair_passes(rows) else self._kind_of(table, ())
        else:
            changed = bool(passing) and self._leaves_alone(rows, passing)
            kind = self._kind_of(table, () if changed else passing)
            beside = self._beside(table, rows, fewest)
            if beside and self.refusal.sqlstate[:2] not in _OF_THE_CODE:
                kind = StopKind.SOME_ROWS  # the other table may be empty, or hold one row alone
        stop = Stop(
            kind=kind,
            refusal=refusal,  # which may quote a value, of the rows that are shown
            table=table,
            rows=fewest,
            together=together,
            offence=self._offence(table, fewest, passing),
            beside=beside,
            changed=changed,
        )
        return stop, [row for row in rows if row not in accepted]

    def _kind_of(self, table: str, passing: Sequence[StoredRow]) -> StopKind:
        """Of a refusal at which rows pass, or none that was tried does."""
        if self.refusal.sqlstate[:2] in _OF_THE_CODE:
            return StopKind.ANY_ROW
        if passing:
            return StopKind.SOME_ROWS
        if self._copies():
            return StopKind.SOME_ROWS
        # Rows that nobody thought of may pass, unless the script itself puts in what is refused.
        raised = self.refusal.sqlstate.startswith("P0")
        puts_in = self._writes and not self.refusal.sqlstate.startswith("22")  # a cast depends on what it is given
        return StopKind.ANY_ROW if raised or puts_in or self._reads_own_columns(table) else StopKind.SOME_ROWS

    def _copies(self) -> bool:
        """Whether what a CHECK, the bounds of partitions or a NOT NULL refuse was taken from rows by an INSERT: others
        may hold what is accepted."""
        statement, holder = self.refusal.statement or "", self.refusal.table_name
        if self.refusal.sqlstate not in ("23514", "23502") or not holder or not statement.upper().startswith("INSERT"):
            return False
        order = [column.bare_name for column in self.after.columns_of(holder)]
        named = {self.refusal.column_name} - {None} or {name for each in self._offences(holder) for name in each.columns}
        key = next((table.partition_key for table in self.after.tables if table.name == holder), None)
        named = named or {name for name in order if key and names_in_code(key, name)}
        writes = read_writes(statement)
        for write in writes:
            written = {**dict(zip(order, write.unnamed, strict=False)), **write.values}
            if any(constant_of(value) is None for name, value in written.items() if not named or name in named):
                return True
        return not writes  # SELECT *

    def _leaves_alone(self, rows: Sequence[StoredRow], passing: Sequence[StoredRow]) -> bool:
        """Whether a statement that writes rows goes past those of them alone that it does not touch."""
        if not self._writes:
            return False
        without = [row for row in rows if row not in passing]
        return self.trials.changed_by(without, self.refusal.statement) == 0

    def _beside(self, table: str, rows: Sequence[StoredRow], fewest: Sequence[StoredRow]) -> tuple[str, ...]:
        """Other tables, named in the statement, without whose rows these do not stop it."""
        others = [row for row in read_rows(self.trials.connection) if row.table != table]
        text = self.refusal.statement or ""
        spared = [row for row in rows if row not in fewest]
        return tuple(
            name
            for name in dict.fromkeys(row.table for row in others)
            if names_in_code(text, QualifiedName.parse(name).name)
            and not self._stops([*spared, *(row for row in others if row.table == name)])
        )

    @property
    def _writes(self) -> bool:
        return (self.refusal.statement or "").lstrip().upper().startswith(_WRITES)

    def _reads_own_columns(self, table: str) -> bool:
        """Whether the rule that refused reads a column that the script adds, or sets."""
        old = {column.bare_name for column in self.before.columns_of(table)}
        assigned = assigned_columns(self.script)
        return any(offence.columns - old or offence.columns & assigned for offence in self._offences(table))

    def _is_guard(self) -> bool:
        return is_own_guard(self.refusal, self.script) and (self.trials.body is not None or self._is_first())

    def _is_first(self) -> bool:
        """Whether no statement before it has changed anything that would stay."""
        before = (each for each in self.script.statements if each.shown != self.refusal.statement)
        return all(
            each.words[:1] and each.words[0] in _HARMLESS
            for each in before
            if self.refusal.line is not None and each.line < self.refusal.line
        )

    # Which rows.

    def _tables(self, rows: Sequence[StoredRow]) -> Iterator[str]:
        """The tables that may be at fault: the one that the server names, those of the statement, those of the script."""
        held = dict.fromkeys(row.table for row in rows)
        texts = (self.refusal.statement or "", self.refusal.context or "", self.script.text)
        named = [table for text in texts for table in held if names_in_code(text, QualifiedName.parse(table).name)]
        first = self.roots.get(self.refusal.table_name or "")
        yield from dict.fromkeys([*([first] if first else []), *named, *(held if len(held) <= 12 else ())])

    def _is_same(self, refusal: Refusal) -> bool:
        """Whether the same statement is refused for the same reason, for rows of the same table."""
        return self._reason(refusal) == self._reason(self.refusal)

    def _reason(self, refusal: Refusal) -> tuple[str | None, ...]:
        table = self.roots.get(refusal.table_name or "", refusal.table_name)
        return refusal.sqlstate, refusal.constraint, refusal.statement, refusal.column_name, table

    def _stops(self, without: Sequence[StoredRow]) -> bool:
        refusal = self.trials.refusal(without)
        return refusal is not None and self._is_same(refusal)

    def _is_told_alike(self, refusal: Refusal) -> bool:
        """Whether it is told in the words of the first, which may quote a value."""
        return (refusal.message, refusal.detail) == (self.refusal.message, self.refusal.detail)

    def _refusal_with(self, rows: Sequence[StoredRow], kept: Sequence[StoredRow]) -> Refusal | None:
        """The same refusal, where these rows alone are kept."""
        refusal = self.trials.refusal([row for row in rows if row not in kept])
        return refusal if refusal is not None and self._is_same(refusal) else None

    def _stops_with(self, rows: Sequence[StoredRow], kept: Sequence[StoredRow]) -> bool:
        return self._refusal_with(rows, kept) is not None

    def _some_of(self, rows: Sequence[StoredRow]) -> Sequence[StoredRow]:
        """As many of the rows as are tried: the first, and the last, which the new rules may take."""
        if len(rows) <= self.most:
            return rows
        return [*rows[: self.most // 2], *rows[-(self.most - self.most // 2) :]]

    def _fewest(self, rows: list[StoredRow]) -> tuple[StoredRow, ...]:
        """Rows that stop it together, none of which can be spared."""
        kept = list(rows)
        for row in self._some_of(rows):
            fewer = [other for other in kept if other is not row]
            if self._stops_with(rows, fewer):
                kept = fewer
        return tuple(kept)

    def _some_pair_passes(self, rows: list[StoredRow]) -> bool:
        pairs = islice(combinations(rows[:4], 2), _MAX_PAIRS)
        return any(not self._stops_with(rows, pair) for pair in pairs)

    def _accepted(self, rows: list[StoredRow], passing: list[StoredRow]) -> list[StoredRow]:
        """Rows that go past together."""
        if not self._stops_with(rows, passing):
            return passing
        accepted: list[StoredRow] = []
        for row in self._some_of(passing):
            if not self._stops_with(rows, [*accepted, row]):
                accepted.append(row)
        return accepted

    # What they have in common.

    def _offences(self, table: str) -> Iterator[Offence]:
        holder = self.refusal.table_name
        bounds = self.bounds() if self.refusal.sqlstate == "23514" and self.refusal.constraint is None else {}
        held = [holder] if holder else []
        for name in dict.fromkeys([*(held if holder in bounds else []), table, *held]):
            yield from offences(self.refusal, name, self.before, self.after, bounds)

    def _offence(self, table: str, fewest: Sequence[StoredRow], passing: Sequence[StoredRow]) -> Offence | None:
        """What is true of the rows that stop it: as the refusal says, else a column in which they differ from others."""
        said = self._offences(table)
        if self._writes:  # what a statement writes says nothing of what was there
            said = still_referenced(self.refusal, self.after) if self.refusal.sqlstate == "23503" else iter(())
        for offence in said:
            if count(self.trials.connection, offence):
                return offence
        if len(fewest) == 1 and passing:
            for column in self._decisive(fewest[0], passing):
                offence = with_value(table, column, fewest[0].values[column])
                if count(self.trials.connection, offence):
                    return self._too_large(table, column, fewest[0], passing) or offence
        return None

    def _too_large(self, table: str, column: str, row: StoredRow, passing: Sequence[StoredRow]) -> Offence | None:
        """The least number at which the script stops as it does at the row's, out of the range of a type."""
        other = _likest(row, passing)
        least, most = (_positive(each.values.get(column)) for each in (other, row))
        if self.refusal.sqlstate != "22003" or self.trials.body is None or most is None or other.holder != row.holder:
            return None
        rows, least = read_rows(self.trials.connection, {row.table}), least or 0
        while most - least > 1:
            middle = (least + most) // 2
            refusal = self._refusal_at(rows, other, column, str(middle))
            least, most = (middle, most) if refusal is None else (least, middle)
        return from_value(table, column, most)

    def _decisive(self, row: StoredRow, passing: Sequence[StoredRow]) -> Iterator[str]:
        """Columns whose value, put into a row that passes, makes it stop the script."""
        rows = read_rows(self.trials.connection, {row.table})
        other = _likest(row, passing)
        for name, value in row.values.items():
            if (
                value != other.values.get(name)
                and other.holder == row.holder
                and self._refusal_at(rows, other, name, value)
            ):
                yield name

    def _refusal_at(self, rows: Sequence[StoredRow], row: StoredRow, name: str, value: str | None) -> Refusal | None:
        """The same refusal, where of the rows this one alone is kept and has that value."""
        written = sql.SQL("UPDATE ONLY {} SET {} = {} WHERE ctid = {}").format(
            sql.SQL(row.holder), identifier(name), sql.Literal(value), sql.Literal(row.ctid)
        )
        refusal = self.trials.refusal_of_changed(
            [stored for stored in rows if stored.ctid != row.ctid or stored.holder != row.holder], row, written
        )
        return refusal if refusal is not None and self._is_same(refusal) else None


def _likest(row: StoredRow, others: Sequence[StoredRow]) -> StoredRow:
    return max(others, key=lambda other: sum(other.values[name] == row.values[name] for name in row.values))


def _positive(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS else None


def _size(row: StoredRow) -> int:
    return sum(len(value) if value is not None else 0 for value in row.values.values())
