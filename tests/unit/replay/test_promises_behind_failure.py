"""What was promised and cannot be asked behind a failure is told once, under the failure."""

from __future__ import annotations

import pytest
from pgcontract import Decision, Run, RunOptions, Status, load_project, verify
from pgcontract.reporting.text import render_page
from written_files import write_files

TABLE = """
[table."public.{name}"]
columns.id = {{ type = "integer" }}
columns.note = {{ type = "text" }}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A chain of two contracts, of which the first script does not apply."""
    root = tmp_path_factory.mktemp("chain")
    files = {"migrations/001_a.sql": "CREATE TABEL a (id integer, note text);"}
    files["migrations/002_b.sql"] = "CREATE TABLE b (id integer, note text); ALTER TABLE a ADD COLUMN more text;"
    for stem, name in (("001_a", "a"), ("002_b", "b")):
        files[f"contracts/{stem}/contract.toml"] = f'migration = "{stem}.sql"\n{TABLE.format(name=name)}'
    write_files(root, files)
    return verify(load_project(root), RunOptions())


def test_every_promise_that_cannot_be_asked_follows_from_the_cause(run: Run) -> None:
    unasked = [finding for finding in run.findings if finding.status is Status.UNKNOWN]

    assert ({"001_a"}, True) == ({finding.follows for finding in unasked}, len(unasked) > 10)


def test_one_failure_is_the_only_reason(run: Run) -> None:
    assert (Decision.BLOCKED, 1) == (run.verdict.decision, len(run.verdict.reasons))


def test_first_screen_names_the_failure_alone(run: Run) -> None:
    marked = [line for line in render_page(run, width=120).splitlines() if line[:2] in ("✗ ", "? ", "! ")]

    assert ["✗ BROKEN (error) 001:script.applies[script]"] == marked
