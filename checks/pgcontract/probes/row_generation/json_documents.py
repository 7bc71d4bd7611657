"""JSON documents for a column: keys with SQL behind each, padded to a varying size.

They are put together as text, which is measured and read once: built as jsonb, each would be written out to be measured
and built again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final

from psycopg import sql

from pgcontract.contract import ColumnRows
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.probes.row_generation.row_numbers import MakeSql, Number, ValueSeed, integer_between, substituted

_POOL_MOST: Final = 65_536
_STARTS: Final = 997
_PADDINGS: Final = ("notes", "padding", "pgcontract_padding")
Substitutions = Callable[[Number, str], Mapping[str, sql.Composable]]


def document(declaration: ColumnRows, value_seed: ValueSeed, words: Substitutions) -> MakeSql:
    """The text of a JSON object as the data set declares it; with `bytes`, a text added to its keys brings it to a size.

    The padding does not compress much: what is repeated would be stored in a fraction of its size.
    """
    pairs = declaration.document or ()

    def plain(n: Number) -> sql.Composed:
        """Everything but the closing bracket."""
        pieces: list[sql.Composable] = []
        for number, (key, text) in enumerate(pairs):
            before = f"{', ' if number else '{'}{json.dumps(key, ensure_ascii=False)}: "
            value = sql.SQL("coalesce(pg_catalog.to_json({})::text, 'null')").format(
                _typed(text, substituted(text, words(n, f"document/{key}")))
            )
            pieces += [sql.Literal(before), value]
        return sql.SQL("({})").format(sql.SQL(" || ").join(pieces or [sql.Literal("{")]))

    if declaration.bytes is None:
        return lambda n: sql.SQL("({} || '}}')").format(plain(n))
    least, most = declaration.bytes
    take = filler(value_seed, most)
    key = next(name for name in _PADDINGS if name not in dict(pairs))
    before = f'{", " if pairs else ""}"{key}": "'

    def padded(n: Number) -> sql.Composed:
        size = integer_between(n, value_seed.salt("bytes"), least, most)
        left = sql.SQL("GREATEST({} - pg_catalog.octet_length(d) - {}, 0)").format(size, sql.Literal(len(before) + 2))
        return sql.SQL("(SELECT d || {} || {} || '\"}}' FROM (SELECT {} AS d OFFSET 0) AS pgcontract_document)").format(
            sql.Literal(before), take(n, left), plain(n)
        )

    return padded


def filler(value_seed: ValueSeed, most: int) -> Callable[[Number, sql.Composable], sql.Composed]:
    """SQL for a text of a number of letters, `most` at most, that differs from row to row: a substring of a long one.

    Of bytes, because a piece of a text is counted off letter by letter from its start.
    """
    letters = sql.Literal(_letters(value_seed, min(most, _POOL_MOST) + _STARTS))
    times = most // _POOL_MOST + 1

    def take(n: Number, count: sql.Composable) -> sql.Composed:
        pool = sql.SQL("{}::bytea").format(letters)
        if times > 1:
            pool = sql.SQL("pg_catalog.convert_to(pg_catalog.repeat({}, {}), 'UTF8')").format(letters, sql.Literal(times))
        return sql.SQL("pg_catalog.convert_from(pg_catalog.substr({}, {}::int, ({})::int), 'UTF8')").format(
            pool, integer_between(n, value_seed.salt("padding"), 1, _STARTS), count
        )

    return take


def _letters(value_seed: ValueSeed, count: int) -> str:
    """Letters without a pattern, the same for the same place."""
    seed = f"{value_seed.seed}/{value_seed.table}/{value_seed.column}".encode()
    digest = hashlib.shake_256(seed).digest(count)
    return "".join("abcdefghijklmnopqrstuvwxyz     "[byte % 31] for byte in digest)


def _typed(text: str, value: sql.Composed) -> sql.Composed:
    """A bare literal has no type that to_json could go by."""
    read = tokens(text)
    bare = len(read) == 1 and (read[0].kind is TokenKind.STRING or read[0].upper == "NULL")
    return sql.SQL("{}::text").format(value) if bare else value
