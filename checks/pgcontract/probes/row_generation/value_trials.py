"""Values tried on a table before it is filled: the server says which of them its types and CHECKs accept."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import InputError
from pgcontract.postgres.tries import try_statements
from pgcontract.probes.boundary_values import literal_values, texts_near_regex
from pgcontract.probes.row_generation.row_query import ColumnGenerator, fits, rows_query
from pgcontract.probes.row_generation.target_tables import FilledColumn, FilledTable, TableCheck
from pgcontract.probes.row_generation.value_candidates import CandidateGenerator, Hints
from pgcontract.values import dataclass

_MAX_CANDIDATES = 80  # candidates of one column
_SAMPLED = 60


@dataclass(frozen=True, kw_only=True)
class ValueChecker:
    """Tries values on one table; `texts` are examples from contracts, by table and bare column name."""

    connection: psycopg.Connection
    table: FilledTable
    texts: Mapping[tuple[str, str], tuple[str, ...]]

    def accepted(
        self, column: FilledColumn, candidates: Iterable[CandidateGenerator], *, rows: int
    ) -> Iterator[CandidateGenerator]:
        """Those of the first candidates whose values satisfy the type, the column's own CHECKs and its NOT NULL."""
        own = [check for check in self.table.checks if check.columns == (column.name,)]
        for candidate in itertools.islice(candidates, _MAX_CANDIDATES):
            generator = ColumnGenerator(column=column, make=candidate.make)
            if self.passes([generator], own, rows=rows, required=[] if column.null else [column.name]):
                yield candidate

    def passes(
        self,
        generators: Sequence[ColumnGenerator],
        checks: Sequence[TableCheck],
        *,
        rows: int,
        required: Sequence[str] = (),
    ) -> bool:
        """Whether a sample of so many rows goes past the types, the CHECKs and the NOT NULLs."""
        tests = [sql.SQL("(({}) IS NOT FALSE)").format(sql.SQL(check.expression)) for check in checks]
        tests += [sql.SQL("({} IS NOT NULL)").format(identifier(name)) for name in required]
        # It reads the value of every column, whether or not a CHECK asks for it: the type may refuse it as well.
        tests += [fits(generator.column) for generator in generators]
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
            sql.SQL(" AND ").join(tests), rows_query(generators, numbers)
        )
        try:
            [result] = try_statements(self.connection, query.as_string(self.connection))
        except psycopg.Error:
            return False
        return result.get_value(0, 0) == b"t"

    def hints(self, column: FilledColumn, *, rows: int) -> Hints:
        """What is known of the column's values."""
        own = [check for check in self.table.checks if column.name in check.columns]
        written = (text for check in own for text in literal_values(check.expression))
        literals = tuple(dict.fromkeys((*written, *column.type.literals)))
        passing = self._passing_texts(column, literals) if column.type.category == "S" else literals
        known = self.texts.get((self.table.name, column.name), ())
        near = _texts_near(literals) if column.type.category == "S" else ()
        return Hints(texts=(*known, *near), literals=passing, rows=max(rows, 1))

    def _passing_texts(self, column: FilledColumn, texts: Sequence[str]) -> tuple[str, ...]:
        own = [check for check in self.table.checks if check.columns == (column.name,)]
        return tuple(
            text
            for text in texts[:_MAX_CANDIDATES]
            if not text.isdigit()
            and self.passes([ColumnGenerator(column=column, make=lambda n, text=text: sql.Literal(text))], own, rows=1)  # type: ignore[misc]
        )


def _texts_near(literals: Sequence[str]) -> tuple[str, ...]:
    """Texts that patterns of a CHECK match: a plain one of a regular expression, what LIKE leaves fixed."""
    texts: list[str] = []
    for text in literals:
        texts.append(text.replace("%", "").replace("_", "a"))
        with suppress(InputError, RecursionError):
            texts += texts_near_regex(text, limit=1)
    return tuple(dict.fromkeys(text for text in texts if text and not text.isdigit()))
