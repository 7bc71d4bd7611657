"""What a snapshot of many tables costs, beside pg_dump and SQLAlchemy; and what one of a single table costs.

Prints medians of CPU seconds, client and server together, of interleaved turns in one run, each with its ratio.
Every turn has a connection of its own, so that each pays for a server process with cold caches.
The promises: at most 1.0 of pg_dump --schema-only (aim 0.6); SQLAlchemy's MetaData.reflect at least 5 times as much;
from 1,000 to 5,000 tables at most 5 times as much.

    python tests/bench/bench_catalog.py [--tables 1000] [--large 5000] [--turns 5]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from pgcontract.catalog import read_catalog
from pgcontract.postgres.providers import Server, provider_for
from psycopg import sql

MIGRATION = Path(__file__).parents[2] / "schema" / "migrations" / "020_assessment_sessions_table.sql"
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--large", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    with provider_for("wheel").start(settings={"autovacuum": "off", "max_locks_per_transaction": "1024"}) as server:
        one, many, large = (make(server, tables) for tables in (1, arguments.tables, arguments.large))
        contenders: dict[str, Callable[[], None]] = {
            "read_catalog": lambda: snapshot(many),
            "pg_dump --schema-only": lambda: dump(server, many),
            "MetaData.reflect": lambda: reflect(many),
        }
        turns = [{name: cpu_seconds(server, run) for name, run in contenders.items()} for _ in range(arguments.turns)]
        medians = {name: statistics.median(turn[name] for turn in turns) for name in contenders}
        print(f"{arguments.tables} tables like those of {MIGRATION.name}, median CPU of {arguments.turns} turns:")
        for name, seconds in medians.items():
            print(f"  {name:24} {seconds:7.3f} s  {medians['read_catalog'] / seconds:5.2f}")
        print(f"{arguments.large} tables:")
        for name, run in {"read_catalog": lambda: snapshot(large), "pg_dump": lambda: dump(server, large)}.items():
            seconds = statistics.median(cpu_seconds(server, run) for _ in range(3))
            print(f"  {name:24} {seconds:7.3f} s  {seconds / medians['read_catalog']:5.2f}")
        single(one)


def make(server: Server, tables: int) -> str:
    """A database with so many tables, each with its indexes, function, trigger and comments; its conninfo."""
    text = MIGRATION.read_text(encoding="utf-8")
    text = text[text.index("\nCREATE TABLE") :]
    name = f"bench_{tables}"
    with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    with psycopg.connect(server.conninfo(dbname=name), autocommit=True) as connection:
        for start in range(0, tables, 50):
            batch = range(start, min(start + 50, tables))
            connection.execute("".join(text.replace("cw_assessment", f"t{n:05}") for n in batch).encode())
        connection.execute("vacuum analyze")
    return server.conninfo(dbname=name)


def snapshot(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        read_catalog(connection)


def dump(server: Server, conninfo: str) -> None:
    assert server.bin_dir is not None
    subprocess.run(
        [server.bin_dir / "pg_dump", "--schema-only", "--dbname", conninfo], check=True, stdout=subprocess.DEVNULL
    )


def reflect(conninfo: str) -> None:
    from sqlalchemy import MetaData, create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool)
    MetaData().reflect(engine)


def cpu_seconds(server: Server, run: Callable[[], None]) -> float:
    """What `run` took of this process, its children and the server processes that it started and left."""
    with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as watch:
        postmaster = int(Path(f"/proc/{watch.info.backend_pid}/stat").read_text().rpartition(")")[2].split()[1])
        before = client_seconds() + reaped_seconds(postmaster)
        run()
        others = "select count(*) from pg_stat_activity where backend_type = 'client backend'"
        while watch.execute(others).fetchone() != (1,):
            time.sleep(0.01)
        time.sleep(0.05)
        return client_seconds() + reaped_seconds(postmaster) - before


def client_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def reaped_seconds(postmaster: int) -> float:
    """CPU of the server processes that have ended, to the clock's tick (a hundredth of a second)."""
    stat = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[13]) + int(stat[14])) / TICKS


def single(conninfo: str, turns: int = 50) -> None:
    """A database with one table: a connection's first snapshot and its later ones."""
    first, later = [], []
    for _ in range(turns):
        with psycopg.connect(conninfo, autocommit=True) as connection:
            backend = connection.info.backend_pid
            first.append(timed(connection, backend))
            later.extend(timed(connection, backend) for _ in range(3))
    for name, figures in {"first": first, "later": later}.items():
        wall, client, server = (statistics.median(seconds) * 1000 for seconds in zip(*figures, strict=True))
        print(f"1 table, {name:5} on a connection: {wall:5.1f} ms wall, CPU {client:5.1f} client + {server:5.1f} server")


def timed(connection: psycopg.Connection, backend: int) -> tuple[float, float, float]:
    """Seconds of wall, of this process's CPU and of the server process's."""
    schedstat = Path(f"/proc/{backend}/schedstat")
    server, client, wall = int(schedstat.read_text().split()[0]), time.process_time(), time.perf_counter()
    read_catalog(connection)
    return (
        time.perf_counter() - wall,
        time.process_time() - client,
        (int(schedstat.read_text().split()[0]) - server) / 1e9,
    )


if __name__ == "__main__":
    main()
