"""What all formats of a run of 500 findings cost, and what a run of ten times as many costs beside it.

Prints medians of CPU seconds of interleaved turns in one process, the imports of the formats' libraries apart. The
promises: all formats of 500 findings under 1 s of CPU, whether they are kept or all broken with evidence; of 5,000 at
most 15 times as much.

    python tests/bench/bench_report.py [--findings 500] [--turns 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from pgcontract.reporting import formats, render
from pgcontract.reporting.json import from_json
from pgcontract.result import Evidence, Finding, Run, Severity, Status

SHIPPED = Path(__file__).parents[1] / "golden" / "shipped.run.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=500)
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    shipped = from_json(SHIPPED.read_text(encoding="utf-8"))
    runs = {
        "as in the shipped chain": crowd(shipped, arguments.findings),
        "all broken, with evidence": broken(shipped, arguments.findings),
        "ten times as many": crowd(shipped, 10 * arguments.findings),
    }
    started = time.process_time()
    forms = tuple(formats())
    print(f"importing {len(forms)} formats: {time.process_time() - started:.3f} s")
    for run in runs.values():
        for form in forms:
            render(run, form)
    turns = [
        {name: {form: cpu_s(run, form) for form in forms} for name, run in runs.items()} for _ in range(arguments.turns)
    ]
    base = 0.0
    for name, run in runs.items():
        medians = {form: statistics.median(turn[name][form] for turn in turns) for form in forms}
        total = sum(medians.values())
        base = base or total
        dearest = ", ".join(f"{form} {medians[form]:.3f}" for form in sorted(forms, key=lambda form: -medians[form])[:3])
        print(f"{len(run.findings):6,} findings, {name:26} {total:7.3f} s  {total / base:6.2f}  ({dearest})")


def cpu_s(run: Run, form: str) -> float:
    started = time.process_time()
    render(run, form)
    return time.process_time() - started


def crowd(run: Run, number: int) -> Run:
    """The Run with so many findings, its own again and again under other subjects."""
    again = islice(cycle(enumerate(run.findings)), number)
    findings = (
        replace(finding, subject=f"{finding.subject} {turn}") if turn >= len(run.findings) else finding
        for turn, (_, finding) in enumerate(again)
    )
    return replace(run, findings=tuple(findings))


def broken(run: Run, number: int) -> Run:
    """A Run of as many broken promises, each with a table and SQL."""
    exhibits = (
        Evidence(
            title="What was tried", columns=("value", "answer"), rows=tuple((f"v{n}", "accepted") for n in range(20))
        ),
        Evidence(title="To see it happen", text="INSERT INTO public.t (a) VALUES (1);\n" * 10, language="sql"),
    )
    findings = tuple(
        Finding(check="column.type", subject=f"public.t{n}.c", status=Status.BROKEN, severity=Severity.ERROR,
                summary=f"The column public.t{n}.c is text, not integer.", expected="integer", actual="text",
                remedy="ALTER TABLE …", evidence=exhibits, migration=run.migration)
        for n in range(number)
    )  # fmt: skip
    return replace(run, findings=findings, claims=())


if __name__ == "__main__":
    main()
