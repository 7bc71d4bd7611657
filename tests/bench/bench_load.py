"""What loading costs beside COPY: our rows made and put in, against the same rows out of a file, indexes built after.

One server, one run. Our loader fills a clone of the migrated database; its rows are written to a file in memory, and
COPY puts them into another clone whose indexes were dropped and are made anew; CHECKs are there in both, triggers are
off in both. In turns, each into clones of its own; the median of wall times, and their ratio. The promise:

    ours, of COPY and building the indexes      at most 1.3

    python tests/bench/bench_load.py [PROJECT] [--rows 1M] [--turns 3] [--pg SPEC]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pgcontract.contract import load_project
from pgcontract.performance.loading import read_rows
from pgcontract.performance.loading.bulk_insert import Hands, fill
from pgcontract.performance.loading.loaded_server import WHILE_LOADING
from pgcontract.performance.loading.preparation import Plan, applied, hands_on
from pgcontract.performance.loading.table_plan import Filling
from pgcontract.postgres.providers import Server
from pgcontract.postgres.sandbox import State, Workbench
from pgcontract.runner import Session, plan
from psycopg import sql

SCHEMA = Path(__file__).parents[2] / "schema"
INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), c.conname, pg_get_constraintdef(c.oid)
  FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid
 WHERE i.indrelid = %s::regclass ORDER BY 1
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", nargs="?", default=str(SCHEMA))
    parser.add_argument("--rows", default="1M")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--pg", default="auto")
    arguments = parser.parse_args()
    rows = read_rows(arguments.rows, option="--rows")
    planned = plan(load_project(arguments.project), rows=rows)
    with Session(planned, pg=arguments.pg) as session:
        trial = session.trial(planned.head.stem)
        dataset = replace(planned.project.dataset(planned.head.stem), sizes=(rows,))
        what = Plan(trial=trial, dataset=dataset)
        server = trial.workbench.server
        assert isinstance(server, Server)
        assert server.another
        with server.another(WHILE_LOADING) as own, Workbench(own, trial.workbench.stage, timeout_ms=3_600_000) as bench:
            _, migrated = applied(what, bench)
            turns = [turn(bench, what, migrated) for _ in range(arguments.turns)]
    for name in turns[0]:
        print(f"{name:32}{statistics.median(each[name] for each in turns):8.2f} s")
    ratios = [each["ours: INSERT, REINDEX"] / each["theirs: COPY, CREATE INDEX"] for each in turns]
    whole = [each["ours, vacuumed and analysed"] / each["theirs, vacuumed and analysed"] for each in turns]
    print(f"{'ours / theirs':32}{statistics.median(ratios):8.2f}    of {', '.join(f'{each:.2f}' for each in ratios)}")
    print(f"{'the same, vacuumed and analysed':32}{statistics.median(whole):8.2f}")
    print(f"{rows:,} rows, PostgreSQL {server.version} on {server.storage}, {arguments.turns} turns")


def turn(bench: Workbench, what: Plan, migrated: State) -> dict[str, float]:
    """Seconds of wall time, by what took them."""
    spent: dict[str, float] = {}
    with bench.clone(migrated) as ours, hands_on(bench, ours) as hands:
        fillings = what.planner(hands.owner, what.wanted((), ()), what.dataset.sizes[-1]).plan()
        with timed(spent, "ours: INSERT, REINDEX"):
            fill(hands, fillings, whole=False)
        with timed(spent, "ours, vacuumed and analysed"):
            vacuum(hands, fillings)
        spent["ours, vacuumed and analysed"] += spent["ours: INSERT, REINDEX"]
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, bench.clone(migrated) as theirs:
            Path(folder).chmod(0o777)
            files = {each.table.name: f"{folder}/{number}" for number, each in enumerate(fillings)}
            for name, file in files.items():
                hands.strongest.execute(sql.SQL("COPY {} TO {}").format(sql.SQL(name), sql.Literal(file)))
            with hands_on(bench, theirs) as other:
                copy(other, fillings, files, spent)
    return spent


def copy(hands: Hands, fillings: tuple[Filling, ...], files: dict[str, str], spent: dict[str, float]) -> None:
    """The same rows out of their files."""
    does = hands.strongest
    build = []
    for name in files:
        does.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(sql.SQL(name)))
        for index, definition, constraint, text in does.execute(INDEXES, [name]).fetchall():
            if constraint is None:
                does.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(index)))
                build.append(sql.SQL(definition))
            else:
                table, named = sql.SQL(name), sql.Identifier(constraint)
                does.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(table, named))
                add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
                build.append(add.format(table, named, sql.SQL(text)))  # type: ignore[arg-type]
    with timed(spent, "theirs: COPY, CREATE INDEX"):
        for name, file in files.items():
            does.execute(sql.SQL("COPY {} FROM {}").format(sql.SQL(name), sql.Literal(file)))
        for statement in build:
            does.execute(statement)
    with timed(spent, "theirs, vacuumed and analysed"):
        vacuum(hands, fillings)
    spent["theirs, vacuumed and analysed"] += spent["theirs: COPY, CREATE INDEX"]


def vacuum(hands: Hands, fillings: tuple[Filling, ...]) -> None:
    for each in fillings:
        hands.strongest.execute(sql.SQL("VACUUM (FREEZE, ANALYZE) {}").format(sql.SQL(each.table.name)))


@contextmanager
def timed(spent: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    spent[name] = time.perf_counter() - started


if __name__ == "__main__":
    main()
