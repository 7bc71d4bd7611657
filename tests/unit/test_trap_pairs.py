"""A trap that a schema holds at its head is told, and its good twin is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pairs import findings_of, read_pairs
from pgcontract.result import Status

PAIRS, _ = read_pairs("unit/trap_pairs.toml")
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
    findings = findings_of(folder, {"001_traps.sql": "".join(texts), "002_last.sql": "SELECT 1;\n"}, CHECKS)
    return tuple(sorted(finding.item for finding in findings if finding.status is Status.BROKEN))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, ...]]:
    return {kind: told_of(tmp_path_factory.mktemp(kind), kind) for kind in ("bad", "good")}


def test_every_trap_is_told(told: Mapping[str, tuple[str, ...]]) -> None:
    assert tuple(sorted(of_schema(number, pair["told"]) for number, pair in enumerate(PAIRS))) == told["bad"]


def test_no_good_twin_is_accused(told: Mapping[str, tuple[str, ...]]) -> None:
    assert () == told["good"]
