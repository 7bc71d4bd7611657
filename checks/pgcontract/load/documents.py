"""JSON documents for a column: keys with SQL behind each, padded to a size that varies as people's documents do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from psycopg import sql

from pgcontract.contract import ColumnRows
from pgcontract.load.numbers import Make, Number, Place, spliced, whole

_POOL_MOST = 65_536
Words = Callable[[Number, str], Mapping[str, sql.Composable]]


def document(said: ColumnRows, place: Place, words: Words, word: str) -> Make:
    """A JSON object as the data set says; with `bytes`, a text is put beside its keys that brings it to a size.

    The padding does not compress much: what is repeated would be stored in a fraction of its size.
    """
    pairs = said.document or ()

    def plain(n: Number) -> sql.Composed:
        listed = [
            piece
            for key, text in pairs
            for piece in (sql.Literal(key), sql.Composed([spliced(text, words(n, f"document/{key}"))]))
        ]
        # A key's text may be a bare literal, whose type nobody else tells.
        typed = [sql.SQL("{}::text").format(each) if place % 2 == 0 else each for place, each in enumerate(listed)]
        return sql.SQL("pg_catalog.jsonb_build_object({})").format(sql.SQL(", ").join(typed))

    if said.bytes is None:
        return plain
    least, most = said.bytes
    pool = _letters(place, min(most, _POOL_MOST) + 64)
    key = next(name for name in ("notes", "padding", "pgcontract_padding") if name not in dict(pairs))
    around = len(f'"{key}": "", ')

    def padded(n: Number) -> sql.Composed:
        size = whole(n, place.salt("bytes"), least, most)
        start = whole(n, place.salt("padding"), 1, 64)
        text = sql.SQL("pg_catalog.substr({}, {}::int)").format(sql.Literal(pool), start)
        if most > _POOL_MOST:
            text = sql.SQL("pg_catalog.repeat({}, {})").format(text, sql.Literal(most // _POOL_MOST + 1))
        return sql.SQL(
            "(SELECT d || CASE WHEN {size} > pg_catalog.octet_length(d::text) + {around} THEN "
            "pg_catalog.jsonb_build_object({key}::text, pg_catalog.left({text}, "
            "({size} - pg_catalog.octet_length(d::text) - {around})::int)) ELSE '{{}}'::jsonb END "
            "FROM (SELECT {plain} AS d OFFSET 0) AS pgcontract_document)"
        ).format(size=size, around=sql.Literal(around), key=sql.Literal(key), text=text, plain=plain(n))

    return padded


def _letters(place: Place, count: int) -> str:
    """Letters without a pattern, the same for the same place."""
    seed = f"{place.seed}/{place.table}/{place.column}".encode()
    digest = hashlib.shake_256(seed).digest(count)
    return "".join("abcdefghijklmnopqrstuvwxyz     "[byte % 31] for byte in digest)
