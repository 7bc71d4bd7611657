"""Behind a file that was not applied: what it promises is not broken once more, and no selection hides that it failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import Decision, RunOptions, Status, load_project, verify
from pgcontract.contract import FolderOptions
from pgcontract.reporting.text import render

ELSEWHERE = "CREATE TABLE p(id bigint PRIMARY KEY, x bigint REFERENCES elsewhere)"
OTHER = "CREATE TABLE other(id bigint PRIMARY KEY)"
TABLE = """
[table."public.p"]
primary_key = { columns = ["id"] }
[table."public.p".columns]
id = { type = "bigint", null = false }
"""


def write_project(folder: Path, chain: list[str], promised_by: int) -> Path:
    for number, text in enumerate(chain, 1):
        path = folder / f"migrations/{number:03}_x.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text};\n")
    contract = folder / f"contracts/{promised_by:03}_x/contract.toml"
    contract.parent.mkdir(parents=True)
    contract.write_text(f'migration = "{promised_by:03}_x.sql"{TABLE}')
    return folder


@cases(("chain", "promised_by"), {
    "promised by the file that failed": ([OTHER, ELSEWHERE, OTHER.replace("other", "more")], 2),
    "made by a file that failed": ([ELSEWHERE, OTHER], 2),
})  # fmt: skip
def test_what_is_absent_because_a_file_failed_is_not_broken(chain: list[str], promised_by: int, tmp_path: Path) -> None:
    run = verify(
        load_project(write_project(tmp_path, chain, promised_by)),
        RunOptions(skip=("object.commented", "object.declared")),
    )

    assert [] == [finding.summary for finding in run.findings if finding.status is Status.BROKEN]


def test_what_is_absent_because_an_applied_file_failed_is_not_decided(tmp_path: Path) -> None:
    chain = ["CREATE TABLE p(id bigint PRIMARY KEY)", "DROP TABLE p", "CREATE TABLE p(id intt)", OTHER]
    project = load_project(write_project(tmp_path, chain, 1), options=FolderOptions(applied="003"))

    assert Decision.INCOMPLETE is verify(project, RunOptions(skip=("object.*",))).verdict.decision


def test_what_is_absent_though_nothing_failed_is_broken(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path, [OTHER, OTHER.replace("other", "more")], 1))
    run = verify(project, RunOptions(only=("table.present",)))

    assert {Status.BROKEN} == {finding.status for finding in run.findings}


@pytest.mark.parametrize(
    "options",
    [RunOptions(skip=("script.applies",)), RunOptions(only=("script.rerun",)), RunOptions(only=("foreign_key.*",))],
    ids=["without script.applies", "another check of the script", "a check of the head"],
)
def test_a_selection_does_not_hide_that_the_script_was_refused(options: RunOptions, tmp_path: Path) -> None:
    (tmp_path / "001_x.sql").write_text("CREATE TABLE t(id bigint PRIMARY KEY, x intt);")

    run = verify(load_project(tmp_path), options)

    assert (Decision.INCOMPLETE, True) == (run.verdict.decision, 'type "intt" does not exist' in render(run))
