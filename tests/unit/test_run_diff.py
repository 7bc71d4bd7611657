"""What changes from one run to another, and whether a report is still true."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from measured import MEASUREMENTS
from pgcontract import load_project
from pgcontract.cli import run as command
from pgcontract.reporting import write_reports
from pgcontract.reporting.diff_markdown import render_diff
from pgcontract.reporting.json import read_json, to_json
from pgcontract.reporting.run_diff import Change, compare_runs
from pgcontract.result import Measurements, Outcome, Run
from pgcontract.runner.source_files import source_files
from runs import RUNS, base, broken, kept, noted, queries

ROOT = Path(__file__).parents[2]

VERSION = version("pgcontract")
BEFORE = base(findings=(kept("column.type", "a"), broken("column.type", "b", "B differs."), *queries()))
AFTER = replace(
    BEFORE,
    findings=(
        broken("column.type", "a", "A differs."),
        kept("column.type", "b"),
        noted("script.psql", "script", "It waits for a lock."),
        *queries(),
    ),
    claims=tuple(replace(claim, outcome=Outcome.REFUTED) if claim.id == "T1" else claim for claim in BEFORE.claims),
    declared=replace(BEFORE.declared, indexes=BEFORE.declared.indexes[:1]) if BEFORE.declared else None,
)


def test_same_run_has_no_difference() -> None:
    diff = compare_runs(AFTER, AFTER)

    assert (1, [""]) == (diff.same, [*{str(part) for part in vars(diff).values() if part and part != 1}, ""])


def test_difference_names_what_is_new_what_is_gone_and_what_became_of_claims_and_shape() -> None:
    diff = compare_runs(BEFORE, AFTER)

    assert (["A differs."], [("B differs.", "kept")], ["It waits for a lock."], 0) == (
        [finding.summary for finding in diff.new],
        [(then.summary, now.status.value if now else "") for then, now in diff.gone],
        [finding.summary for finding in diff.reported],
        diff.same,
    )
    assert ((Change(name="T1", before="upheld", after="refuted"),), ["index public.idx_sessions_open"]) == (
        diff.claims,
        [change.name for change in diff.shape],
    )


def test_finding_that_nobody_asks_for_any_more_is_not_called_mended() -> None:
    page = render_diff(BEFORE, replace(BEFORE, findings=queries()))

    assert "- `column.type[b]`: B differs, not asked any more\n" in page


def test_finding_that_a_refused_script_leaves_unasked_is_not_called_mended() -> None:
    unasked = noted("column.type", "b", "The server refused the script.", follows=BEFORE.migration)
    page = render_diff(BEFORE, replace(BEFORE, findings=(unasked,)))

    assert "- `column.type[b]`: B differs, not asked any more\n" in page
    assert " 1 check cannot be asked any more." in page


def test_pages_that_a_query_touches_are_compared_at_the_same_size() -> None:
    before = RUNS["measured"]
    query = MEASUREMENTS.queries[0]
    sizes = tuple(replace(size, buffers_median=(size.buffers_median or 0) * 10) for size in query.sizes)
    after = replace(before, measurements=Measurements(queries=(replace(query, sizes=sizes),)))

    assert [Change(name="pages of the query 020:by_email at 100,000 rows", before="4", after="40")] == list(
        compare_runs(before, after).cost
    )


def test_comment_has_the_change_behind_the_first_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, run in (("a", BEFORE), ("b", AFTER)):
        (tmp_path / name).write_text(to_json(run), encoding="utf-8")
    command(["report", "--first-screen", str(tmp_path / "b"), "--since", str(tmp_path / "a")])
    screen, _, change = capsys.readouterr().out.partition("\n## What changes\n")

    assert (True, True) == (screen.startswith("# Assessment sessions"), "1 finding is new, 1 gone, 0 as before" in change)


def test_digest_tells_a_file_that_was_changed() -> None:
    written = to_json(BEFORE)
    changed = written.replace("B differs.", "B is fine.")

    assert (False, True, True) == (
        read_json(written).edited,
        read_json(changed).edited,
        read_json(json.dumps({**json.loads(written), "digest": "0"})).edited,
    )


@pytest.fixture
def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped chain in the working folder, with the report of a Run of it."""
    shutil.copytree(ROOT / "schema", tmp_path / "schema")
    monkeypatch.chdir(tmp_path)
    project = load_project("schema")
    run: Run = replace(base(), migration=project.head.key, sources=source_files(project), pgcontract=VERSION)
    write_reports(run, tmp_path / "reports")
    return Path("reports") / run.migration


@pytest.mark.parametrize("name", ["run.json", "deployment.md", "deployment.html"])
def test_report_of_what_is_here_is_true(name: str, reported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (0, f"{reported / name} is true of schema: 9 files, pgcontract {VERSION}.\n") == (
        command(["report", "--check", str(reported / name)]),
        capsys.readouterr().out,
    )


MOVED = "schema/migrations/021_assessment_sessions_keep_promises.sql"
CLAIMS = "schema/contracts/020_assessment_sessions_table/claims.toml"
STALE = {
    "a migration": (lambda folder: _append(Path(MOVED)), f"{MOVED} (migration) has changed"),
    "a claim": (lambda folder: _append(Path(CLAIMS), "#"), f"{CLAIMS} (claims) has changed"),
    "a new one": (
        lambda folder: Path("schema/migrations/022_more.sql").write_text("CREATE TABLE t (id int);"),
        "schema/migrations/022_more.sql (migration) is new",
    ),
    "the tool": (lambda folder: _made_by(folder / "run.json", "9.9"), "it was made by pgcontract 9.9, and this is"),
    "the page": (lambda folder: _append(folder / "deployment.md"), "deployment.md is not what run.json beside it gives"),
    "the run": (lambda folder: _edit(folder / "run.json"), "run.json was changed after it was written"),
}


@pytest.mark.parametrize("what", STALE)
def test_report_of_something_else_is_stale(what: str, reported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, sentence = STALE[what]
    change(reported)
    code = command(["report", "--check", str(reported / "deployment.md")])
    said = capsys.readouterr().out.splitlines()

    assert (1, True, 3) == (code, sentence in said[1], len(said))


def _append(file: Path, text: str = " ") -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"{text}\n")


def _made_by(file: Path, pgcontract: str) -> None:
    file.write_text(to_json(replace(read_json(file.read_text("utf-8")).run, pgcontract=pgcontract)), encoding="utf-8")


def _edit(file: Path) -> None:
    file.write_text(file.read_text("utf-8").replace("It applies without an error", "It applies"), encoding="utf-8")
