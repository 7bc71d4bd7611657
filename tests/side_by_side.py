"""The gate and the tests on every major, side by side, and one table: `python tests/side_by_side.py [MAJOR ...]`.

As many run at a time as there are cores. Exits with 1 where a run fails, the majors come to different decisions, or one
of them would stop a deployment.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import version_matrix
from pgcontract.postgres.versions import KNOWN_MAJORS
from pgcontract.reporting.json import from_json
from pgcontract.result import Decision, Run

ROOT = Path(__file__).parents[1]
# What asks a server of the major that PGCONTRACT_PG names; the other tests ask about pgcontract itself.
TESTS = (
    "tests/rules",
    *(f"tests/unit/test_{name}.py" for name in ("catalog_changes", "catalog_standard")),
    *(f"tests/unit/test_{name}_pairs.py" for name in ("body", "role", "trap")),
)
DEPLOYABLE = (Decision.CLEAR, Decision.CAUTION)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that ended: CPU in seconds, of its children too, and what it said last."""

    code: int
    cpu_s: float
    last_line: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """One major: its gate, the Run if there is one, and its tests if they were run."""

    major: int
    gate: Ended
    run: Run | None
    tests: Ended | None = None

    @property
    def failed(self) -> str | None:
        """What failed, with its words."""
        if self.run is None:
            return f"the gate on {self.major} gave no verdict (exit code {self.gate.code}): {self.gate.last_line}"
        if self.tests is not None and self.tests.code != 0:
            return f"the tests on {self.major} failed: {self.tests.last_line}"
        return None


def ended(command: Sequence[str | Path], **settings: str) -> Ended:
    """Runs a command of this Python in the project's folder to its end."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = [line.strip() for line in output if line.strip()]
    return Ended(
        code=process.returncode, cpu_s=used.ru_utime + used.ru_stime, last_line=lines[-1] if lines else "nothing"
    )


def judge(major: int, project: str, folder: Path) -> Side:
    """The gate of a project on one major."""
    file = folder / f"{major}.json"
    gate = ended(["pgcontract", "verify", project, "--pg", str(major), "--json", file])
    return Side(major=major, gate=gate, run=from_json(file.read_text(encoding="utf-8")) if file.exists() else None)


def judge_all(majors: Iterable[int], project: str = "schema") -> list[Side]:
    """The gates of all majors, as many at a time as there are cores."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as at_once:
        return list(at_once.map(lambda major: judge(major, project, Path(folder)), majors))


def with_tests(sides: Iterable[Side]) -> list[Side]:
    """The same with the tests of each major."""

    def tested(side: Side) -> Side:
        command = ["pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        return Side(**{**side.__dict__, "tests": ended(command, PGCONTRACT_PG=str(side.major))})

    with ThreadPoolExecutor(os.cpu_count()) as at_once:
        return list(at_once.map(tested, sides))


def table(sides: Sequence[Side]) -> str:
    """What each major came to, then where they differ."""
    runs = {side.major: side.run for side in sides if side.run is not None}
    rows: list[tuple[str, ...]] = [("", *(str(side.major) for side in sides))]
    rows.append(("server", *(_told(side.run.server.version if side.run and side.run.server else None) for side in sides)))
    rows.append(("verdict", *(_told(side.run and side.run.verdict.decision.value) for side in sides)))
    rows.append(("  but for the major", *(_told(side.run and version_matrix.decision(side.run).value) for side in sides)))
    rows.append(("findings", *(_told(side.run and len(side.run.findings)) for side in sides)))
    rows.append(("CPU of the gate", *(f"{side.gate.cpu_s:.1f} s" for side in sides)))
    if any(side.tests for side in sides):
        rows.append(
            ("tests", *("none" if not side.tests else "failed" if side.tests.code else "passed" for side in sides))
        )
        rows.append(("CPU of the tests", *(_told(side.tests and f"{side.tests.cpu_s:.0f} s") for side in sides)))
    text = [aligned(rows), "", *differing(runs)]
    text += [f"failed: {side.failed}" for side in sides if side.failed]
    if not version_matrix.decisions_agree(runs):
        text.append("the majors come to different decisions")
    return "\n".join(text)


def differing(runs: Mapping[int, Run]) -> list[str]:
    """A block of lines for the subjects of a check that the majors answer differently, in the same way."""
    alike: dict[tuple[str, str, tuple[tuple[int, str], ...]], list[version_matrix.MajorDifference]] = {}
    for difference in version_matrix.differences(runs):
        alike.setdefault((difference.migration, difference.check, tuple(difference.results_by_major.items())), []).append(
            difference
        )
    lines: list[str] = []
    for (migration, check, results_by_major), group in alike.items():
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        cause = group[0].cause or "nothing that is known by name"
        lines.append(f"{migration}: {check}[{group[0].subject}]{more}, because of {cause}")
        majors: dict[str, list[str]] = {}
        for major, words in results_by_major:
            majors.setdefault(words, []).append(str(major))
        lines += [f"  {', '.join(same)}: {words}" for words, same in majors.items()]
    return lines or ["no check is answered differently"]


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The rows with their columns under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def passes(sides: Sequence[Side]) -> bool:
    """Whether every run went to its end, all come to the same decision, and it lets the deployment go on."""
    runs = {side.major: side.run for side in sides if side.run is not None}
    deployable = all(run.verdict.decision in DEPLOYABLE for run in runs.values())
    return deployable and version_matrix.decisions_agree(runs) and not any(side.failed for side in sides)


def _told(value: object) -> str:
    return version_matrix.NOT_ASKED if value is None else str(value)


def main() -> int:
    parser = argparse.ArgumentParser(description="The gate and the tests on several majors of PostgreSQL.")
    parser.add_argument("majors", nargs="*", type=int, default=list(KNOWN_MAJORS), help="15 to 18 where none is named")
    parser.add_argument("--project", default="schema", help="the project that is judged")
    parser.add_argument("--no-tests", action="store_true", help="the gates alone")
    options = parser.parse_args()
    sides = judge_all(options.majors, options.project)
    sides = sides if options.no_tests else with_tests(sides)
    print(table(sides))
    return 0 if passes(sides) else 1


if __name__ == "__main__":
    sys.exit(main())
