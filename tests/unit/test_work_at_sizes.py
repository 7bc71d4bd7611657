"""What a statement costs on a table of few rows and of many is counted by the server, in a run that asks everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract.contract import FolderOptions, load_project
from pgcontract.result import LiveStatement, RunOptions
from pgcontract.runner import verify
from written_files import write_files

BASE = """
CREATE TABLE public.makers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE public.kites (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, maker bigint NOT NULL REFERENCES makers,
    code text NOT NULL UNIQUE CHECK (code = upper(code)), size integer, wind integer);
CREATE TABLE public.days (day date NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE public.days_2020 PARTITION OF public.days FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE public.sides (side smallint PRIMARY KEY CHECK (side IN (0, 1)), name text);
CREATE MATERIALIZED VIEW public.sizes AS SELECT DISTINCT size FROM public.kites;
CREATE TABLE public.profiles (maker bigint PRIMARY KEY REFERENCES makers, text text);
"""
CHANGE = """
ALTER TABLE public.kites ADD COLUMN tail text;
UPDATE public.kites SET wind = 0 WHERE id < 9 OR id = 1050;
UPDATE public.kites SET wind = 1;
ALTER TABLE public.kites ADD CONSTRAINT blows CHECK (wind > 0);
ALTER TABLE public.days ADD CONSTRAINT noted CHECK (note <> 'x');
ALTER TABLE public.profiles ALTER COLUMN text TYPE varchar(9000);
"""
OUTSIDE = "CREATE INDEX CONCURRENTLY kites_wind ON public.kites (wind);"
LEFT_OUT = """
REFRESH MATERIALIZED VIEW public.sizes;
UPDATE public.sides SET name = 'x';
UPDATE public.makers SET name = name || '.';
UPDATE public.days SET note = '.';
CREATE INDEX sizes_size ON public.sizes (size);
"""


def live(folder: Path, *texts: str) -> dict[tuple[str, int], LiveStatement]:
    files = {f"{number:03}_file.sql": text for number, text in enumerate(("", BASE, *texts)) if number}
    project = load_project(write_files(folder, files), options=FolderOptions(applied="001_file"))
    effect = verify(project, RunOptions()).effect
    assert effect is not None
    return {(each.migration, each.line): each for each in effect.live or ()}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], LiveStatement]:
    return live(tmp_path_factory.mktemp("measured"), CHANGE, OUTSIDE, LEFT_OUT)


EXPECTED = {
    "few rows, which an index finds where there are many": (("002_file", 3), [(100, 0), (9, 0)]),
    "all rows": (("002_file", 4), [(100, 0), (10_000, 0)]),
    "a scan": (("002_file", 5), [(100, 0), (10_000, 0)]),
    "a scan of partitions": (("002_file", 6), [(100, 0), (10_000, 0)]),
    "a rewrite with an index, of a table with a row for each of another": (("002_file", 7), [(200, 4), (20_000, 4)]),
    "an index that is built in no transaction": (("003_file", 1), [(200, 1), (20_000, 1)]),
}


@pytest.mark.parametrize(("at", "expected"), EXPECTED.values(), ids=EXPECTED)
def test_rows_read_and_new_files_are_counted_at_both_sizes(
    measured: dict[tuple[str, int], LiveStatement], at: tuple[str, int], expected: list[tuple[int, int]]
) -> None:
    assert expected == [(size.rows_scanned, size.files_written) for size in measured[at].growth]


def test_pages_and_wal_grow_with_the_rows_that_are_written(measured: dict[tuple[str, int], LiveStatement]) -> None:
    few, many = measured["002_file", 4].growth

    assert [True] * 3 == [
        many.pages_written > 50 * few.pages_written,
        many.pages_read > 50 * few.pages_read,
        many.wal_bytes > 50 * few.wal_bytes,
    ]


def test_what_is_not_measured_says_why(measured: dict[tuple[str, int], LiveStatement]) -> None:
    found = {line: each.not_measured for (key, line), each in measured.items() if key == "004_file"}

    assert {
        2: "",  # what it reads is filled
        3: "no rows can be made for its table",
        4: "",
        5: "no more than 3 tables are filled",
        6: "a materialized view gets no rows of its own",
    } == found


def test_selection_measures_nothing(tmp_path: Path) -> None:
    files = {"001_file.sql": BASE, "002_file.sql": "ALTER TABLE public.kites ALTER wind SET NOT NULL;"}
    effect = verify(load_project(write_files(tmp_path, files)), RunOptions(only=("lock.*",))).effect

    assert [()] == [statement.growth for statement in (effect.live if effect else None) or ()]
