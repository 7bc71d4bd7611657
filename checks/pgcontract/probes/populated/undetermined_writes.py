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
from pgcontract.model.sql.lexer import Token, tokens
from pgcontract.postgres.script_execution import apply_statement
from pgcontract.probes.boundary_values import literal_values
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.populated.over_rows import run_over_rows
from pgcontract.probes.populated.steps import steps_of
from pgcontract.probes.populated.stored_rows import StoredRow, read_rows, triggers_off
from pgcontract.probes.populated.table_snapshots import TableSnapshot, take_snapshot
from pgcontract.probes.row_generation.update_parts import update_parts
from pgcontract.probes.script_words import names_in_code
from pgcontract.values import dataclass

_WRITES: Final = frozenset({"INSERT", "UPDATE", "MERGE", "CREATE", "DO", "WITH"})
_COLLECTS: Final = frozenset(
    {"STRING_AGG", "ARRAY_AGG", "JSON_AGG", "JSONB_AGG", "JSON_OBJECT_AGG", "JSONB_OBJECT_AGG", "XMLAGG"}
)
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
    pick: str
    table: str
    column: str
    expected: str
    actual: str
    only_order: bool

    @property
    def subject(self) -> str:
        return f"{self.table}.{quote_identifier(self.column)}" if self.column else self.table


@cached_promise_fact
def undetermined_writes(context: Context) -> tuple[UndeterminedWrite, ...]:
    """The first of each table and column; () where the migration does not run over rows."""
    script = context.promise.script
    picks = [_pick(statement) for statement in script.statements] if script.parsed else []
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
    context: Context, connection: psycopg.Connection, statement: Statement, pick: str
) -> Iterator[UndeterminedWrite]:
    """Run the statement over the rows as they lie, once more, and over the same the other way round; and undo all."""
    before = {table.name: table for table in take_snapshot(connection).values()}
    usual, again, turned = (_run(context, connection, statement, turned=turned) for turned in (False, False, True))
    for name, table in usual.items() if usual and again and turned else ():
        if name not in again or name not in turned:
            continue
        volatile = [
            number for number in table.columns if _column(table, number) != _column(again[name], number)
        ]  # other numbers and uuids each time
        was = before.get(name)
        stays = [key for key in table.key if was and _column(was, key) == _column(table, key)]
        yield from _differences(statement, pick, table, turned[name], volatile=volatile, stays=stays)


def _run(
    context: Context, connection: psycopg.Connection, statement: Statement, *, turned: bool
) -> Mapping[str, TableSnapshot]:
    """The tables after it, by name; {} where it is refused."""
    connection.execute("SAVEPOINT pgcontract_order")
    try:
        if turned:
            _turn_round(connection, statement)
        connection.execute(_AS_THEY_LIE)
        if apply_statement(connection, statement, context.promise.script) is not None:
            return {}
        return {table.name: table for table in take_snapshot(connection).values()}
    except psycopg.Error:
        return {}
    finally:
        connection.execute("ROLLBACK TO SAVEPOINT pgcontract_order; RELEASE SAVEPOINT pgcontract_order")


def _turn_round(connection: psycopg.Connection, statement: Statement) -> None:
    """Write the rows that the statement may read anew, the last first: a row that is written anew lies at the end."""
    rows = [row for row in read_rows(connection) if _is_named(statement, row)]
    tables = list(dict.fromkeys(row.holder for row in rows))
    columns = {table: connection.execute(_WRITABLE, [table]).fetchone() for table in tables}
    with triggers_off(connection, tables):
        for row in reversed(rows):
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
    pick: str,
    table: TableSnapshot,
    turned: TableSnapshot,
    *,
    volatile: Sequence[int],
    stays: Sequence[int],
) -> Iterator[UndeterminedWrite]:
    """`stays` are the columns of the key that say which row it is, since they were there before."""
    numbers = [number for number in table.columns if number not in volatile]
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

    apart = [
        number
        for number in numbers
        if number not in stays and table.types[number].startswith(("bigint", "integer")) and _numbers(table, number)
    ]
    left = [number for number in numbers if number not in apart]
    same_words = _rows(table, left, words=True) == _rows(turned, left, words=True)
    if apart and _rows(table, left) == _rows(turned, left):
        ends = [_numbered(each, apart[0], left) for each in (table, turned)]
        yield told(table.columns[apart[0]], *ends, only_order=True)
        return
    keys = set(table.key) & set(numbers)
    if keys and keys == set(table.key):
        by_key = {tuple(row[key] for key in table.key): row for row in turned.rows}
        pairs = [(row, by_key.get(tuple(row[key] for key in table.key))) for row in table.rows]
        for number in numbers:
            changed = [(row[number], then[number]) for row, then in pairs if then and row[number] != then[number]]
            if changed:
                before, after = changed[0]
                alike = number in apart or all(_words(first) == _words(last) for first, last in changed)
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


def _numbered(table: TableSnapshot, number: int, left: Sequence[int]) -> str:
    """What the row with the number 1 has else."""
    first = next(row for row in table.rows if row[number] == "1")
    return "1 for " + ", ".join(str(first[each])[:20] for each in left[:3])


def _numbers(table: TableSnapshot, number: int) -> bool:
    """Whether the column numbers the rows: each has its own number, and they are 1 and so on."""
    return _column(table, number) == sorted(map(str, range(1, len(table.rows) + 1)))


def _pick(statement: Statement) -> str:
    """What in the statement leaves open which row it takes, or in which order; "" where nothing does."""
    if statement.words[:1] == () or statement.words[0] not in _WRITES:
        return ""
    if statement.words[0] == "CREATE" and "TABLE" not in statement.words[1:4]:
        return ""
    is_body = statement.words[0] == "DO"
    text = "".join(literal_values(statement.text)) if is_body else statement.text
    read = tokens(text)
    joined = "UPDATE … FROM" if any(part.joins for part in update_parts(text)) else ""
    return next(_picks(read, is_body=is_body), joined)


def _picks(read: Sequence[Token], *, is_body: bool) -> Iterator[str]:
    """LIMIT, DISTINCT ON, OVER and what collects values, each without an ORDER BY of its own; in a body what takes one
    row after another too."""
    scopes: list[dict[str, int]] = [{}]
    for place, token in enumerate(read):
        scope = scopes[-1]
        if token.text == "(":
            before, earlier = (read[place - back].upper if place >= back else "" for back in (1, 2))
            scopes.append({word: 1 for word in (before,) if word == "OVER" or word in _COLLECTS})
            if before == "ON" and earlier == "DISTINCT":
                scope["DISTINCT ON"] = 1
        elif token.text in (")", ";") or token.upper == "LOOP":
            yield from _unordered(scope)
            if token.text == ")" and len(scopes) > 1:
                scopes.pop()
            else:
                scopes = [{}]
        elif token.upper == "ORDER":
            scope["ORDER"] = 1
        elif token.upper in ("LIMIT", "FETCH"):
            scope["LIMIT"] = 1
        elif token.upper == "INTO" and is_body and read[place - 1].upper not in ("INSERT", "MERGE"):
            scope["SELECT … INTO"] = 1
        elif token.upper == "FOR" and is_body and "SELECT" in [each.upper for each in read[place + 2 : place + 5]]:
            scope["FOR … IN SELECT"] = 1
        elif token.upper == "NOTHING" and read[place - 1].upper == "DO" and any(each.upper == "SELECT" for each in read):
            scope["ON CONFLICT DO NOTHING"] = 1
    for scope in scopes:
        yield from _unordered(scope)


def _unordered(scope: Mapping[str, int]) -> Iterator[str]:
    if "ORDER" not in scope:
        for word in scope:
            yield f"{word.lower()}(…)" if word in _COLLECTS else f"{word} (…)" if word == "OVER" else word
