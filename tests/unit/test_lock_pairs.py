"""What a deploy does to tables in use is told at its line, its good twin is not, and what is printed as the way around is
none of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pairs import read_pairs
from pgcontract.contract import FolderOptions, load_project
from pgcontract.result import Finding, RunOptions, Status
from pgcontract.runner import verify
from written_files import write_files

PAIRS, _ = read_pairs("unit/lock_pairs.toml")
TABLES = {
    "S.t": "CREATE TABLE S.t (id bigint PRIMARY KEY, c text, n int, at timestamp, v varchar(20), j json, "
    "x numeric(8,2));",
    "S.p": "CREATE TABLE S.p (id bigint PRIMARY KEY, name text);",
}
STEPS = "A migration each, in this order"
ALL = bool(os.environ.get("ALL_REMEDIES"))  # as `nox -s remedies` sets it
EACH = 3
# All cost a minute of CPU. These, found by coverage.py, take more branches of the rules' code than a third of all does.
FEW = ["volatile_default", "identity", "column_with_reference", "using", "primary_key", "unique_of_partitions"]
FEW += ["vacuum_full", "moments", "partition_beside_default", "if_not_exists", "refresh_with_no_data", "type_of_a_key"]
FEW += ["drop_index_beside_a_build", "concurrently_behind_a_commit"]
NAMES = [pair["name"] for pair in PAIRS]
CHOSEN = range(len(PAIRS)) if ALL else sorted(map(NAMES.index, FEW))
CHUNK = 5
"""So many pairs share a database: each file costs time for each table in it."""


@dataclass(frozen=True)
class Deployed:
    """What was found in the deploy of a file for each pair, by its number."""

    findings: Mapping[int, tuple[Finding, ...]]
    major: int

    def told(self, number: int) -> list[str]:
        """What is told of one, which was applied."""
        unanswered = (Status.ERROR, Status.UNKNOWN)
        assert [] == [finding.summary for finding in self.findings[number] if finding.status in unanswered]
        return [finding.item for finding in self.findings[number] if finding.status is Status.BROKEN]


def of_schema(number: int, text: str) -> str:
    return text.replace("S.", f"s{number:02}.")


def tables_of(pair: Mapping[str, Any]) -> list[str]:
    return [made for name, made in TABLES.items() if any(name in str(text) for text in pair.values())]


def deploy(folder: Path, files: Mapping[int, Sequence[str]]) -> Deployed:
    """The pairs' files, by number, deployed in their order onto the tables of the pairs."""
    numbers = [*files]
    findings: dict[int, tuple[Finding, ...]] = {}
    major = 0
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK]
        texts = {"000_base.sql": "".join(map(base_of, chunk))}
        for number in chunk:
            texts |= {f"{number + 1:03}{order}_file.sql": text for order, text in enumerate(files[number])}
        project = load_project(write_files(folder / str(start), texts), options=FolderOptions(applied="000_base"))
        run = verify(project, RunOptions(only=("lock.*", "script.applies")))
        major = run.server.major if run.server else 0
        for number in chunk:
            findings[number] = tuple(each for each in run.findings if each.migration.startswith(f"{number + 1:03}"))
    return Deployed(findings, major)


def base_of(number: int) -> str:
    pair = PAIRS[number]
    lines = (f"CREATE SCHEMA s{number:02};", *tables_of(pair), pair.get("before", ""))
    return of_schema(number, "\n".join(lines)) + "\n"


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    files = {number: [of_schema(number, PAIRS[number]["bad"])] for number in CHOSEN}
    return deploy(tmp_path_factory.mktemp("bad"), files)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    files = {number: [of_schema(number, PAIRS[number]["good"])] for number in CHOSEN}
    return deploy(tmp_path_factory.mktemp("good"), files)


@pytest.mark.parametrize("number", CHOSEN, ids=[NAMES[number] for number in CHOSEN])
def test_bad_file_is_told_and_its_good_twin_is_not(bad: Deployed, good: Deployed, number: int) -> None:
    pair = PAIRS[number]
    if pair.get("needs", 0) > bad.major:
        pytest.skip(f"PostgreSQL {pair['needs']} has it first")
    told = [pair["told"]] if isinstance(pair["told"], str) else pair["told"]

    assert ([of_schema(number, each) for each in told], []) == (sorted(bad.told(number)), good.told(number))


def test_what_is_printed_as_the_way_around_runs_and_is_none_of_it(bad: Deployed, tmp_path: Path) -> None:
    steps = {number: list(printed_steps(findings)) for number, findings in bad.findings.items()}
    steps = {number: texts for number, texts in steps.items() if texts and PAIRS[number].get("needs", 0) <= bad.major}
    tried = {number: steps[number] for place, number in enumerate(steps) if ALL or place % EACH == 0}
    found = deploy(tmp_path, tried)

    assert {number: [] for number in tried} == {number: found.told(number) for number in tried}
    assert len(steps) > len(CHOSEN) / 4


def printed_steps(findings: Sequence[Finding]) -> Iterator[str]:
    """One after the other; those of one statement may be said by several findings."""
    texts = [piece.text or "" for finding in findings for piece in finding.evidence if piece.title == STEPS]
    for text in dict.fromkeys(texts):
        yield from re.split(r"^-- \d+\.\n", text, flags=re.MULTILINE)[1:]
