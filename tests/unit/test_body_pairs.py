"""A body that fails is told, and its good twin is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pairs import findings_of, read_pairs
from pgcontract.result import Status

PAIRS, _ = read_pairs("unit/body_pairs.toml")
TABLES = """
CREATE SCHEMA {schema};
CREATE TABLE S.t (id bigint PRIMARY KEY, c text, n integer, at timestamptz);
CREATE TABLE S.p (id bigint PRIMARY KEY, name text);
CREATE FUNCTION S.twice(p integer) RETURNS integer LANGUAGE sql AS 'SELECT p * 2';
CREATE PROCEDURE S.note(v integer) LANGUAGE plpgsql AS $$ BEGIN UPDATE S.p SET name = v::text; END $$;
"""


def of_schema(number: int, text: str) -> str:
    return text.replace("S.", f"s{number:02}.")


def script(kind: str) -> str:
    """All pairs' `bad` or `good`, each in a schema of its own."""
    return "".join(
        of_schema(number, TABLES.format(schema=f"s{number:02}") + pair.get("before", "") + pair[kind])
        for number, pair in enumerate(PAIRS)
    )


def told_of(folder: Path, kind: str) -> Mapping[int, list[str]]:
    """What is said of the pairs' functions, by number."""
    told: dict[int, list[str]] = {number: [] for number in range(len(PAIRS))}
    for finding in findings_of(folder, {"001_bodies.sql": script(kind)}, ("function.runs", "script.applies")):
        if finding.status is Status.BROKEN:
            told[int(finding.subject[1:3])].append(finding.subject[4:])
    return told


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, list[str]]:
    return told_of(tmp_path_factory.mktemp("bad"), "bad")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, list[str]]:
    return told_of(tmp_path_factory.mktemp("good"), "good")


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=[pair["name"] for pair in PAIRS])
def test_bad_body_is_told_and_its_good_twin_is_not(
    bad: Mapping[int, list[str]], good: Mapping[int, list[str]], number: int
) -> None:
    assert (["f"], []) == ([name.partition("(")[0] for name in bad[number]], good[number])
