"""Every mistake in a data set is told when the contract is read, with its line and the nearest known word."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from pgcontract.contract import ColumnRows, Dataset, TableRows, load_project
from refusals import contract_error
from written_files import write_files

HEAD = """\
migration = "001_t.sql"
[table."public.orders"]
columns.id = { type = "integer" }
columns.status = { type = "text" }
columns.total = { type = "integer", generated = "id + 1" }
"""
TABLE = '[dataset.table."public.orders"]\n'
STATUS = 'contract.toml:7: dataset.table."public.orders".columns.status'


def write(folder: Path, stem: str, contract: str) -> Path:
    files = {f"migrations/{stem}.sql": "", f"contracts/{stem}/contract.toml": contract}
    return write_files(folder, files) / f"contracts/{stem}/contract.toml"


@cases(("contract", "expected"), {
    "sizes out of order": ("[dataset]\nsizes = [1000, 100]",
        "contract.toml:7: dataset.sizes: write each size once, the smallest first"),
    "table": (TABLE.replace("orders", "ordres"),
        'contract.toml:6: dataset.table."public.ordres": no table public.ordres is declared; '
        "did you mean `public.orders`?"),
    "column": (TABLE + 'columns.state = { expression = "1" }',
        'contract.toml:7: dataset.table."public.orders".columns.state: public.orders has no such column; '
        "did you mean `status`?"),
    "generated column": (TABLE + 'columns.total = { expression = "1" }',
        'contract.toml:7: dataset.table."public.orders".columns.total: the server generates its values; take it out'),
    "two counts": (TABLE + "share = 0.5\nrows = 3",
        'contract.toml:6: dataset.table."public.orders": has both `share` and `rows`; keep one of the two'),
    "two ways": (TABLE + 'columns.status = { expression = "1", distinct = 3 }',
        STATUS + ": has both `expression` and `distinct`; keep one of the two"),
    "no way": (TABLE + "columns.status = {}",
        STATUS + ": says nothing; write one of expression, weights, time, distinct, document, or null"),
    "share above one": (TABLE + "columns.status = { distinct = 1.5 }",
        STATUS + ": distinct = 1.5 is no share of the rows; write a whole number, or one up to 1.0"),
    "skew of nothing": (TABLE + "columns.status = { skew = 1.0 }", STATUS + ": says nothing; write one of expression, "
        "weights, time, distinct, document, or null\n" + STATUS + ": has `skew`, but no `distinct` values to use "
        "unevenly; add it"),
    "no weight": (TABLE + "columns.status = { weights = { a = 0, b = 0 } }",
        STATUS + ": has weights that are no shares; write numbers from 0 up, and one above 0"),
    "bytes": (TABLE + "columns.status = { document = {}, bytes = [9, 3] }",
        STATUS + ": bytes = [9, 3] is no range; write the least first, then the most"),
    "another value each time": (TABLE + 'columns.status = { expression = "n + random()" }',
        STATUS + ".expression: random() is another value each time, "
        "and these rows are always the same; r is a number from 0 up to 1 that stays"),
    "time backwards": (TABLE + 'columns.status = { time = { from = "2026-01-01", to = "2025-01-01" } }',
        STATUS + ".time: ends before it begins"),
    "time": (TABLE + "columns.status = { time = { since = 2025-01-01, to = 2026-01-01 } }",
        STATUS.replace("dataset", "`from` is missing in dataset")
        + ".time: Where it begins, as in 2025-01-01.\n"
        + STATUS.replace("dataset", "`since` is not known in dataset")
        + ".time; known here: from, to"),
})  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, contract: str, expected: str) -> None:
    assert expected == contract_error(tmp_path, HEAD + contract)


def test_where_nothing_is_declared_the_sizes_are_the_usual(tmp_path: Path) -> None:
    write(tmp_path, "001_t", HEAD)

    assert Dataset(sizes=(1_000, 10_000, 100_000)) == load_project(tmp_path).dataset("001_t")


def test_a_later_data_set_restates_only_what_it_names(tmp_path: Path) -> None:
    said = '[dataset]\nsizes = [10]\npurpose = "a shop"\n' + TABLE + 'share = 0.5\ncolumns.id = { expression = "n" }\n'
    write(tmp_path, "001_t", HEAD + said + "columns.status = { distinct = 3 }\n")
    later = 'migration = "002_t.sql"\n' + TABLE + "rows = 7\ncolumns.status = { distinct = 4, skew = 1.0 }\n"
    write(tmp_path, "002_t", later)

    actual = load_project(tmp_path).dataset("002_t")

    columns = (ColumnRows(name="id", expression="n"), ColumnRows(name="status", distinct=4, skew=1.0))
    table = TableRows(name="public.orders", rows=7, columns=columns)
    assert Dataset(sizes=(10,), tables=(table,), purpose="a shop") == actual


def test_a_column_that_is_gone_takes_its_rows_with_it(tmp_path: Path) -> None:
    write(tmp_path, "001_t", HEAD + TABLE + "columns.status = { distinct = 3 }\n")
    write(tmp_path, "002_t", 'migration = "002_t.sql"\n[table."public.orders"]\ncolumns.status = { removed = true }\n')

    assert (TableRows(name="public.orders"),) == load_project(tmp_path).dataset("002_t").tables
