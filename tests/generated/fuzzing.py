"""Generated folders, judged: each gets a verdict, or one error that says what to change in it; never a bug of ours.

`nox -s fuzz -- --seconds 600 --seed 1` goes on until its time is over, prints the seed, how many inputs
there were and how many distinct verdicts, and every folder that had none.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grammar import Files, projects
from pgcontract import RunOptions, load_project
from pgcontract.errors import InputError
from pgcontract.postgres.providers import Production
from pgcontract.probes.fuzzing.hypothesis_draws import draw_examples
from pgcontract.reporting import render
from pgcontract.result import Run, Status
from pgcontract.runner import Session, conclude, plan
from shared_server import shared_server, stop_all
from written_files import write_files

BATCH = 50
REFUSED = "refused as input"


@dataclass
class Outcomes:
    """What became of the inputs: how many there were of each decision, the distinct verdicts, and those without one."""

    decisions: Counter[str] = field(default_factory=Counter)
    verdicts: set[object] = field(default_factory=set)
    failures: dict[str, tuple[str, Files]] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        return sum(self.decisions.values())

    def __str__(self) -> str:
        decisions = ", ".join(f"{count} {decision}" for decision, count in sorted(self.decisions.items()))
        return f"{self.inputs} inputs, {len(self.verdicts)} distinct verdicts ({decisions})"


def inputs(seed: int, count: int = BATCH, batch: int = 0, *, small: bool = False) -> tuple[Files, ...]:
    """So many distinct folders, the same for the same seed."""
    strategy = projects(small=small)
    return tuple(draw_examples(strategy, seed=f"{seed}/{batch}", examples=2 * count))[:count]


def judge_all(folders: Iterable[Files], *, until: float | None = None, skip: tuple[str, ...] = ()) -> Outcomes:
    """Each folder judged, on one server, until that moment of the clock; not by checks whose ids begin as `skip` says."""
    outcomes = Outcomes()
    for files in folders:
        if until is not None and time.monotonic() > until:
            break
        try:
            decision, verdict = _judge(files, skip)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            decision, verdict = "failed", str(error)
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
            kind = str(error) if isinstance(error, Bug) else where
            outcomes.failures.setdefault(kind.splitlines()[0], ("".join(traceback.format_exception(error)), files))
        outcomes.decisions[decision] += 1
        outcomes.verdicts.add(verdict)
    return outcomes


class Bug(Exception):
    """A check failed by a fault of its own."""


def _judge(files: Files, skip: tuple[str, ...]) -> tuple[str, object]:
    """The decision, and what tells one verdict from another."""
    with tempfile.TemporaryDirectory(prefix="pgcontract-fuzz-") as temporary:
        root = Path(temporary) / "p"
        write_files(root, dict(files))
        try:
            run = _verify(root, skip)
        except InputError as error:
            return REFUSED, str(error).replace(str(root), "")
    for finding in run.findings:
        if finding.status is Status.ERROR:
            raise Bug(f"{finding.item}: {finding.summary}\n{finding.evidence[0].text if finding.evidence else ''}")
    for report in ("text", "markdown"):
        render(run, report)
    said = frozenset(
        (finding.check, finding.status, finding.severity)
        for finding in run.findings
        if finding.status not in (Status.KEPT, Status.NOTED)
    )
    return run.verdict.decision.value, (run.verdict.decision, said)


def _verify(root: Path, skip: tuple[str, ...]) -> Run:
    planned = plan(load_project(root), RunOptions(examples=20))
    provider = shared_server("auto", Production(platform=planned.project.platform, postgres=planned.project.postgres))
    with Session(planned, provider=provider) as session:
        findings = [finding for item in planned.items if not item.check.startswith(skip) for finding in session.ask(item)]
        observed = session.observed()
    return conclude(planned, findings, observed)


def _as_text(files: Files) -> str:
    texts: Mapping[str, str] = dict(files)
    return "\n".join(f"--- {path}\n{text}" for path, text in texts.items())


def _batches(seed: int) -> Iterator[Files]:
    batch = 0
    while True:
        yield from inputs(seed, batch=batch)
        batch += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="How long it goes on. Default: 600.")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="Which inputs. Default: any.")
    parser.add_argument("--inputs", type=int, help="At most so many.")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    folders = _batches(options.seed)
    if options.inputs is not None:
        folders = (files for files, _ in zip(folders, range(options.inputs), strict=False))
    try:
        outcomes = judge_all(folders, until=time.monotonic() + options.seconds)
    finally:
        stop_all()
    for kind, (text, files) in outcomes.failures.items():
        print(f"\n=== {kind}\n{_as_text(files)}\n{text}")
    print(f"seed {options.seed}: {outcomes}; {len(outcomes.failures)} kinds of failure")
    return 1 if outcomes.failures else 0


if __name__ == "__main__":
    sys.exit(main())
