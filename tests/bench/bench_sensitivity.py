"""How many one-token edits of migration 020's three constraints the default budget notices, and by what.

Each edited constraint is loaded in place of the original, as a migration of its own, and the format checks of its
column are asked as in any run. An edit that changes what is accepted is `noticed` where a value tried in both runs is
answered otherwise, `told` where the findings differ in more than how many values were tried, and `apart` where
constraint.definition tells it from the declared text. Of the edits that change nothing, none may be any of these.

    python tests/bench/bench_sensitivity.py [NAME]

NAME picks the edits whose name holds it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edits_of_020 import CHANGING, SAME, Edit
from pgcontract import RunOptions, load_project
from pgcontract.contract import ColumnFormat
from pgcontract.probes.fuzzing.column_format import ask_format
from pgcontract.result import Finding, Status
from pgcontract.runner import Session, plan

SCHEMA = Path(__file__).parents[2] / "schema"
STEM = "020_assessment_sessions_table"
COLUMNS = {"email": "email", "name": "first_name", "form": "form_data"}


@dataclass(frozen=True)
class Asked:
    """What one text of 020 showed: the format findings but for their counts, each value's answer, and whether the
    constraint's text was told from the declared one."""

    told: tuple[object, ...]
    accepted: dict[str, bool]
    apart: bool


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    changing = [edit for edit in CHANGING if word in edit[0]]
    same = [edit for edit in SAME if word in edit[0]]
    with tempfile.TemporaryDirectory() as folder:
        originals = {column: ask(Path(folder) / f"original_{column}", column) for column in COLUMNS.values()}
        report("that change what is accepted", changing, originals, Path(folder), missed=lambda seen: not all(seen))
        report("that change nothing", same, originals, Path(folder), missed=any)


def report(
    title: str, edits: list[Edit], originals: dict[str, Asked], folder: Path, *, missed: Callable[[Iterable[bool]], bool]
) -> None:
    """Counts, and a line for each edit that was answered otherwise than it should be."""
    seen = {}
    for number, edit in enumerate(edits):
        name, before, after = edit
        column = COLUMNS[name.partition(":")[0]]
        answers = ask(folder / f"{len(edits)}_{number}", column, edit=(before, after))
        original = originals[column]
        noticed = any(answers.accepted.get(value, answer) is not answer for value, answer in original.accepted.items())
        seen[name] = noticed, answers.told != original.told, answers.apart
    words = ("noticed", "told", "apart")
    counts = ", ".join(f"{word} {sum(detection[at] for detection in seen.values())}" for at, word in enumerate(words))
    print(f"{len(seen)} edits {title}: {counts}")
    for name, detection in seen.items():
        if missed(detection):
            print(
                "  "
                + name
                + ": "
                + ", ".join(f"{word} {'yes' if yes else 'no'}" for word, yes in zip(words, detection, strict=True))
            )


def ask(root: Path, column: str, *, edit: tuple[str, str] | None = None) -> Asked:
    """020, edited or as it is, judged by the format of one column."""
    write(root, column, edit)
    planned = plan(load_project(root), RunOptions(only=("format.*", "constraint.definition")))
    with Session(planned) as session:
        findings = [finding for item in planned.items for finding in session.ask(item)]
        [declared] = planned.promises[STEM].contract.of(ColumnFormat)  # `write` left one
        answers = ask_format(session.context(STEM), declared)
    return Asked(
        told=tuple(map(but_for_counts, (finding for finding in findings if finding.check.startswith("format")))),
        accepted={value: judgement.accepted for value, judgement in answers.results.items()},
        apart=any(finding.check == "constraint.definition" and finding.status is Status.BROKEN for finding in findings),
    )


def write(root: Path, column: str, edit: tuple[str, str] | None) -> None:
    """A project of 020 alone with the format of one column, its CREATE TABLE edited."""
    shutil.copytree(SCHEMA, root, ignore=others)
    contract = root / "contracts" / STEM / "contract.toml"
    sections = re.split(r"(?m)^(?=\[)", contract.read_text(encoding="utf-8"))
    shown_sections = [
        section for section in sections if not section.startswith("[format.") or section.startswith(f"[format.{column}]")
    ]
    contract.write_text("".join(shown_sections), encoding="utf-8")
    if edit is not None:
        migration = root / "migrations" / f"{STEM}.sql"
        text = migration.read_text(encoding="utf-8")
        assert text.count(f"CHECK ({edit[0]})") == 1
        migration.write_text(text.replace(f"CHECK ({edit[0]})", f"CHECK ({edit[1]})"), encoding="utf-8")


def others(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name[:3].isdecimal() and not name.startswith(STEM)]


def but_for_counts(finding: Finding) -> object:
    """What a finding says: its status, and its exhibits without those that only count."""
    return finding.check, finding.status, finding.severity, tuple(exhibits(finding))


def exhibits(finding: Finding) -> Iterator[object]:
    for evidence in finding.evidence:
        if not evidence.title.startswith("Distinct values"):
            yield evidence.title, evidence.text, evidence.rows


if __name__ == "__main__":
    main()
