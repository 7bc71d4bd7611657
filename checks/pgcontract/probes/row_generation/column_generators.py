"""How each column of a table gets its values: from the data set, else from types and constraints."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from pgcontract.catalog.sql_names import identifier
from pgcontract.contract import ColumnRows, Dataset
from pgcontract.errors import ContractError
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.schema import Origin
from pgcontract.probes.row_generation.json_documents import document
from pgcontract.probes.row_generation.row_numbers import (
    MakeSql,
    Number,
    ValueSeed,
    sometimes_null,
    spread_out,
    substituted,
    timestamp_between,
    uniform,
    weighted,
    zipf_rank,
)
from pgcontract.probes.row_generation.row_query import (
    ColumnGenerator,
    number_series,
    rows_query,
    with_dependencies,
)
from pgcontract.probes.row_generation.table_plan import TablePlan
from pgcontract.probes.row_generation.target_tables import (
    FilledColumn,
    FilledTable,
    ForeignKey,
    Key,
    TableCheck,
    count_rows,
    named_in,
)
from pgcontract.probes.row_generation.type_generators import (
    CandidateGenerator,
    Hints,
    nth,
    repeating_candidates,
    unique_candidates,
)
from pgcontract.probes.row_generation.value_trials import ValueChecker

PARENTS_SKEW = 0.7
_MOST_STORED = 1000
_NULL_SHARE = 0.25
_MAX_CANDIDATES = 6  # candidates of one column that satisfy its own CHECKs, for the CHECKs of several columns


class DatasetPlanner:
    """Plans the tables of one data set at one size, on a connection to the database that they are to be loaded into.

    To rows of `stored` tables others refer as they are there, not as they were planned. With `nulls` a column that may be
    NULL, and of which nothing is declared, is so in some rows.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        tables: Sequence[FilledTable],
        dataset: Dataset,
        *,
        size: int,
        seed: int,
        texts: Mapping[tuple[str, str], tuple[str, ...]],
        declared_at: Origin,
        stored: Collection[str] = (),
        nulls: bool = True,
    ) -> None:
        self.connection = connection
        self.nulls = nulls
        self.stored = frozenset(stored)
        self.tables = {table.name: table for table in tables}
        self.dataset = dataset
        self.size = size
        self.seed = seed
        self.texts = texts
        self.declared_at = declared_at
        self._planned: dict[str, TablePlan] = {}
        self._begun: dict[str, TablePlanner] = {}
        self._present: dict[str, int] = {}

    def plan(self) -> tuple[TablePlan, ...]:
        """Every table's plan, referenced tables first."""
        for name in self.tables:
            self.table_plan(name)
        return tuple(self._planned.values())

    def table_plan(self, name: str) -> TablePlan:
        """One table's plan, referenced tables first. In a cycle of foreign keys it holds what is planned so far."""
        if name in self._begun:
            begun = self._begun[name]
            return TablePlan(table=begun.table, rows=begun.rows, generators=begun.generators, origin=begun.origin)
        if name not in self._planned:
            self._begun[name] = TablePlanner(self, self.tables[name])
            self._planned[name] = self._begun[name].plan()
            del self._begun[name]
        return self._planned[name]

    def present(self, table: FilledTable) -> int:
        """How many rows the migrations inserted."""
        if table.name not in self._present:
            self._present[table.name] = count_rows(self.connection, table)
        return self._present[table.name]


class TablePlanner:
    def __init__(self, planner: DatasetPlanner, table: FilledTable) -> None:
        self.planner = planner
        self.connection = planner.connection
        self.table = table
        self.declaration = planner.dataset.table(table.name)
        self.rows = self.declaration.count(planner.size) if table.storable else 0
        if planner.present(table) and self.declaration.share is None and self.declaration.rows is None:
            self.rows = 0  # what the migrations put there is the whole of it
        self.origin = self.declaration.origin or planner.declared_at
        self.checker = ValueChecker(connection=self.connection, table=table, texts=planner.texts)
        self.generators: dict[str, ColumnGenerator] = {}
        self.candidates: dict[str, list[CandidateGenerator]] = {}
        self.references: dict[str, ForeignKey] = {
            column: reference for reference in reversed(table.references) for column in reference.columns
        }

    def plan(self) -> TablePlan:
        for column in self.table.columns:
            declaration = self.declaration.column(column.name)
            if declaration and (declared_maker := self.declared_generator(column, declaration)):
                self.generators[column.name] = declared_maker
        foreign_key_generator = frozenset(self.references)
        self.make_keys_unique(except_columns=foreign_key_generator)
        self.add_foreign_keys()
        self.make_keys_unique()
        for column in self.table.columns:
            if column.name not in self.generators:
                self.derive_generator(column)
        self.satisfy_checks()
        if self.planner.nulls:
            self.leave_some_null()
        for column in self.table.columns:
            declaration = self.declaration.column(column.name)
            if (
                declaration
                and declaration.null
                and declaration.expression is None
                and not declaration.weights
                and column.name in self.generators
            ):
                self.generators[column.name] = self.nullable(self.generators[column.name], declaration)
        ordered = {column.name: self.generators[column.name] for column in self.table.columns}
        try:
            rows_query(ordered.values(), number_series(1, 1))
        except ValueError as circle:
            first = (
                next((generator.origin for generator in ordered.values() if generator.origin and generator.needs), None)
                or self.origin
            )
            raise ContractError(
                f"of {self.table.name} the columns {circle} read each other in a circle; let one of them stand alone",
                file=first.file,
                line=first.line,
            ) from None
        return TablePlan(table=self.table, rows=self.rows, generators=ordered, origin=self.origin)

    # Declared by the data set.

    def declared_generator(self, column: FilledColumn, declaration: ColumnRows) -> ColumnGenerator | None:
        place, rows = self.value_seed(column.name), sql.Literal(self.rows)
        others = {other.name for other in self.table.columns} - {column.name}

        def words(n: Number, purpose: str) -> Mapping[str, sql.Composable]:
            return {"n": n, "rows": rows, "r": uniform(n, place.salt(purpose))}

        def generator(make: object, needs: Iterable[str] = (), max_distinct: int | None = None) -> ColumnGenerator:
            value_maker = ColumnGenerator(
                column=column,
                make=make,  # type: ignore[arg-type]
                needs=frozenset(needs),
                max_distinct=max_distinct,
                origin=declaration.origin,
            )
            return self.nullable(value_maker, declaration) if declaration.null else value_maker

        if declaration.expression is not None:
            text = declaration.expression
            return generator(
                lambda n: substituted(text, words(n, "value")), (named_in(text) - {"n", "r", "rows"}) & others
            )
        if declaration.weights:
            pairs = [(sql.Literal(value), weight) for value, weight in declaration.weights]
            return generator(lambda n: weighted(n, place.salt("value"), pairs))
        if declaration.since is not None and declaration.until is not None:
            since, until, word = declaration.since, declaration.until, column.type.name
            return generator(
                lambda n: timestamp_between(n, place.salt("value"), rows=self.rows, since=since, until=until, word=word)
            )
        if declaration.document is not None:
            needs = set().union(*(named_in(text) for _, text in declaration.document)) if declaration.document else set()
            return generator(document(declaration, place, words), (needs - {"n", "r", "rows"}) & others)
        if declaration.distinct is not None:
            count = (
                declaration.distinct
                if isinstance(declaration.distinct, int)
                else max(round(declaration.distinct * self.rows), 1)
            )
            reference = self.references.get(column.name)
            if reference is not None:
                make, parents = self.parent_key(reference, column.name)
                count = min(count, parents)
                return generator(
                    lambda n: make(spread_out(zipf_rank(n, place.salt("rank"), count, declaration.skew), count)),
                    max_distinct=count,
                )
            below = self.first_accepted(column, unique_candidates(column.type, place, self.hints(column)))
            return generator(
                lambda n: below.make(zipf_rank(n, place.salt("rank"), count, declaration.skew)), max_distinct=count
            )
        return None

    def nullable(self, generator: ColumnGenerator, declaration: ColumnRows) -> ColumnGenerator:
        salt, share, make = self.value_seed(declaration.name).salt("null"), declaration.null or 0.0, generator.make
        return replace(generator, make=lambda n: sometimes_null(make(n), n, salt, share), origin=declaration.origin)

    # Foreign keys.

    def add_foreign_keys(self) -> None:
        """Generators for the columns of each foreign key that the data set does not declare."""
        for reference in self.table.references:
            if any(name in self.generators for name in reference.columns):
                continue
            unique = self.unique_over(reference.columns)
            for name in reference.columns:
                self.generators[name] = self.foreign_key_generator(reference, name, unique=unique)

    def unique_over(self, columns: Sequence[str]) -> bool:
        """Whether a key allows each parent once."""
        return any(key.columns and set(key.columns) <= set(columns) for key in self.table.keys)

    def foreign_key_generator(self, reference: ForeignKey, name: str, *, unique: bool) -> ColumnGenerator:
        column = self.table.column(name)
        if reference.parent == self.table.name and self.table.name not in self.planner.stored:
            return self.self_reference_generator(reference, column)
        make, parents = self.parent_key(reference, name)
        salt = self.value_seed(reference.columns[0]).salt("parent")
        if parents == 0:
            if not column.null:
                raise self.derivation_error(column.name, f"{reference.parent} has no rows to refer to; give it some")
            return ColumnGenerator(column=column, make=lambda n: sql.SQL("NULL"), max_distinct=0)
        if unique:
            self.rows = (
                min(self.rows, parents) if self.declaration.share is None and self.declaration.rows is None else self.rows
            )
            return ColumnGenerator(column=column, make=make, max_distinct=parents)
        return ColumnGenerator(
            column=column,
            make=lambda n: make(spread_out(zipf_rank(n, salt, parents, PARENTS_SKEW), parents)),
            max_distinct=parents,
        )

    def self_reference_generator(self, reference: ForeignKey, column: FilledColumn) -> ColumnGenerator:
        """An earlier row, or none: for the first, and for one in ten; the row itself where null is not allowed."""
        salt = self.value_seed(reference.columns[0]).salt("parent")
        key = dict(zip(reference.columns, reference.parent_columns, strict=True))[column.name]
        none = sql.SQL("NULL") if column.null else None

        def make(n: Number) -> sql.Composable:
            drawn = uniform(n, salt)
            earlier = sql.SQL("(1 + pg_catalog.floor({} * ({} - 1))::int8)").format(drawn, n)
            key_value = self.generators[key].value
            if none is None:
                return key_value(sql.SQL("GREATEST({}, 1)").format(earlier))
            return sql.SQL("CASE WHEN {} > 1 AND {} < 0.9 THEN {} END").format(n, drawn, key_value(earlier))

        return ColumnGenerator(column=column, make=make)

    def parent_key(self, reference: ForeignKey, name: str) -> tuple[MakeSql, int]:
        """SQL for the key of the parent's row of some number, and how many rows the parent has."""
        key = dict(zip(reference.columns, reference.parent_columns, strict=True))[name]
        parent = self.planner.tables.get(reference.parent)
        if parent is None:
            return (lambda n: sql.SQL("NULL")), 0
        present = self.planner.present(parent)
        if reference.parent in self.planner.stored:
            return self.stored_keys(reference, key), min(present, _MOST_STORED)
        table_plan = self.planner.table_plan(reference.parent)
        if table_plan.rows == 0:
            return self.stored_keys(reference, key), min(present, _MOST_STORED)
        if key not in table_plan.generators:
            raise self.derivation_error(name, f"{reference.parent} waits for it in turn")
        generators = with_dependencies(table_plan.generators, [key])
        if len(generators) == 1:
            return generators[0].value, table_plan.rows

        def make(n: Number) -> sql.Composable:
            numbers = sql.SQL("(SELECT {})").format(n)
            return sql.SQL("(SELECT {} FROM ({}) AS pgcontract_parent)").format(
                identifier(key), rows_query(generators, numbers)
            )

        return make, table_plan.rows

    def stored_keys(self, reference: ForeignKey, key: str) -> MakeSql:
        """The keys of rows that migrations inserted, in their order."""
        ordered = sql.SQL(", ").join(map(identifier, reference.parent_columns))
        query = sql.SQL("SELECT {}::text FROM {} ORDER BY {} LIMIT {}").format(
            identifier(key), sql.SQL(reference.parent), ordered, sql.Literal(_MOST_STORED)
        )
        keys = [value for (value,) in self.connection.execute(query).fetchall()]
        listed = sql.SQL(", ").join(map(sql.Literal, keys))
        return lambda n: sql.SQL("(ARRAY[{}]::text[])[({})::int]").format(listed, n)

    # Unique keys.

    def make_keys_unique(self, except_columns: frozenset[str] = frozenset()) -> None:
        """Make keys unique: one column of each has a unique value in every row, or all of them count up together.

        Foreign key columns are left out at first: tables that refer to this one need its keys before those are known.
        """
        for key in self.table.keys:
            named = [self.table.column(name) for name in key.columns]
            if any(
                self.generators.get(key_column.name) and self.is_declared_or_unique(self.generators[key_column.name])
                for key_column in named
            ):
                continue
            free = [
                key_column
                for key_column in named
                if key_column.name not in self.generators and key_column.name not in except_columns
            ]
            best = next(
                (
                    apart_maker
                    for key_column in sorted(free, key=_key_column_order)
                    if (apart_maker := self.unique_generator(key_column))
                ),
                None,
            )
            if best is not None:
                self.generators[best.column.name] = best
            elif named and not except_columns and not any(self.declaration.column(column.name) for column in named):
                self.number_key_columns(key, named)

    def is_declared_or_unique(self, generator: ColumnGenerator) -> bool:
        """Whether the data set declares this column, or it has a unique value in each row."""
        return generator.origin is not None or (
            generator.max_distinct is None and generator.column.name not in self.references
        )

    def unique_generator(self, column: FilledColumn) -> ColumnGenerator | None:
        candidates = unique_candidates(column.type, self.value_seed(column.name), self.hints(column))
        enough = (
            candidate for candidate in candidates if candidate.max_distinct is None or candidate.max_distinct >= self.rows
        )
        chosen = next(self.accepted(column, enough), None)
        if chosen is None:
            return None
        return ColumnGenerator(column=column, make=self.shifted(column, chosen), needs=chosen.needs)

    def shifted(self, column: FilledColumn, chosen: CandidateGenerator) -> MakeSql:
        """Numbers that continue after those that the migrations inserted."""
        present = self.planner.present(self.table)
        if not present or column.type.category != "N":
            return chosen.make
        query = sql.SQL("SELECT coalesce(pg_catalog.max({})::int8, 0) FROM {}").format(
            identifier(column.name), sql.SQL(self.table.name)
        )
        row = self.connection.execute(query).fetchone()
        last = sql.Literal(int(row[0]) if row else 0)
        return lambda n: chosen.make(sql.SQL("({} + {})").format(n, last))

    def number_key_columns(self, key: Key, columns: Sequence[FilledColumn]) -> None:
        """Columns of few values each as the digits of one number."""
        below, digits = 1, []
        for column in columns:
            make, max_distinct = self.limited_values(column)
            digits.append((column, make, below, max_distinct))
            below *= max_distinct
        if self.declaration.share is None and self.declaration.rows is None:
            self.rows = min(self.rows, below)
        elif below < self.rows:
            raise self.derivation_error(
                columns[0].name, f"{key.name} takes {below} different rows at most, and {self.rows} are asked for"
            )
        for column, make, weight, max_distinct in digits:

            def digit(
                n: Number, make: MakeSql = make, weight: int = weight, max_distinct: int = max_distinct
            ) -> sql.Composable:
                place = sql.SQL("(1 + ({} - 1) / {} % {})").format(n, sql.Literal(weight), sql.Literal(max_distinct))
                return make(place)

            self.generators[column.name] = ColumnGenerator(column=column, make=digit, max_distinct=max_distinct)

    def limited_values(self, column: FilledColumn) -> tuple[MakeSql, int]:
        reference = self.references.get(column.name)
        if reference is not None and reference.parent != self.table.name:
            make, parents = self.parent_key(reference, column.name)
            return make, max(parents, 1)
        hints = self.hints(column)
        ways: Iterator[CandidateGenerator] = unique_candidates(column.type, self.value_seed(column.name), hints)
        if hints.literals:
            listed = CandidateGenerator(make=lambda n: nth(hints.literals, n), max_distinct=len(hints.literals))
            ways = itertools.chain(ways, [listed])
        chosen = self.first_accepted(column, ways)
        return chosen.make, chosen.max_distinct or max(self.rows, 1)

    # Columns without declaration or key.

    def derive_generator(self, column: FilledColumn) -> None:
        place = self.value_seed(column.name)
        hints = self.hints(column)
        ways: Iterator[CandidateGenerator] = repeating_candidates(column.type, place, hints)
        if column.identity or (column.default and "nextval(" in column.default):
            ways = itertools.chain(unique_candidates(column.type, place, hints), ways)
        if column.null:
            ways = itertools.chain(ways, [CandidateGenerator(make=lambda n: sql.SQL("NULL"), max_distinct=0)])
        if column.default is not None:
            text = column.default
            ways = itertools.chain(ways, [CandidateGenerator(make=lambda n: sql.SQL(text))])
        accepted = self.accepted(column, ways)
        shared = any(column.name in check.columns and len(check.columns) > 1 for check in self.table.checks)
        candidates = list(itertools.islice(accepted, _MAX_CANDIDATES if shared else 1))
        if not candidates:
            raise self.derivation_error(column.name, "no value that was tried passes its type and CHECKs")
        self.candidates[column.name] = candidates
        self.generators[column.name] = ColumnGenerator(
            column=column, make=candidates[0].make, max_distinct=candidates[0].max_distinct
        )

    def satisfy_checks(self) -> None:
        """For CHECKs of several columns: a derived column takes, row by row, the first value that satisfies them."""
        for check in self.table.checks:
            if len(check.columns) < 2 or self.holds([check]):
                continue
            for name in sorted(check.columns, key=lambda column: not self.table.column(column).null):
                if name in self.candidates and self.choose_by_row(name):
                    break
            else:
                raise self.derivation_error(check.columns[-1], f"no values that were tried pass {check.name} together")

    def leave_some_null(self) -> None:
        """Of derived columns that may be NULL some are: a query that asks for it finds some rows, and not all."""
        kept = {*self.references, *(name for key in self.table.keys for name in key.columns)}
        for column in self.table.columns:
            before = self.generators[column.name]
            if not column.null or column.name in kept or column.name not in self.candidates or before.max_distinct == 0:
                continue
            salt, value = self.value_seed(column.name).salt("null"), before.value
            self.generators[column.name] = replace(
                before,
                make=lambda n, value=value, salt=salt: sometimes_null(value(n), n, salt, _NULL_SHARE),  # type: ignore[misc]
            )
            checks = [check for check in self.table.checks if column.name in check.columns]
            if checks and not self.holds(checks):
                self.generators[column.name] = before

    def choose_by_row(self, name: str) -> bool:
        """Choose the column's value row by row from the other columns; whether all CHECKs that name it then hold."""
        before = self.generators[name]
        checks = [check for check in self.table.checks if name in check.columns]
        others = {column for check in checks for column in check.columns} - {name}
        if any(name in generator.needs for generator in with_dependencies(self.generators, others)):
            return False
        ways = [*self.candidates[name], *self.neighbouring_values(before.column, sorted(others))]
        if before.column.null:
            ways.append(CandidateGenerator(make=lambda n: sql.SQL("NULL")))
        own, typed = identifier(name), sql.SQL(before.column.type.name)
        passes = sql.SQL(" AND ").join(
            sql.SQL("(({}) IS NOT FALSE)").format(sql.SQL(check.expression)) for check in checks
        )

        def make(n: Number) -> sql.Composable:
            listed = sql.SQL(", ").join(
                sql.SQL("({}, ({})::{})").format(sql.Literal(place), candidate.make(n), typed)
                for place, candidate in enumerate(ways)
            )
            return sql.SQL(
                "(SELECT {0} FROM (VALUES {1}) AS pgcontract_way(pgcontract_place, {0}) WHERE {2} "
                "ORDER BY pgcontract_place LIMIT 1)"
            ).format(own, listed, passes)

        needs = frozenset(others).union(*(candidate.needs for candidate in ways))
        self.generators[name] = replace(before, make=make, needs=needs)
        if self.holds(checks):
            return True
        self.generators[name] = before
        return False

    def neighbouring_values(self, column: FilledColumn, others: Sequence[str]) -> Iterator[CandidateGenerator]:
        """Values equal to or just next to another column's of the row, where both are numbers or times."""
        for name in others:
            other = self.table.column(name)
            if other.type.category != column.type.category or column.type.category not in "ND":
                if other.type.name == column.type.name:
                    yield _from_other_column(name, "{}")
                continue
            step = "1" if column.type.category == "N" or column.type.typname == "date" else "interval '1 hour'"
            for text in (f"{{}} + {step}", "{}", f"{{}} - {step}"):
                yield _from_other_column(name, text)

    def first_accepted(self, column: FilledColumn, candidates: Iterable[CandidateGenerator]) -> CandidateGenerator:
        candidate = next(self.accepted(column, candidates), None)
        if candidate is None:
            raise self.derivation_error(column.name, "no value that was tried passes its type and CHECKs")
        return candidate

    def accepted(self, column: FilledColumn, candidates: Iterable[CandidateGenerator]) -> Iterator[CandidateGenerator]:
        return self.checker.accepted(column, candidates, rows=self.rows)

    def holds(self, checks: Sequence[TableCheck]) -> bool:
        """Whether a sample of rows passes the CHECKs."""
        names = {name for check in checks for name in check.columns}
        if not names <= self.generators.keys():
            return False
        return self.checker.passes(with_dependencies(self.generators, sorted(names)), checks, rows=self.rows)

    def hints(self, column: FilledColumn) -> Hints:
        return self.checker.hints(column, rows=self.rows)

    def value_seed(self, column: str) -> ValueSeed:
        return ValueSeed(seed=self.planner.seed, table=self.table.name, column=column)

    def derivation_error(self, column: str, why: str) -> ContractError:
        key = f'[dataset.table."{self.table.name}"] columns.{quote_identifier(column)}'
        return ContractError(
            f"no rows can be derived for {self.table.name}: of the column {quote_identifier(column)}, {why}. "
            f"Say what stands in it under {key}",
            file=self.origin.file,
            line=self.origin.line,
        )


def _from_other_column(name: str, text: str) -> CandidateGenerator:
    return CandidateGenerator(make=lambda n: sql.SQL(text).format(identifier(name)), needs=frozenset([name]))


def _key_column_order(column: FilledColumn) -> tuple[int, str]:
    """Sort key of the columns that can make a key unique: numbers and ids first, enums last."""
    order = {"N": 0, "U": 1, "S": 2, "D": 3, "R": 4}
    return (9 if column.type.form == "enum" else order.get(column.type.category, 5)), column.name
