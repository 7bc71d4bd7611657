"""Values tried on a table before it is filled: the server says which of them its types and CHECKs let in."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pgcontract.errors import InputError
from pgcontract.performance.loading.row_query import Maker, fits, identifier, rows_query
from pgcontract.performance.loading.target_tables import Check, FilledColumn, FilledTable
from pgcontract.performance.loading.type_generators import Candidate, Hints
from pgcontract.probes.boundary_values import edits_of_regex, literals_of

_TRIED = 80  # candidates of one column
_SAMPLED = 60


@dataclass(frozen=True, kw_only=True)
class Trying:
    """One table, and `texts` that contracts give as examples, by table and bare column name."""

    connection: psycopg.Connection
    table: FilledTable
    texts: Mapping[tuple[str, str], tuple[str, ...]]

    def accepted(self, column: FilledColumn, candidates: Iterable[Candidate], *, rows: int) -> Iterator[Candidate]:
        """Those of the first candidates whose values the type and the column's own CHECKs let in, and its NOT NULL."""
        own = [check for check in self.table.checks if check.columns == (column.name,)]
        for each in itertools.islice(candidates, _TRIED):
            maker = Maker(column=column, make=each.make)
            if self.passes([maker], own, rows=rows, required=[] if column.null else [column.name]):
                yield each

    def passes(
        self, makers: Sequence[Maker], checks: Sequence[Check], *, rows: int, required: Sequence[str] = ()
    ) -> bool:
        """Whether a sample of so many rows goes past the types, the CHECKs and the NOT NULLs."""
        tests = [sql.SQL("(({}) IS NOT FALSE)").format(sql.SQL(each.expression)) for each in checks]
        tests += [sql.SQL("({} IS NOT NULL)").format(identifier(name)) for name in required]
        # It reads the value of every column, whether or not a CHECK asks for it: the type has a say as well.
        tests += [fits(each.column) for each in makers]
        step = max(rows // _SAMPLED, 1)
        numbers = sql.SQL(
            "(SELECT pg_catalog.generate_series(1, {least}) UNION SELECT pg_catalog.generate_series(1, {most}, {step}) "
            "UNION SELECT {most})"
        ).format(
            least=sql.Literal(min(_SAMPLED, max(rows, 1))),
            most=sql.Literal(max(rows, 1)),
            step=sql.Literal(step),
        )
        query = sql.SQL("SELECT pg_catalog.bool_and({}) FROM ({}) AS pgcontract_sample").format(
            sql.SQL(" AND ").join(tests), rows_query(makers, numbers)
        )
        try:
            with self.connection.transaction(force_rollback=True):
                row = self.connection.execute(query).fetchone()
        except psycopg.Error:
            return False
        return bool(row and row[0])

    def hints(self, column: FilledColumn, *, rows: int) -> Hints:
        """What is known of the column's values."""
        own = [check for check in self.table.checks if column.name in check.columns]
        literals = tuple(dict.fromkeys(text for check in own for text in literals_of(check.expression)))
        passing = self._passing(column, literals) if column.type.category == "S" else literals
        known = self.texts.get((self.table.name, column.name), ())
        near = _near(literals) if column.type.category == "S" else ()
        return Hints(texts=(*known, *near), literals=passing, rows=max(rows, 1))

    def _passing(self, column: FilledColumn, texts: Sequence[str]) -> tuple[str, ...]:
        own = [check for check in self.table.checks if check.columns == (column.name,)]
        return tuple(
            text
            for text in texts[:_TRIED]
            if not text.isdigit()
            and self.passes([Maker(column=column, make=lambda n, text=text: sql.Literal(text))], own, rows=1)  # type: ignore[misc]
        )


def _near(literals: Sequence[str]) -> tuple[str, ...]:
    """Texts that patterns of a CHECK match: a plain one of a regular expression, what LIKE leaves fixed."""
    found: list[str] = []
    for text in literals:
        found.append(text.replace("%", "").replace("_", "a"))
        with suppress(InputError, RecursionError):
            found += edits_of_regex(text, limit=1)
    return tuple(dict.fromkeys(text for text in found if text and not text.isdigit()))
