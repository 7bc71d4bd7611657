"""The writes that are tried on a row whose time the database keeps: those that send a time, and those that do not.

By every kind of statement, on two rows at once, with each other column before the write and with it, with two of them
where a rule names both, from each value to another, and by a move to another partition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.probes.context import Context
from pgcontract.probes.rows.attempts import Attempt, Attempts, Sent
from pgcontract.probes.rows.other_columns import TOGETHER, Accepted, Change, find_other_columns
from pgcontract.probes.rows.probe_row import ColumnValues
from pgcontract.probes.rows.rule_texts import RuleTexts
from pgcontract.probes.rows.timestamp_forging import (
    MAX_FORGED,
    an_hour_ahead,
    default_time,
    forged_times,
    no_time,
    three_days_ago,
    times_near_the_old,
)
from pgcontract.probes.rows.timestamp_upkeep import TimestampProbe
from pgcontract.probes.rows.write_matrix import WriteMatrix

NO_TIME: Final = "that say nothing of the time"
TIME: Final = "that send a time"
OTHER_STATEMENT: Final = "by COPY, upsert, MERGE, of two rows at once, or that move the row to another partition"
OTHER_COLUMN: Final = "together with another column"
TWO_COLUMNS: Final = "together with two columns that a rule names both"
_VALUES_LINKED: Final = 7  # of a column that a rule names: from each to each other


class TimestampWriteMatrix:
    """The attempts at one place. Those of an INSERT are for an empty place, those of an UPDATE for where both rows are;
    `accepted` are the other columns' values that the table was seen to take."""

    def __init__(self, context: Context, probe: TimestampProbe, rules: RuleTexts) -> None:
        self.probe = probe
        self.row = probe.row
        self.column = probe.timestamp.bare_column
        self.others = find_other_columns(
            context, probe.connection, rules, probe.timestamp.table, self.row, probe.target, (self.column,)
        )
        self.attempts = Attempts(probe.connection, probe.target.holder, self.others.left_out)
        self.rules = rules.of_column(self.column)
        known = forged_times(probe, self.rules)
        self.forged = known[:MAX_FORGED]
        if len(known) > MAX_FORGED:
            self.attempts.left_out.append(f"{MAX_FORGED} of {len(known)} times were sent")
        self.main = (three_days_ago(probe), an_hour_ahead(probe), no_time(probe))
        self.unchanged = Sent(values=probe.unchanged_values())
        # What changes nothing, without a column's name: an upsert knows two rows by it, and the one that it proposes has
        # no values to name yet.
        self.written_out = Sent(
            values={name: sql.Literal(self.row.row[name]) for name in self.unchanged.values if name in self.row.row}
        )

    @property
    def matrix(self) -> WriteMatrix:
        """With the second row as long as there is one."""
        return WriteMatrix(
            row=self.row,
            second=self.probe.second,
            target=self.probe.target,
            word="of",
            kind=OTHER_STATEMENT,
            looks_before=True,
        )

    # New rows

    def inserts_without_a_time(self) -> Iterator[Attempt]:
        """Those that a client sends who leaves the time to the database."""
        yield self.matrix.insert(NO_TIME, Sent(), label="INSERT without the column")
        default = Sent(values={self.column: sql.SQL("DEFAULT")})
        yield self.matrix.insert(NO_TIME, default, label="INSERT of DEFAULT")
        yield from self.matrix.inserts((OTHER_COLUMN, self.others.single(), [Sent()]))

    def forging_inserts(self, accepted: Accepted) -> Iterator[Attempt]:
        """INSERTs that send a time, and other statements and columns without one."""
        yield from (self.matrix.insert(TIME, forged) for forged in self.forged)
        yield from self.matrix.insert_statements([self.written_out, *self.main], others={})
        yield from self.matrix.inserts(
            (TWO_COLUMNS, self.others.paired(accepted), [Sent(), *self.main[:1]]),
            (TOGETHER, self.others.together(accepted), [Sent(), *self.main[:1]]),
            (OTHER_COLUMN, self.others.single(accepted), self.main[:2]),
        )

    # Rows that are there

    def updates_of_others(self) -> Iterator[Attempt]:
        """UPDATE of each other column by itself, to the value that it has and to others."""
        yield self.matrix.update(NO_TIME, self.unchanged, label="UPDATE that changes nothing")
        for column in self.probe.columns:
            name = column.bare_name
            if name != self.column and not column.generated and column.identity != "always":
                itself = Sent(values={name: identifier(name)})
                yield self.matrix.update(NO_TIME, itself, label=f"UPDATE of {name} to itself")
        yield from self.matrix.updates((NO_TIME, self.others.alone(), [Sent()]), setup=self._before)

    def updates_by_other_ways(self, accepted: Accepted) -> Iterator[Attempt]:
        """UPDATEs that say nothing of the time: by other statements, of columns from one value to another, of pairs."""
        sent = self.written_out if self.written_out.values else self.unchanged
        yield from self.matrix.update_statements([sent], proposed={}, kept=self.unchanged.values)
        yield from self.matrix.moves([Sent()])
        yield from self.matrix.updates(
            (OTHER_COLUMN, self.others.links(_VALUES_LINKED), [self.unchanged]),
            (TWO_COLUMNS, self.others.paired(accepted), [self.unchanged]),
            (TOGETHER, self.others.together(accepted), [self.unchanged]),
            setup=self._before,
        )

    def forging_updates(self, accepted: Accepted) -> Iterator[Attempt]:
        """UPDATEs that send a time."""
        forged = (*self.forged, *times_near_the_old(self.probe, self.rules), default_time(self.probe))
        yield from (self.matrix.update(TIME, one) for one in forged)
        yield from self.matrix.update_statements(self.main, proposed={}, kept=self.unchanged.values)
        yield from self.matrix.moves(self.main)
        to_themselves = [
            Change(label=f"with {name} = {name}", beside={name: identifier(name)})
            for name in (one.column.bare_name for one in self.others.values)
        ]
        yield from self.matrix.updates(
            (OTHER_COLUMN, [*to_themselves, *self.others.single(accepted)], self.main[:2]),
            (OTHER_COLUMN, self.others.links(_VALUES_LINKED), self.main[:1]),
            (TWO_COLUMNS, self.others.paired(accepted), self.main[:1]),
            (TOGETHER, self.others.together(accepted), self.main[:1]),
            setup=self._before,
        )

    def _before(self, values: ColumnValues) -> tuple[sql.Composed, ...]:
        """The writes that give the row these values of other columns, and the time that it had."""
        return (self.row.update(values), *self.probe.set_back(self.row)) if values else ()
