"""Times in the server against `pgbench -M prepared`, and how steady they are while every core is kept busy.

    python tests/bench/bench_latency.py [RUNS]

A table of 100,000 rows and queries from a few microseconds to many milliseconds. pgbench asks them with values drawn
the same way, by the same sockets, one query after the other, three times: the least of three medians counts, because
a busy machine only adds to a client's time, and to a server's less. For queries between 10 µs and 10 ms the order must be
pgbench's, where its own medians are a third apart or more; from 0.5 ms on the medians must be within a factor of 1.5.
Then every query is measured RUNS times (five by default) beside one endless loop a core: the greatest p95 in the server
must be at most twice the least, wherever it is one of twenty calls or more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from pgcontract.contract import load_project
from pgcontract.performance.latency import CALLS_FOR_P95, Latencies, Times, measure_latencies
from pgcontract.performance.loading import Load, LoadedServer, get_loaded_server
from pgcontract.postgres.platform import MIGRATOR
from pgcontract.runner import Session, plan
from psycopg.conninfo import conninfo_to_dict

ROWS = 100_000
PGBENCH_S, PGBENCH_TURNS = 1, 3
ORDERED_US = (10, 10_000)
APART = 1.33
ALIKE_FROM_US, ALIKE = 500, 1.5
STEADY = 2.0

MIGRATION = """
CREATE TABLE public.orders (
    id integer PRIMARY KEY, customer integer NOT NULL, placed_at timestamptz NOT NULL, form jsonb NOT NULL
);
CREATE INDEX orders_customer ON public.orders (customer);
"""
CONTRACT = f"""
migration = "001_orders.sql"
comments = "optional"

[table."public.orders"]
primary_key = ["id"]
columns.id = {{ type = "integer" }}
columns.customer = {{ type = "integer", null = false }}
columns.placed_at = {{ type = "timestamptz", null = false }}
columns.form = {{ type = "jsonb", null = false }}
indexes.orders_customer = {{ keys = ["customer"] }}

[dataset]
sizes = [{ROWS}]

[dataset.table."public.orders"]
columns.id = {{ expression = "n" }}
columns.customer = {{ expression = "n % 1000" }}
columns.placed_at = {{ expression = "'2026-01-01'::timestamptz + n * interval '1 minute'" }}
columns.form = {{ expression = "jsonb_build_object('age', n % 60, 'name', repeat('x', (n % 50)::int))" }}
"""
QUERIES: Mapping[str, str] = {
    "one_row": "SELECT id, customer FROM public.orders WHERE id = %(id)s",
    "thirty_rows": "SELECT id, form FROM public.orders WHERE id BETWEEN %(id)s AND %(id)s + 29",
    "a_hundred_rows": "SELECT id, placed_at FROM public.orders WHERE customer = %(id)s %% 1000",
    "newest_of_a_customer": "SELECT id FROM public.orders WHERE customer = %(id)s %% 1000 ORDER BY id DESC LIMIT 10",
    "a_thousand_rows": "SELECT id, form FROM public.orders WHERE id BETWEEN %(id)s AND %(id)s + 999",
    "sum_of_five_thousand": "SELECT sum(customer) FROM public.orders WHERE id BETWEEN %(id)s AND %(id)s + 4999",
    "count_of_documents": "SELECT count(*) FROM public.orders WHERE id > %(id)s - 90000 AND form ->> 'age' = '30'",
}


def write_project(root: Path) -> Path:
    (root / "migrations").mkdir(parents=True)
    (root / "contracts" / "001_orders").mkdir(parents=True)
    (root / "migrations" / "001_orders.sql").write_text(MIGRATION, encoding="utf-8")
    queries = "".join(
        f'\n[query.{name}]\nsql = "{sql}"\nparameters.id = {{ expression = "1 + (r * 90000)::int", type = "integer" }}\n'
        for name, sql in QUERIES.items()
    )
    (root / "contracts" / "001_orders" / "contract.toml").write_text(CONTRACT + queries, encoding="utf-8")
    return root


def pgbench_p50_us(loaded_server: LoadedServer, load: Load, query: str, folder: Path) -> float:
    """The median transaction of one client, by pgbench's own log."""
    assert loaded_server.server.bin_dir
    script = folder / "query.sql"
    numbered = query.replace("%(id)s", ":id").replace("%%", "%")
    script.write_text(f"\\set id random(1, 90000)\n{numbered};\n", encoding="utf-8")
    words = conninfo_to_dict(loaded_server.server.conninfo(dbname=load.database, user=MIGRATOR))
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    environment = os.environ | {names[key]: str(value) for key, value in words.items() if key in names}
    options = ["-n", "-M", "prepared", "-c", "1", "-T", str(PGBENCH_S), "-l", "--log-prefix", str(folder / "log")]
    command = [loaded_server.server.bin_dir / "pgbench", *options, "-f", script, load.database]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    logs = list(folder.glob("log.*"))
    times = [int(session.split()[2]) for log in logs for session in log.read_text().splitlines()]
    for log in logs:
        log.unlink()
    return median(times)


def in_server(latencies: Latencies) -> dict[str, Times]:
    """The times in the server by query."""
    return {query.query.name: query.sizes[-1].server for query in latencies.queries}


@contextmanager
def every_core_busy() -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in loops:
            process.kill()
            process.wait()


def out_of_order(measured_queries: Mapping[str, float], reference: Mapping[str, float]) -> list[str]:
    """The pairs that pgbench holds apart and the server's times the other way round."""
    low, high = ORDERED_US
    names = [name for name in measured_queries if low <= measured_queries[name] <= high]
    return [
        f"{first} before {second}"
        for first in names
        for second in names
        if reference[second] > reference[first] * APART and measured_queries[second] < measured_queries[first]
    ]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        planned = plan(load_project(write_project(Path(folder) / "schema")))
        with Session(planned) as session:
            context = session.context("001_orders")
            loaded_server = get_loaded_server(context)
            load = loaded_server.loads[-1]
            latencies = measure_latencies(context)
            measured_queries = {name: times.p50_us for name, times in in_server(latencies).items()}
            turns = [
                {name: pgbench_p50_us(loaded_server, load, sql, Path(folder)) for name, sql in QUERIES.items()}
                for _ in range(PGBENCH_TURNS)
            ]
            reference = {name: min(turn[name] for turn in turns) for name in QUERIES}
            clients = {query.query.name: query.sizes[-1].client.p50_us for query in latencies.queries}
            with every_core_busy():
                busy = [in_server(measure_latencies(context)) for _ in range(runs)]
    print(f"{ROWS:,} rows, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {latencies.conditions}")
    print(
        f"SELECT 1 by our client: p50 {latencies.select_1.p50_us:.0f} µs; the clock itself {latencies.clock_us:.1f} µs\n"
    )
    print(f"{'query':<22}{'server p50':>12}{'client p50':>12}{'pgbench p50':>13}{'ratio':>8}", end="")
    print(f"{'busy p95: least':>18}{'greatest':>10}{'ratio':>8}{'n':>6}")
    failed = [f"another order than pgbench's: {failure}" for failure in out_of_order(measured_queries, reference)]
    for name in sorted(measured_queries, key=lambda query: measured_queries[query]):
        ratio = max(measured_queries[name] / reference[name], reference[name] / measured_queries[name])
        p95s = [run[name].p95_us for run in busy]
        calls = min(run[name].n for run in busy)
        representative_calls = max(p95s) / min(p95s)
        columns = f"{min(p95s):>18.0f}{max(p95s):>10.0f}{representative_calls:>8.2f}{calls:>6}"
        print(
            f"{name:<22}{measured_queries[name]:>12.0f}{clients[name]:>12.0f}{reference[name]:>13.0f}{ratio:>8.2f}{columns}"
        )
        if measured_queries[name] >= ALIKE_FROM_US and ratio > ALIKE:
            failed.append(f"{name}: {ratio:.2f} times pgbench's median, bound {ALIKE}")
        if representative_calls > STEADY and calls >= CALLS_FOR_P95:
            failed.append(f"{name}: p95 of {runs} runs differ by a factor of {representative_calls:.2f}, bound {STEADY}")
    for failure in failed:
        print(f"MISSED {failure}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
