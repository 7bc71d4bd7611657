"""How each column of a table gets its values: as the data set says, and where it says nothing, as the table lets it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from pgcontract.contract import ColumnRows, Dataset
from pgcontract.contract.identifiers import quote
from pgcontract.errors import ContractError
from pgcontract.model.schema import Origin
from pgcontract.performance.loading.json_documents import document
from pgcontract.performance.loading.row_numbers import (
    Make,
    Number,
    Place,
    moment,
    now_and_then_null,
    ranked,
    scattered,
    spliced,
    uniform,
    weighted,
)
from pgcontract.performance.loading.row_query import Maker, closure, counted, identifier, rows_query
from pgcontract.performance.loading.table_plan import Filling
from pgcontract.performance.loading.target_tables import (
    Check,
    FilledColumn,
    FilledTable,
    Key,
    Reference,
    count_rows,
    named_in,
)
from pgcontract.performance.loading.type_generators import Candidate, Hints, different, varied
from pgcontract.performance.loading.value_trials import Trying

PARENTS_SKEW = 0.7
_MOST_STORED = 1000
_KEPT = 6  # candidates of one column that its own CHECKs let in, for the CHECKs of several columns


class Planner:
    """Plans the tables of one data set at one size, on a connection to the database that they are to be loaded into."""

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
    ) -> None:
        self.connection = connection
        self.tables = {each.name: each for each in tables}
        self.dataset = dataset
        self.size = size
        self.seed = seed
        self.texts = texts
        self.declared_at = declared_at
        self._planned: dict[str, Filling] = {}
        self._begun: dict[str, _TablePlanner] = {}
        self._present: dict[str, int] = {}

    def plan(self) -> tuple[Filling, ...]:
        """Every table's filling, those that others refer to first."""
        for name in self.tables:
            self.filling(name)
        return tuple(self._planned.values())

    def filling(self, name: str) -> Filling:
        """One table's; its parents are planned on the way. In a circle, as far as it is known: its keys."""
        if name in self._begun:
            begun = self._begun[name]
            return Filling(table=begun.table, rows=begun.rows, makers=begun.makers, origin=begun.origin)
        if name not in self._planned:
            self._begun[name] = _TablePlanner(self, self.tables[name])
            self._planned[name] = self._begun[name].plan()
            del self._begun[name]
        return self._planned[name]

    def present(self, table: FilledTable) -> int:
        """How many rows the migrations put there."""
        if table.name not in self._present:
            self._present[table.name] = count_rows(self.connection, table)
        return self._present[table.name]


class _TablePlanner:
    def __init__(self, planner: Planner, table: FilledTable) -> None:
        self.planner = planner
        self.connection = planner.connection
        self.table = table
        self.said = planner.dataset.table(table.name)
        self.rows = self.said.count(planner.size) if table.storable else 0
        if planner.present(table) and self.said.share is None and self.said.rows is None:
            self.rows = 0  # what the migrations put there is the whole of it
        self.origin = self.said.origin or planner.declared_at
        self.trying = Trying(connection=self.connection, table=table, texts=planner.texts)
        self.makers: dict[str, Maker] = {}
        self.candidates: dict[str, list[Candidate]] = {}
        self.references: dict[str, Reference] = {
            column: each for each in reversed(table.references) for column in each.columns
        }

    def plan(self) -> Filling:
        for column in self.table.columns:
            said = self.said.column(column.name)
            if said and (made := self.declared(column, said)):
                self.makers[column.name] = made
        referring = frozenset(self.references)
        self.keep_apart(but=referring)
        self.refer()
        self.keep_apart()
        for column in self.table.columns:
            if column.name not in self.makers:
                self.derive(column)
        self.keep_together()
        for column in self.table.columns:
            said = self.said.column(column.name)
            if said and said.null and said.expression is None and not said.weights and column.name in self.makers:
                self.makers[column.name] = self.nullable(self.makers[column.name], said)
        ordered = {column.name: self.makers[column.name] for column in self.table.columns}
        try:
            rows_query(ordered.values(), counted(1, 1))
        except ValueError as circle:
            first = next((each.origin for each in ordered.values() if each.origin and each.needs), None) or self.origin
            raise ContractError(
                f"of {self.table.name} the columns {circle} read each other in a circle; let one of them stand alone",
                file=first.file,
                line=first.line,
            ) from None
        return Filling(table=self.table, rows=self.rows, makers=ordered, origin=self.origin)

    # What the data set says.

    def declared(self, column: FilledColumn, said: ColumnRows) -> Maker | None:
        place, rows = self.place(column.name), sql.Literal(self.rows)
        others = {each.name for each in self.table.columns} - {column.name}

        def words(n: Number, purpose: str) -> Mapping[str, sql.Composable]:
            return {"n": n, "rows": rows, "r": uniform(n, place.salt(purpose))}

        def maker(make: object, needs: Iterable[str] = (), most: int | None = None) -> Maker:
            made = Maker(
                column=column,
                make=make,  # type: ignore[arg-type]
                needs=frozenset(needs),
                most=most,
                origin=said.origin,
            )
            return self.nullable(made, said) if said.null else made

        if said.expression is not None:
            text = said.expression
            return maker(lambda n: spliced(text, words(n, "value")), (named_in(text) - {"n", "r", "rows"}) & others)
        if said.weights:
            pairs = [(sql.Literal(value), weight) for value, weight in said.weights]
            return maker(lambda n: weighted(n, place.salt("value"), pairs))
        if said.since is not None and said.until is not None:
            since, until, word = said.since, said.until, column.type.name
            return maker(lambda n: moment(n, place.salt("value"), rows=self.rows, since=since, until=until, word=word))
        if said.document is not None:
            needs = set().union(*(named_in(text) for _, text in said.document)) if said.document else set()
            return maker(document(said, place, words), (needs - {"n", "r", "rows"}) & others)
        if said.distinct is not None:
            count = said.distinct if isinstance(said.distinct, int) else max(round(said.distinct * self.rows), 1)
            reference = self.references.get(column.name)
            if reference is not None:
                make, parents = self.key_of_parent(reference, column.name)
                count = min(count, parents)
                return maker(
                    lambda n: make(scattered(ranked(n, place.salt("rank"), count, said.skew), count)), most=count
                )
            below = self.first_accepted(column, different(column.type, place, self.hints(column)))
            return maker(lambda n: below.make(ranked(n, place.salt("rank"), count, said.skew)), most=count)
        return None

    def nullable(self, maker: Maker, said: ColumnRows) -> Maker:
        salt, share, make = self.place(said.name).salt("null"), said.null or 0.0, maker.make
        return replace(maker, make=lambda n: now_and_then_null(make(n), n, salt, share), origin=said.origin)

    # Foreign keys.

    def refer(self) -> None:
        """Makers for the columns of each foreign key that the data set says nothing of."""
        for reference in self.table.references:
            if any(name in self.makers for name in reference.columns):
                continue
            unique = self.unique_over(reference.columns)
            for name in reference.columns:
                self.makers[name] = self.referring(reference, name, unique=unique)

    def unique_over(self, columns: Sequence[str]) -> bool:
        """Whether a key allows each parent once."""
        return any(key.columns and set(key.columns) <= set(columns) for key in self.table.keys)

    def referring(self, reference: Reference, name: str, *, unique: bool) -> Maker:
        column = self.table.column(name)
        if reference.parent == self.table.name:
            return self.referring_to_itself(reference, column)
        make, parents = self.key_of_parent(reference, name)
        salt = self.place(reference.columns[0]).salt("parent")
        if parents == 0:
            if not column.null:
                raise self.undone(column.name, f"{reference.parent} has no rows to refer to; give it some")
            return Maker(column=column, make=lambda n: sql.SQL("NULL"), most=0)
        if unique:
            self.rows = min(self.rows, parents) if self.said.share is None and self.said.rows is None else self.rows
            return Maker(column=column, make=make, most=parents)
        return Maker(
            column=column, make=lambda n: make(scattered(ranked(n, salt, parents, PARENTS_SKEW), parents)), most=parents
        )

    def referring_to_itself(self, reference: Reference, column: FilledColumn) -> Maker:
        """An earlier row, or none: for the first, and for one in ten; the row itself where null is not allowed."""
        salt = self.place(reference.columns[0]).salt("parent")
        key = dict(zip(reference.columns, reference.parent_columns, strict=True))[column.name]
        none = sql.SQL("NULL") if column.null else None

        def make(n: Number) -> sql.Composable:
            drawn = uniform(n, salt)
            earlier = sql.SQL("(1 + pg_catalog.floor({} * ({} - 1))::int8)").format(drawn, n)
            made = self.makers[key].value
            if none is None:
                return made(sql.SQL("GREATEST({}, 1)").format(earlier))
            return sql.SQL("CASE WHEN {} > 1 AND {} < 0.9 THEN {} END").format(n, drawn, made(earlier))

        return Maker(column=column, make=make)

    def key_of_parent(self, reference: Reference, name: str) -> tuple[Make, int]:
        """SQL for the key of the parent's row of some number, and how many rows the parent has."""
        key = dict(zip(reference.columns, reference.parent_columns, strict=True))[name]
        parent = self.planner.tables.get(reference.parent)
        if parent is None:
            return (lambda n: sql.SQL("NULL")), 0
        there = self.planner.present(parent)
        filling = self.planner.filling(reference.parent)
        if filling.rows == 0:
            return self.stored_keys(reference, key), min(there, _MOST_STORED)
        if key not in filling.makers:
            raise self.undone(name, f"{reference.parent} waits for it in turn")
        made = closure(filling.makers, [key])
        if len(made) == 1:
            return made[0].value, filling.rows

        def make(n: Number) -> sql.Composable:
            numbers = sql.SQL("(SELECT {})").format(n)
            return sql.SQL("(SELECT {} FROM ({}) AS pgcontract_parent)").format(
                identifier(key), rows_query(made, numbers)
            )

        return make, filling.rows

    def stored_keys(self, reference: Reference, key: str) -> Make:
        """The keys of rows that migrations put there, in their order."""
        ordered = sql.SQL(", ").join(map(identifier, reference.parent_columns))
        query = sql.SQL("SELECT {}::text FROM {} ORDER BY {} LIMIT {}").format(
            identifier(key), sql.SQL(reference.parent), ordered, sql.Literal(_MOST_STORED)
        )
        keys = [value for (value,) in self.connection.execute(query).fetchall()]
        listed = sql.SQL(", ").join(map(sql.Literal, keys))
        return lambda n: sql.SQL("(ARRAY[{}]::text[])[({})::int]").format(listed, n)

    # Unique keys.

    def keep_apart(self, but: frozenset[str] = frozenset()) -> None:
        """For each key one of its columns gets another value in every row; where none can, they count up together.

        But columns that refer are left alone at first: whoever refers to this table needs its keys before they are known.
        """
        for key in self.table.keys:
            named = [self.table.column(name) for name in key.columns]
            if any(self.makers.get(each.name) and self.tells_apart(self.makers[each.name]) for each in named):
                continue
            free = [each for each in named if each.name not in self.makers and each.name not in but]
            best = next((made for each in sorted(free, key=_worth) if (made := self.apart(each))), None)
            if best is not None:
                self.makers[best.column.name] = best
            elif not but and not any(self.said.column(each.name) for each in named):
                self.count_up(key, named)

    def tells_apart(self, maker: Maker) -> bool:
        """Whether the data set says of this column what it is, or it has another value in each row."""
        return maker.origin is not None or (maker.most is None and maker.column.name not in self.references)

    def apart(self, column: FilledColumn) -> Maker | None:
        candidates = different(column.type, self.place(column.name), self.hints(column))
        enough = (each for each in candidates if each.most is None or each.most >= self.rows)
        chosen = next(self.accepted(column, enough), None)
        if chosen is None:
            return None
        return Maker(column=column, make=self.shifted(column, chosen), needs=chosen.needs)

    def shifted(self, column: FilledColumn, chosen: Candidate) -> Make:
        """Numbers that go on behind those that the migrations put there."""
        there = self.planner.present(self.table)
        if not there or column.type.category != "N":
            return chosen.make
        query = sql.SQL("SELECT coalesce(pg_catalog.max({})::int8, 0) FROM {}").format(
            identifier(column.name), sql.SQL(self.table.name)
        )
        row = self.connection.execute(query).fetchone()
        last = sql.Literal(int(row[0]) if row else 0)
        return lambda n: chosen.make(sql.SQL("({} + {})").format(n, last))

    def count_up(self, key: Key, columns: Sequence[FilledColumn]) -> None:
        """Columns of few values each as the digits of one number."""
        below, digits = 1, []
        for column in columns:
            make, most = self.few(column)
            digits.append((column, make, below, most))
            below *= most
        if self.said.share is None and self.said.rows is None:
            self.rows = min(self.rows, below)
        elif below < self.rows:
            raise self.undone(
                columns[0].name, f"{key.name} takes {below} different rows at most, and {self.rows} are asked for"
            )
        for column, make, weight, most in digits:

            def digit(n: Number, make: Make = make, weight: int = weight, most: int = most) -> sql.Composable:
                place = sql.SQL("(1 + ({} - 1) / {} % {})").format(n, sql.Literal(weight), sql.Literal(most))
                return make(place)

            self.makers[column.name] = Maker(column=column, make=digit, most=most)

    def few(self, column: FilledColumn) -> tuple[Make, int]:
        reference = self.references.get(column.name)
        if reference is not None and reference.parent != self.table.name:
            make, parents = self.key_of_parent(reference, column.name)
            return make, max(parents, 1)
        chosen = self.first_accepted(column, different(column.type, self.place(column.name), self.hints(column)))
        return chosen.make, chosen.most or max(self.rows, 1)

    # The rest.

    def derive(self, column: FilledColumn) -> None:
        place = self.place(column.name)
        hints = self.hints(column)
        ways: Iterator[Candidate] = varied(column.type, place, hints)
        if column.identity or (column.default and "nextval(" in column.default):
            ways = itertools.chain(different(column.type, place, hints), ways)
        if column.null:
            ways = itertools.chain(ways, [Candidate(make=lambda n: sql.SQL("NULL"), most=0)])
        if column.default is not None:
            text = column.default
            ways = itertools.chain(ways, [Candidate(make=lambda n: sql.SQL(text))])
        accepted = self.accepted(column, ways)
        kept = list(itertools.islice(accepted, _KEPT))
        if not kept:
            raise self.undone(column.name, "no value that was tried passes its type and CHECKs")
        self.candidates[column.name] = kept
        self.makers[column.name] = Maker(column=column, make=kept[0].make, most=kept[0].most)

    def keep_together(self) -> None:
        """For CHECKs of several columns: a derived one takes, row by row, the first value that they let in."""
        for check in self.table.checks:
            if len(check.columns) < 2 or self.holds([check]):
                continue
            for name in sorted(check.columns, key=lambda each: not self.table.column(each).null):
                if name in self.candidates and self.chosen_by_row(name):
                    break
            else:
                raise self.undone(check.columns[-1], f"no values that were tried pass {check.name} together")

    def chosen_by_row(self, name: str) -> bool:
        """Whether the column passes all CHECKs that name it once it takes what the others of its row let in."""
        before = self.makers[name]
        checks = [each for each in self.table.checks if name in each.columns]
        others = {each for check in checks for each in check.columns} - {name}
        if any(name in each.needs for each in closure(self.makers, others)):
            return False
        ways = [*self.candidates[name], *self.beside(before.column, sorted(others))]
        if before.column.null:
            ways.append(Candidate(make=lambda n: sql.SQL("NULL")))
        own, typed = identifier(name), sql.SQL(before.column.type.name)
        passes = sql.SQL(" AND ").join(sql.SQL("(({}) IS NOT FALSE)").format(sql.SQL(each.expression)) for each in checks)

        def make(n: Number) -> sql.Composable:
            listed = sql.SQL(", ").join(
                sql.SQL("({}, ({})::{})").format(sql.Literal(place), each.make(n), typed)
                for place, each in enumerate(ways)
            )
            return sql.SQL(
                "(SELECT {0} FROM (VALUES {1}) AS pgcontract_way(pgcontract_place, {0}) WHERE {2} "
                "ORDER BY pgcontract_place LIMIT 1)"
            ).format(own, listed, passes)

        needs = frozenset(others).union(*(each.needs for each in ways))
        self.makers[name] = replace(before, make=make, needs=needs)
        if self.holds(checks):
            return True
        self.makers[name] = before
        return False

    def beside(self, column: FilledColumn, others: Sequence[str]) -> Iterator[Candidate]:
        """Values at and next to another column's of the row, where both are numbers or times."""
        for name in others:
            other = self.table.column(name)
            if other.type.category != column.type.category or column.type.category not in "ND":
                if other.type.name == column.type.name:
                    yield _beside(name, "{}")
                continue
            step = "1" if column.type.category == "N" or column.type.word == "date" else "interval '1 hour'"
            for text in (f"{{}} + {step}", "{}", f"{{}} - {step}"):
                yield _beside(name, text)

    def first_accepted(self, column: FilledColumn, candidates: Iterable[Candidate]) -> Candidate:
        found = next(self.accepted(column, candidates), None)
        if found is None:
            raise self.undone(column.name, "no value that was tried passes its type and CHECKs")
        return found

    def accepted(self, column: FilledColumn, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        return self.trying.accepted(column, candidates, rows=self.rows)

    def holds(self, checks: Sequence[Check]) -> bool:
        """Whether a sample of rows passes the CHECKs."""
        names = {name for check in checks for name in check.columns}
        if not names <= self.makers.keys():
            return False
        return self.trying.passes(closure(self.makers, sorted(names)), checks, rows=self.rows)

    def hints(self, column: FilledColumn) -> Hints:
        return self.trying.hints(column, rows=self.rows)

    def place(self, column: str) -> Place:
        return Place(seed=self.planner.seed, table=self.table.name, column=column)

    def undone(self, column: str, why: str) -> ContractError:
        key = f'[dataset.table."{self.table.name}"] columns.{quote(column)}'
        return ContractError(
            f"no rows can be derived for {self.table.name}: of the column {quote(column)}, {why}. Say what stands in it "
            f"under {key}",
            file=self.origin.file,
            line=self.origin.line,
        )


def _beside(name: str, text: str) -> Candidate:
    return Candidate(make=lambda n: sql.SQL(text).format(identifier(name)), needs=frozenset([name]))


def _worth(column: FilledColumn) -> tuple[int, str]:
    """Which column of a key counts the rows: a number or an id rather than a text, anything rather than an enum."""
    order = {"N": 0, "U": 1, "S": 2, "D": 3, "R": 4}
    return (9 if column.type.form == "enum" else order.get(column.type.category, 5)), column.name
