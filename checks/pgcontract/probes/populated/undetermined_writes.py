"""Statements of a pending migration that write something else where the same rows lie in another order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql import Statement
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.held_clock import held_statement, hold_clock
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.row_picks import RowPick, row_pick
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.populated.stored_rows import StoredRow, read_rows, triggers_off
from pgcontract.probes.populated.table_snapshots import TableSnapshot, take_snapshot
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_WORD: Final = re.compile(r"\w+")
# A row by the order in which it lies, without a plan by which an index says another.
_AS_THEY_LIE: Final = """
SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_hashagg = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
"""
_WRITABLE: Final = """
SELECT a.attname FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = %s::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
   AND a.attidentity <> 'a'
 ORDER BY a.attnum LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class UndeterminedWrite:
    """What of a table came out otherwise: the `column`, "" where it is which rows are there. `expected` and `actual` are
    one row's values in the one order and in the other; `only_order`: the same words came in another order, or the same
    numbers went to other rows. `pick` is what in the statement leaves it open."""

    statement: Statement
    pick: RowPick
    table: str
    column: str
    expected: str
    actual: str
    only_order: bool

    @property
    def subject(self) -> str:
        return f"{self.table}.{quote_identifier(self.column)}" if self.column else self.table


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """A table after the statement over the rows in one order, and in the other. `numbers` are the columns in which no
    two runs differ anyhow; of them `stays` say which row it is, since they were there before, and `dealt` got numbers
    that were counted on."""

    usual: TableSnapshot
    turned: TableSnapshot
    numbers: Sequence[int]
    stays: Sequence[int]
    dealt: Sequence[int]

    @property
    def left(self) -> Sequence[int]:
        return [number for number in self.numbers if number not in self.dealt]


@cached_promise_fact
def undetermined_writes(context: Context) -> tuple[UndeterminedWrite, ...]:
    """The first of each table and column; () where the migration does not run over rows."""
    script = context.promise.script
    picks = [row_pick(statement) for statement in script.statements] if script.parsed else []
    if not any(picks) or not context.before.tables:
        return ()
    over = run_over_rows(context)
    if over.after is None:
        return ()
    found: dict[str, UndeterminedWrite] = {}
    with context.sandbox.clone(over.before) as name, context.sandbox.connect(name) as connection:
        for statement, pick in zip(steps_of(connection, script), picks, strict=False):
            if pick and connection.info.transaction_status is TransactionStatus.INTRANS:
                for write in _compare(context, connection, statement, pick):
                    found.setdefault(write.subject, write)
            if apply_statement(connection, statement, script) is not None:
                break
    return tuple(found.values())


def _compare(
    context: Context, connection: psycopg.Connection, statement: Statement, pick: RowPick
) -> Iterator[UndeterminedWrite]:
    """Run the statement over the rows as they lie, once more, and over the same otherwise laid; and undo all."""
    before = {table.name: table for table in take_snapshot(connection).values()}
    usual, again = (_run(context, connection, statement, step=0) for _ in range(2))
    # Rows that an ORDER BY ties come out of one sort by chance as out of another: they are laid in two other orders.
    for step in (1, 2) if pick.by_order else (1,):
        turned = _run(context, connection, statement, step=step) if usual and again else {}
        outcomes = [
            _outcome(before.get(name), usual[name], again[name], turned[name], pick)
            for name in usual
            if name in again and name in turned
        ]
        references = [_reference(outcome, number) for outcome in outcomes for number in outcome.dealt]
        writes = [write for outcome in outcomes for write in _differences(statement, pick, outcome, references)]
        yield from writes
        if writes:
            return


def _outcome(
    was: TableSnapshot | None, usual: TableSnapshot, again: TableSnapshot, turned: TableSnapshot, pick: RowPick
) -> _Outcome:
    # Numbers and uuids are other ones each time.
    numbers = [number for number in usual.columns if _column(usual, number) == _column(again, number)]
    stays = [key for key in usual.key if was and _column(was, key) == _column(usual, key)]
    dealt = [
        number
        for number in numbers
        if number not in stays
        and usual.types[number].startswith(("bigint", "integer", "smallint"))
        and _is_dealt(was, usual, turned, number, pick)
    ]
    return _Outcome(usual=usual, turned=turned, numbers=numbers, stays=stays, dealt=dealt)


def _is_dealt(was: TableSnapshot | None, usual: TableSnapshot, turned: TableSnapshot, number: int, pick: RowPick) -> bool:
    """Whether the column numbers rows: those that are new in it go on from its last one, or all are 1 and so on; and
    by OVER also those of each part."""
    if _column(usual, number) != _column(turned, number):
        return False
    there = Counter(_integers(was, number)) if was else Counter[int]()
    values = _integers(usual, number)
    new = sorted((Counter(values) - there).elements())
    if not new:
        return False
    begins = 1 + max(there, default=0)
    return (
        new == list(range(begins, begins + len(new)))
        or sorted(values) == list(range(1, len(usual.rows) + 1))
        or (pick.words.startswith("OVER") and set(values) == set(range(1, max(values) + 1)))
    )


def _integers(table: TableSnapshot, number: int) -> list[int]:
    return [int(text) for row in table.rows if (text := row.get(number)) is not None]


def _reference(outcome: _Outcome, number: int) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What else stands in the row of each number that was dealt out, in the one order and in the other."""
    one, other = (
        {text: repr([row[each] for each in outcome.left]) for row in table.rows if (text := row[number]) is not None}
        for table in (outcome.usual, outcome.turned)
    )
    return one, other


def _run(
    context: Context, connection: psycopg.Connection, statement: Statement, *, step: int
) -> Mapping[str, TableSnapshot]:
    """The tables after it, by name; {} where it is refused. `step`: 1, over the rows the other way round; 2, over every
    other of them behind the rest."""
    connection.execute("SAVEPOINT pgcontract_order")
    try:
        if step:
            _turn_round(connection, statement, step)
        hold_clock(connection)
        connection.execute(_AS_THEY_LIE)
        if apply_statement(connection, held_statement(statement), context.promise.script) is not None:
            return {}
        return {table.name: table for table in take_snapshot(connection).values()}
    except psycopg.Error:
        return {}
    finally:
        connection.execute("ROLLBACK TO SAVEPOINT pgcontract_order; RELEASE SAVEPOINT pgcontract_order")


def _turn_round(connection: psycopg.Connection, statement: Statement, step: int) -> None:
    """Write the rows that the statement may read anew, the last first: a row that is written anew lies at the end."""
    rows = [row for row in read_rows(connection) if _is_named(statement, row)]
    tables = list(dict.fromkeys(row.holder for row in rows))
    columns = {table: connection.execute(_WRITABLE, [table]).fetchone() for table in tables}
    with triggers_off(connection, tables):
        for row in rows[::-step]:
            if column := columns[row.holder]:
                connection.execute(
                    sql.SQL("UPDATE ONLY {0} SET {1} = {1} WHERE ctid = {2}").format(
                        sql.SQL(row.holder), sql.Identifier(column[0]), sql.Literal(row.ctid)
                    )
                )


def _is_named(statement: Statement, row: StoredRow) -> bool:
    return any(names_in_code(statement.text, QualifiedName.parse(name).name) for name in (row.table, row.holder))


def _column(table: TableSnapshot, number: int) -> list[str]:
    return sorted(str(row.get(number)) for row in table.rows)


def _differences(
    statement: Statement,
    pick: RowPick,
    outcome: _Outcome,
    references: Sequence[tuple[Mapping[str, str], Mapping[str, str]]],
) -> Iterator[UndeterminedWrite]:
    table, turned, numbers = outcome.usual, outcome.turned, outcome.numbers
    one, other = _rows(table, numbers), _rows(turned, numbers)
    if one == other:
        return

    def told(column: str, before: str | None, after: str | None, *, only_order: bool) -> UndeterminedWrite:
        return UndeterminedWrite(
            statement=statement,
            pick=pick,
            table=table.name,
            column=column,
            expected="NULL" if before is None else repr(before[:60]),
            actual="NULL" if after is None else repr(after[:60]),
            only_order=only_order,
        )

    def is_same(before: str | None, after: str | None) -> bool:
        """Whether it is the same value, or number of a row that is the same but for its number."""
        return before == after or any(before in a and a[before or ""] == b.get(after or "") for a, b in references)

    dealt, left = outcome.dealt, outcome.left
    same_words = _rows(table, left, words=True) == _rows(turned, left, words=True)
    if dealt and _rows(table, left) == _rows(turned, left):
        yield told(table.columns[dealt[0]], *_numbered(outcome), only_order=True)
        return
    keys = set(table.key) & set(numbers)
    if keys and keys == set(table.key):
        by_key = {tuple(row[key] for key in table.key): row for row in turned.rows}
        pairs = [(row, by_key.get(tuple(row[key] for key in table.key))) for row in table.rows]
        for number in numbers:
            changed = [(row[number], then[number]) for row, then in pairs if then and row[number] != then[number]]
            if changed:
                before, after = changed[0]
                alike = number in dealt or all(
                    _words(first) == _words(last) or is_same(first, last) for first, last in changed
                )
                yield told(table.columns[number], before, after, only_order=alike)
        if all(pairs_then is not None for _, pairs_then in pairs):
            return
    first, last = next(iter(one - other), None), next(iter(other - one), None)
    if first is not None and last is not None:
        place = next(at for at, (before, after) in enumerate(zip(first, last, strict=True)) if before != after)
        if not keys:
            columns = [number for number in numbers if _column(table, number) != _column(turned, number)]
            place = numbers.index(columns[0]) if len(columns) == 1 else place
            column = table.columns[columns[0]] if len(columns) == 1 else ""
            yield told(column, first[place], last[place], only_order=same_words)
            return
        yield told("", ", ".join(map(str, first[:3])), ", ".join(map(str, last[:3])), only_order=same_words)


def _rows(table: TableSnapshot, numbers: Sequence[int], *, words: bool = False) -> Counter[tuple[str | None, ...]]:
    return Counter(
        tuple(" ".join(_words(row[number])) if words else row[number] for number in numbers) for row in table.rows
    )


def _words(text: str | None) -> list[str]:
    return sorted(_WORD.findall(text or ""))


def _numbered(outcome: _Outcome) -> tuple[str, str]:
    """The first number that goes to another row, with what that has else, in the one order and in the other."""
    number, left = outcome.dealt[0], outcome.left
    one, other = (
        {int(row[number] or 0): ", ".join(str(row[each])[:20] for each in left[:3]) for row in table.rows}
        for table in (outcome.usual, outcome.turned)
    )
    first = min((each for each in one if one[each] != other.get(each)), default=min(one))
    return f"{first} for {one[first]}", f"{first} for {other.get(first)}"
