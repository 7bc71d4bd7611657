"""SQL over a row's number: uniform and skewed random values, times. The same number gives the same value, on any server.

Everything is drawn by hashing the number with a salt of its own for each seed, table, column and purpose: nothing
depends on plan, on parallelism, or on what was drawn before. hashint8extended gives the same since PostgreSQL 11.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from psycopg import sql

from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.values import dataclass

Number = sql.Composable
MakeSql = Callable[[Number], sql.Composable]

_SCRAMBLE = 2**31 - 1  # a prime above any count of rows, so that multiplying by it visits each of them once


@dataclass(frozen=True, kw_only=True)
class ValueSeed:
    """Seed of one column: its random values are independent of every other column's."""

    seed: int
    table: str
    column: str

    def salt(self, purpose: str) -> int:
        place = f"{self.seed}/{self.table}/{self.column}/{purpose}"
        return int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], signed=True)


def uniform(number: Number, salt: int) -> sql.Composed:
    """A float8 from 0 up to 1: 53 bits of the hash, so that every server rounds them alike."""
    return sql.SQL(
        "((pg_catalog.hashint8extended({}, {}) >> 11 & 9007199254740991) * 1.1102230246251565e-16::float8)"
    ).format(number, sql.Literal(salt))


def integer_between(number: Number, salt: int, least: int, most: int) -> sql.Composed:
    """A bigint from `least` to `most`, each as likely."""
    drawn = uniform(number, salt)
    return sql.SQL("({} + pg_catalog.floor({} * {})::int8)").format(
        sql.Literal(least), drawn, sql.Literal(most - least + 1)
    )


def zipf_rank(number: Number, salt: int, count: int, skew: float) -> sql.Composed:
    """A bigint from 1 to `count`, k in proportion to k ** -skew: Zipf's law, by inverting the continuous one."""
    drawn = uniform(number, salt)
    if skew == 0 or count <= 1:
        return integer_between(number, salt, 1, max(count, 1))
    if abs(skew - 1) < 1e-9:
        place = sql.SQL("pg_catalog.power({}::float8, {})").format(sql.Literal(count + 1), drawn)
    else:
        power = 1 - skew
        place = sql.SQL("pg_catalog.power(1 + {}::float8 * {}, {}::float8)").format(
            sql.Literal((count + 1) ** power - 1), drawn, sql.Literal(1 / power)
        )
    return sql.SQL("LEAST(pg_catalog.floor({})::int8, {})").format(place, sql.Literal(count))


def spread_out(rank: sql.Composable, count: int) -> sql.Composed:
    """Ranks permuted over 1 to `count`, so that the most frequent values are not the first ones."""
    return sql.SQL("(1 + ({}) * {} % {})").format(rank, sql.Literal(_SCRAMBLE), sql.Literal(max(count, 1)))


def weighted(number: Number, salt: int, weights: Sequence[tuple[sql.Composable, float]]) -> sql.Composed:
    """One of the values, each in proportion to its weight."""
    total = sum(weight for _, weight in weights)
    drawn, passed = uniform(number, salt), 0.0
    arms = []
    for value, weight in weights[:-1]:
        passed += weight / total
        arms.append(sql.SQL("WHEN {} < {}::float8 THEN {}").format(drawn, sql.Literal(passed), value))
    if not arms:
        return sql.SQL("({})").format(weights[-1][0])
    return sql.SQL("CASE {} ELSE {} END").format(sql.SQL(" ").join(arms), weights[-1][0])


def timestamp_between(number: Number, salt: int, *, rows: int, since: str, until: str, word: str) -> sql.Composed:
    """A time between two, of the type `typname`: later from row to row, but for a jitter of a few rows."""
    share = sql.SQL("(({} - 1 + {} * 3) / {}::float8)").format(number, uniform(number, salt), sql.Literal(rows + 3))
    first, last = (sql.SQL("{}::timestamptz").format(sql.Literal(instant)) for instant in (since, until))
    return sql.SQL("({} + ({} - {}) * {})::{}").format(first, last, first, share, sql.SQL(word))


def sometimes_null(value: sql.Composable, number: Number, salt: int, share: float) -> sql.Composable:
    """The value, but NULL in that share of rows."""
    if share == 0:
        return value
    return sql.SQL("CASE WHEN {} >= {}::float8 THEN {} END").format(uniform(number, salt), sql.Literal(share), value)


def substituted(text: str, words: Mapping[str, sql.Composable]) -> sql.Composed:
    """An owner's SQL with these bare words replaced; a name in quotes, behind or before a dot stays."""
    pieces: list[sql.Composable] = []
    read, at = tokens(text), 0
    for before, token, after in zip((None, *read), read, (*read[1:], None), strict=False):
        adjacent = {neighbour.text for neighbour in (before,) if neighbour and neighbour.text in (".", "::")}
        adjacent |= {neighbour.text for neighbour in (after,) if neighbour and neighbour.text in (".", "(")}
        if token.kind is TokenKind.WORD and token.text.lower() in words and not adjacent:
            pieces += [sql.SQL(text[at : token.offset]), words[token.text.lower()]]
            at = token.offset + len(token.text)
    return sql.Composed([*pieces, sql.SQL(text[at:])])
