"""Rows go into tables of every shape, always the same ones, and a data set that breaks a rule is told where it does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from catalog_servers import CATALOG_SERVERS
from pgcontract import RunOptions, load_project
from pgcontract.errors import ContractError, InputError
from pgcontract.performance.loading import LoadedServer, get_loaded_server, read_rows
from pgcontract.postgres.progress import ProgressEvent, progress_reported_to
from pgcontract.runner import Session, plan
from psycopg import sql
from seeded_cache import seeded_cache
from written_files import write_files

SHOP = (Path(__file__).parent / "load_shop.sql").read_text(encoding="utf-8")
EVERY = dict.fromkeys(
    (
        *("customers", "eggs", "forced", "hashed", "hens", "kinds", "likes", "lines", "listed", "logs", "notes"),
        *("orders", "products", "profiles", "rooms"),
    ),
    50,
) | {"countries": 3, "settings": 3, "no_column": 0, "no_partition": 0}
CONTRACT = """\
migration = "001_t.sql"
comments = "optional"
[table."public.people"]
columns.id = { type = "integer", null = false }
columns.name = { type = "text" }
[table."public.orders"]
columns.id = { type = "integer", null = false }
columns.person = { type = "integer" }
columns.status = { type = "text", null = false }
columns.code = { type = "varchar(4)" }
[dataset]
sizes = [100]
[dataset.table."public.orders"]
"""
TABLES = """\
CREATE TABLE public.people (id int PRIMARY KEY, name text);
CREATE TABLE public.orders (
    id int PRIMARY KEY, person int REFERENCES public.people, code varchar(4),
    status text NOT NULL CHECK (status <> 'gone')
);
"""


@dataclass(frozen=True)
class Loaded:
    """What was found on a bench at its largest size."""

    rows: dict[str, int]
    differences: tuple[str, ...]
    digest: str


@contextmanager
def benched(
    folder: Path, script: str, *, contract: str = "", rows: int | None = None, pg: str = "auto"
) -> Iterator[LoadedServer]:
    files = {"migrations/001_t.sql": script} | ({"contracts/001_t/contract.toml": contract} if contract else {})
    planned = plan(load_project(write_files(folder, files)), RunOptions(rows=rows, pg=pg))
    with Session(planned) as session:
        yield get_loaded_server(session.context("001_t"))


def loaded(bench_loaded: LoadedServer) -> Loaded:
    """Its largest load; the digest is of all rows of all tables."""
    load = bench_loaded.loads[-1]
    digest = hashlib.sha256()
    with bench_loaded.rolled_back(load, user=bench_loaded.superuser or "postgres") as connection:
        for table in sorted(load.rows):
            query = sql.SQL("SELECT pg_catalog.md5(pg_catalog.string_agg(t::text, ',' ORDER BY t::text)) FROM {} AS t")
            digest.update(repr(connection.execute(query.format(sql.SQL(table))).fetchone()).encode())
    rows = {name.removeprefix("public."): count for name, count in load.rows.items()}
    return Loaded(rows=rows, differences=load.differences, digest=digest.hexdigest())


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache in which no other run has kept rows. What one test keeps there serves no other, whose script differs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGCONTRACT_CACHE", str(seeded_cache(tmp_path_factory.mktemp("cache"))))
        yield


def test_the_same_rows_are_derived_for_tables_of_every_shape_again_and_on_every_major(tmp_path: Path) -> None:
    found = []
    for number, pg in enumerate((CATALOG_SERVERS[0], *CATALOG_SERVERS)):
        with benched(tmp_path / str(number), f"-- {number}\n{SHOP}", rows=50, pg=pg) as run_bench:
            found.append(loaded(run_bench))

    assert [Loaded(EVERY, (), found[0].digest)] * len(found) == found


def test_the_second_run_loads_nothing_and_another_seed_gives_other_rows(tmp_path: Path) -> None:
    actual = []
    for seed in (1, 1, 2):
        (tmp_path / "pgcontract.toml").write_text(f"seed = {seed}\n", encoding="utf-8")
        with benched(tmp_path, f"-- twice\n{TABLES}", rows=100) as run_bench:
            actual.append((run_bench.conditions.rpartition(", ")[2], loaded(run_bench)))

    (_, first), _, (_, other) = actual
    assert ([("loaded", first), ("from the cache", first), ("loaded", other)], True) == (
        actual,
        first.digest != other.digest,
    )


def test_statistics_of_more_rows_than_a_sample_holds_are_the_same_each_time(tmp_path: Path) -> None:
    actual = set()
    for number in range(2):
        with benched(tmp_path / str(number), f"-- {number}\n{TABLES}", rows=31_000) as run_bench:
            load = run_bench.loads[-1]
            with run_bench.rolled_back(load, user=run_bench.superuser or "") as connection:
                query = (
                    "SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM pg_stats AS s WHERE schemaname = 'public'"
                )
                actual.add(connection.execute(query).fetchone())

    assert 1 == len(actual)


def test_what_is_inserted_next_gets_a_number_of_its_own(tmp_path: Path) -> None:
    script = "CREATE TABLE public.t (id serial PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY UNIQUE);"
    with benched(tmp_path, script, rows=100) as run_bench, run_bench.rolled_back(run_bench.loads[-1]) as connection:
        row = connection.execute("INSERT INTO public.t DEFAULT VALUES RETURNING id, number").fetchone()

    assert (101, 101) == row


def test_values_are_as_uneven_as_the_data_set_says(tmp_path: Path) -> None:
    said = (
        "columns.status = { weights = { open = 1, paid = 4 } }\ncolumns.code = { distinct = 5, skew = 1.0, null = 0.5 }"
    )
    with benched(tmp_path, TABLES, contract=CONTRACT.replace("[100]", "[10000]") + said) as run_bench:
        query = (
            "SELECT round(avg((status = 'paid')::int), 1), round(avg((code IS NULL)::int), 1), count(DISTINCT code), "
            "round(max(share), 1) FROM public.orders, (SELECT count(*) / 5000.0 AS share FROM public.orders "
            "WHERE code IS NOT NULL GROUP BY code) AS shares"
        )
        with run_bench.rolled_back(run_bench.loads[-1]) as connection:
            row = tuple(map(float, connection.execute(query).fetchone() or ()))

    assert (0.8, 0.5, 5.0, 0.4) == row


@pytest.mark.parametrize(("said", "expected"), [
    pytest.param(
        "columns.status = { weights = { gone = 1 } }",
        '14: the data set breaks a rule: row 1 of public.orders (...): new row for relation "orders" violates check '
        'constraint "orders_status_check". Change what it says of these columns, or the rule',
        id="check",
    ),
    pytest.param(
        'columns.id = { expression = "n % 7" }',
        "14: the data set breaks a rule: row 8 of public.orders (...): orders_pkey is unique, and an earlier row has "
        "the same id. Change what it says of these columns, or the rule",
        id="unique",
    ),
    pytest.param(
        'columns.person = { expression = "n * 2" }',
        "14: the data set breaks a rule: row 51 of public.orders (...): the foreign key orders_person_fkey refers to "
        "a row of public.people that is not there. Change what it says of these columns, or the rule",
        id="foreign key",
    ),
    pytest.param(
        "columns.status = { expression = \"CASE WHEN n < 42 THEN 'a' END\" }",
        '14: the data set breaks a rule: row 42 of public.orders (...): null value in column "status" of relation '
        '"orders" violates not-null constraint. Change what it says of these columns, or the rule',
        id="not null",
    ),
    pytest.param(
        "columns.code = { expression = \"'a' || n * 15\" }",
        "14: the data set breaks a rule: row 67 of public.orders (...): value too long for type character varying"
        "(4). Change what it says of these columns, or the rule",
        id="length",
    ),
    pytest.param(
        'columns.code = { distinct = 3 }\ncolumns.person = { expression = "1 / (n - 5)" }',
        "15: the data set breaks a rule: row 5 of public.orders: division by zero. Change what it says of these "
        "columns, or the rule",
        id="no value at all",
    ),
    pytest.param(
        'columns.code = { expression = "stauts" }',
        '14: the data set breaks a rule: row 1 of public.orders: column "stauts" does not exist. Change what it says '
        "of these columns, or the rule",
        id="no such column",
    ),
    pytest.param(
        'columns.code = { expression = "left(status, 2)" }\ncolumns.status = { expression = "code" }',
        "14: of public.orders the columns code, status read each other in a circle; let one of them stand alone",
        id="circle",
    ),
])  # fmt: skip
def test_a_data_set_that_breaks_a_rule_says_which_row_and_where(tmp_path: Path, said: str, expected: str) -> None:
    with pytest.raises(ContractError) as caught, benched(tmp_path, TABLES, contract=CONTRACT + said):
        pass

    actual = str(caught.value).partition("contract.toml:")[2]
    assert expected == re.sub(r"\(id = .*?\):", "(...):", actual)


def test_a_column_that_no_value_suits_is_told_with_what_to_write(tmp_path: Path) -> None:
    script = "CREATE TABLE public.t (id int, odd text NOT NULL CHECK (md5(odd) LIKE 'abcdef%'));"
    with pytest.raises(ContractError) as caught, benched(tmp_path, script, rows=100):
        pass

    expected = (
        "no rows can be derived for public.t: of the column odd, no value that was tried passes its type and CHECKs. Say "
        'what stands in it under [dataset.table."public.t"] columns.odd'
    )
    assert expected == caught.value.message


def test_loading_is_told_as_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "001_t.sql").write_text("CREATE TABLE public.t (id int PRIMARY KEY);", encoding="utf-8")
    events: list[ProgressEvent] = []
    with progress_reported_to(events.append), Session(plan(load_project(tmp_path), RunOptions(rows=250_000))) as session:
        get_loaded_server(session.context("001_t"))

    actual = [(event.name, event.done, event.total) for event in events if event.kind == "rows"]
    steps = (2_500, 27_500, 127_500, 227_500, 277_500)
    assert [("public.t", done, 277_500) for done in steps] == actual


@pytest.mark.parametrize(("text", "expected"), [
    ("500000", 500_000),
    ("500k", 500_000),
    ("1M", 1_000_000),
    ("1.5m", 1_500_000),
    ("10,000", 10_000),
    ("10_000", 10_000),
])  # fmt: skip
def test_a_count_is_read_as_people_write_it(text: str, expected: int) -> None:
    assert expected == read_rows(text, option="--rows")


@pytest.mark.parametrize(("text", "expected"), [
    ("many", "--rows takes a count such as 500000, 500k or 1M; 'many' is none."),
    ("-1", "--rows takes a count such as 500000, 500k or 1M; '-1' is none."),
    ("0", "--rows takes a whole count from 1 to 100M; '0' is outside."),
    ("1.5", "--rows takes a whole count from 1 to 100M; '1.5' is outside."),
    ("1000M", "--rows takes a whole count from 1 to 100M; '1000M' is outside."),
])  # fmt: skip
def test_what_is_no_count_is_told(text: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read_rows(text, option="--rows")

    assert expected == str(caught.value)
