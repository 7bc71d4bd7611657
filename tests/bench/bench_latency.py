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
from pgcontract.performance.latency import ENOUGH, Latencies, Times, measure_latencies
from pgcontract.performance.loading import Bench, Load, bench
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


def pgbench_p50_us(there: Bench, load: Load, query: str, folder: Path) -> float:
    """The median transaction of one client, by pgbench's own log."""
    assert there.server.bin_dir
    script = folder / "query.sql"
    numbered = query.replace("%(id)s", ":id").replace("%%", "%")
    script.write_text(f"\\set id random(1, 90000)\n{numbered};\n", encoding="utf-8")
    words = conninfo_to_dict(there.server.conninfo(dbname=load.database, user=MIGRATOR))
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    environment = os.environ | {names[key]: str(value) for key, value in words.items() if key in names}
    options = ["-n", "-M", "prepared", "-c", "1", "-T", str(PGBENCH_S), "-l", "--log-prefix", str(folder / "log")]
    command = [there.server.bin_dir / "pgbench", *options, "-f", script, load.database]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    logs = list(folder.glob("log.*"))
    times = [int(line.split()[2]) for log in logs for line in log.read_text().splitlines()]
    for log in logs:
        log.unlink()
    return median(times)


def in_server(found: Latencies) -> dict[str, Times]:
    """The times in the server by query."""
    return {each.query.name: each.sizes[-1].server for each in found.queries}


@contextmanager
def every_core_busy() -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            each.wait()


def out_of_order(ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[str]:
    """The pairs that pgbench holds apart and the server's times the other way round."""
    low, high = ORDERED_US
    names = [name for name in ours if low <= ours[name] <= high]
    return [
        f"{first} before {second}"
        for first in names
        for second in names
        if theirs[second] > theirs[first] * APART and ours[second] < ours[first]
    ]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        planned = plan(load_project(write_project(Path(folder) / "schema")))
        with Session(planned) as session:
            trial = session.trial("001_orders")
            there = bench(trial)
            load = there.loads[-1]
            found = measure_latencies(trial)
            ours = {name: times.p50_us for name, times in in_server(found).items()}
            turns = [
                {name: pgbench_p50_us(there, load, sql, Path(folder)) for name, sql in QUERIES.items()}
                for _ in range(PGBENCH_TURNS)
            ]
            theirs = {name: min(turn[name] for turn in turns) for name in QUERIES}
            clients = {each.query.name: each.sizes[-1].client.p50_us for each in found.queries}
            with every_core_busy():
                busy = [in_server(measure_latencies(trial)) for _ in range(runs)]
    print(f"{ROWS:,} rows, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {found.conditions}")
    print(f"SELECT 1 by our client: p50 {found.select_1.p50_us:.0f} µs; the clock itself {found.empty_us:.1f} µs\n")
    print(f"{'query':<22}{'server p50':>12}{'client p50':>12}{'pgbench p50':>13}{'ratio':>8}", end="")
    print(f"{'busy p95: least':>18}{'greatest':>10}{'ratio':>8}{'n':>6}")
    failed = [f"another order than pgbench's: {each}" for each in out_of_order(ours, theirs)]
    for name in sorted(ours, key=lambda each: ours[each]):
        ratio = max(ours[name] / theirs[name], theirs[name] / ours[name])
        p95s = [run[name].p95_us for run in busy]
        calls = min(run[name].n for run in busy)
        spread = max(p95s) / min(p95s)
        told = f"{min(p95s):>18.0f}{max(p95s):>10.0f}{spread:>8.2f}{calls:>6}"
        print(f"{name:<22}{ours[name]:>12.0f}{clients[name]:>12.0f}{theirs[name]:>13.0f}{ratio:>8.2f}{told}")
        if ours[name] >= ALIKE_FROM_US and ratio > ALIKE:
            failed.append(f"{name}: {ratio:.2f} times pgbench's median, bound {ALIKE}")
        if spread > STEADY and calls >= ENOUGH:
            failed.append(f"{name}: p95 of {runs} runs differ by a factor of {spread:.2f}, bound {STEADY}")
    for each in failed:
        print(f"MISSED {each}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
