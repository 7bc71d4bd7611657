"""The writes that are tried on a row whose time the database keeps: those that send a time, and those that do not.

By every kind of statement, on two rows at once, with each other column before the write and with it, with two of them
where a rule names both, from each value to another, and by a move to another partition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from itertools import permutations
from typing import Final

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.schema import Column
from pgcontract.probes.context import Context
from pgcontract.probes.rows.attempts import (
    Accepted,
    Attempt,
    Change,
    changes_alone,
    paired_changes,
    shown,
    single_changes,
)
from pgcontract.probes.rows.column_values import values_to_try
from pgcontract.probes.rows.probe_row import ColumnValues
from pgcontract.probes.rows.rule_texts import RuleTexts
from pgcontract.probes.rows.second_row import second_row
from pgcontract.probes.rows.statement_kinds import Statement, inserting, moved, updating
from pgcontract.probes.rows.timestamp_forging import (
    MAX_FORGED,
    ForgedTime,
    an_hour_ahead,
    forged_times,
    no_time,
    three_days_ago,
    times_near_the_old,
)
from pgcontract.probes.rows.timestamp_upkeep import TimestampProbe
from pgcontract.values import dataclass

NO_TIME: Final = "that say nothing of the time"
TIME: Final = "that send a time"
OTHER_STATEMENT: Final = "by COPY, upsert, MERGE, of two rows at once, or that move the row to another partition"
OTHER_COLUMN: Final = "together with another column"
TWO_COLUMNS: Final = "together with two columns that a rule names both"
_VALUES_LINKED: Final = 7  # of a column that a rule names: from each to each other
_DEFAULT: Final = ForgedTime(label="DEFAULT", value=sql.SQL("DEFAULT"))


@dataclass(frozen=True, kw_only=True)
class TimeAttempt(Attempt):
    """`event` is insert or update; `forged` the time that it sends, `others` the values of other columns that it needs;
    `must_pass` where a refusal would be wrong, too; `is_move` to another partition, which is an INSERT there."""

    event: str
    forged: ForgedTime | None = None
    others: ColumnValues = field(default_factory=dict)
    must_pass: bool = False
    is_move: bool = False


class TimestampAttempts:
    """The attempts at one place. Those of an INSERT are for an empty place, those of an UPDATE for where both rows are;
    `accepted` are the other columns' values that the table was seen to take."""

    def __init__(self, context: Context, probe: TimestampProbe, rules: RuleTexts) -> None:
        self.context = context
        self.probe = probe
        self.row = probe.row
        self.column = probe.timestamp.bare_column
        self.left_out: list[str] = []
        others = [column for column in probe.columns if self._is_other(column)]
        self.values = values_to_try(context, probe.connection, rules, self.row, others)
        for one in self.values:
            if one.of > len(one.values):
                self.left_out.append(f"{len(one.values)} of {one.of} values of {one.column.name} were tried")
        self.pairs = rules.pairs([one.column.bare_name for one in self.values])
        known = forged_times(probe, rules.of_column(self.column))
        self.forged = known[:MAX_FORGED]
        if len(known) > MAX_FORGED:
            self.left_out.append(f"{MAX_FORGED} of {len(known)} times were sent")
        self.main = (three_days_ago(probe), an_hour_ahead(probe), no_time())
        self._setups: dict[tuple[tuple[str, str], ...], tuple[sql.Composed, ...]] = {}

    def _is_other(self, column: Column) -> bool:
        name = column.bare_name
        is_led = name in self.row.key or name in self.probe.target.values
        return name != self.column and not (column.generated or column.identity == "always" or is_led)

    # New rows

    def inserts_without_a_time(self) -> Iterator[TimeAttempt]:
        """Those that a client sends who leaves the time to the database."""
        yield self._insert(NO_TIME, "INSERT without the column", {}, must_pass=True)
        yield self._insert(NO_TIME, "INSERT of DEFAULT", {self.column: sql.SQL("DEFAULT")}, must_pass=True)
        for change in single_changes(self.values):
            if not change.before:
                yield self._insert(OTHER_COLUMN, f"INSERT {change.label}", change.beside)

    def forging_inserts(self, accepted: Accepted) -> Iterator[TimeAttempt]:
        for forged in self.forged:
            yield self._insert(TIME, f"INSERT of {forged.label}", {self.column: forged.value}, forged)
        for statement in self._insert_statements(self._written_out()):
            yield self._by(statement, statement.label, "insert")
        for forged in self.main:
            for statement in self._insert_statements({self.column: forged.value}):
                yield self._by(statement, f"{statement.label}, of {forged.label}", "insert", forged)
        singles = [change for change in single_changes(self.values, accepted=accepted) if not change.before]
        pairs = [change for change in paired_changes(self.values, self.pairs, accepted) if not change.before]
        for change in pairs:
            yield self._insert(TWO_COLUMNS, f"INSERT {change.label}", change.beside)
        for kind, changes, times in ((OTHER_COLUMN, singles, self.main[:2]), (TWO_COLUMNS, pairs, self.main[:1])):
            for change in changes:
                for forged in times:
                    values = {**change.beside, self.column: forged.value}
                    yield self._insert(kind, f"INSERT of {forged.label} {change.label}", values, forged)

    def _insert_statements(self, values: ColumnValues) -> Iterator[Statement]:
        statements = inserting(self.row, values, second=self.probe.second, others={})
        return (statement for statement in statements if statement.label != "INSERT")

    def _insert(
        self,
        kind: str,
        label: str,
        values: ColumnValues,
        forged: ForgedTime | None = None,
        *,
        must_pass: bool = False,
    ) -> TimeAttempt:
        return TimeAttempt(
            event="insert",
            kind=kind,
            label=label,
            write=self.row.insert(values),
            after=(self.row,),
            forged=forged,
            others=_without(values, self.column),
            must_pass=must_pass,
        )

    # Rows that are there

    def updates_of_others(self) -> Iterator[TimeAttempt]:
        """UPDATE of each other column by itself, to the value that it has and to others."""
        yield self._update(NO_TIME, "UPDATE that changes nothing", self.probe.unchanged_values())
        for column in self.probe.columns:
            name = column.bare_name
            if name != self.column and not column.generated and column.identity != "always":
                yield self._update(NO_TIME, f"UPDATE of {name} to itself", {name: identifier(name)})
        for change in changes_alone(self.values):
            yield self._update(NO_TIME, f"UPDATE of {change.label}", change.beside)
        yield from self._key_updates()

    def _key_updates(self) -> Iterator[TimeAttempt]:
        """Another key: one that neither row has."""
        second = self.probe.second
        third = second_row(self.context, second, self.probe.target) if second else None
        always = {column.bare_name for column in self.probe.columns if column.identity == "always" or column.generated}
        for name in self.row.key if third else ():
            if third and name not in always and third.row[name] != self.row.row[name]:
                new = third.row[name]
                update = self._update(NO_TIME, f"UPDATE of {name} = {new!r}", {name: sql.Literal(new)})
                yield replace(update, after=(moved(self.row, {name: new}),))

    def updates_by_other_ways(self, accepted: Accepted) -> Iterator[TimeAttempt]:
        """UPDATEs that say nothing of the time: by other statements, of columns from one value to another, of pairs."""
        unchanged = self.probe.unchanged_values()
        for statement in self._update_statements(self._written_out() or unchanged):
            yield self._by(statement, statement.label, "update")
        yield from self._moves({}, None)
        for change in (*self._links(), *paired_changes(self.values, self.pairs, accepted)):
            kind = TWO_COLUMNS if len({**change.before, **change.beside}) > 1 else OTHER_COLUMN
            yield self._update(kind, f"UPDATE {change.label}", {**unchanged, **change.beside}, before=change.before)

    def forging_updates(self, accepted: Accepted) -> Iterator[TimeAttempt]:
        """UPDATEs that send a time."""
        for forged in (*self.forged, *times_near_the_old(self.probe)):
            yield self._update(TIME, f"UPDATE to {forged.label}", {self.column: forged.value}, forged)
        yield self._update(TIME, "UPDATE to DEFAULT", {self.column: sql.SQL("DEFAULT")}, _DEFAULT)
        for forged in self.main:
            for statement in self._update_statements({self.column: forged.value}):
                yield self._by(statement, f"{statement.label}, to {forged.label}", "update", forged)
            yield from self._moves({self.column: forged.value}, forged)
        singles = [*self._to_themselves(), *single_changes(self.values, accepted=accepted)]
        pairs = [*self._links(), *paired_changes(self.values, self.pairs, accepted)]
        for kind, changes, times in ((OTHER_COLUMN, singles, self.main[:2]), (TWO_COLUMNS, pairs, self.main[:1])):
            for change in sorted(changes, key=lambda change: values_key(change.before)):
                for forged in times:
                    values = {**change.beside, self.column: forged.value}
                    label = f"UPDATE to {forged.label} {change.label}"
                    kind = kind if len({**change.before, **change.beside}) > 1 else OTHER_COLUMN
                    yield self._update(kind, label, values, forged, before=change.before)

    def _to_themselves(self) -> Iterator[Change]:
        for one in self.values:
            name = one.column.bare_name
            yield Change(label=f"with {name} = {name}", beside={name: identifier(name)})

    def _links(self) -> Iterator[Change]:
        """A column that a rule names, from each value to each other one."""
        for one in self.values:
            name = one.column.bare_name
            for earlier, value in permutations(one.values[:_VALUES_LINKED], 2) if one.is_turning else ():
                label = f"with {name} = {shown(value)} of a row whose {name} was {shown(earlier)}"
                yield Change(label=label, before={name: earlier}, beside={name: value})

    def _written_out(self) -> ColumnValues:
        """What changes nothing, without a column's name: an upsert knows two rows by it, and the one that it proposes has
        no values to name yet."""
        return {name: sql.Literal(self.row.row[name]) for name in self.probe.unchanged_values() if name in self.row.row}

    def _update_statements(self, values: ColumnValues) -> Iterator[Statement]:
        statements = updating(self.row, values, proposed={}, kept=self.probe.unchanged_values(), second=self.probe.second)
        return (statement for statement in statements if statement.label != "UPDATE")

    def _moves(self, values: ColumnValues, forged: ForgedTime | None) -> Iterator[TimeAttempt]:
        for led in self.probe.target.elsewhere:
            key = {name: sql.Literal(value) for name, value in led.items()}
            sent = f", to {forged.label}" if forged else ""
            label = f"UPDATE that moves the row to another partition{sent}"
            update = self._update(OTHER_STATEMENT, label, {**values, **key}, forged)
            yield replace(update, after=(moved(self.row, led),), is_move=True)

    def _update(
        self,
        kind: str,
        label: str,
        values: ColumnValues,
        forged: ForgedTime | None = None,
        *,
        before: Mapping[str, sql.Composable] | None = None,
    ) -> TimeAttempt:
        return TimeAttempt(
            event="update",
            kind=kind,
            label=label,
            setup=self._setup(before) if before else (),
            write=self.row.update(values),
            after=(self.row,),
            forged=forged,
            others=_without({**(before or {}), **values}, self.column),
        )

    def _setup(self, before: ColumnValues) -> tuple[sql.Composed, ...]:
        """The same tuple for the same values, so that attempts share it."""
        key = values_key(before)
        if key not in self._setups:
            self._setups[key] = (self.row.update(before), *self.probe.set_back(self.row))
        return self._setups[key]

    def _by(self, statement: Statement, label: str, event: str, forged: ForgedTime | None = None) -> TimeAttempt:
        return TimeAttempt(
            event=event, kind=OTHER_STATEMENT, label=label, write=statement.write, after=statement.rows, forged=forged
        )


def _without(values: ColumnValues, column: str) -> ColumnValues:
    return {name: value for name, value in values.items() if name != column}


def values_key(values: ColumnValues) -> tuple[tuple[str, str], ...]:
    """What tells values apart."""
    return tuple((name, value.as_string()) for name, value in values.items())
