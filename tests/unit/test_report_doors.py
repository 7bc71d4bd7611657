"""Reports are found by name, written whole or not at all, and shown where somebody looks."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

import pytest
from pgcontract import reporting
from pgcontract.errors import InputError
from pgcontract.reporting.charts import charts
from pgcontract.reporting.json import from_json
from pgcontract.reporting.run_view import RunView
from pgcontract.reporting.text import show, write
from pgcontract.result import MigrationName, Run, Status
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from runs import RUNS, base, kept


def printed(run: Run, *, terminal: bool = False) -> str:
    page = StringIO()
    show(run, Console(file=page, width=80, force_terminal=terminal))
    return page.getvalue()


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
        set(written),
    ) == (
        set(written),
        (folder / "deployment.md").read_text(encoding="utf-8"),
        (folder / "deployment.html").read_text(encoding="utf-8"),
        from_json((folder / "run.json").read_text()),
        set(folder.iterdir()),
    )


def test_pictures_stand_in_a_folder_beside_the_page_and_those_of_an_earlier_run_are_gone(tmp_path: Path) -> None:
    run = RUNS["measured"]
    *_, folder = reporting.write_reports(run, tmp_path)
    (folder / "cost-dropped.svg").write_text("<svg/>")
    reporting.write_reports(run, tmp_path)

    assert {f"{chart.name}.svg": chart.svg for chart in charts(run)} == {
        path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()
    }


def test_run_that_measured_nothing_leaves_no_folder_of_pictures(tmp_path: Path) -> None:
    *_, folder = reporting.write_reports(RUNS["measured"], tmp_path)
    reporting.write_reports(base(), tmp_path)

    assert not folder.exists()


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


def test_page_written_to_a_file_is_the_rendered_one() -> None:
    page = StringIO()
    write(RUNS["blocked"], page)

    assert page.getvalue().split() == reporting.render(RUNS["blocked"], "text").split()


def test_finding_of_an_earlier_migration_is_led_by_its_display_name() -> None:
    early = kept("column.type", "public.t.c", migration="019_t")
    later = kept("email.format", "public.t.c", migration="019_t", at="020_sessions")
    chain = (MigrationName(key="019_t", display_name="019"), MigrationName(key="020_sessions", display_name="020"))
    read = RunView(base(findings=(early, later), chain=chain))

    assert [read.name(finding) for finding in (early, later)] == [
        "019:column.type[public.t.c]",
        "019:email.format[public.t.c] at 020",
    ]
