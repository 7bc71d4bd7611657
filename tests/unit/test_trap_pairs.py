"""A trap that a schema holds at its head is told, and its good twin is not."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from obtaining import USUAL_SERVER
from pgcontract.contract import load_project
from pgcontract.result import RunOptions, Status
from pgcontract.runner import verify
from written_files import write_files

PAIRS = tomllib.loads(Path(__file__).with_name("trap_pairs.toml").read_text(encoding="utf-8"))["pair"]
CHECKS = (
    "column.upgradable",
    "constraint.immutable",
    "constraint.validated",
    "expression.not_frozen",
    "foreign_key.indexed",
    "index.not_duplicated",
    "object.name_whole",
    "object.not_skipped",
    "script.applies",
    "table.primary_key",
    "trigger.keeps_rows",
    "trigger.sets_time",
)


def of_schema(number: int, text: str) -> str:
    return text.replace("S.", f"s{number:02}.")


def told_of(folder: Path, kind: str) -> tuple[str, ...]:
    """What is said of all pairs' `bad` or `good`, each in a schema of its own."""
    texts = [f"CREATE SCHEMA s{number:02};\n{of_schema(number, pair[kind])}\n" for number, pair in enumerate(PAIRS)]
    project = load_project(write_files(folder, {"001_traps.sql": "".join(texts), "002_last.sql": "SELECT 1;\n"}))
    run = verify(project, RunOptions(only=CHECKS, pg=USUAL_SERVER))
    assert [] == [finding.summary for finding in run.findings if finding.status in (Status.ERROR, Status.UNKNOWN)]
    return tuple(sorted(finding.item for finding in run.findings if finding.status is Status.BROKEN))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, ...]]:
    return {kind: told_of(tmp_path_factory.mktemp(kind), kind) for kind in ("bad", "good")}


def test_every_trap_is_told(told: Mapping[str, tuple[str, ...]]) -> None:
    assert tuple(sorted(of_schema(number, pair["told"]) for number, pair in enumerate(PAIRS))) == told["bad"]


def test_no_good_twin_is_accused(told: Mapping[str, tuple[str, ...]]) -> None:
    assert () == told["good"]
