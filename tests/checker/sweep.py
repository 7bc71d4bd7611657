"""What is not called is read by plpgsql_check: on a PostgreSQL of this machine that has it, so `nox -s checker` runs it.

Nothing is passed over where there is none: then it fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from pairs import read_pairs
from pgcontract.contract import load_project
from pgcontract.postgres.providers.binaries import find_bin_dirs
from pgcontract.result import Finding, RunOptions, Status
from pgcontract.runner import verify
from written_files import write_files

PAIRS, QUIET = read_pairs("checker/checked_pairs.toml")
TABLE = "CREATE SCHEMA S; CREATE TABLE S.t (id bigint PRIMARY KEY, c text, n integer);\n"


def server() -> str:
    """The `--pg` of the newest server that has the extension."""
    for folder in find_bin_dirs():
        for share in (folder.parent / "share/postgresql", Path("/usr/share/postgresql") / folder.parent.name):
            if (share / "extension/plpgsql_check.control").exists():
                return f"binaries:{folder}"
    pytest.fail("no PostgreSQL of this machine has plpgsql_check (Debian: apt install postgresql-15-plpgsql-check)")


def judged(folder: Path, texts: Sequence[str]) -> tuple[Finding, ...]:
    """The findings of one migration with each of the texts in a schema of its own."""
    script = "".join(
        (TABLE + text).replace("S.", f"s{n:02}.").replace(" S;", f" s{n:02};") for n, text in enumerate(texts)
    )
    script = script.replace("search_path = S ", "search_path = s08 ")
    project = load_project(write_files(folder, {"001_bodies.sql": script}))
    return verify(project, RunOptions(only=("function.runs", "script.applies"), pg=server())).findings


def told(findings: Sequence[Finding], count: int) -> Mapping[int, list[str]]:
    subjects: dict[int, list[str]] = {number: [] for number in range(count)}
    for finding in findings:
        if finding.status not in (Status.KEPT, Status.NOTED):
            subjects[int(finding.subject[1:3])].append(finding.subject[4:].partition("(")[0])
    return subjects


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    return judged(tmp_path_factory.mktemp("bad"), [pair.get("before", "") + pair["bad"] for pair in PAIRS])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    return judged(tmp_path_factory.mktemp("good"), [pair.get("before", "") + pair["good"] for pair in PAIRS])


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    return judged(tmp_path_factory.mktemp("quiet"), [one["good"] for one in QUIET])


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=[pair["name"] for pair in PAIRS])
def test_bad_body_that_is_not_called_is_told_once_and_its_good_twin_is_not(
    bad: tuple[Finding, ...], good: tuple[Finding, ...], number: int
) -> None:
    assert (["f"], []) == (told(bad, len(PAIRS))[number], told(good, len(PAIRS))[number])


@pytest.mark.parametrize("number", range(len(QUIET)), ids=[one["name"] for one in QUIET])
def test_body_that_may_be_right_is_not_accused(quiet: tuple[Finding, ...], number: int) -> None:
    assert [] == told(quiet, len(QUIET))[number]


def test_finding_names_the_line_and_shows_the_expression(bad: tuple[Finding, ...]) -> None:
    finding = next(one for one in bad if one.subject == "s02.f()")

    assert (
        "s02.f() fails at line 1 of its body, which plpgsql_check reads and no call here came to: "
        "column t.colour does not exist.",
        "warning",
        ["SELECT pg_advisory_xact_lock(t.colour) FROM s02.t AS t;"],
        "001_bodies.sql",
    ) == (
        finding.summary,
        finding.severity and finding.severity.value,
        [piece.text for piece in finding.evidence if piece.language == "sql"],
        finding.origin and Path(finding.origin.file).name,
    )


def test_what_was_read_is_said(good: tuple[Finding, ...]) -> None:
    summary = next(one.summary for one in good if one.check == "function.runs" and one.subject == "catalog")

    assert "Read by plpgsql_check, and not called: s00.f() (its body has pg_advisory_xact_lock)" in summary
    assert "A server with" not in summary
