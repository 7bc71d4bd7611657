"""What trying values on a server costs beside making them: ours, and one INSERT in a savepoint for each value.

Each turn draws the distinct values of one format with a seed of its own, then tries the same values both ways on
migration 020, in turns that alternate. CPU is the process's and its server process's, to the nanosecond from
/proc/<pid>/schedstat (Linux). Medians of the turns, with their ratios. The promises:

    making and trying, oracle included   at most 1.25 of Hypothesis alone
    what trying adds to making           at most a quarter of what a savepoint for each value adds

    python tests/bench/bench_fuzz.py [--examples 1000] [--turns 7]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from pgcontract.contract import load_project
from pgcontract.formats import Format, standard
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing import TargetColumn, batch_insert, find_target_column, sendable
from pgcontract.probes.fuzzing.hypothesis_draws import draw_values
from pgcontract.probes.sample_rows import insert_statement
from pgcontract.runner import Session, plan

SCHEMA = Path(__file__).parents[2] / "schema"
STEM = "020_assessment_sessions_table"
FORMATS = {
    "email": standard("email", dialect="rfc5322"),
    "first_name": standard("not_blank"),
    "form_data": standard("json_object"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=7)
    arguments = parser.parse_args()
    for column_format in FORMATS.values():
        draw_values(column_format, seed="warm", budget=50)
    with Session(plan(load_project(SCHEMA))) as session:
        context = session.context(STEM)
        for column, column_format in FORMATS.items():
            target = find_target_column(context, f"public.cw_assessment_sessions.{column}")
            turns = [turn(context, target, column_format, arguments.examples, seed) for seed in range(arguments.turns)]
            report(column, turns)


def turn(
    context: Context, target: TargetColumn, column_format: Format[Any], examples: int, seed: int
) -> dict[str, float]:
    """CPU in ms of making the values and of trying them, in an order that alternates, and how many there were."""
    texts: list[str] = []

    def make() -> None:
        texts.extend(
            text for kind in draw_values(column_format, seed=str(seed), budget=examples).values() for text in kind
        )

    draw_ms = cpu_ms(context, make)
    values = [text for text in texts if sendable(text)]

    def ours() -> None:
        with batch_insert(context, target) as insert_batch:
            for judgement in insert_batch(values):
                column_format.means(judgement.value)

    contenders = {"ours": ours, "savepoints": lambda: in_savepoints(context, target, values)}
    order = sorted(contenders, reverse=bool(seed % 2))
    spent = {name: cpu_ms(context, contenders[name]) for name in order}
    return {"values": len(values), "made": draw_ms, **spent}


def in_savepoints(context: Context, target: TargetColumn, values: list[str]) -> None:
    """What a test that asks the server value by value does."""
    statement = insert_statement(target.table, {**target.row, target.column: ""})
    others = list(target.row.values())
    with context.sandbox.rolled_back(context.after_state) as connection:
        for value in values:
            connection.execute("SAVEPOINT one")
            with suppress(psycopg.Error):
                connection.execute(statement, [*others, value])
            connection.execute("ROLLBACK TO SAVEPOINT one")
            connection.execute("RELEASE SAVEPOINT one")


def cpu_ms(context: Context, run: Callable[[], None]) -> float:
    with context.sandbox.rolled_back(context.after_state) as connection:
        server = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    before = time.process_time_ns() + int(server.read_text().split()[0])
    run()
    return (time.process_time_ns() + int(server.read_text().split()[0]) - before) / 1e6


def report(column: str, turns: list[dict[str, float]]) -> None:
    middle = {name: statistics.median(timing[name] for timing in turns) for name in turns[0]}
    whole = statistics.median((timing["made"] + timing["ours"]) / timing["made"] for timing in turns)
    added = statistics.median(timing["ours"] / timing["savepoints"] for timing in turns)
    print(f"{column}: {middle['values']:.0f} distinct values, median CPU of {len(turns)} turns")
    print(f"  making them, by Hypothesis alone   {middle['made']:8.1f} ms")
    print(f"  trying them, with the oracle       {middle['ours']:8.1f} ms: both {whole:.3f} of the first (at most 1.25)")
    print(f"  a savepoint for each               {middle['savepoints']:8.1f} ms: ours {added:.3f} of it (at most 0.25)")


if __name__ == "__main__":
    main()
