"""Queries measured on real servers, over tables for which the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from catalog_servers import CATALOG_SERVERS
from pgcontract import RunOptions, load_project
from pgcontract.contract import Query, QueryParameter
from pgcontract.performance.growth import SizeCost, find_excess
from pgcontract.performance.index_heights import derived_height, read_indexes
from pgcontract.performance.loading import Load, LoadedServer, get_loaded_server
from pgcontract.performance.queries import query_costs
from pgcontract.performance.queries.parameter_samples import NoValue, Sample, draw_samples
from pgcontract.performance.queries.prepared_query import number_parameters, prepare_query
from pgcontract.performance.queries.query_costs import MeasuredQuery, measured_queries
from pgcontract.performance.queries.without_index import forced_indexes, runs_without_index
from pgcontract.probes.context import Context
from pgcontract.runner import Session, plan
from written_files import write_files

SQL = """
CREATE TYPE public.colour AS ENUM ('red', 'green', 'blue');
CREATE TABLE public."Order" (
    id bigint PRIMARY KEY, "E-mail" text NOT NULL, small smallint, whole integer, amount numeric(10, 2), code uuid,
    name varchar(40), day date, at timestamptz, colour public.colour, paid boolean, status text, never text
);
CREATE INDEX "Order_E-mail" ON public."Order" ("E-mail" text_pattern_ops);
CREATE INDEX order_status ON public."Order" (status);
CREATE TABLE public.event (id integer NOT NULL, kind integer NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE public.event_low PARTITION OF public.event FOR VALUES FROM (MINVALUE) TO (500);
CREATE TABLE public.event_high PARTITION OF public.event FOR VALUES FROM (500) TO (MAXVALUE);
CREATE INDEX event_kind ON public.event (kind);
"""
TABLE = 'public."Order"'
CONTRACT = """
migration = "001_orders.sql"
comments = "optional"
[table.'public."Order"']
primary_key = ["id"]
columns.id = { type = "bigint" }
columns.'"E-mail"' = { type = "text", null = false }
columns.status = { type = "text" }
columns.small = { type = "smallint" }
columns.whole = { type = "integer" }
columns.amount = { type = "numeric(10,2)" }
columns.code = { type = "uuid" }
columns.name = { type = "varchar(40)" }
columns.day = { type = "date" }
columns.at = { type = "timestamptz" }
columns.colour = { type = "public.colour" }
columns.paid = { type = "boolean" }
columns.never = { type = "text" }
indexes.'"Order_E-mail"' = { keys = ['"E-mail" text_pattern_ops'] }
indexes.order_status = { keys = ["status"] }
[table."public.event"]
partition_key = "RANGE (id)"
columns.id = { type = "integer", null = false }
columns.kind = { type = "integer", null = false }
indexes.event_kind = { keys = ["kind"] }

[dataset]
sizes = [200, 2_000, 20_000]
[dataset.table.'public."Order"']
columns.id = { expression = "n" }
columns.'"E-mail"' = { expression = "'user' || n || '@example.com'" }
columns.small = { expression = "(n % 30000)::int2" }
columns.whole = { expression = "n" }
columns.amount = { expression = "n / 100.0" }
columns.code = { expression = "md5(n::text)::uuid" }
columns.name = { expression = "'N' || n" }
columns.day = { expression = "'2026-01-01'::date + (n % 1000)::int" }
columns.at = { expression = "'2026-01-01'::timestamptz + n * interval '1 minute'" }
columns.colour = { expression = "(ARRAY['red', 'green'])[n % 2 + 1]::public.colour" }
columns.paid = { expression = "n % 2 = 0" }
columns.status = { weights = { paid = 90, open = 10 } }
columns.never = { expression = "NULL" }
[dataset.table."public.event"]
columns.id = { expression = "n" }
columns.kind = { expression = "n" }

[query.one]
sql = '''SELECT id FROM public."Order" WHERE "E-mail" = %(email)s'''
parameters.email = { column = 'public."Order"."E-mail"', miss_ratio = 0.2 }
index = 'public."Order_E-mail"'
[query.like]
sql = '''SELECT id FROM public."Order" WHERE "E-mail" LIKE %(prefix)s'''
parameters.prefix = { expression = "'user' || n || '@%'" }
index = 'public."Order_E-mail"'
[query.counted]
sql = '''SELECT count(*) FROM public."Order" WHERE status = %(status)s'''
parameters.status = { values = ["open"] }
index = "public.order_status"
[query.skipped]
sql = '''SELECT id FROM public."Order" ORDER BY id OFFSET 100 LIMIT 5'''
[query.part]
sql = "SELECT id FROM public.event WHERE kind = %(kind)s"
parameters.kind = { column = "public.event.kind" }
index = "public.event_kind"
[query.two]
sql = "SELECT 1; SELECT 2"
[query.locks]
sql = '''SELECT id FROM public."Order" WHERE id = 1 FOR UPDATE'''
[query.makes]
sql = "SELECT 1 AS a INTO public.made"
[query.type]
sql = '''SELECT id FROM public."Order" WHERE id = %(id)s'''
parameters.id = { values = [1], type = "bigit" }
[query.grouped]
sql = '''SELECT id, "E-mail" FROM public."Order" WHERE "E-mail" = %(email)s GROUP BY id'''
parameters.email = { column = 'public."Order"."E-mail"' }
index = 'public."Order_E-mail"'
"""


@pytest.fixture(scope="module", params=CATALOG_SERVERS)
def context(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    files = {"migrations/001_orders.sql": SQL, "contracts/001_orders/contract.toml": CONTRACT}
    root = write_files(tmp_path_factory.mktemp("orders"), files)
    with Session(plan(load_project(root), RunOptions(pg=request.param))) as session:
        yield session.context("001_orders")


@pytest.fixture
def placeholder(context: Context) -> LoadedServer:
    return get_loaded_server(context)


def of(context: Context, name: str) -> MeasuredQuery:
    return next(measured_query for measured_query in measured_queries(context) if measured_query.query.name == name)


def sizes(measured_query: MeasuredQuery) -> tuple[SizeCost, ...]:
    return tuple(measurement.cost for measurement in measured_query.measurements)


# Plans and pages


def test_at_least_thirty_samples_are_planned_and_called_at_each_size(context: Context) -> None:
    assert [(30, 30, 30)] * 3 == [
        (len(measurement.samples), len(measurement.custom), len(measurement.calls))
        for measurement in of(context, "one").measurements
    ]


def test_one_row_by_a_key_costs_a_descent_and_its_page(context: Context) -> None:
    larger = of(context, "one").measurements[1:]

    assert [(measurement.height or 0) + 1 for measurement in larger] == [
        measurement.cost.buffers for measurement in larger
    ]


def test_the_server_settles_on_a_generic_plan_where_values_do_not_matter(context: Context) -> None:
    assert {"force_generic_plan"} == {measurement.mode for measurement in of(context, "one").measurements}


def test_the_server_settles_on_custom_plans_where_a_pattern_is_a_parameter(context: Context) -> None:
    assert "force_custom_plan" == of(context, "like").measurements[-1].mode


def test_what_is_counted_is_found(context: Context) -> None:
    last = of(context, "counted").measurements[-1]

    assert (1.0, 0.08, 0.12) == (last.calls[0].returned, *_within(last.cost.rows_found / last.size, 0.08, 0.12))


def _within(value: float, low: float, high: float) -> tuple[float, float]:
    return (low, high) if low <= value <= high else (value, value)


def test_what_offset_skips_is_not_found(context: Context) -> None:
    assert [5.0] * 3 == [measurement.cost.rows_found for measurement in of(context, "skipped").measurements]


def test_without_its_index_a_query_grows_with_the_table(context: Context) -> None:
    ablation = runs_without_index(context)["one"]
    dropped = tuple(
        SizeCost(size=arm.size, costs=tuple(measurement.cost_of(call) for call in arm.without_index))
        for arm, measurement in zip(ablation, of(context, "one").measurements, strict=True)
    )

    assert (None, True) == (
        find_excess("O(log n)", sizes(of(context, "one"))),
        find_excess("O(log n)", dropped) is not None,
    )


def test_an_index_of_a_partitioned_table_serves_by_its_partitions(context: Context) -> None:
    can = forced_indexes(context)["part"]

    assert (True, True) == (getattr(can, "generic", None), getattr(can, "custom", None))


def test_a_key_that_the_query_is_grouped_by_is_spared(context: Context) -> None:
    can = forced_indexes(context)["grouped"]

    assert (True, True) == (getattr(can, "generic", None), getattr(can, "custom", None))


def test_what_was_tried_leaves_nothing_behind(context: Context, placeholder: LoadedServer) -> None:
    load = placeholder.loads[0]
    before = read_indexes(placeholder, load)
    for fact in (measured_queries, runs_without_index, forced_indexes):
        fact(context)
    with placeholder.rolled_back(load) as connection:
        prepared_ones = connection.execute("SELECT name FROM pg_prepared_statements").fetchall()

    assert ([*before], []) == ([*read_indexes(placeholder, load)], prepared_ones)


@pytest.mark.parametrize(
    ("name", "sqlstate"),
    [("two", "42601"), ("locks", "25006"), ("makes", "25006"), ("type", "42704")],
    ids=["two statements", "one that locks rows", "one that makes a table", "a type that is not there"],
)
def test_a_query_that_cannot_be_measured_is_told_in_the_servers_words(context: Context, name: str, sqlstate: str) -> None:
    failure = of(context, name).failure

    assert failure
    assert failure.refusal
    assert sqlstate == failure.refusal.sqlstate


def test_a_query_that_does_not_end_is_stopped(
    context: Context, placeholder: LoadedServer, monkeypatch: pytest.MonkeyPatch, ask: Callable[[str], Query]
) -> None:
    monkeypatch.setattr(query_costs, "_TIMEOUT_MS", 200)
    measured_query = query_costs.measure_query(
        context, placeholder, ask("SELECT count(*) FROM generate_series(1, 1000000000)")
    )

    assert measured_query.failure
    assert measured_query.failure.refusal
    assert (query_costs.TIMED_OUT, 200) == (measured_query.failure.refusal.sqlstate, measured_query.failure.size)


@pytest.fixture
def ask() -> Callable[[str], Query]:
    return lambda sql: Query(name="asked", sql=sql)


def test_a_parameter_keeps_its_number_and_a_percent_sign_is_one() -> None:
    assert "SELECT $1, $2, $1 % 2" == number_parameters("SELECT %(a)s, %(b)s, %(a)s %% 2;").text


def test_a_mistake_is_placed_on_the_line_of_the_query(placeholder: LoadedServer, ask: Callable[[str], Query]) -> None:
    with (
        placeholder.rolled_back(placeholder.loads[0]) as connection,
        pytest.raises(query_costs.QueryRefused) as caught,
        prepare_query(connection, ask("\nSELECT\n  nothing")),
    ):
        pass

    assert 3 == caught.value.refusal.line


# Samples


def drawn(placeholder: LoadedServer, *parameters: QueryParameter, seed: str = "1", count: int = 30) -> tuple[Sample, ...]:
    words = " AND ".join(f"%({parameter.name})s IS NULL" for parameter in parameters)
    query = Query(name="drawn", sql=f"SELECT {words}", parameters=parameters)
    with placeholder.rolled_back(placeholder.loads[-1]) as connection:
        return draw_samples(connection, query, rows=placeholder.loads[-1].size, seed=seed, count=count)


def column(name: str, **more: object) -> QueryParameter:
    return QueryParameter(name=name.strip('"'), column=f"{TABLE}.{name}", **more)  # type: ignore[arg-type]


def test_the_same_seed_draws_the_same_samples(placeholder: LoadedServer) -> None:
    parameter = column("name", miss_ratio=0.3)

    assert drawn(placeholder, parameter) == drawn(placeholder, parameter)


def test_another_seed_draws_others(placeholder: LoadedServer) -> None:
    assert drawn(placeholder, column("name")) != drawn(placeholder, column("name"), seed="2")


def test_values_of_one_table_are_those_of_one_row(placeholder: LoadedServer) -> None:
    pairs = [sample.values for sample in drawn(placeholder, column("whole"), column("name"))]

    assert [f"N{whole}" for whole, _ in pairs] == [name for _, name in pairs]


def test_rows_are_drawn_from_all_of_the_table(placeholder: LoadedServer) -> None:
    tenths = {
        int(sample.values[0] or 0) * 10 // placeholder.loads[-1].size
        for sample in drawn(placeholder, column("whole"), count=300)
    }

    assert set(range(10)) <= tenths


def test_picking_values_gives_each_value_as_often(placeholder: LoadedServer) -> None:
    values = [sample.values[0] for sample in drawn(placeholder, column("status", pick="values"))]

    assert (15, 15) == (values.count("paid"), values.count("open"))


def test_picking_rows_gives_a_value_as_often_as_it_is_stored(placeholder: LoadedServer) -> None:
    values = [sample.values[0] for sample in drawn(placeholder, column("status"), count=1_000)]

    assert 850 <= values.count("paid") <= 950


@pytest.mark.parametrize("name", ["id", "small", "whole", "amount", "code", "name", "day", "at", "colour", '"E-mail"'])
def test_a_miss_is_a_value_that_no_row_has(placeholder: LoadedServer, name: str) -> None:
    samples = drawn(placeholder, column(name, miss_ratio=0.4))
    missed = [sample.values[0] for sample in samples if sample.miss]
    with placeholder.rolled_back(placeholder.loads[-1]) as connection:
        [(hits,)] = connection.execute(
            f"SELECT count(*) FROM {TABLE} WHERE {name}::text = ANY (%s)",  # type: ignore[arg-type]
            [missed],
        ).fetchall()

    assert (12, 0) == (len(missed), hits)


@pytest.mark.parametrize(("parameter", "why"), [
    (column("paid", miss_ratio=0.1),
     f"every value that was tried for {TABLE}.paid is in a row, so none misses; take `miss_ratio` out"),
    (column("never"), f"no row of {TABLE} has a value in never to draw; declare values for it in [dataset.table]"),
], ids=["a type of which every value is there", "a column without values"])  # fmt: skip
def test_a_value_that_cannot_be_had_is_told(placeholder: LoadedServer, parameter: QueryParameter, why: str) -> None:
    with pytest.raises(NoValue) as caught:
        drawn(placeholder, parameter)

    assert why == str(caught.value)


def test_a_listed_value_is_sent_as_postgres_spells_it(placeholder: LoadedServer) -> None:
    samples = drawn(placeholder, QueryParameter(name="value", values=(True, 1, {"a": 1})), count=3)

    assert {"true", "1", '{"a": 1}'} == {sample.values[0] for sample in samples}


# Heights


def test_a_height_that_is_derived_is_the_metapages_or_one_more(placeholder: LoadedServer) -> None:
    by_name = {
        index.name: index
        for load in placeholder.loads
        for index in read_indexes(placeholder, load).values()
        if index.pages > 1
    }
    off = {
        index.name: derived_height(index.entries, index.pages) - index.height
        for index in by_name.values()
        if index.height
    }

    assert {} == {name: difference for name, difference in off.items() if difference not in (0, 1)}


def test_every_page_is_marked_visible_at_every_size(placeholder: LoadedServer) -> None:
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(Order|event)' AND relallvisible < relpages"
    actual = []
    for load in placeholder.loads:
        with placeholder.rolled_back(load) as connection:
            actual += connection.execute(query).fetchall()

    assert [] == actual


def test_a_height_is_read_without_leaving_an_extension(placeholder: LoadedServer) -> None:
    load: Load = placeholder.loads[0]
    read_indexes(placeholder, load)
    with placeholder.rolled_back(load) as connection:
        rows: list[psycopg.rows.TupleRow] = connection.execute("SELECT extname FROM pg_extension").fetchall()

    assert [("plpgsql",)] == rows


@pytest.mark.parametrize(("entries", "pages", "height"), [(0, 1, 1), (300, 2, 1), (1_000, 5, 2), (10_000_000, 27_000, 3)])
def test_a_derived_height_is_that_of_a_full_tree(entries: int, pages: int, height: int) -> None:
    assert height == derived_height(entries, pages)
