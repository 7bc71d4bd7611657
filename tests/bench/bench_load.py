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

from pgcontract import RunOptions, load_project
from pgcontract.performance.loading import read_rows
from pgcontract.performance.loading.bulk_insert import LoadingConnections, fill_tables
from pgcontract.performance.loading.loaded_server import WHILE_LOADING
from pgcontract.performance.loading.preparation import LoadPlan, apply_chain, open_connections
from pgcontract.postgres.providers import Server
from pgcontract.postgres.sandbox import DatabaseState, Sandbox
from pgcontract.probes.row_generation.table_plan import TablePlan
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
    planned = plan(load_project(arguments.project), RunOptions(rows=rows, pg=arguments.pg))
    with Session(planned) as session:
        context = session.context(planned.head.key)
        dataset = replace(planned.project.dataset(planned.head.key), sizes=(rows,))
        what = LoadPlan(context=context, dataset=dataset)
        server = context.sandbox.server
        assert isinstance(server, Server)
        assert server.start_another
        with (
            server.start_another(WHILE_LOADING) as own,
            Sandbox(own, context.sandbox.platform, timeout_ms=3_600_000) as sandbox,
        ):
            _, migrated = apply_chain(what, sandbox)
            turns = [turn(sandbox, what, migrated) for _ in range(arguments.turns)]
    for name in turns[0]:
        print(f"{name:32}{statistics.median(timing[name] for timing in turns):8.2f} s")
    ratios = [timing["ours: INSERT, REINDEX"] / timing["theirs: COPY, CREATE INDEX"] for timing in turns]
    whole = [timing["ours, vacuumed and analysed"] / timing["theirs, vacuumed and analysed"] for timing in turns]
    print(f"{'ours / theirs':32}{statistics.median(ratios):8.2f}    of {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    print(f"{'the same, vacuumed and analysed':32}{statistics.median(whole):8.2f}")
    print(f"{rows:,} rows, PostgreSQL {server.version} on {server.storage}, {arguments.turns} turns")


def turn(sandbox: Sandbox, what: LoadPlan, migrated: DatabaseState) -> dict[str, float]:
    """Seconds of wall time, by what took them."""
    spent: dict[str, float] = {}
    with sandbox.clone(migrated) as inserted, open_connections(sandbox, inserted) as connections:
        table_plans = what.planner(connections.owner, what.wanted((), ()), what.dataset.sizes[-1]).plan()
        with timed(spent, "ours: INSERT, REINDEX"):
            fill_tables(connections, table_plans, whole=False)
        with timed(spent, "ours, vacuumed and analysed"):
            vacuum(connections, table_plans)
        spent["ours, vacuumed and analysed"] += spent["ours: INSERT, REINDEX"]
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, sandbox.clone(migrated) as copied:
            Path(folder).chmod(0o777)
            files = {table_plan.table.name: f"{folder}/{number}" for number, table_plan in enumerate(table_plans)}
            for name, file in files.items():
                connections.most_privileged.execute(sql.SQL("COPY {} TO {}").format(sql.SQL(name), sql.Literal(file)))
            with open_connections(sandbox, copied) as other:
                copy(other, table_plans, files, spent)
    return spent


def copy(
    connections: LoadingConnections, table_plans: tuple[TablePlan, ...], files: dict[str, str], spent: dict[str, float]
) -> None:
    """The same rows out of their files."""
    does = connections.most_privileged
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
        vacuum(connections, table_plans)
    spent["theirs, vacuumed and analysed"] += spent["theirs: COPY, CREATE INDEX"]


def vacuum(connections: LoadingConnections, table_plans: tuple[TablePlan, ...]) -> None:
    for table_plan in table_plans:
        connections.most_privileged.execute(sql.SQL("VACUUM (FREEZE, ANALYZE) {}").format(sql.SQL(table_plan.table.name)))


@contextmanager
def timed(spent: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    spent[name] = time.perf_counter() - started


if __name__ == "__main__":
    main()
