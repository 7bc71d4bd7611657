"""Reports are found by name, written whole or not at all, and shown where somebody looks."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from pgcontract import reporting
from pgcontract.errors import InputError
from pgcontract.model.schema import Origin
from pgcontract.reporting.charts import charts
from pgcontract.reporting.json import from_json
from pgcontract.reporting.run_view import RunView
from pgcontract.reporting.text import render_page
from pgcontract.result import Evidence, MigrationName, Run, Status
from runs import RUNS, base, kept


def printed(run: Run, *, terminal: bool = False) -> str:
    return render_page(run, width=80, color=terminal, verbose=True)


def with_another_picture(run: Run) -> Run:
    query = run.measurements.queries[0]
    queries = (*run.measurements.queries, replace(query, name="dropped"))
    return replace(run, measurements=replace(run.measurements, queries=queries))


def test_formats_are_the_modules_that_name_one() -> None:
    assert {"github", "html", "json", "markdown", "text"} <= set(reporting.formats())


def test_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=f"'pdf'.*{', '.join(sorted(reporting.formats()))}"):
        reporting.render(base(), "pdf")


def test_reports_stand_in_a_folder_named_after_the_migration(tmp_path: Path) -> None:
    written = reporting.write_reports(base(), tmp_path / "new" / "reports")
    folder = tmp_path / "new/reports/020_sessions"

    assert (
        {folder / "deployment.md", folder / "deployment.html", folder / "run.json"},
        reporting.render(base(), "markdown"),
        reporting.render(base(), "html"),
        base(),
        {*written, folder / ".pgcontract.json"},
    ) == (
        set(written),
        (folder / "deployment.md").read_text(encoding="utf-8"),
        (folder / "deployment.html").read_text(encoding="utf-8"),
        from_json((folder / "run.json").read_text()),
        set(folder.iterdir()),
    )


def test_pictures_stand_in_a_folder_beside_the_page_and_those_of_an_earlier_run_are_gone(tmp_path: Path) -> None:
    run = RUNS["measured"]
    *_, folder = reporting.write_reports(with_another_picture(run), tmp_path)
    reporting.write_reports(run, tmp_path)

    assert {f"{chart.name}.svg": chart.svg for chart in charts(run)} == {
        path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()
    }


def test_run_that_measured_nothing_leaves_no_folder_of_pictures(tmp_path: Path) -> None:
    *_, folder = reporting.write_reports(RUNS["measured"], tmp_path)
    reporting.write_reports(base(), tmp_path)

    assert not folder.exists()


@pytest.mark.parametrize("name", ["charts/own.svg", "charts/own.png", "own.svg", "deployment.pdf", "charts/deep/own.svg"])
def test_file_that_no_run_wrote_stays(name: str, tmp_path: Path) -> None:
    *_, charts_folder = reporting.write_reports(RUNS["measured"], tmp_path)
    own = charts_folder.parent / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("mine")
    reporting.write_reports(RUNS["measured"], tmp_path)
    reporting.write_reports(base(), tmp_path)

    assert "mine" == own.read_text()


def test_picture_that_somebody_has_drawn_over_stays(tmp_path: Path) -> None:
    *_, folder = reporting.write_reports(RUNS["measured"], tmp_path)
    picture = sorted(folder.iterdir())[0]
    picture.write_text("mine")
    reporting.write_reports(base(), tmp_path)

    assert [(picture, "mine")] == [(path, path.read_text()) for path in folder.iterdir()]


@pytest.mark.parametrize(
    "listed",
    ["../own.svg", "{room}/own.svg", "charts/../../own.svg", "a/../../own.svg", "charts/link.svg", "out/own.svg"],
)
def test_manifest_that_names_what_is_not_the_reports_removes_nothing(listed: str, tmp_path: Path) -> None:
    own = tmp_path / "own.svg"
    own.write_text("mine")
    folder = tmp_path / "020_sessions"
    (folder / "charts").mkdir(parents=True)
    (folder / "charts/link.svg").symlink_to(own)
    (folder / "out").symlink_to(tmp_path)
    files = {listed.format(room=tmp_path): sha256(b"mine").hexdigest()}
    (folder / ".pgcontract.json").write_text(json.dumps({"format": 1, "files": files}))
    reporting.write_reports(base(), tmp_path)

    assert ("mine", True) == (own.read_text(), (folder / "charts/link.svg").is_symlink())


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"files": 1}', '{"files": {"a": 1}}', "\x00"])
def test_manifest_that_is_none_is_no_obstacle(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "020_sessions").mkdir()
    (tmp_path / "020_sessions/.pgcontract.json").write_text(manifest)

    assert [path.name for path in reporting.write_reports(base(), tmp_path)] == [
        "deployment.html",
        "deployment.md",
        "run.json",
    ]


@pytest.mark.parametrize("name", [".pgcontract.json", "old.svg", ".old.svg.new"])
def test_pipe_in_the_folder_is_not_waited_for(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "020_sessions"
    folder.mkdir()
    files = {"old.svg": sha256(b"").hexdigest(), ".old.svg.new": None}
    (folder / ".pgcontract.json").write_text(json.dumps({"format": 1, "files": files}))
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    reporting.write_reports(base(), tmp_path)

    assert (name != ".pgcontract.json") is (folder / name).is_fifo()


def test_manifest_that_says_of_an_own_file_that_it_was_being_written_removes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "020_sessions"
    folder.mkdir()
    (folder / "own.svg").write_text("mine")
    (folder / ".pgcontract.json").write_text(json.dumps({"format": 1, "files": {"own.svg": None}}))
    reporting.write_reports(base(), tmp_path)

    assert "mine" == (folder / "own.svg").read_text()


@pytest.mark.parametrize("link", ["020_sessions", "020_sessions/charts"])
def test_folder_that_is_a_link_is_refused_and_nothing_is_written_behind_it(link: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own.svg").write_text("mine")
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(elsewhere)
    with pytest.raises(InputError, match="symbolic link"):
        reporting.write_reports(RUNS["measured"], tmp_path)

    assert [elsewhere / "own.svg"] == list(elsewhere.iterdir())


@pytest.mark.parametrize("name", ["deployment.md", "run.json", ".pgcontract.json", ".deployment.md.new"])
def test_page_takes_the_place_of_a_link_and_leaves_what_it_led_to(name: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("mine")
    (tmp_path / "020_sessions").mkdir()
    (tmp_path / "020_sessions" / name).symlink_to(own)
    with suppress(InputError):  # where the link has the name of a file that is being written
        reporting.write_reports(base(), tmp_path)

    assert "mine" == own.read_text()


def test_many_runs_at_once_leave_one_whole_report(tmp_path: Path) -> None:
    runs = [replace(RUNS["measured"], started=f"2026-01-{day:02d}T00:00:00+00:00") for day in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(reporting.write_reports, directory=tmp_path), runs * 3))
    folder = tmp_path / runs[0].migration
    left = from_json((folder / "run.json").read_text())

    assert {
        path.name: reporting.render(left, form)
        for form, path in (("markdown", folder / "deployment.md"), ("html", folder / "deployment.html"))
    } | {".pgcontract.json": None, "run.json": reporting.render(left, "json"), "charts": None} == {
        path.name: None if path.name in (".pgcontract.json", "charts") else path.read_text(encoding="utf-8")
        for path in folder.iterdir()
    }


def test_second_report_takes_the_place_of_the_first(tmp_path: Path) -> None:
    reporting.write_reports(RUNS["blocked"], tmp_path)
    _, page, *_ = reporting.write_reports(RUNS["caution"], tmp_path)

    assert page.read_text(encoding="utf-8") == reporting.render(RUNS["caution"], "markdown")


def test_folder_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")

    with pytest.raises(InputError, match=r"cannot be written to .*--report"):
        reporting.write_reports(base(), tmp_path / "reports")


@pytest.mark.parametrize("name", ["", "..", "../x", "/etc/x"])
def test_migration_whose_name_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be the name"):
        reporting.write_reports(base(migration=name), tmp_path)


@pytest.mark.parametrize("name", RUNS)
def test_terminal_page_has_no_control_character_and_no_line_over_eighty(name: str) -> None:
    lines = reporting.render(RUNS[name], "text").split("\n")

    assert [line for line in lines if len(line) > 80 or not (line.isprintable())] == []


def test_colour_is_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    piped, coloured = printed(base()), printed(base(), terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")

    assert ("\x1b" in piped, "\x1b[" in coloured, "\x1b[3" in printed(base(), terminal=True)) == (False, True, False)


def test_kept_findings_are_not_named() -> None:
    assert "rollback.repeatable[script]" not in printed(base())


@pytest.mark.parametrize("name", RUNS)
def test_workflow_commands_are_one_line_each(name: str) -> None:
    run = RUNS[name]
    commands = [line for line in reporting.render(run, "github").split("\n") if line.startswith("::")]
    loud = [finding for finding in run.findings if finding.status not in (Status.KEPT, Status.NOTED)]

    assert len(loud) == len(commands)


def test_first_screen_holds_forty_lines_however_much_is_wrong() -> None:
    findings = tuple(replace(kept(f"column.type{n}", "public.t.c"), status=Status.BROKEN) for n in range(90))
    lines = render_page(base(findings=findings), width=80).splitlines()

    assert (40, True) == (len(lines), any("more rules and causes: --verbose shows them" in line for line in lines))


def test_findings_of_one_rule_are_one_line_where_there_is_no_room() -> None:
    many = tuple(replace(kept("index.used", f"public.i{n}"), status=Status.BROKEN) for n in range(70))
    others = tuple(replace(kept(f"column.type{n}", "public.t.c"), status=Status.BROKEN) for n in range(20))
    page = render_page(base(findings=(*others, *many)), width=80)

    assert ["index.used[public.i0]"] == re.findall(r"index\.used\[[^]]*\]", page)


def test_place_and_table_are_not_wrapped() -> None:
    path = f"migrations/{'long' * 30}.sql"
    evidence = Evidence(title="Rows", columns=("a", "b"), rows=(("x" * 70, "y" * 70),))
    finding = replace(kept("column.type", "c"), status=Status.BROKEN, origin=Origin(file=path), evidence=(evidence,))
    page = render_page(base(findings=(finding,)), width=80)

    assert (True, True) == (path in page, f"{'x' * 70}  {'y' * 70}" in page)


def test_finding_of_an_earlier_migration_is_led_by_its_display_name() -> None:
    early = kept("column.type", "public.t.c", migration="019_t")
    later = kept("email.format", "public.t.c", migration="019_t", at="020_sessions")
    chain = (MigrationName(key="019_t", display_name="019"), MigrationName(key="020_sessions", display_name="020"))
    read = RunView(base(findings=(early, later), chain=chain))

    assert [read.name(finding) for finding in (early, later)] == [
        "019:column.type[public.t.c]",
        "019:email.format[public.t.c] at 020",
    ]
